"""Page of one tuning run."""

import json
from collections.abc import Callable
from typing import TypeVar

from reeltune.domain.clock import duration, stamp
from reeltune.domain.experiment import BASELINE
from reeltune.domain.shown import figure as figure_text
from reeltune.domain.shown import gain_figure
from reeltune.reports.figure import DataTable, Figure, Section
from reeltune.reports.html_page import Page, Tile, Tone
from reeltune.reports.svg_axes import shown
from reeltune.reports.svg_importance import importance_bars, slices
from reeltune.reports.svg_pairs import contours, correlations, ranks
from reeltune.reports.svg_parallel import parallel_coordinates
from reeltune.reports.svg_search import cost, distribution, history, timeline
from reeltune.reports.svg_trust import feasibility, intervals, segments, trade
from reeltune.views.run_report import RunReport

_TONES: dict[str | None, Tone] = {"better": "good", "worse": "bad", "cannot tell": "unsure"}
_PARTS: tuple[tuple[str, str, tuple[Callable[[RunReport], Figure | None], ...]], ...] = (
    ("result", "What was found", (intervals, segments, feasibility, lambda r: top(r))),
    (
        "search",
        "How the search went",
        (history, distribution, trade, timeline, cost, lambda r: failures(r)),
    ),
    (
        "hyperparameters",
        "What each hyperparameter does",
        (importance_bars, lambda r: changed(r), correlations),
    ),
    ("pairs", "Slices, pairs and paths", (slices, contours, ranks, parallel_coordinates)),
    ("reproduce", "To reproduce it", (lambda r: settings(r), lambda r: configuration(r))),
)
T = TypeVar("T")


def run_page(report: RunReport) -> Page:
    """Return the page of a run: verdict, figures, and how to do it again."""
    found, run = report.findings, report.findings.run
    sections = [
        Section(name=name, title=title, figures=_known([draw(report) for draw in drawn]))
        for name, title, drawn in _PARTS
    ]
    what = f"model {run.model}, split {run.split}" if found.deploys else f"{run.task} {run.model}"
    facts = [
        ("run", run.tuning_run_id),
        ("what", what),
        ("data", (run.data_fingerprint or "unknown")[:16]),
        ("program", report.reproduction.code_version or "unknown"),
        ("seed", str(run.seed)),
    ]
    return Page(
        kind="Tuning run",
        title=run.tuning_run_id,
        verdict=report.verdict,
        tone=_TONES.get(found.difference.verdict, "plain"),
        remarks=_remarks(report),
        tiles=_tiles(report),
        sections=tuple(section for section in sections if section.figures),
        commands=(report.summary.next_command,),
        made_at=stamp(),
        facts=tuple(facts),
    )


def _known(figures: list[T | None]) -> tuple[T, ...]:
    return tuple(each for each in figures if each is not None)


def _remarks(report: RunReport) -> tuple[str, ...]:
    found = report.findings
    remarks = [found.remark, report.summary.next_reason]
    if found.trade_off is not None:
        remarks.append(f"{found.trade_off.sentence[:1].upper()}{found.trade_off.sentence[1:]}.")
    if found.is_deployed:
        remarks.append("This configuration is deployed.")
    return tuple(remark for remark in remarks if remark)


