"""Replay of nights (benchmarks/replay.py): what is known when, what is compared, how it goes on."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.alarms import shuffled_starts
from benchmarks.replay import Replay
from benchmarks.replay_chart import chart, running_means
from benchmarks.replay_measure import measure
from benchmarks.replay_models import ease, installed_models, renewed
from benchmarks.replay_pieces import Piece
from benchmarks.replay_tables import compare, mean_of
from benchmarks.replay_world import World
from reeltune.db.connection import connection
from reeltune.db.ratings import load_ratings
from tests.running import run


@pytest.fixture(name="world")
def _world(small_world: Path) -> World:
    return World.of(small_world, 0.6, 3)


def piece(name: str, night: int, values: dict[int, float | None]) -> Piece:
    measured: dict[str, Any] = {
        "users": list(values),
        "known": [user < 10 for user in values],
        "n_ratings": [1] * len(values),
        "personal": [True] * len(values),
        "coverage": 0.5,
        "values": {key: list(values.values()) for key in ("accuracy", "ndcg@10", "recall@20")},
    }
    return Piece(world="w", name=name, command="", night=night, program="p", measured=measured)


def test_what_is_measured_came_after_all_that_is_known_and_nothing_is_left_out(
    world: World,
) -> None:
    n = 0
    for night in range(1, 4):
        known, after = world.before(night), world.after(night)
        assert len(known) == world.cuts[night]
        assert known.rated_at.max() < after.rated_at.min()
        n += len(after)
    assert world.cuts[1] + n == len(world.ratings)
    assert len(world.before(0)) >= 0.6 * len(world.ratings)


def test_the_database_of_a_night_has_what_is_known_at_it(world: World, tmp_path: Path) -> None:
    path = tmp_path / "movies.db"
    world.begin(path)
    for night in (1, 2):
        world.add(path, night)
        with connection(path) as conn:
            found = load_ratings(conn)
        known = world.before(night)
        assert found.rated_at.tolist() == known.rated_at.tolist()
        assert found.ratings.tolist() == known.ratings.tolist()


def test_the_mean_is_over_night_and_user_of_one_kind() -> None:
    pieces = [piece("a", 1, {1: 0.2, 2: None, 30: 0.9}), piece("a", 2, {1: 0.4, 31: 0.7})]
    assert mean_of(pieces, "a", "accuracy", "known") == pytest.approx(0.3)
    assert mean_of(pieces, "a", "accuracy", "new") == pytest.approx(0.8)
    assert running_means(pieces, "a", "accuracy", "new") == pytest.approx([0.9, 0.8])


def test_a_user_of_many_nights_is_one_observation() -> None:
    """Ten equal nights of each of six users say no more than one night of each."""
    rng = np.random.default_rng(0)
    gains = dict(enumerate(rng.normal(0.1, 0.2, 6)))
    nights = [
        each
        for night in range(10)
        for each in (
            piece("a", night, {u: float(g) for u, g in gains.items()}),
            piece("b", night, dict.fromkeys(gains, 0.0)),
        )
    ]
    many = compare(nights, "a", "b", "accuracy", "known")
    once = compare(nights[:2], "a", "b", "accuracy", "known")
    assert many.n_users == once.n_users == 6
    assert many.difference == pytest.approx(once.difference)
    assert (many.low, many.high) == pytest.approx((once.low, once.high))


def test_the_difference_weighs_nights_and_not_users() -> None:
    pieces = [piece("a", 1, {1: 1.0, 2: 0.0}), piece("b", 1, {1: 0.0, 2: 0.0})]
    pieces += [piece("a", 2, {2: 0.0}), piece("b", 2, {2: 0.0})]
    assert compare(pieces, "a", "b", "accuracy", "known").difference == pytest.approx(1 / 3)


def test_a_model_of_the_night_knows_nothing_of_what_is_after_it(world: World) -> None:
    short = World(
        world.db_path,
        world.ratings.where(np.isin(np.arange(len(world.ratings)), world.by_time[: world.cuts[2]])),
        world.catalogue,
        np.argsort(world.before(2).rated_at, kind="stable"),
        world.cuts[:3],
    )
    for model in (renewed, ease):
        users = np.arange(5)
        np.testing.assert_array_equal(model(world, 1).score(users), model(short, 1).score(users))


def test_ease_is_that_of_the_movies_matrix(world: World) -> None:
    known = world.before(1)
    rated = np.zeros((known.n_users, known.n_movies))
    rated[known.users, known.movies] = 1.0
    inverse = np.linalg.inv(rated.T @ rated + 500.0 * np.eye(known.n_movies))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    user = int(np.argmax(np.diff(known.starts)))
    scores = ease(world, 1).score(np.array([user]))
    np.testing.assert_allclose(scores[0], (rated @ weights)[user], atol=1e-9)


def test_kept_nights_are_not_done_again_and_another_command_is(
    world: World, tmp_path: Path
) -> None:
    keep = tmp_path / "kept.jsonl"

    def replayed() -> list[Piece]:
        return list(Replay(world, 3, keep, tmp_path / "nights").models())

    first = replayed()
    n_lines = len(keep.read_text().splitlines())
    assert len(first) == n_lines == 3 * len(installed_models())
    assert replayed() == first
    assert len(keep.read_text().splitlines()) == n_lines
    assert chart(first).startswith("<svg")


@pytest.mark.slow
def test_a_night_of_the_tool_serves_everybody(world: World, tmp_path: Path) -> None:
    replay = Replay(world, 1, tmp_path / "kept.jsonl", tmp_path / "nights")
    (found,) = replay.tool("short", "--configs 3 --jobs 1")
    assert found.night_report is not None
    assert found.night_report["verdict"] in ("changed", "renewed")
    assert all(
        own
        for own, known in zip(found.measured["personal"], found.measured["known"], strict=True)
        if known
    )
    again = list(
        Replay(world, 1, tmp_path / "kept.jsonl", tmp_path / "none").tool(
            "short", "--configs 3 --jobs 1"
        )
    )
    assert again == [found]
    baseline = measure(world, 1, renewed(world, 1))
    assert baseline["users"] == found.measured["users"]


def test_a_command_of_a_later_night_believes_that_it_is_later(tmp_path: Path) -> None:
    script = tmp_path / "tell.py"
    script.write_text("from reeltune.domain.clock import stamp\nprint('\"%s\"' % stamp())\n")
    clock = Path(__file__).parents[1] / "benchmarks" / "replay_clock.py"
    told = [
        datetime.fromisoformat(json.loads(run(clock, days, script).stdout)) for days in ("0", "30")
    ]
    assert timedelta(days=30) <= told[1] - told[0] < timedelta(days=30, minutes=5)


def test_with_shuffled_starts_users_keep_the_order_and_distances_of_their_ratings(
    world: World,
) -> None:
    ratings = world.ratings
    moved = shuffled_starts(ratings, 1)
    for user in range(ratings.n_users):
        rows = slice(ratings.starts[user], ratings.starts[user + 1])
        assert np.diff(moved.rated_at[rows]).tolist() == np.diff(ratings.rated_at[rows]).tolist()
    assert (moved.rated_at != ratings.rated_at).mean() > 0.9
