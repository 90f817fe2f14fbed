"""Tables of what a tuning of a table found."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from reeltune.cli.tables import plain_table, print_table
from reeltune.reports.cells import NONE, outside_text
from reeltune.tabular.columns import DataTable
from reeltune.tabular.roles import column_roles
from reeltune.tabular.target import Target


def print_task(console: Console, table: DataTable, target: Target, how: str) -> None:
    """Print what was recognised of a table before it is tuned: target, columns, folds."""
    roles = column_roles(table)
    counts: dict[str, int] = {}
    for name, column in table.columns.items():
        kind = column.kind.value if roles[name].is_used else f"left out ({roles[name].reason})"
        counts[kind] = counts.get(kind, 0) + 1
    columns = ", ".join(f"{n} {kind}" for kind, n in counts.items())
    lines = (
        f"{table.name}: {table.n_rows:,} rows; columns: {columns}",
        f"target: {target.name}, {target.kind}",
        f"held out: {how}",
        *(f"note: {note}" for note in table.notes),
    )
    for line in lines:
        console.print(outside_text(console, line), soft_wrap=True)


def print_found(console: Console, found: Mapping[str, Any], package: Path, size: int) -> None:
    """Print the blend, the figures of the test part, and the verdict."""
    blend = found["blend"]
    table = plain_table(">trial", "family", ">weight", ">iterations")
    for each in blend["members"]:
        iterations = f"{each['n_iterations']:,}" if each["n_iterations"] else NONE
        family = each["hyperparameters"]["family"]
        table.add_row(str(each["trial"]), family, f"{each['weight']:.2f}", iterations)
    value = f"{found['objective']} {blend['value']:.6g} on the rows held out"
    print_table(console, f"Blend, {value}", table)
    if found["test"] is not None:
        _print_test(console, found["test"])
    for line in _lines(found, package, size):
        console.print(outside_text(console, line), soft_wrap=True)


def _print_test(console: Console, test: Mapping[str, Any]) -> None:
    table = plain_table("metric", ">blend", ">first trial", ">no features")
    for name, value in test["metrics"].items():
        others = (test["baseline"][name], test["constant"][name])
        table.add_row(name, *(_figure(each) for each in (value, *others)))
    print_table(console, f"Test, once, on {test['n_rows']:,} rows", table)


def _figure(value: float | None) -> str:
    return NONE if value is None else f"{value:.6g}"


def _lines(found: Mapping[str, Any], package: Path, size: int) -> list[str]:
    n_run, n_pruned = found["hpo_trials_run"], found["hpo_trials_pruned"]
    return [
        f"verdict: {found['verdict']}",
        f"{n_run:,} trials, {n_pruned:,} given up on the first fold, "
        f"{found['hpo_duration_seconds']:.1f} s; {found['stop_reason']}",
        f"package: {package}, {size / 2**20:.2f} MiB; predict: reeltune tabular predict "
        f"{package} rows.csv",
    ]
