"""A night renews what is served whenever ratings are new, whatever became of the change."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import Connection, connection, transaction
from reeltune.db.dataset import load_dataset
from reeltune.db.experiments import save_experiment
from reeltune.db.test_evaluations import load_test_evaluations
from reeltune.db.tuning_runs import save_run
from reeltune.db.versions import load_production, load_version
from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.errors import InputError
from reeltune.domain.study import StudyConfig
from reeltune.domain.version import Version
from reeltune.gate.renewal import not_shown_worse
from reeltune.rating_models.hand_weighted import HandWeighted
from reeltune.stats.paired_tests import Comparison, paired_difference
from reeltune.tasks.evidence import ConfiguredModel
from reeltune.tuning.proposer import new_experiment
from reeltune.tuning.ratings import HyperparameterTuner
from reeltune.versioning import night, retraining
from reeltune.versioning.renewal import compare_renewal, split_newest, unservable
from reeltune.versioning.request import Retraining, RetrainingRequest
from reeltune.versioning.retraining import retrain
from tests.running import run, run_json

NO_WEIGHTS = dict.fromkeys(
    ("genre_weight", "cast_weight", "franchise_weight", "rating_weight", "popularity_weight"), 0.0
)
ONLY_CAST = NO_WEIGHTS | {"cast_weight": 1.0}
ONLY_GENRE = NO_WEIGHTS | {"genre_weight": 1.0}
ONLY_POPULARITY = NO_WEIGHTS | {"popularity_weight": 1.0}
WELL_RATED = NO_WEIGHTS | {"genre_weight": 0.2, "rating_weight": 0.8}  # accurate, lists are worse
NEW_USER = 10_001
NIGHT = ("tune_orchestrator.py", "--method", "random", "--configs", "1", "--promote", "--jobs", "1")


def rate(conn: Connection, n_users: int = 5, n_each: int = 30) -> None:
    """Add ratings by users who are new, and by all who are not, after all there are."""
    with transaction(conn):
        conn.execute(
            """
            INSERT INTO ratings (user_id, movie_id, rating, rated_at)
              WITH last AS (SELECT max(rated_at) AS moment FROM ratings),
                   numbered AS (SELECT movie_id, row_number() OVER (ORDER BY movie_id) AS n
                                  FROM movies),
                   users AS (SELECT DISTINCT value AS user FROM generate_series)
            SELECT :first + user, movie_id, 1 + (n * 7 + user * 3) % 5, moment + 60 * n
              FROM last, numbered, users
             WHERE (n + user) % :step = 0
            """.replace(
                "SELECT DISTINCT value AS user FROM generate_series",
                " UNION ALL ".join(f"SELECT {u} AS user" for u in range(n_users)),
            ),
            {"first": NEW_USER, "step": max(1, 240 // n_each)},
        )


def hold_back(world: Path) -> Callable[[Connection], None]:
    """Remove the latest ratings of each user; what puts them back, as given after all others."""
    latest = """
        SELECT user_id, movie_id, rating, n
          FROM (SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY rated_at DESC) AS n
                  FROM ratings)
         WHERE n <= 10
         ORDER BY n, user_id
    """
    with connection(world) as conn:
        rows = [tuple(row) for row in conn.execute(latest)]
        conn.executemany(
            "DELETE FROM ratings WHERE (user_id, movie_id) = (?, ?)", [row[:2] for row in rows]
        )

    def put_back(conn: Connection) -> None:
        (last,) = conn.execute("SELECT max(rated_at) FROM ratings").fetchone()
        values = [(*row[:3], last + 60 * (1 + n)) for n, row in enumerate(rows)]
        with transaction(conn):
            conn.executemany(
                "INSERT INTO ratings (user_id, movie_id, rating, rated_at) VALUES (?, ?, ?, ?)",
                values,
            )

    return put_back


def put_in_production(world: Path, **given: float) -> None:
    values = json.dumps(given)
    options = ("--accuracy-threshold", "0", "--apply-hp", values) if given else ()
    run("retrain_model.py", "--db", world, *(options or ("--accuracy-threshold", "0")))


def deploy(conn: Connection, given: dict[str, float]) -> None:
    """Put other values into production, as if they had passed in their time."""
    values = SPACE.merged(SPACE.defaults(), given)
    conn.execute("UPDATE training_runs SET hyperparameters = ?", [json.dumps(values)])


def offer(world: Path, **given: float) -> None:
    """Store the one candidate that tonight's run takes up."""
    with connection(world) as conn:
        tuner = HyperparameterTuner(conn, load_dataset(conn), StudyConfig(seed=1))
        stored = tuner.new_run("random", 1)
        save_run(conn, stored)
        values = SPACE.merged(SPACE.defaults(), given)
        save_experiment(conn, new_experiment(stored, 1, values, "explore"))


def in_production(conn: Connection) -> Version:
    found = load_production(conn)
    assert found is not None
    return found


