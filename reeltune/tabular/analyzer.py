"""Analyzer of a data set: reads a table, and says what it is like."""

from pathlib import Path

from reeltune.domain.errors import InputError
from reeltune.tabular.columns import DataTable
from reeltune.tabular.dna import DataDna, data_dna
from reeltune.tabular.reading import ReadOptions, read_table
from reeltune.tabular.target import Target, split_target


class DatasetAnalyzer:
    """Analyzer of one table: `load_data` reads it, `analyze` returns its Data DNA.

    Args:
        source: a file, an archive or a database.
        target: the column that is predicted; None: a usual name of one, else the last.
        prediction: `classification` or `regression`; None: told by the target's values.
        options: how the source is read.
    """

    def __init__(
        self,
        source: Path | str | None = None,
        target: str | None = None,
        *,
        prediction: str | None = None,
        options: ReadOptions | None = None,
    ) -> None:
        self.source, self.target_name, self.prediction = source, target, prediction
        self.options = options or ReadOptions(target=target)
        self.table: DataTable | None = None

    def load_data(self, source: Path | str | None = None, target: str | None = None) -> DataTable:
        """Read the table, all columns of it.

        Raises:
            InputError: it cannot be read, or is no table.
            NotFoundError: nothing is there.
        """
        self.source = source if source is not None else self.source
        self.target_name = target if target is not None else self.target_name
        if self.source is None:
            raise InputError("load_data needs a source: the path of a table")
        self.table = read_table(Path(self.source), self.options)
        return self.table

    def split(self) -> tuple[DataTable, Target]:
        """Return the features of the rows that have a target, and the target.

        Raises:
            InputError: there is no such column, or nothing in it that can be predicted.
        """
        table = self.table if self.table is not None else self.load_data()
        return split_target(table, self.target_name, self.prediction)

    def analyze(self) -> DataDna:
        """Return the nineteen figures of the table; it is read if it was not.

        Raises:
            InputError: it cannot be read, or there is nothing to predict.
        """
        return data_dna(*self.split())
