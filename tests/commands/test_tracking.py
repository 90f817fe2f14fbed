import json
import shutil
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner, Result

from reeltune.commands.main import main
from reeltune.db.connection import connection, transaction
from reeltune.db.tuning_runs import load_runs, set_run_status
from tests.reports.reported import make_lived_in

N_ALL = 2 + 32 + 3 + 2  # runs, experiments with baselines, versions, promotions


@pytest.fixture(scope="module")
def lived_in(new_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = Path(shutil.copy(new_world, tmp_path_factory.mktemp("tracked") / "movies.db"))
    make_lived_in(path)
    return path


@pytest.fixture
def database(lived_in: Path, tmp_path: Path) -> Path:
    """A copy with two runs, three versions of which one was refused, and two promotions."""
    return Path(shutil.copy(lived_in, tmp_path / "movies.db"))


def said(*words: str | Path, expect: int = 0) -> Result:
    done = CliRunner().invoke(main, ["tracking", *map(str, words)])
    assert done.exit_code == expect, done.output
    return done


def synced(database: Path, *words: str | Path, expect: int = 0) -> list[dict[str, Any]]:
    found = json.loads(said("sync", *words, "--db", database, "--json", expect=expect).stdout)
    assert isinstance(found, list)
    return found


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


class Collector(ThreadingHTTPServer):
    """Receives spans; refuses all from a number of requests on, as one that is down does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bodies: list[bytes] = []
        self.most = 10**9
        self.status = 503

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def spans(self) -> list[dict[str, Any]]:
        return [
            span
            for body in self.bodies
            for resource in json.loads(body)["resourceSpans"]
            for scope in resource["scopeSpans"]
            for span in scope["spans"]
        ]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, Collector)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path != "/v1/traces" or len(server.bodies) >= server.most:
            self.send_response(server.status)
            self.end_headers()
            return
        server.bodies.append(body)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    server = Collector()
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_everything_is_told_once_and_later_only_what_is_new(database: Path, tmp_path: Path) -> None:
    file = tmp_path / "told.jsonl"
    (first,) = synced(database, "--jsonl", file)
    assert (first["n_delivered"], first["n_waiting"], first["error"]) == (N_ALL, 0, None)
    told = lines(file)
    assert len({line["key"] for line in told}) == len(told) == N_ALL
    assert [line["kind"] for line in told[:3]] == ["run", "run", "experiment"]
    (second,) = synced(database, "--jsonl", file)
    assert second["n_delivered"] == 0
    assert lines(file) == told


def test_a_run_that_goes_on_is_told_again_when_it_has_ended(database: Path, tmp_path: Path) -> None:
    file = tmp_path / "told.jsonl"
    with connection(database) as conn:
        run_id = load_runs(conn)[0].tuning_run_id
        with transaction(conn):
            set_run_status(conn, run_id, "running")
    synced(database, "--jsonl", file)
    with connection(database) as conn, transaction(conn):
        set_run_status(conn, run_id, "completed", finished_at="2026-11-20T22:00:00Z")
    (again,) = synced(database, "--jsonl", file)
    assert again["n_delivered"] == 1
    states = [line["run"]["status"] for line in lines(file) if line["key"] == run_id]
    assert states == ["running", "completed"]


def test_a_collector_that_dies_in_the_middle_loses_nothing(
    database: Path, collector: Collector
) -> None:
    collector.most = 10
    (found,) = synced(database, "--otlp", collector.url, expect=1)
    assert found["n_delivered"] == 10
    assert found["n_waiting"] > 20
    assert "503" in found["error"]
    assert len(collector.bodies) == 10
    collector.most = 10**9
    (found,) = synced(database, "--otlp", collector.url)
    assert (found["n_waiting"], found["error"]) == (0, None)
    ids = [(span["traceId"], span["spanId"]) for span in collector.spans()]
    assert len(set(ids)) == len(ids)


def test_a_trace_is_a_run_with_its_experiments_and_a_retraining_with_its_parts(
    database: Path, collector: Collector
) -> None:
    synced(database, "--otlp", collector.url)
    spans = collector.spans()
    by_id = {span["spanId"]: span for span in spans}
    names = [span["name"] for span in spans]
    counts = {name: names.count(name) for name in set(names)}
    assert counts == {
        "run": 2,
        "experiment": 32,
        "retrain": 3,
        "fit": 3,
        "decide": 3,
        "promote": 2,
    }
    parents = {"experiment": "run", "fit": "retrain", "decide": "retrain", "promote": "retrain"}
    for span in spans:
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
        if span["name"] in parents:
            parent = by_id[span["parentSpanId"]]
            assert parent["name"] == parents[span["name"]]
            assert parent["traceId"] == span["traceId"]


def test_what_is_sent_is_opentelemetrys_own_message(database: Path, collector: Collector) -> None:
    service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    json_format = pytest.importorskip("google.protobuf.json_format")
    synced(database, "--otlp", collector.url)
    for body in collector.bodies:
        document = json.loads(body)
        for resource in document[
            "resourceSpans"
        ]:  # ids are hex in OTLP's JSON, base64 in protobuf's
            for span in resource["scopeSpans"][0]["spans"]:
                assert len(bytes.fromhex(span.pop("traceId"))) == 16
                assert len(bytes.fromhex(span.pop("spanId"))) == 8
                span.pop("parentSpanId", None)
        request = service.ExportTraceServiceRequest()
        json_format.Parse(json.dumps(document), request, ignore_unknown_fields=False)
        assert request.resource_spans[0].scope_spans[0].spans[0].name


def test_one_tracker_that_is_down_stops_no_other(database: Path, tmp_path: Path) -> None:
    file = tmp_path / "told.jsonl"
    words = ("--mlflow", "http://127.0.0.1:9", "--jsonl", file)
    found = synced(database, *words, expect=1)
    assert [each["n_delivered"] for each in found] == [N_ALL, 0]
    assert found[1]["n_waiting"] == N_ALL
    assert "cannot be reached" in found[1]["error"]
    status = json.loads(said("status", "--db", database, "--json").stdout)
    assert [(each["n_delivered"], each["n_waiting"]) for each in status] == [(N_ALL, 0), (0, N_ALL)]


def test_a_tracker_that_refuses_everything_is_left_alone(
    database: Path, collector: Collector
) -> None:
    collector.most, collector.status = 0, 400
    done = said("sync", "--otlp", collector.url, "--db", database, expect=1)
    assert "it answered 400" in done.stderr
    assert f"{N_ALL} wait" in done.stdout


def test_trackers_may_be_named_in_the_settings_file(database: Path, tmp_path: Path) -> None:
    (tmp_path / "movies.toml").write_text('[tracking]\njsonl = "all.jsonl"\n', encoding="utf-8")
    assert f"{N_ALL} told" in said("sync", "--db", database).stdout
    assert len(lines(tmp_path / "all.jsonl")) == N_ALL


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "name a tracker"),
        (["--mlflow", "ftp://host"], "like http://127.0.0.1:5000, got 'ftp://host'"),
        (["--jsonl", "no/such/folder/x.jsonl"], "cannot be written: No such file"),
    ],
)
def test_what_cannot_be_meant_ends_in_one_line(
    database: Path, words: list[str], message: str
) -> None:
    done = said("sync", *words, "--db", database, expect=1)
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