def renewed(conn: Connection, **given: Any) -> Retraining:
    return retrain(conn, load_dataset(conn), RetrainingRequest(study=StudyConfig(), **given))


def test_after_a_refused_change_production_is_renewed_and_who_arrived_is_served(
    world: Path,
) -> None:
    put_in_production(world)
    with connection(world) as conn:
        deploy(conn, ONLY_GENRE)
        rate(conn)
    show = ("model_versioning.py", "show", "--user", str(NEW_USER), "--db", world)
    before = run_json(*show)
    assert before["profile"]["source"] == "folded in"
    assert len(before["recommendations"]) == 10
    offer(world, accuracy_threshold=0.99)
    done = run(*NIGHT, "--db", world)
    with connection(world) as conn:
        production = in_production(conn)
        assert load_version(conn, 2).status == "refused"
        assert (production.version, production.training.hyperparameters["genre_weight"]) == (3, 1)
        assert [each.decision for each in load_test_evaluations(conn)] == [
            "first",
            "nightly",
            "routine",
        ]
    line = done.stdout.splitlines()[-1]
    assert " renewed: version 3 in production; " in line
    assert "; the change was refused: test accuracy 0." in line
    assert "; 0 ratings behind; " in line
    shown = run_json(*show)
    assert shown["profile"]["source"] == "fitted"
    assert len(shown["recommendations"]) == 10


def test_what_violates_a_guardrail_is_no_change_and_costs_no_evaluation(world: Path) -> None:
    put_in_production(world)
    with connection(world) as conn:
        deploy(conn, ONLY_POPULARITY)
        rate(conn)
    offer(world, **WELL_RATED)
    line = run(*NIGHT, "--db", world).stdout.splitlines()[-1]  # ends with 0
    assert " renewed: version 2 in production; " in line
    assert (
        "; nothing within the guardrails is better than what is deployed: the one that is better "
        "violates ndcg@10; 0 ratings behind; "
    ) in line
    with connection(world) as conn:
        evaluations = load_test_evaluations(conn)
    assert [each.decision for each in evaluations] == ["first", "routine"]
    assert not any(each.level for each in evaluations)


def test_a_night_that_finds_nothing_better_renews_for_one_new_rating(world: Path) -> None:
    put_in_production(world)
    with connection(world) as conn:
        rate(conn, n_users=1, n_each=1)
    offer(world, **ONLY_CAST)
    found = run_json(*NIGHT, "--db", world)
    assert found["best_experiment_number"] == 0
    assert (found["night"]["verdict"], found["night"]["version"]) == ("renewed", 2)
    assert found["renewal"]["verdict"] == "promoted"
    again = run_json(*NIGHT, "--db", world)  # and is left alone where none is
    assert (again["night"]["verdict"], again["night"]["version"]) == ("kept", 2)
    assert again["renewal"]["verdict"] == "nothing new"


def test_a_change_that_is_promoted_needs_no_renewal(world: Path) -> None:
    put_in_production(world)
    with connection(world) as conn:
        deploy(conn, ONLY_CAST)
        rate(conn)
        study = StudyConfig()
        change = RetrainingRequest(
            study=study,
            hyperparameters=SPACE.defaults(),
            unattended=True,
            accuracy_threshold=0.0,
        )
        found = night.decide_night(conn, load_dataset(conn), study, [change])
        assert found.change is not None
        assert (found.verdict, found.renewal) == ("changed", None)
        assert in_production(conn).version == found.change.version


