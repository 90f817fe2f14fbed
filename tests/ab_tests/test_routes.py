"""The routes of A/B tests, through a service that runs as users run it."""

import json
import time
from typing import Any

import pytest

from tests.serving.running import Answer, Service

URL = "/api/ab-tests"
SETTINGS: dict[str, Any] = {"name": "trial", "champion": 2, "challengers": [1], "window_hours": 0}


def created(service: Service, **changes: Any) -> Answer:
    return service.post(URL, SETTINGS | changes)


def started(service: Service, **changes: Any) -> None:
    assert created(service, **changes).status == 201
    answer = service.post(f"{URL}/trial/start")
    assert answer.status == 200, answer.content


def arms_served(service: Service, users: range) -> dict[int, tuple[str | None, int]]:
    answers = {user: service.get(f"/api/users/{user}/recommendations") for user in users}
    return {user: (each.json["arm"], each.json["version"]) for user, each in answers.items()}


def test_a_test_is_created_started_and_serves_each_arm_its_version(service: Service) -> None:
    started(service)
    service.wait_until(
        lambda: arms_served(service, range(1, 2))[1][0] is not None, "no arm was served"
    )
    versions = {"champion": 2, "challenger-1": 1}
    served = arms_served(service, range(1, 21))
    assert {arm for arm, _ in served.values()} == set(versions)
    assert all(version == versions[str(arm)] for arm, version in served.values())
    for user, (arm, version) in served.items():
        found = service.get(f"{URL}/trial/assignment?user={user}").json
        assert (found["arm"], found["version"]) == (arm, version)


def test_lists_that_were_served_and_clicked_are_results(service: Service) -> None:
    started(service)
    service.wait_until(
        lambda: arms_served(service, range(1, 2))[1][0] is not None, "no arm was served"
    )
    answer = service.get("/api/users/7/recommendations")
    request, movie = answer.json["request_id"], answer.json["items"][0]["movie_id"]
    click = {"kind": "clicked", "user": "7", "movie": movie, "request_id": request}
    assert service.post("/api/events", {"events": [click, click]}).json["accepted"] == 2

    def clicks() -> int:
        arms = service.get(f"{URL}/trial/results").json["results"]["arms"]
        return sum(round((arm["value"] or 0) * arm["lists"]) for arm in arms)

    service.wait_until(lambda: clicks() == 1, "the click was not counted")
    time_now = service.get(f"{URL}/trial/results").json["results"]
    assert sum(arm["users"] for arm in time_now["arms"]) >= 2
    assert clicks() == 1


def test_actions_are_idempotent_and_if_match_is_heeded(service: Service) -> None:
    first = created(service)
    assert created(service).status == 422
    seen = {"If-Match": first.headers["etag"]}
    assert service.post(f"{URL}/trial/start", headers=seen).json["state"] == "running"
    assert service.post(f"{URL}/trial/start").json["state"] == "running"
    assert service.post(f"{URL}/trial/pause", headers=seen).status == 412
    assert service.post(f"{URL}/trial/pause").json["state"] == "paused"
    assert service.post(f"{URL}/trial/resume").json["state"] == "running"
    refused = service.post(f"{URL}/trial/promote")
    assert refused.status == 409
    assert "not promoted" in refused.json["detail"]
    assert service.post(f"{URL}/trial/rollback").json["state"] == "rolled_back"
    assert service.post(f"{URL}/trial/start").status == 422


def test_a_request_that_comes_again_with_its_key_creates_one_test(service: Service) -> None:
    key = {"Idempotency-Key": "k1"}
    first = service.post(URL, SETTINGS, headers=key)
    assert service.post(URL, SETTINGS, headers=key).json == first.json
    assert len(service.get(URL).json["ab_tests"]) == 1


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"share": 0.5}, 200),
        ({"shares": 0.5}, 422),
        ({"share": None}, 422),
        ({"primary": "watched"}, 422),
        ([1], 422),
    ],
)
def test_patch_changes_what_is_named_and_refuses_the_rest(
    service: Service, changes: Any, status: int
) -> None:
    started(service, share=0.2, guardrails=[{"metric": "clicks", "margin": 0.02}])
    before = service.get(f"{URL}/trial").json["settings"]
    assert service.ask("PATCH", f"{URL}/trial", changes).status == status
    after = service.get(f"{URL}/trial").json["settings"]
    assert after == (before | changes if status == 200 else before)


@pytest.mark.parametrize(
    "document",
    [
        {},
        SETTINGS | {"name": "=1+1"},
        SETTINGS | {"challengers": "1"},
        SETTINGS | {"share": 2},
        SETTINGS | {"alpha": "x"},
        SETTINGS | {"guardrails": [{"metric": "clicks", "more": 1}]},
        SETTINGS | {"unknown": 1},
        "text",
    ],
)
def test_settings_that_are_no_good_are_a_problem_in_one_line(
    shared_service: Service, document: Any
) -> None:
    answer = shared_service.post(URL, document)
    assert answer.status == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert "\n" not in answer.json["detail"]


