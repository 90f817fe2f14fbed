"""Experiment: what its page shows, beside the deployed configuration of its run."""

from typing import Any

from reeltune.dashboard.shown_runs import gain_verdict, gain_words
from reeltune.dashboard.tables import PageCell, PageTable, page_table, path_of
from reeltune.db.connection import Connection
from reeltune.db.experiments import load_experiment
from reeltune.db.run_pages import load_experiment_rows
from reeltune.db.tuning_runs import load_run
from reeltune.domain.clock import duration
from reeltune.domain.experiment import BASELINE, Experiment, TuningRun
from reeltune.domain.shown import figure
from reeltune.reports.html_page import Tile
from reeltune.reports.svg_axes import shown


def experiment_context(conn: Connection, id_: str) -> dict[str, Any]:
    """Return what the page of an experiment needs.

    Raises:
        NotFoundError: there is no such experiment.
    """
    found = load_experiment(conn, id_)
    run = load_run(conn, found.tuning_run_id)
    first = next(iter(load_experiment_rows(conn, run.tuning_run_id, limit=1)), None)
    deployed = None
    if first is not None and first.number == BASELINE and first.experiment_id != id_:
        deployed = load_experiment(conn, first.experiment_id)
    sure, tone = gain_verdict(found.improvement_from_baseline, found.improvement_error)
    gain = gain_words(found.improvement_from_baseline, found.improvement_error, run.task)
    verdict = f"Against deployed: {sure}, gain {gain}."
    if found.number == BASELINE:
        verdict, tone = (
            "This is the deployed configuration, which the others are compared to.",
            "plain",
        )
    elif found.status != "completed":
        verdict, tone = f"It is {found.status}: {found.error or 'it has no value'}.", "unsure"
    return {
        "kind": f"Experiment {found.number} of {run.tuning_run_id}",
        "title": found.experiment_id,
        "verdict": verdict,
        "tone": tone,
        "tiles": tuple(_experiment_tiles(found, run)),
        "back": (f"Run {run.tuning_run_id}", path_of("runs", run.tuning_run_id)),
        "metrics": _metrics(found, deployed),
        "hyperparameters": _hyperparameters(found, deployed),
        "guardrails": _guardrails(found),
    }


def _experiment_tiles(found: Experiment, run: TuningRun) -> list[Tile]:
    tiles = [Tile(label="State", value=found.status, note=found.exploration_phase)]
    if found.objective_value is not None:
        value = figure(found.objective_value, run.task)
        tiles.append(Tile(label=run.objective, value=value))
    if found.lower_bound is not None:
        value = figure(found.lower_bound, run.task)
        tiles.append(Tile(label=f"{run.direction.at_least} (95 %)", value=value))
    if found.duration_seconds is not None:
        tiles.append(Tile(label="Took", value=duration(found.duration_seconds)))
    return tiles


def _metrics(found: Experiment, deployed: Experiment | None) -> PageTable:
    before = {} if deployed is None else deployed.metrics
    rows = [(name, before.get(name), value) for name, value in found.metrics.items()]
    return page_table("Metrics on the validation set", ("metric", "deployed", "this one"), rows)


def _hyperparameters(found: Experiment, deployed: Experiment | None) -> PageTable:
    before = {} if deployed is None else deployed.hyperparameters
    rows: list[tuple[PageCell, ...]] = [
        (name, shown(before.get(name)), shown(value), _changed(before.get(name), value))
        for name, value in found.hyperparameters.items()
    ]
    return page_table("Hyperparameters", ("hyperparameter", "deployed", "this one", "change"), rows)


def _changed(before: object, now: object) -> str:
    if not isinstance(before, int | float) or not isinstance(now, int | float):
        return "" if before in (None, now) else "changed"
    return "" if before == now else f"{now - before:+.4g}"


def _guardrails(found: Experiment) -> PageTable:
    rows: list[tuple[PageCell, ...]] = [
        (name, each.figure, each.bound, "kept" if each.constraint <= 0 else "violated")
        for name, each in found.guardrails.items()
    ]
    empty = "Its guardrails are not known."
    return page_table("Guardrails", ("guardrail", "figure", "bound", "verdict"), rows, empty=empty)
