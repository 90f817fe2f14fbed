"""Roles of columns: what a model learns from, what it does not, and what ties rows together."""

from dataclasses import dataclass

import numpy as np

from reeltune.tabular.columns import ColumnKind, DataColumn, DataTable

MIN_GROUPS = 10
MAX_GROUPS_SHARE = 0.8  # groups for each row: with more, hardly any has two rows
MIN_DATED = 0.95  # share of rows that have a date, where their order is that of the rows


@dataclass(frozen=True, slots=True)
class ColumnRole:
    """Role of a column: used, or left out and why."""

    name: str
    reason: str = ""  # empty: a model learns from it

    @property
    def is_used(self) -> bool:
        """True where a model learns from the column."""
        return not self.reason


def role_of(column: DataColumn) -> ColumnRole:
    """Return what a column is for."""
    n_distinct = column.n_distinct
    if n_distinct == 0:
        return ColumnRole(column.name, "empty")
    if n_distinct == 1 and not column.is_missing.any():
        return ColumnRole(column.name, "constant")
    if column.kind is ColumnKind.ID:
        return ColumnRole(column.name, "group of rows" if has_groups(column) else "name of a row")
    return ColumnRole(column.name)


def column_roles(table: DataTable) -> dict[str, ColumnRole]:
    """Return the role of each column by name."""
    return {name: role_of(column) for name, column in table.columns.items()}


def has_groups(column: DataColumn) -> bool:
    """Return whether an id ties rows together: many groups, of more than one row each."""
    n_present = int((~column.is_missing).sum())
    return MIN_GROUPS <= column.n_distinct <= MAX_GROUPS_SHARE * n_present


def group_column(table: DataTable) -> str | None:
    """Return the id by which rows belong together: of several the one with the fewest groups."""
    found = [each for each in table.of_kind(ColumnKind.ID) if has_groups(each)]
    return min(found, key=lambda each: each.n_distinct).name if found else None


def time_column(table: DataTable) -> str | None:
    """Return the date in whose order the rows come, if they come in the order of one."""
    for column in table.of_kind(ColumnKind.DATE):
        known = column.values[~column.is_missing]
        if len(known) < MIN_DATED * table.n_rows or column.n_distinct < 3:
            continue
        steps = np.diff(known)
        if (steps >= 0).all() or (steps <= 0).all():
            return column.name
    return None
