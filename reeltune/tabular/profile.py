"""Profile of a table: its columns with what was inferred of them, its target, and its Data DNA."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from reeltune.tabular.analyzer import DatasetAnalyzer
from reeltune.tabular.columns import ColumnKind, DataColumn
from reeltune.tabular.dna import DataDna, data_dna, relation
from reeltune.tabular.moments import outlier_share
from reeltune.tabular.roles import group_column, role_of, time_column
from reeltune.tabular.target import Target
from reeltune.views.json_ready import json_ready

_MAX_TEXT = 40  # characters of a value that is shown


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """Profile of one column."""

    name: str
    kind: str
    role: str  # `feature`, or why it is left out
    missing_share: float
    n_distinct: int
    range: str  # smallest and largest, or the most frequent
    outlier_share: float
    relation: float  # to the target, 0 to 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TableProfile:
    """Profile of a table, as it is shown."""

    name: str
    notes: tuple[str, ...]
    target: str
    target_kind: str  # binary, multiclass or regression
    classes: dict[str, int]  # rows of each, the most frequent first; empty for numbers
    time_column: str | None
    group_column: str | None
    columns: tuple[ColumnProfile, ...]
    dna: DataDna

    def as_dict(self) -> dict[str, Any]:
        """Return the profile as JSON has it."""
        return json_ready(self)


def profile_of(analyzer: DatasetAnalyzer) -> TableProfile:
    """Return the profile of the analyzer's table.

    Raises:
        InputError: it cannot be read, or there is nothing to predict.
    """
    table, target = analyzer.split()
    return TableProfile(
        name=table.name,
        notes=table.notes,
        target=target.name,
        target_kind=target.kind,
        classes=_class_counts(target),
        time_column=time_column(table),
        group_column=group_column(table),
        columns=tuple(_column_profile(each, target) for each in table.columns.values()),
        dna=data_dna(table, target),
    )


def _class_counts(target: Target) -> dict[str, int]:
    counts = Counter(target.values.tolist()) if target.classes else Counter()
    return {target.classes[int(code)]: n for code, n in counts.most_common()}


def _column_profile(column: DataColumn, target: Target) -> ColumnProfile:
    is_number = column.kind is ColumnKind.NUMBER
    return ColumnProfile(
        name=column.name,
        kind=column.kind.value,
        role=role_of(column).reason or "feature",
        missing_share=float(column.is_missing.mean()),
        n_distinct=column.n_distinct,
        range=_range(column),
        outlier_share=outlier_share(column.values) if is_number else 0.0,
        relation=relation(column, target),
    )


def _range(column: DataColumn) -> str:
    """Return the ends of numbers and dates; of other values the most frequent one."""
    present = column.values[~column.is_missing]
    if not len(present):
        return ""
    if column.codes is not None:
        return column.levels[int(np.bincount(column.codes[column.codes >= 0]).argmax())][:_MAX_TEXT]
    low, high = float(present.min()), float(present.max())
    if column.kind is ColumnKind.DATE:
        days = [str(np.datetime64(int(end), "s"))[:10] for end in (low, high)]
        return f"{days[0]} to {days[1]}"
    return f"{low:.6g} to {high:.6g}"
