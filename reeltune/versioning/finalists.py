"""Finalists of a run: experiments that are taken to the test part, and the best there."""

from collections.abc import Sequence

import numpy as np

from reeltune.db.connection import Connection
from reeltune.db.experiments import load_experiment, load_experiments
from reeltune.db.tuning_runs import load_run
from reeltune.db.versions import load_production
from reeltune.domain.arrays import Floats
from reeltune.domain.errors import InputError
from reeltune.domain.experiment import BASELINE, Experiment
from reeltune.stats.multiple_testing import max_t
from reeltune.tasks.registry import task_kind
from reeltune.views.summary import ranking
from reeltune.views.trade_off import infeasible_gains


def load_finalists(conn: Connection, run_id: str, most: int = 1) -> list[Experiment]:
    """Return the finalists of a stored run; its best alone where nothing is in production yet.

    Of a first version the gate asks for no guardrail: where they keep out all that is better, that
    is the surest of it.
    """
    experiments = load_experiments(conn, run_id)
    if load_production(conn) is None:
        return ranking(infeasible_gains(experiments) or experiments)[:1]
    return choose_finalists(experiments, most)


def load_deployable(conn: Connection, experiment_id: str) -> Experiment:
    """Return an experiment of a run whose model can be deployed.

    Raises:
        NotFoundError: there is none with that id.
        InputError: no model comes of what its run tuned.
    """
    experiment = load_experiment(conn, experiment_id)
    run = load_run(conn, experiment.tuning_run_id)
    if not task_kind(run.task).deploys:
        raise InputError(
            f"experiment {experiment_id!r} is of a {run.task}, {run.model}: no model comes of it "
            "that could be deployed"
        )
    return experiment


def choose_finalists(experiments: Sequence[Experiment], most: int = 1) -> list[Experiment]:
    """Return the best of a run that beat its baseline within the guardrails, `most` at most.

    The baseline itself where nothing beats it, and none where all that does violates a guardrail:
    the gate would refuse it, after a test-set evaluation that comes out of the budget. None where
    no experiment was completed.
    """
    ranked = ranking(experiments)
    baseline = next((e for e in ranked if e.number == BASELINE), None)
    if baseline is None or ranked[0].number == BASELINE:
        return [] if infeasible_gains(experiments) else ranked[:1]
    return ranked[: ranked.index(baseline)][:most]


def best_finalist(gains: Floats, minimum: float) -> tuple[int, float]:
    """Return which of K finalists gains most, and its p-value adjusted for having been picked.

    Args:
        gains: (K, U) per-user gains over what is deployed; users without one in all K are left
            out.
        minimum: the least gain that counts.
    """
    known = gains[:, np.isfinite(gains).all(axis=0)]
    if known.shape[1] < 2:
        return 0, 1.0
    best = int(np.argmax(known.mean(axis=1)))
    return best, float(max_t(known - minimum)[best])
