"""Every route of the service, asked over HTTP."""

from typing import Any

import pytest

from reeltune.db.connection import connection, open_unchanged
from reeltune.db.dataset import load_dataset
from reeltune.db.serving_file import read_serving_file, serving_path
from reeltune.db.serving_rows import load_serving_events
from reeltune.db.versions import load_production
from reeltune.rating_models.recommend import recommend
from reeltune.versioning.registry import load_model
from tests.serving.running import Service

LIST = "/api/users/1/recommendations"


def rating(user: object, movie: object, stars: float = 4.5, **more: Any) -> dict[str, Any]:
    return {"user": user, "movie": movie, "rating": stars, **more}


def test_a_users_list_is_that_of_the_version_in_production(shared_service: Service) -> None:
    answer = shared_service.get(LIST)
    with connection(shared_service.database) as conn:
        loaded, ratings = load_model(conn), load_dataset(conn).ratings
    expected = recommend(loaded.model, ratings, 1)
    assert [item["movie_id"] for item in answer.json["items"]] == [m.movie_id for m in expected]
    assert [item["score"] for item in answer.json["items"]] == [m.score for m in expected]
    assert (answer.json["version"], answer.json["ab_test"], answer.json["arm"]) == (2, None, None)
    assert answer.json["request_id"] == answer.headers["x-request-id"]


def test_a_list_asked_for_again_is_the_same(shared_service: Service) -> None:
    first, second = shared_service.items(3, "?k=100"), shared_service.items(3, "?k=100")
    assert first == second
    assert shared_service.items(3) == first[:10]
    assert shared_service.items(3, "?k=7") == first[:7]


def test_exclude_genre_and_explain_are_heeded(shared_service: Service) -> None:
    every = shared_service.items(2, "?k=100")
    first = every[0]["movie_id"]
    without = shared_service.items(2, f"?k=5&exclude={first},{every[1]['movie_id']}")
    assert [m["movie_id"] for m in without] == [m["movie_id"] for m in every[2:7]]
    explained = shared_service.items(2, "?k=3&explain=true")
    for movie, plain in zip(explained, every, strict=False):
        assert movie["movie_id"] == plain["movie_id"]
        assert sum(movie["parts"].values()) == pytest.approx(movie["score"])
    dramas = shared_service.items(2, "?k=100&genre=Drama")
    assert 0 < len(dramas) < len(every) or len(every) == 100
    ids = [movie["movie_id"] for movie in every]
    places = [ids.index(movie["movie_id"]) for movie in dramas if movie["movie_id"] in ids]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "query", ["k=0", "k=101", "k=x", "k=1&k=2", "unknown=1", "genre=nothing", "explain=perhaps"]
)
def test_a_query_that_does_not_fit_is_refused_in_words(shared_service: Service, query: str) -> None:
    answer = shared_service.get(f"{LIST}?{query}")
    assert answer.status == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["detail"]
    assert answer.json["instance"] == f"urn:request:{answer.headers['x-request-id']}"


def test_a_stranger_is_shown_what_is_popular_and_told_so(shared_service: Service) -> None:
    answer = shared_service.get("/api/users/a%20stranger%2Fx/recommendations")
    assert answer.json["user"] == "a stranger/x"
    assert answer.json["source"] == "popular"
    assert "no ratings yet" in answer.json["because"]


def test_ratings_of_a_visit_make_a_list_without_being_kept(shared_service: Service) -> None:
    popular = shared_service.get("/api/popular?k=20").json["items"]
    body = {"ratings": [{"movie": m["movie_id"], "rating": 5} for m in popular[:3]], "k": 20}
    answer = shared_service.post("/api/recommendations", body, token="read")
    assert answer.status == 200
    assert answer.json["source"] == "folded in"
    listed = {movie["movie_id"] for movie in answer.json["items"]}
    assert not listed & {m["movie_id"] for m in popular[:3]}
    assert shared_service.post("/api/recommendations", {}, token="read").json["source"] == "popular"


def test_similar_movies_do_not_have_the_movie_itself(shared_service: Service) -> None:
    answer = shared_service.get("/api/movies/5/similar?k=5")
    assert answer.status == 200
    assert 5 not in [movie["movie_id"] for movie in answer.json["items"]]
    assert shared_service.get("/api/movies/999999/similar").status == 404


def test_an_explanation_says_where_a_movie_stands_and_why(shared_service: Service) -> None:
    every = shared_service.items(4, "?k=100")
    answer = shared_service.get(f"/api/users/4/movies/{every[41]['movie_id']}/explanation")
    assert answer.json["rank"] == 42
    assert sum(answer.json["parts"].values()) == pytest.approx(every[41]["score"])
    with connection(shared_service.database) as conn:
        rated = conn.execute("SELECT movie_id FROM ratings WHERE user_id = 4").fetchone()[0]
    refused = shared_service.get(f"/api/users/4/movies/{rated}/explanation")
    assert refused.status == 404
    assert "rated it" in refused.json["detail"]