def test_who_serves_elsewhere_reports_lists_and_outcomes_in_batches(service: Service) -> None:
    started(service)
    arm = service.get(f"{URL}/trial/assignment?user=a").json["arm"]
    other = "champion" if arm != "champion" else "challenger-1"
    rows = [
        {"request_id": "r1", "user": "a", "arm": arm, "movies": ["1", "2"]},
        {"request_id": "r1", "user": "a"},
        {"request_id": "r2", "user": "a", "arm": other},
        {"request_id": "r3", "user": "a", "happened_at": int(time.time()) + 9_999},
        {"user": "a"},
        {"request_id": "r4", "user": "a", "movies": ["no such movie"]},
    ]
    found = service.post(f"{URL}/trial/exposures", {"exposures": rows}).json
    assert (found["counted"], found["duplicates"]) == (1, 1)
    assert [each["row"] for each in found["rejected"]] == [2, 3, 4, 5]
    outcomes = [
        {"kind": "clicked", "user": "a", "movie": "1", "request_id": "r1"},
        {"kind": "clicked", "user": "a", "movie": "1", "request_id": "r1"},
        {"kind": "clicked", "user": "b", "movie": "1", "request_id": "r1"},
        {"kind": "watched", "user": "a", "movie": "3", "request_id": "r1"},
        {"kind": "clicked", "user": "a", "movie": "2", "request_id": "later"},
    ]
    found = service.post(f"{URL}/trial/outcomes", {"outcomes": outcomes}).json
    assert (found["counted"], found["duplicates"], found["waiting"]) == (1, 1, 1)
    assert [each["row"] for each in found["rejected"]] == [2, 3]


def test_events_are_sent_from_where_the_client_left_off(service: Service) -> None:
    started(service)

    def kinds(**headers: str) -> list[str]:
        answer = service.get(f"{URL}/trial/events?follow=false", headers=headers)
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.content.decode().splitlines()
        found = [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
        return [each["kind"] for each in found]

    assert kinds() == ["created", "started"]
    first = service.get(f"{URL}/trial/events?follow=false").content.decode().split("\n")[0]
    assert kinds(**{"Last-Event-ID": first.removeprefix("id: ")}) == ["started"]


def test_tables_are_exported_as_csv(service: Service) -> None:
    started(service)
    rows = [{"request_id": "r1", "user": "=cmd"}]
    assert service.post(f"{URL}/trial/exposures", {"exposures": rows}).json["counted"] == 1
    users = service.get(f"{URL}/trial/export.csv?table=users").content.decode().splitlines()
    assert users[0].startswith("phase,user,arm")
    assert users[1].startswith("1,'=cmd,")
    analyses = service.get(f"{URL}/trial/export.csv").content.decode().splitlines()
    assert analyses[0].startswith("at,phase,arm,metric")


@pytest.mark.parametrize("path", ["/trial/start", "/trial/exposures", "", "/trial/promote"])
def test_nothing_is_written_without_a_write_token(shared_service: Service, path: str) -> None:
    assert shared_service.post(URL + path, SETTINGS, token=None).status == 401
    assert shared_service.post(URL + path, SETTINGS, token="read").status == 403


def test_an_unknown_test_is_not_found(shared_service: Service) -> None:
    assert shared_service.get(f"{URL}/none").status == 404
    assert shared_service.post(f"{URL}/none/start").status == 404
    assert shared_service.get(f"{URL}/none/results").status == 404


def test_an_interleaved_list_is_of_both_versions_and_clicks_say_which_is_preferred(
    service: Service,
) -> None:
    def ids(user: int) -> list[Any]:
        answer = service.get(f"/api/users/{user}/recommendations?k=10").json
        return [item["movie_id"] for item in answer["items"]]

    alone = {user: ids(user) for user in range(1, 9)}
    started(service, design="interleaving")
    service.wait_until(
        lambda: arms_served(service, range(1, 2))[1][0] == "interleaved", "no list was mixed"
    )
    mixed = {user: ids(user) for user in alone}
    assert any(mixed[user] != alone[user] for user in alone)
    assert all(len(set(movies)) == 10 for movies in mixed.values())
    answer = service.get("/api/users/5/recommendations?k=10").json
    assert [item["rank"] for item in answer["items"]] == list(range(1, 11))
    click = {"kind": "clicked", "user": "5", "movie": mixed[5][0]}
    events = [click | {"request_id": answer["request_id"]}]
    assert service.post("/api/events", {"events": events}).json["accepted"] == 1

    def decided() -> int:
        found = service.get(f"{URL}/trial/results").json["results"]["comparisons"][0]
        assert found["metric"] == "preference"
        return int(found["users"])

    service.wait_until(lambda: decided() == 1, "the click decided no list")
