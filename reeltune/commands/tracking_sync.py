"""Delivery of what happened to trackers outside, through the outbox."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from reeltune.db.columns import snapshot
from reeltune.db.connection import Connection, transaction
from reeltune.db.experiments import load_experiment, load_experiments
from reeltune.db.tracking_outbox import (
    OutboxRow,
    begin_attempt,
    load_remote_id,
    load_waiting,
    mark_delivered,
    mark_failed,
    queue_all,
    set_remote_id,
)
from reeltune.db.tuning_runs import load_run
from reeltune.db.versions import (
    database_path,
    load_event,
    load_events,
    load_production,
    load_version,
)
from reeltune.domain.experiment import BASELINE
from reeltune.reports.html_page import render_page
from reeltune.reports.run_page import run_page
from reeltune.tasks.registry import subject_of
from reeltune.tracking.jsonl import JsonLinesTracker
from reeltune.tracking.mlflow import MlflowTracker
from reeltune.tracking.otlp import OtlpTracker
from reeltune.tracking.rest import RefusedError
from reeltune.tracking.tracker import (
    ExperimentRecord,
    PromotionRecord,
    RunRecord,
    TrackedRecord,
    Tracker,
    TrackerError,
    VersionRecord,
)
from reeltune.views.run_report import report_run
from reeltune.views.summary import ranking

MAX_REFUSED = 5  # records in a row that a tracker may refuse before it is left alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Outcome of a delivery to one tracker."""

    tracker: str
    n_queued: int  # now, beside what waited already
    n_delivered: int
    n_waiting: int
    error: str | None  # why it waits


def trackers(
    mlflow: str | None, otlp: str | None, jsonl: Path | None, experiment: str
) -> list[Tracker]:
    """Return the trackers that are named, in the order of a delivery.

    Raises:
        InputError: an address is none of HTTP.
    """
    found: list[Tracker] = []
    if jsonl is not None:
        found.append(JsonLinesTracker(jsonl))
    if mlflow is not None:
        found.append(MlflowTracker(mlflow, experiment))
    if otlp is not None:
        found.append(OtlpTracker(otlp))
    return found


def deliver(
    conn: Connection,
    targets: Sequence[Tracker],
    progress: Callable[[str, int, int], None] = lambda _name, _done, _all: None,
) -> list[Delivery]:
    """Tell each tracker what it has not been told; one that is down stops no other.

    What could not be told waits in the outbox for the next delivery.
    """
    return [_deliver_to(conn, target, progress) for target in targets]


def _deliver_to(
    conn: Connection, target: Tracker, progress: Callable[[str, int, int], None]
) -> Delivery:
    with transaction(conn):
        n_queued = queue_all(conn, target.name)
    waiting = load_waiting(conn, target.name)
    n_delivered, n_refused, error = 0, 0, None
    for row in waiting:
        with transaction(conn):
            begin_attempt(conn, row.outbox_id)
        try:
            target.tell(_record(conn, target.name, row), _remember(conn, row))
        except TrackerError as fault:
            error = str(fault)
            with transaction(conn):
                mark_failed(conn, row.outbox_id, error)
            n_refused += 1
            if not isinstance(fault, RefusedError) or n_refused >= MAX_REFUSED:
                break  # it is down, or takes nothing
            continue
        with transaction(conn):
            mark_delivered(conn, row.outbox_id)
        n_delivered, n_refused = n_delivered + 1, 0
        progress(target.name, n_delivered, len(waiting))
    return Delivery(
        tracker=target.name,
        n_queued=n_queued,
        n_delivered=n_delivered,
        n_waiting=len(waiting) - n_delivered,
        error=error,
    )


def _remember(conn: Connection, row: OutboxRow) -> Callable[[str], None]:
    def remember(remote_id: str) -> None:
        with transaction(conn):
            set_remote_id(conn, row.outbox_id, remote_id)

    return remember


def _record(conn: Connection, tracker: str, row: OutboxRow) -> TrackedRecord:
    """Return all that is told of what waits."""
    match row.kind:
        case "run":
            return _run_record(conn, row)
        case "experiment":
            experiment = load_experiment(conn, row.subject)
            return ExperimentRecord(
                experiment=experiment,
                run=load_run(conn, experiment.tuning_run_id),
                parent_id=load_remote_id(conn, tracker, "run", experiment.tuning_run_id),
                remote_id=row.remote_id,
                may_be_told=row.attempts > 0,
            )
        case "version":
            return _version_record(conn, tracker, row)
        case _:
            return _promotion_record(conn, tracker, row)


def _run_record(conn: Connection, row: OutboxRow) -> RunRecord:
    with snapshot(conn):
        run = load_run(conn, row.subject)
        experiments = load_experiments(conn, row.subject)
    ranked = ranking(experiments)
    name = database_path(conn).name

    def page() -> str:
        found = report_run(conn, run.tuning_run_id, subject_of=subject_of)
        return "" if found is None else render_page(run_page(found))

    return RunRecord(
        run=run,
        database=name,
        n_completed=len(ranked),
        n_failed=sum(e.status == "failed" for e in experiments),
        best=ranked[0] if ranked else None,
        baseline=next((e for e in ranked if e.number == BASELINE), None),
        files={"report.html": page} if run.finished_at is not None and ranked else {},
        remote_id=row.remote_id,
        may_be_told=row.attempts > 0,
    )


def _version_record(conn: Connection, tracker: str, row: OutboxRow) -> VersionRecord:
    version = load_version(conn, int(row.subject))
    decision = load_events(conn, version.version)[0]
    experiment = version.training.experiment_id
    return VersionRecord(
        version=version,
        decision=decision,
        database=database_path(conn).name,
        run_id=None
        if experiment is None
        else load_remote_id(conn, tracker, "experiment", experiment),
        remote_id=row.remote_id,
    )


def _promotion_record(conn: Connection, tracker: str, row: OutboxRow) -> PromotionRecord:
    event = load_event(conn, int(row.subject))
    production = load_production(conn)
    return PromotionRecord(
        version=load_version(conn, event.version),
        event=event,
        is_current=production is not None and production.version == event.version,
        database=database_path(conn).name,
        version_id=load_remote_id(conn, tracker, "version", str(event.version)),
        remote_id=row.remote_id,
    )
