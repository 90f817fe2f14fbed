"""The hybrid from phase 2 to users: found, promoted by the gate, served, renewed."""

from pathlib import Path
from typing import Any

import pytest

from reeltune.db.connection import connection, transaction
from reeltune.rating_models.hybrid import LEAD, PLANES
from reeltune.serving import Recommendations
from reeltune.versioning.registry import load_model
from tests.running import run, run_json

NEWCOMER = 90_001
PROMOTE = ("--objective", "balanced", "--promote", "--accuracy-threshold", "0", "--jobs", "1")


def rate(path: Path, user: int, n: int) -> None:
    """Let a user rate the first movies, one a second, after all other ratings."""
    with connection(path) as conn, transaction(conn):
        conn.execute(
            """
            INSERT INTO ratings (user_id, movie_id, rating, rated_at)
            SELECT :user, movie_id, 4.0, (SELECT max(rated_at) FROM ratings) + rowid
              FROM movies LIMIT :n
            """,
            {"user": user, "n": n},
        )


@pytest.fixture(scope="module")
def promoted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Return a demo world in which phase 2 has promoted the hybrid, and what that night said."""
    path = tmp_path_factory.mktemp("hybrid") / "movies.db"
    run("-m", "reeltune", "import", "demo", "--db", path, "--users", "600", "--seed", "5")
    run("retrain_model.py", "--db", path, "--accuracy-threshold", "0")
    said = run_json("tune_orchestrator.py", "--db", path, "--phase2", "--configs", "1", *PROMOTE)
    return path, said


def test_phase_2_finds_the_hybrid_and_the_gate_promotes_it(
    promoted: tuple[Path, dict[str, Any]],
) -> None:
    path, said = promoted
    assert said["night"]["verdict"] == "changed"
    with connection(path) as conn:
        version = load_model(conn).version
    assert (version.version, version.training.model) == (2, "hybrid")


def test_users_old_and_new_are_served_with_reasons(promoted: tuple[Path, dict[str, Any]]) -> None:
    path, _ = promoted
    rate(path, NEWCOMER, 3)
    rate(path, NEWCOMER + 1, 12)
    served = Recommendations.open(path)
    known = served.for_user(int(served.movies.loaded.user_ids[0]), explain=True)
    few, many = (served.for_user(NEWCOMER + n, explain=True) for n in (0, 1))
    assert (known.source, few.source, many.source) == ("fitted", "folded in", "folded in")
    for found in (known, few, many):
        assert len(found) == 10
        for each in found:
            assert set(each.parts) <= {*PLANES, LEAD}
            assert sum(each.parts.values()) == pytest.approx(each.score)
    assert [each.movie_id for each in few] != [each.movie_id for each in many]


def test_the_next_night_renews_it(promoted: tuple[Path, dict[str, Any]]) -> None:
    path, _ = promoted
    rate(path, NEWCOMER + 2, 12)
    said = run_json(
        "tune_orchestrator.py", "--db", path, "--method", "random", "--retune", "never", *PROMOTE
    )
    assert said["night"]["verdict"] == "renewed"
    served = Recommendations.open(path)
    assert served.movies.loaded.version.training.model == "hybrid"
    assert served.for_user(NEWCOMER + 2).source == "fitted"
