from pathlib import Path

import pytest

from reeltune.db.connection import Connection, connection, transaction
from reeltune.db.dataset import load_dataset
from reeltune.domain.study import StudyConfig
from reeltune.monitoring.retuning import RetuningFacts
from reeltune.monitoring.retuning_facts import gather_retuning_facts
from tests.running import run, run_json

NIGHT = ("tune_orchestrator.py", "--method", "random", "--configs", "1", "--jobs", "1", "--promote")


def facts(conn: Connection, study: StudyConfig | None = None) -> RetuningFacts:
    return gather_retuning_facts(conn, load_dataset(conn), study or StudyConfig())


def add_ratings(conn: Connection, n: int, stars: float) -> None:
    """Add ratings by users who are new, 20 by each, after all there are."""
    (last,) = conn.execute("SELECT max(rated_at) FROM ratings").fetchone()
    movies = [row["movie_id"] for row in conn.execute("SELECT movie_id FROM movies LIMIT 20")]
    (first,) = conn.execute("SELECT 1 + max(user_id) FROM ratings").fetchone()
    with transaction(conn):
        conn.executemany(
            "INSERT INTO ratings (user_id, movie_id, rating, rated_at) VALUES (?, ?, ?, ?)",
            [(first + k // 20, movies[k % 20], stars, last + 1 + k) for k in range(n)],
        )


@pytest.fixture(name="deployed")
def _deployed(world: Path) -> Path:
    run("retrain_model.py", "--accuracy-threshold", "0", "--db", world)
    return world


def test_before_the_first_search_there_is_none_to_be_old(world: Path) -> None:
    with connection(world) as conn:
        assert facts(conn) == RetuningFacts(has_production=False, age_days=None)


def test_a_night_after_a_search_renews_and_says_why_and_drift_makes_it_search_again(
    deployed: Path,
) -> None:
    first = run(*NIGHT, "--retune", "auto", "--db", deployed)
    assert "; searched: nothing was searched for yet; " in first.stdout.splitlines()[-1]
    with connection(deployed) as conn:
        add_ratings(conn, 60, stars=4.0)
        found = facts(conn)
        assert found.has_production
        assert found.age_days is not None
        assert 0 <= found.age_days < 1
        assert found.n_new == 60
        assert found.n_known is not None
        assert facts(conn, StudyConfig(objective="ndcg@10")).age_days is None
    quiet = run_json(*NIGHT, "--retune", "auto", "--db", deployed)
    assert quiet["night"]["verdict"] == "renewed"
    assert quiet["night"]["search"] is None
    assert "; not searched: the latest search was 0 days ago" in quiet["night"]["line"]
    assert "tuning_run_id" not in quiet
    with connection(deployed) as conn:
        assert len(conn.execute("SELECT * FROM hp_tuning_runs").fetchall()) == 1
        add_ratings(conn, 700, stars=1.0)
        assert "ratings" in facts(conn).drifted


def test_only_renewing_needs_something_in_production(world: Path) -> None:
    done = run(*NIGHT, "--retune", "never", "--db", world, expect=1)
    assert "run `retrain_model.py` first" in done.stderr


def test_a_night_that_is_not_to_promote_has_nothing_to_renew(world: Path) -> None:
    command = [each for each in NIGHT if each != "--promote"]
    done = run(*command, "--retune", "auto", "--db", world, expect=2)
    assert "--retune auto goes with --promote" in done.stderr
