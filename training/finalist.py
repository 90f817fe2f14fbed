"""Which experiment of a run is taken to the test part."""

from collections.abc import Sequence

from db.connection import Connection
from db.experiments import load_experiments
from db.versions import load_production
from domain.experiment import BASELINE, Experiment
from evaluation.guardrails import METRIC_GUARDRAILS
from reports.summary import ranking


def load_finalist(conn: Connection, run_id: str, objective: str) -> Experiment | None:
    """The finalist of a stored run; its best one where nothing is in production yet."""
    experiments = load_experiments(conn, run_id)
    if load_production(conn) is None:
        return next(iter(ranking(experiments)), None)
    return finalist(experiments, objective)


def finalist(experiments: Sequence[Experiment], objective: str) -> Experiment | None:
    """The best by the objective of those that lose no guarded metric on the validation part.

    The gate would refuse the others, after a look at the test part that comes out of the budget.
    What beats the baseline but loses too much is left out; if all of that does, or nothing beats
    it, the best is the finalist after all, so that it is told why it is refused.

    None where no experiment was completed.
    """
    ranked = ranking(experiments)
    baseline = next((e for e in ranked if e.number == BASELINE), None)
    if baseline is None or not ranked or ranked[0].number == BASELINE:
        return next(iter(ranked), None)
    better = ranked[: ranked.index(baseline)]
    kept = (e for e in better if not _lost(e, baseline, objective))
    return next(kept, ranked[0])


def _lost(experiment: Experiment, baseline: Experiment, objective: str) -> list[str]:
    """The guarded metrics that are lower than the baseline's by more than their margin."""
    found = []
    for name, guardrail in METRIC_GUARDRAILS.items():
        now, was = experiment.metrics.get(name), baseline.metrics.get(name)
        if name == objective or now is None or was is None:
            continue
        if now < was - guardrail.margin * abs(was):
            found.append(name)
    return found
