"""Page of several runs side by side."""

import numpy as np

from reeltune.domain.clock import stamp
from reeltune.reports.figure import DataTable, Figure, Section
from reeltune.reports.html_page import Page, Tile
from reeltune.reports.svg import WIDE, Point, Scale, drawing, line, mark, path, text, x_axis, y_axis
from reeltune.reports.svg_axes import shortened, shown
from reeltune.reports.svg_trust import interval_text, whisker
from reeltune.reports.version_page import Differences
from reeltune.views.runs_comparison import ComparedRun, PairOfRuns, RunsComparison

N_COLOURS = 6
_ROW = 46


def comparison_page(found: RunsComparison) -> Page:
    """Return the page of several runs."""
    sure = any(pair.verdict in ("better", "worse") for pair in found.pairs)
    figures = (_pairs(found), _metrics(found), _histories(found), _configurations(found))
    return Page(
        kind="Runs compared",
        title=" and ".join(run.tuning_run_id for run in found.runs),
        verdict=found.verdict,
        tone="good" if sure else "unsure",
        remarks=(
            "The best of each run was picked on the validation set, so that its value there is "
            "optimistic; of the run that tried more it is more so.",
        ),
        tiles=tuple(
            Tile(
                label=shortened(run.tuning_run_id, 30),
                value="–" if run.best is None else f"{run.best.objective_value:.4f}",
                note=f"{run.n_completed:,} completed, {run.method}",
            )
            for run in found.runs
        ),
        sections=(
            Section(
                name="runs",
                title="Side by side",
                figures=tuple(figure for figure in figures if figure is not None),
            ),
        ),
        made_at=stamp(),
        facts=tuple((run.tuning_run_id, (run.data_fingerprint or "")[:12]) for run in found.runs),
    )


def _pairs(found: RunsComparison) -> Figure:
    known = [p for p in found.pairs if p.difference is not None]
    return Figure(
        name="differences",
        title=f"Differences of the best in {found.objective}{found.direction_note}",
        drawings=(_interval_plot(known),) if known else (),
        note=(
            "The second run's best less the first's, over the users of both, with its 95 % "
            "interval; p-values are adjusted for the number of pairs (Holm)."
        ),
        table=DataTable.of(
            ("first", "second", "difference", "95 % interval", "users", "p-value", "second is"),
            [
                (
                    p.a,
                    p.b,
                    p.difference,
                    interval_text(p.low, p.high),
                    p.n_users,
                    p.adjusted_p_value,
                    p.verdict or p.reason,
                )
                for p in found.pairs
            ],
        ),
        open_table=True,
        size="wide" if len(known) > 4 else "small",
    )


def _interval_plot(pairs: list[PairOfRuns]) -> str:
    ends = [v for p in pairs for v in (p.low, p.high, p.difference) if v is not None]
    x = Differences.around([0.0, *ends], 18, 456)
    height = 36 + _ROW * len(pairs)
    parts = [x_axis(x, height - 26, top=4), line(x.at(0), 4, x.at(0), height - 26)]
    for k, pair in enumerate(pairs):
        y, value = 4 + _ROW * k, pair.difference or 0.0
        kind = {"better": "gain", "worse": "loss"}.get(pair.verdict or "", "ok")
        label = f"{shortened(pair.b, 28)} − {shortened(pair.a, 28)}"
        parts.append(text(18, y + 12, label))
        if pair.low is not None and pair.high is not None:
            parts.append(whisker(x, pair.low, pair.high, y + 26))
        parts.append(mark(x.at(value), y + 26, kind, f"{value:+.4f}"))
    return drawing((480, height), f"differences of {len(pairs)} pairs of runs", *parts)


def _metrics(found: RunsComparison) -> Figure | None:
    bests = [run.best for run in found.runs if run.best is not None]
    names = list(dict.fromkeys(name for best in bests for name in best.metrics))
    if not names:
        return None
    return Figure(
        name="metrics",
        title="Metrics of the best",
        drawings=(),
        table=DataTable.of(
            ("metric", *(shortened(run.tuning_run_id, 26) for run in found.runs)),
            [
                (name, *(None if r.best is None else r.best.metrics.get(name) for r in found.runs))
                for name in names
            ],
        ),
    )


def _histories(found: RunsComparison) -> Figure | None:
    known = [run for run in found.runs if run.steps]
    if not known:
        return None
    longest = max(run.steps[-1].iteration for run in known)
    values = [step.best_value for run in known for step in run.steps]
    low = float(np.quantile(values, 0.05))
    x = Scale(0, max(1, longest), 66, 760)
    y = Scale.around([v for v in values if v >= low] or values, 290, 34)
    parts = [x_axis(x, 290, "experiment", n=8), y_axis(y, 66, found.objective, right=760)]
    for k, run in enumerate(known):
        parts.append(path(_staircase(run, x, y), f"run r{k % N_COLOURS}"))
        label = shortened(run.tuning_run_id, 27)
        parts.append(text(770, 46 + 22 * k, label, kind=f"of-run r{k % N_COLOURS}"))
    return Figure(
        name="histories",
        title="Best so far",
        size="wide",
        drawings=(drawing(WIDE, f"best so far of {len(known)} runs", *parts),),
        table=DataTable.of(
            ("run", "experiments", "best", "of it"),
            [
                (r.tuning_run_id, r.steps[-1].iteration, r.steps[-1].best_value, s)
                for r in known
                for s in [r.steps[-1].best_experiment_id]
            ],
        ),
        note="The value of the best by its lower bound after each experiment.",
    )


def _staircase(run: ComparedRun, x: Scale, y: Scale) -> list[Point]:
    found: list[Point] = []
    for step in run.steps:
        at, height = x.at(step.iteration), y.at(step.best_value)
        if found and found[-1][1] != height:
            found.append((at, found[-1][1]))
        if not found or found[-1][1] != height or step is run.steps[-1]:
            found.append((at, height))
    return found


def _configurations(found: RunsComparison) -> Figure | None:
    bests = [run.best for run in found.runs if run.best is not None]
    names = list(dict.fromkeys(name for best in bests for name in best.hyperparameters))
    if not names:
        return None
    return Figure(
        name="configurations",
        title="Configurations of the best",
        size="wide",
        drawings=(),
        table=DataTable.of(
            ("hyperparameter", *(shortened(run.tuning_run_id, 26) for run in found.runs)),
            [
                (
                    name,
                    *(
                        shown(None if r.best is None else r.best.hyperparameters.get(name))
                        for r in found.runs
                    ),
                )
                for name in names
            ],
        ),
    )
