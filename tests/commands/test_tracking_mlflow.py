"""Delivery to a real server of MLflow, which is killed in the middle."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reeltune.commands.tracking_sync import deliver
from reeltune.db.connection import connection
from reeltune.db.tuning_runs import load_runs
from reeltune.tracking.mlflow import KEY, PARENT, MlflowTracker
from reeltune.tracking.tracker import Remember, TrackedRecord, TrackerError
from tests.reports.reported import make_lived_in

pytestmark = pytest.mark.slow
SECONDS = 240.0  # for a server to begin, on a machine under load


def program() -> str:
    """MLflow's program; skips the test where there is none."""
    found = os.environ.get("REELTUNE_MLFLOW") or shutil.which("mlflow")
    if not found or not Path(found).exists():
        pytest.skip("there is no MLflow here: `make test-tracking` installs it and runs this")
    return str(Path(found).absolute())


class Server:
    """Server of MLflow with a store of its own, that can be killed and begun again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        words = [program(), "server", "--host", "127.0.0.1", "--port", str(self.port)]
        words += ["--workers", "1", "--backend-store-uri", f"sqlite:///{self.folder}/mlflow.db"]
        words += ["--artifacts-destination", str(self.folder / "artifacts")]
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                words, stdout=log, stderr=log, cwd=self.folder, start_new_session=True
            )
        until = time.monotonic() + SECONDS
        while not self._answers():
            assert self.process.poll() is None, (self.folder / "server.log").read_text()[-2000:]
            assert time.monotonic() < until, "the server does not answer"
            time.sleep(0.2)

    def kill(self) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def get(self, path: str, **query: str) -> Any:
        url = f"{self.url}/api/2.0/mlflow/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=60) as answer:
            return json.load(answer)

    def runs(self) -> list[Any]:
        found = self.get("experiments/get-by-name", experiment_name="reeltune")
        body = {"experiment_ids": [found["experiment"]["experiment_id"]], "max_results": 1000}
        request = urllib.request.Request(
            f"{self.url}/api/2.0/mlflow/runs/search",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return list(json.load(answer)["runs"])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    program()
    found = Server(tmp_path)
    found.begin()
    yield found
    found.kill()


class Killing:
    """Tracker that kills its server before it tells so many records."""

    def __init__(self, server: Server, after: int) -> None:
        self.inner, self.server, self.left = MlflowTracker(server.url), server, after

    @property
    def name(self) -> str:
        return self.inner.name

    def tell(self, record: TrackedRecord, remember: Remember) -> None:
        self.left -= 1
        if self.left == 0:
            self.inner.tell(record, remember)
            self.server.kill()
            raise TrackerError("the receipt was lost")  # told in full, yet nobody knows
        self.inner.tell(record, remember)


def tags(run: Any) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in run["data"].get("tags", [])}


def values(run: Any, part: str) -> dict[str, Any]:
    return {each["key"]: each["value"] for each in run["data"].get(part, [])}


def test_a_server_killed_in_the_middle_has_everything_once_in_the_end(
    new_world: Path, server: Server, tmp_path: Path
) -> None:
    path = Path(shutil.copy(new_world, tmp_path / "movies.db"))
    run_id = make_lived_in(path)
    with connection(path) as conn:
        (first,) = deliver(conn, [Killing(server, 9)])
        assert first.n_delivered == 8
        (down,) = deliver(conn, [MlflowTracker(server.url)])
        assert (down.n_delivered, down.n_waiting) == (0, first.n_waiting)
        server.begin()
        (last,) = deliver(conn, [MlflowTracker(server.url)])
        assert (last.n_waiting, last.error) == (0, None)
        (nothing,) = deliver(conn, [MlflowTracker(server.url)])
        assert nothing.n_delivered == 0
        runs = {run.tuning_run_id for run in load_runs(conn)}

    found = {tags(run)[KEY]: run for run in server.runs()}
    assert len(server.runs()) == len(found) == 2 + 32 + 1
    parent = found[run_id]
    assert parent["info"]["status"] == "FINISHED"
    assert values(parent, "params")["method"] == "random"
    children = [run for run in found.values() if tags(run).get(PARENT) == parent["info"]["run_id"]]
    assert len(children) == 25
    child = found[f"{run_id}_003"]
    assert 0 <= float(values(child, "params")["genre_weight"]) <= 1
    assert 0 < values(child, "metrics")["ndcg_at_10"] < 1
    assert runs <= set(found)

    production = found["movies.db production"]
    history = server.get(
        "metrics/get-history", run_id=production["info"]["run_id"], metric_key="accuracy"
    )
    assert sorted(each["step"] for each in history["metrics"]) == [1, 2, 3]
    champion = server.get(
        "registered-models/alias", name="reeltune-hand-weighted", alias="champion"
    )["model_version"]
    assert {"key": "reeltune.version", "value": "3"} in champion["tags"]
    versions = server.get("model-versions/search", filter="name='reeltune-hand-weighted'")
    assert len(versions["model_versions"]) == 2  # the refused one is none
    report = server.get("artifacts/list", run_id=parent["info"]["run_id"])
    assert [file["path"] for file in report["files"]] == ["report.html"]
