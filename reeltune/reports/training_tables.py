"""Tables of trainings: the epochs by which a version's model was fitted."""

import math
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from reeltune.cli.tables import plain_table, print_table
from reeltune.reports.cells import NONE, outside_text, seconds_cell
from reeltune.training.recording import RecordedEpoch

MAX_SHOWN = 12  # epochs of one training; more are thinned out


def epochs_json(recorded: Sequence[RecordedEpoch]) -> list[dict[str, Any]]:
    """Return the epochs for `--json`, without NaN."""
    return [
        {"training": each.training, "name": each.name}
        | {n: None if _is_nan(v) else v for n, v in each.epoch.as_dict().items()}
        for each in recorded
    ]


def print_epochs(console: Console, recorded: Sequence[RecordedEpoch]) -> None:
    """Print a table for each training of a fit; nothing where there was none."""
    for number in sorted({each.training for each in recorded}):
        _print_training(console, [each for each in recorded if each.training == number])


def _print_training(console: Console, recorded: Sequence[RecordedEpoch]) -> None:
    numbers = (">epoch", ">loss", ">validation", ">rate", ">penalty", ">gradient")
    table = plain_table(
        *numbers, ">seconds", ">memory", "rules", drop=("memory", "seconds", "penalty")
    )
    for each in (recorded[k].epoch for k in _shown(recorded)):
        mark = "*" if each.is_best else ""
        table.add_row(
            f"{each.number}{mark}",
            _figure(each.loss),
            _figure(each.validation),
            f"{each.learning_rate:.3g}",
            f"{each.l2:.3g}",
            _figure(each.gradient_norm),
            seconds_cell(each.seconds),
            f"{each.memory_bytes / 2**20:,.0f} MiB",
            outside_text(console, "; ".join(each.actions)) if each.actions else NONE,
        )
    title = f"Training of {recorded[0].name}, {len(recorded)} epochs (* the best so far)"
    print_table(console, title, table)


def _shown(recorded: Sequence[RecordedEpoch]) -> list[int]:
    """Return places of epochs to show: those with an action, the best, and some between."""
    step = max(1, len(recorded) // MAX_SHOWN)
    best = max((k for k, each in enumerate(recorded) if each.epoch.is_best), default=0)
    wanted = {0, best, len(recorded) - 1, *range(0, len(recorded), step)}
    return sorted(wanted | {k for k, each in enumerate(recorded) if each.epoch.actions})


def _figure(value: float) -> str:
    return NONE if math.isnan(value) else f"{value:.4g}"


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