def test_new_movies_are_those_released_last(shared_service: Service) -> None:
    scores = [movie["score"] for movie in shared_service.get("/api/new?k=9").json["items"]]
    assert len(scores) == 9
    assert scores == sorted(scores, reverse=True)


def test_what_was_rated_is_on_no_list_from_then_on(service: Service) -> None:
    best = service.items(1)[0]["movie_id"]
    answer = service.post("/api/ratings", {"ratings": [rating(1, best)]})
    assert answer.json["accepted"] == answer.json["new"] == 1
    assert best not in [movie["movie_id"] for movie in service.items(1, "?k=100")]
    assert best not in [movie["movie_id"] for movie in service.items(1, "?k=100&explain=true")]


def test_who_has_rated_is_no_stranger_any_more(service: Service) -> None:
    service.post("/api/ratings", {"ratings": [rating("zoë", movie) for movie in (3, 4, 5)]})
    answer = service.get("/api/users/zo%C3%AB/recommendations")
    assert answer.json["source"] == "folded in"


def test_rows_are_rejected_one_by_one(service: Service) -> None:
    rows = [
        rating(1, 3),
        rating(1, 999_999),
        rating(1, 4, 9.0),
        rating("", 4),
        "no row",
        rating(1, 4, rated_at=99_999_999_999),
        rating(1, 4, more=1),
    ]
    answer = service.post("/api/ratings", {"ratings": rows})
    assert answer.json["accepted"] == 1
    assert [each["row"] for each in answer.json["rejected"]] == [1, 2, 3, 4, 5, 6]
    assert "no movie '999999'" in answer.json["rejected"][0]["reason"]


def test_the_same_rating_sent_twice_is_kept_once(service: Service) -> None:
    body = {"ratings": [rating(1, 3, rated_at=1_700_000_000)]}
    assert service.post("/api/ratings", body).json["new"] == 1
    again = service.post("/api/ratings", body).json
    assert (again["accepted"], again["new"]) == (1, 0)


def test_a_request_of_the_same_key_gets_the_same_answer(service: Service) -> None:
    body, key = {"ratings": [rating(1, 3)]}, {"Idempotency-Key": "a-1"}
    first = service.post("/api/ratings", body, headers=key).json
    second = service.post("/api/ratings", body, headers=key).json
    assert {**first, "request_id": ""} == {**second, "request_id": ""}
    assert first["new"] == 1
    other = service.post("/api/ratings", {"ratings": [rating(2, 3)]}, headers=key)
    assert other.status == 422
    assert service.post("/api/ratings", body, headers={"Idempotency-Key": "a b"}).status == 422


def test_events_are_kept_and_joined_to_their_list(service: Service) -> None:
    shown = service.get(LIST).json
    movie = shown["items"][0]["movie_id"]
    events = [
        {"kind": "shown", "user": 1, "movies": [m["movie_id"] for m in shown["items"]]}
        | {"request_id": shown["request_id"]},
        {"kind": "clicked", "user": 1, "movie": movie, "request_id": shown["request_id"]},
        {"kind": "clicked", "user": 1, "movie": movie, "request_id": shown["request_id"]},
        {"kind": "watched", "user": 1, "movie": movie, "value": 0.8, "event_id": "w-1"},
        {"kind": "rated", "user": 1, "movie": movie, "value": 4.0},
        {"kind": "rated", "user": 1, "movie": movie},
        {"kind": "clicked", "user": 1},
        {"kind": "shown", "user": 1, "movie": movie},
    ]
    answer = service.post("/api/events", {"events": events})
    assert (answer.json["accepted"], answer.json["new"]) == (5, 4)
    assert [each["row"] for each in answer.json["rejected"]] == [5, 6, 7]
    conn = read_serving_file(serving_path(service.database))
    kept = [event for _, event in load_serving_events(conn)]
    conn.close()
    assert [event.kind for event in kept] == ["shown", "clicked", "watched", "rated"]
    assert kept[1].request_id == shown["request_id"]
    assert movie not in [m["movie_id"] for m in service.items(1, "?k=100")]  # it was rated


def test_versions_are_listed_in_pages_and_shown(shared_service: Service) -> None:
    page = shared_service.get("/api/versions?limit=1").json
    assert ([each["version"] for each in page["versions"]], page["next_after"]) == ([1], 1)
    page = shared_service.get("/api/versions?after=1").json
    assert ([each["version"] for each in page["versions"]], page["next_after"]) == ([2], None)
    assert shared_service.get("/api/versions/2").json["status"] == "production"
    assert shared_service.get("/api/versions/9").status == 404
    assert shared_service.get("/api/versions/x").status == 422


