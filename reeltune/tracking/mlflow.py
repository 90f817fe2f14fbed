"""Tracker MLflow, by its REST API: runs, metrics, artifacts, registered versions.

A tuning run is a run of MLflow, its experiments are runs below it. What is deployed is one more
run, `production`, whose metrics have a step for each version, so that a fall of nightly figures is
a line that falls; each version is registered, and the one in production has the alias `champion`.
Source: MLflow's REST API 2.0, as of 3.17.
"""

import hashlib
import math
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from reeltune.domain.experiment import Experiment
from reeltune.tracking.rest import RefusedError, checked_url, request_json
from reeltune.tracking.tracker import (
    ExperimentRecord,
    PromotionRecord,
    Remember,
    RunRecord,
    TrackedRecord,
    VersionRecord,
)

KEY, PARENT, RUN_NAME = "reeltune.key", "mlflow.parentRunId", "mlflow.runName"
CHAMPION = "champion"
MAX_METRICS, MAX_PARAMS, MAX_TAGS = 1_000, 100, 100  # of one request
MAX_VALUE = 6_000  # characters of a parameter
_STATUS = {
    "completed": "FINISHED",
    "failed": "FAILED",
    "interrupted": "KILLED",
    "pruned": "FINISHED",
    "running": "RUNNING",
}


