"""Kept lists: made once, dropped when they are out of date, bounded."""

from pathlib import Path

import pytest

from reeltune.db.connection import connection, transaction
from reeltune.serving import Recommendations
from reeltune.serving.kept_lists import KeptLists


@pytest.fixture(scope="module")
def served(two_versions: Path) -> Recommendations:
    return Recommendations.open(two_versions)


def test_a_kept_list_says_what_was_made(served: Recommendations) -> None:
    kept = KeptLists(served)
    assert kept.get("1", served) is None
    made = kept.make("1", served)
    assert kept.get("1", served) is made
    expected = served.for_user("1", 5)
    assert [item["movie_id"] for item in made.items(5)] == [m.movie_id for m in expected]
    assert [item["score"] for item in made.items(5)] == [m.score for m in expected]
    assert [item["rank"] for item in made.items(5)] == [1, 2, 3, 4, 5]
    assert (made.version, made.source) == (served.version, "fitted")


def test_the_users_who_asked_last_are_kept(served: Recommendations) -> None:
    kept = KeptLists(served, most=2)
    for user in ("1", "2"):
        kept.make(user, served)
    assert kept.get("1", served) is not None
    kept.make("3", served)
    assert kept.get("2", served) is None
    assert kept.latest_users(5) == ["1", "3"]


def test_a_list_that_was_begun_before_a_rating_came_is_not_kept_after_it(
    served: Recommendations,
) -> None:
    kept = KeptLists(served)
    best = kept.make("1", served).movie_ids[0]
    newer = served.with_ratings([("1", best, 4.0, 1_700_000_000)])
    kept.forget(["1"], newer)
    assert kept.make("1", served).movie_ids[0] == best  # of a request that was under way
    assert kept.get("1", newer) is None
    assert best not in kept.make("1", newer).movie_ids
    assert kept.get("1", newer) is not None


def test_strangers_share_one_list_until_they_rate(served: Recommendations) -> None:
    kept = KeptLists(served)
    first = kept.make("nobody 1", served)
    assert kept.get("nobody 2", served) is first
    assert len(kept) == 0
    newer = served.with_ratings([("nobody 2", first.movie_ids[0], 5.0, 1_700_000_000)])
    kept.forget(["nobody 2"], newer)
    assert kept.get("nobody 2", newer) is None
    assert kept.make("nobody 2", newer).source == "folded in"
    assert kept.get("nobody 3", newer) is first


def test_a_withdrawn_movie_is_on_no_list_of_a_state_that_is_loaded_after(
    served_world: Path,
) -> None:
    before = Recommendations.open(served_world)
    best = KeptLists(before).make("nobody", before).movie_ids[0]
    with connection(served_world) as conn, transaction(conn):
        conn.execute("INSERT INTO withdrawn_movies VALUES (?, '2026-01-01T00:00:00Z', 'x')", [best])
    after = Recommendations.open(served_world)
    assert best not in KeptLists(after).make("nobody", after).movie_ids