def test_a_rollback_is_served_at_once_and_audited(service: Service) -> None:
    answer = service.post("/api/rollback", {"reason": "users complained"})
    assert (answer.status, answer.json["version"]) == (200, 1)
    service.wait_until(lambda: service.health()["version"] == 1, "version 1 was not served")
    assert service.get(LIST).json["version"] == 1
    line = service.get("/api/audit").json["lines"][0]
    assert (line["subject"], line["outcome"]) == ("roll back", "done")
    assert line["who"].startswith("write 127.0.0.1")
    conn = open_unchanged(service.database)
    event = conn.execute("SELECT reason FROM version_events ORDER BY event_id DESC").fetchone()
    conn.close()
    assert event["reason"] == "users complained (write 127.0.0.1)"


def test_rolling_back_where_nothing_was_before_is_refused(service: Service) -> None:
    assert service.post("/api/rollback").status == 200
    answer = service.post("/api/rollback")
    assert answer.status == 409
    assert "nothing was in production before" in answer.json["detail"]


def test_promotion_goes_through_the_gate(service: Service) -> None:
    """Whatever the gate finds on this small world, production is what it says."""
    assert service.post("/api/rollback").status == 200
    answer = service.post("/api/versions/2/promote", {"reason": "a try"})
    with connection(service.database) as conn:
        production = load_production(conn)
        n_looks = conn.execute("SELECT count(*) FROM test_looks").fetchone()[0]
    assert production is not None
    assert answer.status in (200, 409), answer.content
    assert production.version == (2 if answer.status == 200 else 1)
    assert n_looks == 3  # two of the fixture's, and this one
    if answer.status == 409:
        assert "version 2 is not promoted" in answer.json["detail"]
    assert service.post("/api/versions/9/promote").status == 404


def test_health_metrics_and_openapi(shared_service: Service) -> None:
    assert shared_service.get("/health/live", token=None).json["status"] == "live"
    assert shared_service.health()["status"] == "ready"
    shared_service.get(LIST)
    text = shared_service.get("/metrics", token="read").content.decode()
    assert "reeltune_production_version 2" in text
    assert 'route="recommend_to_user",method="GET",status="200"}' in text
    counts = [line for line in text.splitlines() if "seconds_bucket" in line and "+Inf" in line]
    assert counts
    document = shared_service.get("/api/openapi.json", token="read").json
    assert document["openapi"] == "3.1.0"
    assert {"RatingRow", "EventRow"} <= document["components"]["schemas"].keys()


def test_every_route_of_the_router_is_in_openapi(shared_service: Service) -> None:
    document = shared_service.get("/api/openapi.json").json
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"].endswith("."), path
            wanted: list[Any] = [] if path.startswith("/health") else [{"token": []}]
            assert operation["security"] == wanted, (path, method)


def test_a_session_reads_and_writes_with_its_token(service: Service) -> None:
    begun = service.post("/api/session")
    cookie = begun.headers["set-cookie"].partition(";")[0]
    assert "HttpOnly" in begun.headers["set-cookie"]
    assert "SameSite=strict" in begun.headers["set-cookie"]
    own = {"Cookie": cookie}
    assert service.get(LIST, token=None, headers=own).status == 200
    body = {"ratings": [rating(1, 3)]}
    assert service.post("/api/ratings", body, token=None, headers=own).status == 403
    csrf = own | {"X-CSRF-Token": begun.json["csrf_token"]}
    assert service.post("/api/ratings", body, token=None, headers=csrf).status == 200
    foreign = csrf | {"Origin": "http://evil.example"}
    assert service.post("/api/ratings", body, token=None, headers=foreign).status == 403
    crossing = csrf | {"Sec-Fetch-Site": "cross-site"}
    assert service.post("/api/ratings", body, token=None, headers=crossing).status == 403
    same = csrf | {"Origin": service.url, "Sec-Fetch-Site": "same-origin"}
    assert service.post("/api/ratings", body, token=None, headers=same).status == 200
    ended = service.ask("DELETE", "/api/session", token=None, headers=csrf)
    assert 'reeltune_session=""' in ended.headers["set-cookie"]


def test_a_reading_session_cannot_write(service: Service) -> None:
    begun = service.post("/api/session", token="read")
    assert begun.status == 200
    own = {
        "Cookie": begun.headers["set-cookie"].partition(";")[0],
        "X-CSRF-Token": begun.json["csrf_token"],
    }
    body = {"ratings": [rating(1, 3)]}
    assert service.post("/api/ratings", body, token=None, headers=own).status == 403
    forged = own | {"Cookie": own["Cookie"].replace("=read.", "=write.")}
    assert service.post("/api/ratings", body, token=None, headers=forged).status == 401
