"""Cells of tables: numbers, moments, text from outside."""

from rich.console import Console
from rich.markup import escape

from reeltune.domain.clock import duration
from reeltune.domain.parameters import Value, as_text
from reeltune.domain.shown import figure, gain_figure
from reeltune.domain.study import RATINGS
from reeltune.tracking.plain_text import plain_text
from reeltune.views.changes import Change

NONE = "-"
SMALLEST = 5e-4  # a change that three decimals still show


def outside_text(console: Console, text: str | None) -> str:
    """Return text from outside as markup that shows just as it is, in one line."""
    return escape(plain_text(text or NONE, console.encoding))


def value_cell(value: float | None, task: str = RATINGS) -> str:
    """Return a metric of a task; of ratings with four decimals."""
    return NONE if value is None else figure(value, task)


def gain_cell(gain: float | None, task: str = RATINGS) -> str:
    """Return a gain, in green where it is above 0 and in red where it is below."""
    if gain is None:
        return NONE
    shown = gain_figure(gain, task)
    if float(shown) == 0:
        return figure(0.0, task)
    return f"[green]{shown}[/]" if gain > 0 else f"[red]{shown}[/]"


def seconds_cell(seconds: float | None) -> str:
    """Return a duration in the unit that is easiest to read."""
    return NONE if seconds is None else duration(seconds)


def count_cell(count: int) -> str:
    """Return a count; a dash for none."""
    return f"{count:,}" if count else NONE


def changes_cell(console: Console, changed: tuple[Change, ...], most: int) -> str:
    """Return the greatest changes in words."""
    shown = [f"{outside_text(console, c.name)} {_short(console, c)}" for c in changed[:most]]
    return ", ".join(shown) or NONE


def parameter_cell(console: Console, value: Value | None) -> str:
    """Return a value of a hyperparameter; none where it does not apply."""
    if isinstance(value, bool):
        return as_text(value)
    if isinstance(value, int | float):
        return f"{value:.6g}"
    return outside_text(console, value)


def _short(console: Console, change: Change) -> str:
    if change.delta is None:
        return f"= {parameter_cell(console, change.value)}"
    if isinstance(change.delta, int):
        return f"{change.delta:+d}"
    return f"{change.delta:+.3f}" if abs(change.delta) >= SMALLEST else f"{change.delta:+.1g}"