def _tiles(report: RunReport) -> tuple[Tile, ...]:
    found, run = report.findings, report.findings.run
    metric = found.subject.metric(run.objective)
    tiles = []
    if found.best is not None:
        bound = f"{run.directions[0].at_least} {figure_text(found.best.lower_bound, run.task)}"
        value = figure_text(found.best.value, run.task)
        tiles.append(
            Tile(label=f"{metric.title} of the best", value=value, note=f"{bound} (95\u00a0%)")
        )
    if found.baseline is not None:
        value = figure_text(found.baseline.value, run.task)
        tiles.append(Tile(label=found.subject.baseline_column.capitalize(), value=value))
    difference = found.difference
    if difference.difference is not None and difference.low is not None:
        low, high = (gain_figure(v or 0.0, run.task) for v in (difference.low, difference.high))
        value = gain_figure(difference.difference, run.task)
        tiles.append(Tile(label="Gain", value=value, note=f"95\u00a0% interval {low} to {high}"))
    if difference.corrected is not None:
        note = f"best of {difference.n_tried:,}: the rest is selection bias"
        value = gain_figure(difference.corrected, run.task)
        tiles.append(Tile(label="Corrected gain", value=value, note=note))
    n = sum(run.experiments_by_status.values())
    failed = run.experiments_by_status.get("failed", 0)
    tiles.append(Tile(label="Experiments", value=f"{n:,}", note=f"{failed:,} failed"))
    if run.seconds is not None:
        rate = run.experiments_per_second
        note = "" if rate is None else f"{rate:.2g} a second"
        tiles.append(Tile(label="At work", value=duration(run.seconds), note=note))
    return tuple(tiles)


def changed(report: RunReport) -> Figure | None:
    """Return what the best changed; None where nothing."""
    best = report.findings.best
    if best is None or not best.changed:
        return None
    return Figure(
        name="changes",
        title=f"Changed from the {report.findings.subject.baseline_column} configuration",
        drawings=(),
        note="The greatest share of its range first.",
        table=DataTable.of(
            ("hyperparameter", report.findings.subject.baseline_column, "best", "change"),
            [(c.name, shown(c.deployed), shown(c.value), c.delta) for c in best.changed],
        ),
    )


def top(report: RunReport) -> Figure | None:
    """Return the best configurations as a table."""
    found = report.findings
    if not found.top:
        return None
    at_least = f"{found.run.directions[0].at_least} (95 %)"
    return Figure(
        name="top",
        title="Best configurations",
        drawings=(),
        table=DataTable.of(
            ("experiment", found.run.objective, "gain", at_least, "guardrails"),
            [
                (
                    f"{f.number}" if f.number != BASELINE else found.subject.baseline_column,
                    f.value,
                    f.improvement,
                    f.lower_bound,
                    "kept" if f.is_feasible else "violated",
                )
                for f in found.top
            ],
        ),
    )


def failures(report: RunReport) -> Figure | None:
    """Return what failed, and why; None where nothing did."""
    failed = [trace for trace in report.traces if trace.status == "failed"]
    if not failed:
        return None
    return Figure(
        name="failures",
        title="Failures",
        drawings=(),
        table=DataTable.of(
            ("experiment", "error"), [(t.number, " ".join((t.error or "").split())) for t in failed]
        ),
    )


def settings(report: RunReport) -> Figure:
    """Return all that decides the results."""
    made, run = report.reproduction, report.findings.run
    rows = [
        ("run", run.tuning_run_id),
        ("method", run.method),
        ("objectives", ", ".join(run.objectives)),
        ("model", run.model),
        ("split", run.split),
        ("seed", str(run.seed)),
        ("experiments asked for", str(run.n_configs)),
        ("data", made.data_fingerprint),
        ("program", made.code_version),
        ("space", made.space_fingerprint),
        ("began, ended", f"{run.started_at or '-'}, {run.finished_at or '-'}"),
        ("ended because", run.stop_reason),
    ]
    rows += [
        (name, _as_json(value)) for name, value in made.settings.items() if not _is_empty(value)
    ]
    return Figure(
        name="settings",
        title="Settings",
        drawings=(),
        table=DataTable.of(("setting", "value"), rows),
        note="With the same data, program, settings and seed a run has the same results.",
    )


def _is_empty(value: object) -> bool:
    if isinstance(value, dict):
        return all(_is_empty(each) for each in value.values())
    return value in (None, False, "", 0) or value == [] or value == ()


def _as_json(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:199]}…"


def configuration(report: RunReport) -> Figure | None:
    """Return the best configuration in full; None where there is none."""
    values = report.reproduction.best_configuration
    if not values:
        return None
    return Figure(
        name="configuration",
        title="The best configuration",
        drawings=(),
        table=DataTable.of(
            ("hyperparameter", "value"), [(name, shown(value)) for name, value in values.items()]
        ),
    )
