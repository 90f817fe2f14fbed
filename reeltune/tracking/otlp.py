"""Tracker OpenTelemetry: spans by OTLP over HTTP, as JSON.

A tuning run is a trace: its span holds one for each experiment. A version is a trace of its own:
its retraining holds the fit and the gate's decision. Ids are hashes of the records' keys, so that
what is told twice is one span to whoever stores them by id.
Source: OpenTelemetry protocol 1.x, trace.proto as JSON (ids in hex, times as decimal text).
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from reeltune import __version__
from reeltune.tracking.rest import checked_url, request_json
from reeltune.tracking.tracker import (
    ExperimentRecord,
    PromotionRecord,
    Remember,
    RunRecord,
    TrackedRecord,
    VersionRecord,
)

INTERNAL = 1  # kind of a span
OK, ERROR = 1, 2  # status of a span
SECOND = 10**9  # nanoseconds


class OtlpTracker:
    """Receiver of OTLP over HTTP, as a collector has at port 4318."""

    def __init__(self, url: str, service: str = "reeltune") -> None:
        self.url, self.service = checked_url(url), service

    @property
    def name(self) -> str:
        """Name with the receiver's address."""
        return f"otlp {self.url} {self.service}"

    def tell(self, record: TrackedRecord, remember: Remember) -> None:
        """Tell a record as spans; a run that has not ended yet is told when it has.

        Raises:
            TrackerError: the receiver cannot be reached, or refuses.
        """
        spans = spans_of(record)
        if not spans:
            return
        resource = {"service.name": self.service, "service.version": __version__}
        body = {
            "resourceSpans": [
                {
                    "resource": {"attributes": attributes(resource)},
                    "scopeSpans": [
                        {"scope": {"name": "reeltune", "version": __version__}, "spans": spans}
                    ],
                }
            ]
        }
        request_json("POST", f"{self.url}/v1/traces", body)


def spans_of(record: TrackedRecord) -> list[dict[str, Any]]:
    """Return a record as spans; none of one that has not ended, or that is a moment."""
    match record:
        case RunRecord():
            return _of_run(record)
        case ExperimentRecord():
            return [_of_experiment(record)]
        case VersionRecord():
            return _of_version(record)
        case PromotionRecord():
            return [_of_promotion(record)]


def _of_run(record: RunRecord) -> list[dict[str, Any]]:
    run = record.run
    if run.finished_at is None:
        return []
    best = record.best
    given = {
        "reeltune.run": run.tuning_run_id,
        "reeltune.method": run.method,
        "reeltune.objective": run.objective,
        "reeltune.model": run.model,
        "reeltune.data": run.data_fingerprint,
        "reeltune.completed": record.n_completed,
        "reeltune.failed": record.n_failed,
        "reeltune.best": None if best is None else best.experiment_id,
        "reeltune.best_value": None if best is None else best.objective_value,
    }
    began, ended = _nanoseconds(run.started_at or run.created_at), _nanoseconds(run.finished_at)
    failure = run.stop_reason if run.status == "failed" else None
    return [_span(record.key, record.key, None, "run", (began, ended), given, failure)]


def _of_experiment(record: ExperimentRecord) -> dict[str, Any]:
    given = record.experiment
    ended = _nanoseconds(given.completed_at or given.created_at)
    began = ended - round(SECOND * (given.duration_seconds or 0.0))
    values = {f"reeltune.hp.{name}": value for name, value in given.hyperparameters.items()}
    metrics = {f"reeltune.metric.{name}": value for name, value in given.metrics.items()}
    about = {
        "reeltune.experiment": given.experiment_id,
        "reeltune.number": given.number,
        "reeltune.status": given.status,
        "reeltune.phase": given.exploration_phase,
        "reeltune.value": given.objective_value,
    }
    run = record.run.tuning_run_id
    return _span(
        run, record.key, run, "experiment", (began, ended), about | values | metrics, given.error
    )


def _of_version(record: VersionRecord) -> list[dict[str, Any]]:
    version, training = record.version, record.version.training
    ended = _nanoseconds(version.created_at)
    began = ended - round(SECOND * training.duration_seconds)
    about = {
        "reeltune.version": version.version,
        "reeltune.model": training.model,
        "reeltune.data": training.data_fingerprint,
        "reeltune.experiment": training.experiment_id,
    }
    metrics = {f"reeltune.test.{name}": value for name, value in training.test_metrics.items()}
    decided = {
        "reeltune.verdict": str(record.decision.evidence.get("verdict", record.decision.event)),
        "reeltune.reason": record.decision.reason,
        "reeltune.p_value": record.decision.evidence.get("p_value"),
    }
    key, times = record.key, (began, ended)
    return [
        _span(key, key, None, "retrain", times, about | metrics),
        _span(key, f"{key} fit", key, "fit", times, {"reeltune.ratings": training.n_ratings}),
        _span(key, f"{key} decide", key, "decide", (ended, ended), decided),
    ]


def _of_promotion(record: PromotionRecord) -> dict[str, Any]:
    at = _nanoseconds(record.event.happened_at)
    given = {
        "reeltune.version": record.version.version,
        "reeltune.reason": record.event.reason,
    }
    trace = f"{record.database} version {record.version.version}"
    return _span(trace, record.key, trace, "promote", (at, at), given)


def _span(
    trace: str,
    key: str,
    parent: str | None,
    name: str,
    times: tuple[int, int],
    given: Mapping[str, object],
    error: str | None = None,
) -> dict[str, Any]:
    span = {
        "traceId": _hash(trace, 16),
        "spanId": _hash(key, 8),
        "name": name,
        "kind": INTERNAL,
        "startTimeUnixNano": str(times[0]),
        "endTimeUnixNano": str(times[1]),
        "attributes": attributes(given),
        "status": {"code": OK} if error is None else {"code": ERROR, "message": error[:500]},
    }
    return span if parent is None else span | {"parentSpanId": _hash(parent, 8)}


def attributes(given: Mapping[str, object]) -> Sequence[dict[str, Any]]:
    """Return attributes as the protocol has them; those without a value left out."""
    return [{"key": k, "value": _value(v)} for k, v in given.items() if v is not None]


def _value(value: object) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": str(value)}


def _hash(text: str, n_bytes: int) -> str:
    """Return so many bytes of the hash in hex; never all 0."""
    return hashlib.sha256(text.encode()).hexdigest()[: 2 * n_bytes]


def _nanoseconds(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp()) * SECOND
