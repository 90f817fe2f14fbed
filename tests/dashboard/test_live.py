"""Live messages: made once for all who watch, sent when something has changed, ended in time."""

import http.client
import json
import time
from typing import Any

import pytest

from reeltune.db.connection import connection
from tests.reports.reported import RUN
from tests.serving.running import PATIENCE_SECONDS, Service


def listening(service: Service, topic: str) -> tuple[http.client.HTTPConnection, Any]:
    conn = service.connect()
    headers = {"Authorization": f"Bearer {service.tokens['read']}"}
    conn.request("GET", f"/live?topic={topic}", headers=headers)
    answer = conn.getresponse()
    assert answer.status == 200, answer.read()
    assert answer.headers["content-type"].startswith("text/event-stream")
    return conn, answer


def next_message(answer: Any) -> Any:
    while not (line := answer.readline()).startswith(b"data: "):
        assert line, "the stream has ended"
    return json.loads(line[6:])


def test_all_who_watch_get_the_same_message_for_each_change(own_dashboard: Service) -> None:
    answers = [listening(own_dashboard, f"run:{RUN}")[1] for _ in range(5)]
    first = [next_message(answer) for answer in answers]
    assert all(message == first[0] for message in first)
    assert first[0]["state"] == "completed"
    assert first[0]["n"] == 121
    with connection(own_dashboard.database) as conn:
        conn.execute(
            "UPDATE hp_tuning_runs SET status = 'running', n_configs = 500 WHERE tuning_run_id = ?",
            (RUN,),
        )
    second = [next_message(answer) for answer in answers]
    assert all(message == second[0] for message in second)
    assert second[0]["state"] == "running"
    assert "of 501 experiments" in second[0]["html"]
    assert own_dashboard.get(f"/live/state?topic=run:{RUN}").json == second[0]


@pytest.mark.parametrize("topic", ["", "odd", "run:none", "ab:none", "overviews"])
def test_what_cannot_be_watched_is_refused(dashboard: Service, topic: str) -> None:
    for path in ("/live", "/live/state"):
        assert dashboard.get(f"{path}?topic={topic}").status in (404, 422)


def test_a_service_ends_although_pages_are_open(own_dashboard: Service) -> None:
    answer = listening(own_dashboard, "overview")[1]
    next_message(answer)
    own_dashboard.process.terminate()
    began = time.monotonic()
    assert own_dashboard.process.wait(PATIENCE_SECONDS) is not None
    assert answer.read().strip() == b""  # it was ended as a stream ends, not cut off
    assert time.monotonic() - began < PATIENCE_SECONDS
