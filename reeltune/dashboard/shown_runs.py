"""Runs in words: state, progress, gain with its interval."""

import math

from reeltune.dashboard.tables import Badge, Meter, PageCell, PageLink, path_of
from reeltune.db.run_pages import ExperimentRow, RunRow
from reeltune.domain.shown import figure, gain_figure
from reeltune.reports.html_page import Tone

_TWO_SIDED_95 = 1.96
_TONES: dict[str, Tone] = {
    "running": "unsure",
    "failed": "bad",
    "interrupted": "bad",
    "pruned": "plain",
}


def state_badge(state: str) -> Badge:
    """Return the state of a run or an experiment."""
    return Badge(state, _TONES.get(state, "plain"))


def progress_of(run: RunRow) -> PageCell:
    """Return how far a run is: a bar while it is not done, a number afterwards."""
    if run.status in ("running", "interrupted"):
        text = f"{run.n_done:,} of {run.n_total:,}"
        return Meter(run.n_done / max(1, run.n_total), text)
    return run.n_done


def gain_words(gain: float | None, error: float | None, task: str) -> str:
    """Return a gain with its 95 % interval.

    >>> gain_words(0.03, 0.01, "ratings"), gain_words(None, None, "ratings")
    ('+0.0300 (+0.0104 to +0.0496)', '–')
    """
    if gain is None:
        return "–"
    if not error or not math.isfinite(error):
        return gain_figure(gain, task)
    low, high = gain - _TWO_SIDED_95 * error, gain + _TWO_SIDED_95 * error
    return f"{gain_figure(gain, task)} ({gain_figure(low, task)} to {gain_figure(high, task)})"


def gain_verdict(gain: float | None, error: float | None) -> tuple[str, Tone]:
    """Return whether a gain is sure, by its 95 % interval.

    >>> [gain_verdict(*g)[0] for g in ((0.1, 0.01), (0.1, 0.2), (-0.1, 0.01), (None, None))]
    ['better', 'cannot tell', 'worse', 'nothing to compare with']
    """
    if gain is None:
        return "nothing to compare with", "plain"
    reach = _TWO_SIDED_95 * (error or 0.0)
    if gain - reach > 0:
        return "better", "good"
    return ("worse", "bad") if gain + reach < 0 else ("cannot tell", "unsure")


def run_cells(run: RunRow) -> tuple[PageCell, ...]:
    """Return a run's row of a table: see `RUN_HEADINGS`."""
    value = None if run.best_value is None else figure(run.best_value, run.task)
    return (
        PageLink(run.tuning_run_id, path_of("runs", run.tuning_run_id)),
        state_badge(run.status),
        progress_of(run),
        run.objective,
        value,
        gain_words(run.best_gain, run.best_error, run.task),
        run.n_failed or None,
    )


RUN_HEADINGS = ("run", "state", "experiments", "objective", "best", "gain (95 %)", "failed")


def experiment_cells(row: ExperimentRow, task: str) -> tuple[PageCell, ...]:
    """Return an experiment's row of a table: see `EXPERIMENT_HEADINGS`."""
    return (
        PageLink(str(row.number), path_of("experiments", row.experiment_id)),
        state_badge(row.status),
        row.phase,
        row.value,
        row.lower_bound,
        gain_words(row.gain, row.gain_error, task),
        "kept" if row.is_feasible else Badge("violated", "bad"),
        row.seconds,
    )


EXPERIMENT_HEADINGS = (
    "experiment",
    "state",
    "phase",
    "value",
    "95 % bound",
    "gain (95 %)",
    "guardrails",
    "seconds",
)
