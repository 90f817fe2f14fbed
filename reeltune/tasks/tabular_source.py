"""Names of tabular tasks: which table, which target, and how it is read, as one text."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from reeltune.domain.errors import InputError
from reeltune.tabular.columns import DataTable
from reeltune.tabular.reading import ReadOptions, read_table
from reeltune.tabular.target import Prediction, Target, split_target

_READ = ("table", "select", "separator", "encoding", "decimal")


@dataclass(frozen=True, slots=True, kw_only=True)
class TabularSource:
    """Source of a tabular task, from which it is made again: `name` and `from_name`."""

    path: Path
    target: str
    prediction: Prediction
    read: Mapping[str, str] = field(default_factory=dict)  # options of reading that were given
    header: bool | None = None
    kinds: Mapping[str, str] = field(default_factory=dict)
    has_test: bool = True
    seconds: float | None = None  # within which a fit begins its last iteration

    @property
    def name(self) -> str:
        """Name of what is tuned: the path of the table, and all else that it is made again by."""
        given = [("target", self.target), ("task", self.prediction.value), *self.read.items()]
        if self.header is not None:
            given.append(("header", "yes" if self.header else "no"))
        given += [("kind", f"{column}={kind}") for column, kind in self.kinds.items()]
        given += [] if self.has_test else [("test", "no")]
        given += [] if self.seconds is None else [("seconds", f"{self.seconds:g}")]
        return f"{self.path}?{urlencode(given)}"

    @classmethod
    def from_name(cls, name: str) -> "TabularSource":
        """Return the source of that name.

        Raises:
            InputError: it is none.
        """
        path, mark, rest = name.rpartition("?")
        pairs = parse_qsl(rest)
        given = dict(pairs)
        if not mark or "target" not in given or given.get("task") not in set(Prediction):
            raise InputError(
                f"{name!r} is no table to tune: `reeltune tabular tune FILE` makes one"
            )
        kinds = [value.rpartition("=") for key, value in pairs if key == "kind"]
        return cls(
            path=Path(path),
            target=given["target"],
            prediction=Prediction(given["task"]),
            read={key: given[key] for key in _READ if key in given},
            header=None if "header" not in given else given["header"] == "yes",
            kinds={column: kind for column, _, kind in kinds},
            has_test=given.get("test") != "no",
            seconds=float(given["seconds"]) if "seconds" in given else None,
        )

    @property
    def options(self) -> ReadOptions:
        """Options by which the table is read."""
        given: dict[str, Any] = dict(self.read)
        return ReadOptions(header=self.header, kinds=self.kinds, target=self.target, **given)

    def load(self) -> tuple[DataTable, Target]:
        """Return the features and the target.

        Raises:
            InputError: the table cannot be read, or has no such target.
            NotFoundError: nothing is there.
        """
        return split_target(read_table(self.path, self.options), self.target, self.prediction)