class MlflowTracker:
    """Server of MLflow."""

    def __init__(self, url: str, experiment: str = "reeltune") -> None:
        self.url, self.experiment = checked_url(url), experiment
        self._experiment_id: str | None = None

    @property
    def name(self) -> str:
        """Name with the server's address and the experiment."""
        return f"mlflow {self.url} {self.experiment}"

    def tell(self, record: TrackedRecord, remember: Remember) -> None:
        """Tell one record; what was told before is found again by its key.

        Raises:
            TrackerError: the server cannot be reached, or refuses.
        """
        match record:
            case RunRecord():
                self._tell_run(record, remember)
            case ExperimentRecord():
                self._tell_experiment(record, remember)
            case VersionRecord():
                self._tell_version(record, remember)
            case PromotionRecord():
                self._tell_promotion(record)

    def _tell_run(self, record: RunRecord, remember: Remember) -> None:
        run = record.run
        began = _milliseconds(run.started_at or run.created_at)
        run_id = self._own_run(record, began, {}, remember)
        params = {
            "method": run.method,
            "objectives": ", ".join(run.objectives),
            "model": run.model,
            "split": run.split,
            "seed": run.seed,
            "n_configs": run.n_configs,
            "data": run.data_fingerprint,
            "program": run.code_version,
        }
        metrics: dict[str, float | None] = {
            "n_completed": record.n_completed,
            "n_failed": record.n_failed,
        }
        tags = {"reeltune.status": run.status, "reeltune.stop_reason": run.stop_reason or ""}
        if record.best is not None:
            tags["reeltune.best"] = record.best.experiment_id
            metrics |= {f"best {k}": v for k, v in record.best.metrics.items()}
            metrics["best gain"] = record.best.improvement_from_baseline
            metrics["best lower bound"] = record.best.lower_bound
        self._log(run_id, began, params, metrics, tags)
        for name, content in record.files.items():
            self._upload(run_id, name, content())
        ended = None if run.finished_at is None else _milliseconds(run.finished_at)
        self._update(run_id, _STATUS[run.status], ended)

    def _tell_experiment(self, record: ExperimentRecord, remember: Remember) -> None:
        done = record.experiment
        began, ended = _span(done)
        tags = {} if record.parent_id is None else {PARENT: record.parent_id}
        run_id = self._own_run(record, began, tags, remember)
        metrics = dict(done.metrics) | {
            "lower_bound": done.lower_bound,
            "gain": done.improvement_from_baseline,
            "seconds": done.duration_seconds,
        }
        tags = {
            "reeltune.status": done.status,
            "reeltune.phase": done.exploration_phase,
            "reeltune.feasible": str(done.is_feasible).lower(),
            "reeltune.error": done.error or "",
        }
        params = dict(done.hyperparameters)
        self._log(run_id, ended, params, metrics, tags, step=done.number)
        self._update(run_id, _STATUS[done.status], ended)

    def _tell_version(self, record: VersionRecord, remember: Remember) -> None:
        version, training = record.version, record.version.training
        at = _milliseconds(version.created_at)
        key = f"{record.database} production"
        run_id = self._found_run(key) or self._created_run(key, "production", at, {})
        self._log(run_id, at, {}, training.test_metrics, {}, step=version.version)
        if record.remote_id is not None or version.status == "refused":
            return
        name = self._model_name(training.model)
        self._ignoring_exists("registered-models/create", {"name": name})
        number = self._registered(name, record.key)
        if number is None:
            body = {
                "name": name,
                "source": self._artifact_uri(record.run_id or run_id),
                "run_id": record.run_id or run_id,
                "description": f"{record.decision.event}: {record.decision.reason}",
                "tags": _pairs(
                    {
                        KEY: record.key,
                        "reeltune.version": version.version,
                        "reeltune.artifact_sha256": version.artifact_sha256 or "",
                        "reeltune.data": training.data_fingerprint,
                        "reeltune.experiment": training.experiment_id or "",
                    }
                ),
            }
            number = self._post("model-versions/create", body)["model_version"]["version"]
        remember(f"{name}/{number}")

    def _tell_promotion(self, record: PromotionRecord) -> None:
        if not record.is_current or record.version_id is None:
            return  # a later one has the alias
        name, _, number = record.version_id.rpartition("/")
        body = {"name": name, "alias": CHAMPION, "version": number}
        self._post("registered-models/alias", body)

    def _own_run(
        self,
        record: RunRecord | ExperimentRecord,
        began: int,
        tags: Mapping[str, str],
        remember: Remember,
    ) -> str:
        """Return the id of a record's run; made if there is none."""
        if record.remote_id is not None:
            return record.remote_id
        found = self._found_run(record.key) if record.may_be_told else None
        run_id = found or self._created_run(record.key, record.key, began, tags)
        remember(run_id)
        return run_id

    def _found_run(self, key: str) -> str | None:
        """Return the id of the run with that key; None if there is none."""
        where = f"tags.`{KEY}` = '{_quotable(key)}'"
        body = {"experiment_ids": [self._experiment()], "filter": where, "max_results": 1}
        found = self._post("runs/search", body).get("runs") or []
        return str(found[0]["info"]["run_id"]) if found else None

    def _created_run(self, key: str, name: str, began: int, tags: Mapping[str, str]) -> str:
        body = {
            "experiment_id": self._experiment(),
            "run_name": name,
            "start_time": began,
            "tags": _pairs({KEY: _quotable(key), RUN_NAME: name, **tags}),
        }
        return str(self._post("runs/create", body)["run"]["info"]["run_id"])

    def _experiment(self) -> str:
        if self._experiment_id is None:
            try:
                where = urllib.parse.urlencode({"experiment_name": self.experiment})
                found = self._get(f"experiments/get-by-name?{where}")
                self._experiment_id = str(found["experiment"]["experiment_id"])
            except RefusedError as error:
                if error.code != "RESOURCE_DOES_NOT_EXIST":
                    raise
                made = self._post("experiments/create", {"name": self.experiment})
                self._experiment_id = str(made["experiment_id"])
        return self._experiment_id

    def _log(
        self,
        run_id: str,
        at: int,
        params: Mapping[str, object],
        metrics: Mapping[str, float | None],
        tags: Mapping[str, object],
        step: int = 0,
    ) -> None:
        """Log all of these, in as many requests as are needed; a repeat changes nothing."""
        known = [
            {"key": _name(name), "value": float(value), "timestamp": at, "step": step}
            for name, value in metrics.items()
            if value is not None and math.isfinite(value)
        ]
        given = {_name(k): str(v)[:MAX_VALUE] for k, v in params.items() if v is not None}
        parts = zip_longest_parts(
            (known, MAX_METRICS), (_pairs(given), MAX_PARAMS), (_pairs(tags), MAX_TAGS)
        )
        for some_metrics, some_params, some_tags in parts:
            body = {
                "run_id": run_id,
                "metrics": some_metrics,
                "params": some_params,
                "tags": some_tags,
            }
            self._post("runs/log-batch", body)

    def _update(self, run_id: str, status: str, ended: int | None) -> None:
        body: dict[str, Any] = {"run_id": run_id, "status": status}
        self._post("runs/update", body if ended is None else body | {"end_time": ended})

    def _upload(self, run_id: str, name: str, content: str) -> None:
        """Upload an artifact through the server, where it serves them."""
        uri = urllib.parse.urlsplit(self._artifact_uri(run_id))
        if uri.scheme != "mlflow-artifacts":
            return  # they lie where this process cannot write
        path = urllib.parse.quote(f"{uri.path.strip('/')}/{name}")
        url = f"{self.url}/api/2.0/mlflow-artifacts/artifacts/{path}"
        request_json("PUT", url, content.encode())

    def _artifact_uri(self, run_id: str) -> str:
        found = self._get(f"runs/get?{urllib.parse.urlencode({'run_id': run_id})}")
        return str(found["run"]["info"]["artifact_uri"])

    def _registered(self, name: str, key: str) -> str | None:
        """Return the number of the registered version with that key, if there is one."""
        where = {"filter": f"name='{name}'", "max_results": 1000}
        found = self._get(f"model-versions/search?{urllib.parse.urlencode(where)}")
        for each in found.get("model_versions") or []:
            if {"key": KEY, "value": key} in (each.get("tags") or []):
                return str(each["version"])
        return None

    def _model_name(self, model: str) -> str:
        """Return the registered model's name: that of the experiment, and which recommender."""
        plain = "".join(c if c.isalnum() or c in "-_" else "-" for c in model)
        if plain != model:
            plain += f"-{hashlib.sha256(model.encode()).hexdigest()[:8]}"
        return f"{self.experiment}-{plain}"

    def _ignoring_exists(self, path: str, body: Mapping[str, Any]) -> None:
        try:
            self._post(path, body)
        except RefusedError as error:
            if error.code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _get(self, path: str) -> dict[str, Any]:
        return request_json("GET", f"{self.url}/api/2.0/mlflow/{path}")

    def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return request_json("POST", f"{self.url}/api/2.0/mlflow/{path}", body)


def zip_longest_parts(
    *columns: tuple[Sequence[dict[str, Any]], int],
) -> Iterator[tuple[Sequence[dict[str, Any]], ...]]:
    """Yield parts of each list, of so many entries at most, until all are empty."""
    n = max((math.ceil(len(entries) / most) for entries, most in columns), default=0)
    for k in range(n):
        yield tuple(entries[k * most : (k + 1) * most] for entries, most in columns)


def _quotable(key: str) -> str:
    """Return a key that a filter of MLflow can name."""
    return key.replace("'", "")


def _pairs(values: Mapping[str, object]) -> list[dict[str, str]]:
    return [{"key": name, "value": str(value)} for name, value in values.items()]


def _name(name: str) -> str:
    """Return a name that MLflow takes: `@` is none of its signs."""
    kept = "".join(c if c.isalnum() or c in "_-. /" else "_" for c in name.replace("@", "_at_"))
    return kept[:250]


def _milliseconds(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


def _span(experiment: Experiment) -> tuple[int, int]:
    """Return when an experiment began and ended."""
    ended = _milliseconds(experiment.completed_at or experiment.created_at)
    return ended - round(1000 * (experiment.duration_seconds or 0.0)), ended
