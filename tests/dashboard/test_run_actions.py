"""Runs started, stopped and resumed over HTTP are the command line's own."""

import json
from typing import Any

import pytest

from reeltune.db.connection import connection
from reeltune.db.run_pages import RunRow, load_run_row, load_run_rows
from reeltune.storage.run_lock import run_lock
from tests.dashboard.signed_in import session_of
from tests.running import run
from tests.serving.running import Service

pytestmark = pytest.mark.slow

N = 20_000  # more than are measured before it is stopped


def run_of(service: Service, run_id: str) -> RunRow:
    with connection(service.database) as conn:
        found = load_run_row(conn, run_id)
    assert found is not None
    return found


def started(service: Service, configs: int) -> Any:
    answer = service.post("/api/runs", {"method": "random", "configs": configs})
    assert answer.status == 200, answer.content
    return answer.json


def test_a_run_is_started_stopped_and_resumed(own_dashboard: Service) -> None:
    run_id = started(own_dashboard, N)["tuning_run_id"]
    assert run_of(own_dashboard, run_id).status == "running"
    page = session_of(own_dashboard).get(f"/runs/{run_id}").content
    assert f"/api/runs/{run_id}/stop".encode() in page
    second = own_dashboard.post("/api/runs", {"method": "random", "configs": 3})
    assert second.status == 409
    assert "is in use by process" in second.json["detail"]
    assert own_dashboard.post(f"/api/runs/{run_id}/stop").status == 200
    stopped = run_of(own_dashboard, run_id)
    assert stopped.status == "interrupted"
    again = own_dashboard.post(f"/api/runs/{run_id}/stop")
    assert again.status == 409
    assert "there is nothing to stop" in again.json["detail"]
    resumed = own_dashboard.post(f"/api/runs/{run_id}/resume")
    assert resumed.status == 200
    assert resumed.json["tuning_run_id"] == run_id
    own_dashboard.wait_until(
        lambda: run_of(own_dashboard, run_id).n_done > stopped.n_done, "it does not go on"
    )
    assert own_dashboard.post(f"/api/runs/{run_id}/stop").status == 200


def test_a_run_lives_on_when_the_service_ends(own_dashboard: Service) -> None:
    run_id = started(own_dashboard, N)["tuning_run_id"]
    own_dashboard.stop()
    n_done = run_of(own_dashboard, run_id).n_done
    while run_of(own_dashboard, run_id).n_done <= n_done:
        assert run_of(own_dashboard, run_id).status == "running"
    run("-m", "reeltune", "runs", "stop", run_id, "--db", own_dashboard.database)
    assert run_of(own_dashboard, run_id).status == "interrupted"


def test_a_command_that_holds_the_database_is_named(own_dashboard: Service) -> None:
    with run_lock(own_dashboard.database, command="a night"):
        answer = own_dashboard.post("/api/runs", {"method": "random", "configs": 3})
        assert answer.status == 409
        assert "(a night)" in answer.json["detail"]
    with connection(own_dashboard.database) as conn:
        assert "running" not in {row.status for row in load_run_rows(conn)}


@pytest.mark.parametrize(
    "body",
    [
        {"method": "--db"},
        {"method": "random; rm"},
        {"method": "random", "configs": 0},
        {"method": "random", "configs": 1.5},
        {"method": "random", "promote": True},
        {"method": ["random"]},
    ],
    ids=json.dumps,
)
def test_a_body_that_does_not_fit_starts_nothing(dashboard: Service, body: Any) -> None:
    assert dashboard.post("/api/runs", body).status == 422


def test_an_unknown_method_or_run_is_refused_in_words(dashboard: Service) -> None:
    answer = dashboard.post("/api/runs", {"method": "astrology"})
    assert answer.status == 409
    assert "astrology" in answer.json["detail"]
    for action in ("stop", "resume"):
        assert dashboard.post(f"/api/runs/none/{action}").status == 404
