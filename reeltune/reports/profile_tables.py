"""Tables of what a table of data is like."""

from rich.console import Console

from reeltune.cli.tables import plain_table, print_table
from reeltune.reports.cells import NONE, outside_text
from reeltune.tabular.profile import ColumnProfile, TableProfile

_MAX_CLASSES = 12


def print_profile(console: Console, profile: TableProfile) -> None:
    """Print the columns of a table, its target, and its nineteen figures."""
    table = plain_table(
        *("!column", "kind", "role", ">missing", ">distinct", "values"),
        *(">outliers", ">relation"),
        drop=("outliers", "values", "distinct", "role"),
    )
    for each in profile.columns:
        table.add_row(*_cells(console, each))
    print_table(console, f"Columns of {profile.name}", table)
    _print_figures(console, profile)
    for line in _remarks(profile):
        console.print(outside_text(console, line), soft_wrap=True)


def _cells(console: Console, column: ColumnProfile) -> list[str]:
    return [
        outside_text(console, column.name),
        column.kind,
        column.role,
        _share(column.missing_share),
        f"{column.n_distinct:,}",
        outside_text(console, column.range),
        _share(column.outlier_share),
        f"{column.relation:.2f}",
    ]


def _share(value: float) -> str:
    return f"{100 * value:.1f} %" if value else NONE


def _print_figures(console: Console, profile: TableProfile) -> None:
    table = plain_table("figure", ">value")
    for name, value in profile.dna.as_dict().items():
        shown = f"{value:.6g}" if isinstance(value, float) else f"{value}"
        table.add_row(name, shown)
    print_table(console, "Data DNA", table)


def _remarks(profile: TableProfile) -> list[str]:
    classes = list(profile.classes.items())[:_MAX_CLASSES]
    counts = ", ".join(f"{name} {n:,}" for name, n in classes)
    more = f" and {len(profile.classes) - len(classes)} more" if len(profile.classes) > 12 else ""
    found = [
        f"target: {profile.target}, {profile.target_kind}{': ' if counts else ''}{counts}{more}"
    ]
    if profile.time_column:
        found.append(f"rows come in the order of {profile.time_column}: folds go by time")
    if profile.group_column:
        found.append(f"rows belong together by {profile.group_column}: folds keep groups whole")
    return found + [f"note: {note}" for note in profile.notes]