def test_production_is_renewed_where_the_change_ends_with_an_error(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in_production(world)
    with connection(world) as conn:
        rate(conn)

        def fail(*_: object) -> None:
            raise InputError("no good")

        monkeypatch.setattr(night, "retrain_best", fail)
        change = RetrainingRequest(
            study=StudyConfig(), hyperparameters=SPACE.merged(SPACE.defaults(), ONLY_CAST)
        )
        with pytest.raises(InputError, match="no good"):
            night.decide_night(conn, load_dataset(conn), StudyConfig(), [change])
        assert in_production(conn).version == 2


def test_production_is_renewed_after_a_search_that_failed(world: Path) -> None:
    put_in_production(world)
    with connection(world) as conn:
        rate(conn)
        conn.execute(
            "CREATE TRIGGER no_run BEFORE INSERT ON hp_tuning_runs BEGIN"
            " SELECT raise(ABORT, 'no runs today'); END"
        )
    done = run(*NIGHT, "--db", world, expect=1)
    with connection(world) as conn:
        assert in_production(conn).version == 2
    assert "renewed: version 2 in production" in done.stdout
    assert "the search failed: " in done.stdout.splitlines()[-1]


def test_a_lowered_threshold_need_not_be_said_again(world: Path) -> None:
    put_in_production(world, accuracy_threshold=0.99)
    with connection(world) as conn:
        rate(conn)
    found = run_json("retrain_model.py", "--db", world)
    assert (found["verdict"], found["decision"]) == ("promoted", "routine")
    assert "the least of 0.9900 is asked of changes only" in found["said"]
    with connection(world) as conn:
        result = renewed(conn, hyperparameters=SPACE.defaults(), accuracy_threshold=0.99)
    assert result.verdict == "refused"  # as another configuration, it would have to reach it


def test_what_is_held_out_neither_side_was_fitted_to(world: Path) -> None:
    put_back = hold_back(world)
    put_in_production(world)
    with connection(world) as conn:
        before = load_dataset(conn).ratings
        put_back(conn)
        rate(conn)
        data = load_dataset(conn)
        parts = split_newest(conn, in_production(conn), data)
    assert parts is not None
    assert keys(parts.seen) == keys(before)
    assert keys(parts.newer) > keys(parts.seen)
    assert keys(parts.newer) & keys(parts.held_out) == set()
    new = parts.newer.where(~np.isin(parts.newer.rated_at, parts.seen.rated_at))
    assert parts.held_out.rated_at.min() > new.rated_at.max()
    assert parts.held_out.user_ids[parts.held_out.users].max() < NEW_USER


def keys(ratings: Any) -> set[tuple[int, int]]:
    users, movies = ratings.user_ids[ratings.users], ratings.movie_ids[ratings.movies]
    return set(zip(users.tolist(), movies.tolist(), strict=True))


def test_a_renewal_by_spoilt_ratings_is_shown_worse_and_refused(world: Path) -> None:
    put_back = hold_back(world)
    put_in_production(world)
    with connection(world) as conn:
        put_back(conn)
        data, production = load_dataset(conn), in_production(conn)
        parts = split_newest(conn, production, data)
        assert parts is not None
        side = ConfiguredModel("hand-weighted", production.training.hyperparameters)
        fair = compare_renewal(parts, side, data.catalogue, "accuracy")
        spoilt = replace(parts.newer, ratings=5.5 - parts.newer.ratings)
        found = compare_renewal(replace(parts, newer=spoilt), side, data.catalogue, "accuracy")
        assert not_shown_worse(fair, "accuracy", 0.001).passed
        assert not_shown_worse(found, "accuracy", 0.001).verdict == "refused"


def test_a_night_whose_renewal_is_shown_worse_leaves_production_and_says_so(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_back = hold_back(world)
    put_in_production(world)
    worse = paired_difference(np.full(50, 0.4) + np.linspace(0, 0.1, 50), np.full(50, 0.6))
    monkeypatch.setattr(retraining, "compare_renewal", lambda *_: worse)
    with connection(world) as conn:
        put_back(conn)
        found = night.decide_night(conn, load_dataset(conn), StudyConfig(), [])
        report = night.report_night(conn, found, StudyConfig(), None, 1.0)
        assert found.refused is not None
        assert "by newer ratings" in found.refused.said
        assert in_production(conn).version == 1
    assert (report.verdict, report.version) == ("kept", 1)
    assert report.ratings_behind


@pytest.mark.parametrize(
    ("gains", "verdict"),
    [
        (lambda noise: noise - 0.03, "refused"),
        (lambda noise: noise / 100 - 0.0005, "passed"),  # surely less, by less than what counts
        (lambda noise: noise, "passed"),
        (lambda noise: noise[:15] - 0.5, "passed"),  # too few to show anything
    ],
)
def test_only_what_is_shown_to_be_worse_is_refused(
    gains: Callable[[Floats], Floats], verdict: str
) -> None:
    noise = np.random.default_rng(1).normal(0, 0.05, 200)
    values = gains(noise - noise.mean())
    found: Comparison = paired_difference(values, np.zeros(len(values)))
    assert not_shown_worse(found, "accuracy", 0.001).verdict == verdict


class Unservable(HandWeighted):
    """A model that has no score for the last user."""

    def score(self, users: Ints) -> Floats:
        found = super().score(users)
        found[users == len(self.user_positions) - 1] = np.nan
        return found

    user_positions = range(80)


def test_a_model_that_cannot_make_a_list_is_not_servable(world: Path) -> None:
    with connection(world) as conn:
        data = load_dataset(conn)
    good = HandWeighted(SPACE.defaults()).fit(data.ratings, data.catalogue)
    bad = Unservable(SPACE.defaults()).fit(data.ratings, data.catalogue)
    assert unservable(good, data.ratings) is None
    assert "NaN or infinite" in (unservable(bad, data.ratings) or "")


def test_what_cannot_be_served_is_refused_however_good_it_was(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in_production(world)
    monkeypatch.setattr(retraining, "unservable", lambda *_: "no list can be made of it")
    with connection(world) as conn:
        rate(conn)
        result = renewed(conn)
        assert (result.verdict, result.said) == ("refused", "no list can be made of it")
        assert in_production(conn).version == 1
