"""Tables for tests, from a few lines of text."""

from pathlib import Path

from reeltune.tabular.columns import DataTable
from reeltune.tabular.reading import ReadOptions, read_table


def written(directory: Path, text: str, name: str = "table.csv", encoding: str = "utf-8") -> Path:
    path = directory / name
    path.write_bytes(text.encode(encoding))
    return path


def read(directory: Path, text: str, **options: object) -> DataTable:
    return read_table(written(directory, text), ReadOptions(**options))  # type: ignore[arg-type]


def kinds(table: DataTable) -> dict[str, str]:
    return {name: column.kind.value for name, column in table.columns.items()}
