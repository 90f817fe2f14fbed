"""Trials as they are stored: experiments of the run that a study is."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from reeltune.db.connection import Connection, transaction
from reeltune.db.experiments import complete_experiment, fail_experiment, load_experiment
from reeltune.domain.clock import stamp
from reeltune.domain.errors import InputError
from reeltune.domain.evaluation import LARGEST
from reeltune.domain.experiment import Experiment, TuningRun, experiment_id
from reeltune.domain.experiment import Measurement as Record
from reeltune.domain.metric import Metric
from reeltune.studies.trial import Complete, Measurement, Trial, TrialStatus

_STATUSES = {"pending": TrialStatus.REQUESTED, "running": TrialStatus.ACTIVE}


def new_trial(
    run: TuningRun, number: int, parameters: Mapping[str, Any], client_id: str | None
) -> Experiment:
    """Return a trial of a client, active; of none, requested."""
    return Experiment(
        experiment_id=experiment_id(run.tuning_run_id, number),
        tuning_run_id=run.tuning_run_id,
        number=number,
        status="pending" if client_id is None else "running",
        created_at=stamp(),
        hyperparameters=dict(parameters),
        tuning_method=run.method,
        exploration_phase="initial" if client_id is None or number == 1 else "explore",
        seed=run.seed,
        attempts=0 if client_id is None else 1,
        direction=run.direction,
        client_id=client_id,
    )


def trial_of(stored: Experiment, complete: Complete) -> Trial:
    """Return a stored trial, which `complete` completes."""
    measured = None
    if stored.status == "completed":
        metrics = {name: float(v) for name, v in stored.metrics.items() if v is not None}
        measured = Measurement(metrics, stored.duration_seconds or 0.0)
    return Trial(
        id=stored.number,
        parameters=stored.hyperparameters,
        status=_STATUSES.get(stored.status, TrialStatus.COMPLETED),
        client_id=stored.client_id,
        final_measurement=measured,
        infeasibility_reason=stored.error,
        _complete=complete,
    )


def completed(
    conn: Connection,
    run: TuningRun,
    metrics: Mapping[str, Metric],
    number: int,
    measurement: Measurement | None,
    reason: str | None,
) -> None:
    """Store what came of a trial, once.

    Raises:
        InputError: the measurement is not one by these metrics, or the trial is completed.
        NotFoundError: the trial was deleted.
    """
    if measurement is not None:
        check_measurement(measurement, metrics)
    identifier = experiment_id(run.tuning_run_id, number)
    with transaction(conn):
        if load_experiment(conn, identifier).status not in _STATUSES:
            raise InputError(f"trial {number} of study {run.tuning_run_id!r} is completed already")
        if measurement is None:
            said = " ".join((reason or "").split()) or "infeasible"
            fail_experiment(conn, identifier, said, 0.0, stamp())
            return
        found = Record(
            objective_value=float(measurement.metrics[run.objective]),
            metrics={name: float(measurement.metrics[name]) for name in metrics},
            user_values=np.zeros(0),
            seconds=float(measurement.elapsed_secs),
        )
        complete_experiment(conn, identifier, found, stamp(), of_ratings=False)


def check_measurement(measurement: Measurement, metrics: Mapping[str, Metric]) -> None:
    """Refuse a measurement that is not one by these metrics.

    Raises:
        InputError: a metric is missing, unknown or not finite; all of them are named.
    """
    given = measurement.metrics
    faults = [f"{name} is missing" for name in metrics if name not in given]
    faults += [f"unknown metric {name!r}" for name in given if name not in metrics]
    faults += [
        f"{name} must be a finite number, got {given[name]!r}: where there is none, complete the "
        "trial with an infeasible_reason"
        for name in metrics
        if name in given and not _is_value(given[name])
    ]
    if not (_is_value(measurement.elapsed_secs) and measurement.elapsed_secs >= 0):
        faults.append(f"elapsed_secs must be 0 or more, got {measurement.elapsed_secs!r}")
    if faults:
        raise InputError("; ".join(faults))


def _is_value(given: Any) -> bool:
    try:
        number = float(given)
    except (TypeError, ValueError, OverflowError):
        return False
    return not isinstance(given, str | bytes) and math.isfinite(number) and abs(number) <= LARGEST
