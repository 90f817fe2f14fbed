"""Tables of two models side by side, one for each split."""

from collections.abc import Sequence

import numpy as np
from rich.console import Console

from reeltune.cli.tables import Table, plain_table, print_table
from reeltune.gate.comparisons import EVERYONE, MetricComparison
from reeltune.metrics.ranking_metrics import METRICS
from reeltune.reports.cells import NONE, gain_cell, outside_text, value_cell
from reeltune.stats.multiple_testing import holm

_MAX_HEADING = 20  # characters


def render_contrasts(
    console: Console, part: str, names: tuple[str, str], contrasts: Sequence[MetricComparison]
) -> None:
    """Print every figure of the two: gain, 95 % interval, and p adjusted by Holm's procedure.

    Args:
        console: where to.
        part: set on which they were measured, as in "validation".
        names: of the one that is compared with, and of the one that is compared.
        contrasts: of any number of splits.
    """
    if max(map(len, names)) > _MAX_HEADING:
        before, after = (outside_text(console, name) for name in names)
        console.print(f"A is {before}, B is {after}\n")
        names = ("A", "B")
    for split in dict.fromkeys(contrast.split for contrast in contrasts):
        chosen = [contrast for contrast in contrasts if contrast.split == split]
        title = f"On the {part} set, split {split}"
        print_table(console, title, _table(console, names, chosen))
    console.print("[dim]p: two-sided p-value, adjusted for the number of lines (Holm)[/]")


def adjusted_p_values(contrasts: Sequence[MetricComparison]) -> list[float | None]:
    """Return the p-value of each line, adjusted for the number of lines; None where it has none."""
    places = [n for n, contrast in enumerate(contrasts) if contrast.compared is not None]
    given = [c.compared.p_value for c in contrasts if c.compared is not None]
    found: list[float | None] = [None] * len(contrasts)
    for place, p_value in zip(places, holm(np.array(given)), strict=True):
        found[place] = float(p_value)
    return found


def _table(
    console: Console, names: tuple[str, str], contrasts: Sequence[MetricComparison]
) -> Table:
    before, after = (outside_text(console, name) for name in names)
    segments = ["for"] if any(each.segment != EVERYONE for each in contrasts) else []
    headings = [f">{before}", f">{after}", ">gain", ">95 % interval", ">p", ">users"]
    table = plain_table("metric", *segments, *headings, drop=("users",))
    for contrast, p_value in zip(contrasts, adjusted_p_values(contrasts), strict=True):
        found = contrast.compared
        interval = NONE if found is None else f"{found.low:+.4f} to {found.high:+.4f}"
        table.add_row(
            METRICS[contrast.metric].title + METRICS[contrast.metric].direction.note,
            *([_segment(console, contrast)] if segments else []),
            _value(contrast.deployed),
            _value(contrast.candidate),
            gain_cell(None if np.isnan(contrast.difference) else contrast.difference),
            NONE if found is None or np.isnan(found.low) else interval,
            NONE if p_value is None else f"{p_value:.2g}",
            NONE if found is None else f"{found.n_users:,}",
        )
    return table


def _segment(console: Console, contrast: MetricComparison) -> str:
    return "" if contrast.segment == EVERYONE else outside_text(console, contrast.segment)


def _value(value: float) -> str:
    return value_cell(None if np.isnan(value) else value)
