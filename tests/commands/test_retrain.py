import json
from pathlib import Path

import numpy as np
import pytest

from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.db.deployed import export_path, load_deployed
from reeltune.db.experiments import load_experiment
from reeltune.db.test_evaluations import load_test_evaluations
from reeltune.db.tuning_runs import load_runs
from reeltune.db.versions import load_events, load_production, load_versions
from reeltune.domain.study import BUILT_IN, StudyConfig
from reeltune.rating_models.hand_weighted import HandWeighted
from reeltune.ratings.splits import SPLITS
from reeltune.tasks.ratings import RatingsEvaluator
from reeltune.versioning.news import changes_since
from reeltune.versioning.registry import load_model
from reeltune.versioning.request import RetrainingRequest
from reeltune.versioning.retraining import retrain
from tests.importers.imports import dump
from tests.running import run, run_json

SCRIPT = "retrain_model.py"
OPEN_GATE = ("--accuracy-threshold", "0")


def export(path: Path) -> dict[str, object]:
    with connection(path) as conn:
        return dict(json.loads(export_path(conn).read_text()))


def n_versions(path: Path) -> int:
    with connection(path) as conn:
        return len(load_versions(conn))


def test_the_first_retraining_puts_the_defaults_into_production(world: Path) -> None:
    result = run_json(SCRIPT, "--db", world, *OPEN_GATE)
    assert (result["verdict"], result["version"]) == ("promoted", 1)
    assert export(world)["hyperparameters"] == SPACE.defaults()


def test_what_is_measured_is_blind_to_the_test_part_and_what_is_deployed_is_not(
    world: Path,
) -> None:
    with connection(world) as conn:
        data = load_dataset(conn)
        result = retrain(conn, data, RetrainingRequest(study=StudyConfig(), accuracy_threshold=0.0))
        measured = RatingsEvaluator.of(data, StudyConfig(), "test").evaluate(SPACE.defaults())
        served = load_model(conn)
        users = np.arange(data.ratings.n_users)
        full = HandWeighted(SPACE.defaults()).fit(data.ratings, data.catalogue).score(users)
        assert served.model.score(users).tobytes() == full.tobytes()
    assert result.test_metrics is not None
    assert result.test_metrics["accuracy"] == measured.values["accuracy"]


def test_without_new_ratings_nothing_is_done(world: Path) -> None:
    run(SCRIPT, "--db", world, *OPEN_GATE)
    result = run_json(SCRIPT, "--db", world, *OPEN_GATE)
    assert result["verdict"] == "nothing new"
    assert "0 new ratings since version 1" in result["said"]
    assert n_versions(world) == 1


def test_ratings_given_anew_and_taken_back_are_new(world: Path) -> None:
    run(SCRIPT, "--db", world, *OPEN_GATE)
    with connection(world) as conn:
        conn.execute("UPDATE ratings SET rating = 5.5 - rating WHERE user_id % 2")
        (n,) = conn.execute("SELECT count(*) FROM ratings WHERE user_id % 2").fetchone()
        taken = conn.execute("DELETE FROM ratings WHERE user_id = 2").rowcount
        again = conn.execute("INSERT INTO ratings SELECT 900000 + movie_id, movie_id, 3.0, 5"
                             " FROM movies LIMIT :n", {"n": taken}).rowcount  # fmt: skip
    assert again == taken
    asked = (*OPEN_GATE, "--min-new-ratings", "100000")
    said = run_json(SCRIPT, "--db", world, *asked)["said"]
    new = n + 2 * taken
    expected = f"{new} new ratings ({taken} added, {n} changed, {taken} deleted) since version 1"
    assert said.startswith(expected)
    assert run_json(SCRIPT, "--db", world, *OPEN_GATE)["verdict"] != "nothing new"


def test_a_movie_of_which_something_changed_is_new(world: Path) -> None:
    run(SCRIPT, "--db", world, *OPEN_GATE)
    with connection(world) as conn:
        conn.execute("DELETE FROM cast_members WHERE movie_id = 1")
    assert "0 new ratings and 1 changed movies" in run_json(SCRIPT, "--db", world)["said"]


def test_what_comes_while_it_is_trained_is_new_to_the_version(world: Path) -> None:
    with connection(world) as conn:
        data = load_dataset(conn)
        conn.execute("UPDATE ratings SET rating = 5.5 - rating WHERE user_id = 1")
        retrain(conn, data, RetrainingRequest(study=StudyConfig(), accuracy_threshold=0.0))
        production, now = load_production(conn), load_dataset(conn)
        assert production is not None
        found = changes_since(conn, 1, production.training, now)
    assert found is not None
    assert found.changed > 0


def test_a_version_of_an_earlier_program_is_held_against_the_data_as_far_as_that_tells(
    world: Path,
) -> None:
    run(SCRIPT, "--db", world, *OPEN_GATE)
    with connection(world) as conn:
        conn.execute("UPDATE training_runs SET last_change = NULL")
    assert run_json(SCRIPT, "--db", world, *OPEN_GATE)["verdict"] == "nothing new"
    with connection(world) as conn:
        conn.execute("INSERT INTO ratings VALUES (900001, 1, 3.0, 5)")
    assert "1 new ratings since" in run_json(SCRIPT, "--db", world, *OPEN_GATE)["said"]
    with connection(world) as conn:
        conn.execute("DELETE FROM ratings WHERE user_id = 900001")
        conn.execute("UPDATE ratings SET rating = 5.5 - rating WHERE user_id = 1")
    assert run_json(SCRIPT, "--db", world, *OPEN_GATE)["verdict"] != "nothing new"


def few_each(world: Path) -> None:
    """Leave every user with nine ratings: nobody is in the test part."""
    with connection(world) as conn:
        conn.execute(
            """
            DELETE FROM ratings WHERE (user_id, movie_id) IN (
                SELECT user_id, movie_id FROM (
                    SELECT *, row_number() OVER (PARTITION BY user_id) AS n FROM ratings)
                 WHERE n > 9)
            """
        )


@pytest.mark.parametrize("further", [(), ("--apply-hp", '{"rating_weight": 0.5}')])
def test_a_verdict_over_nobody_is_none_and_no_look(world: Path, further: tuple[str, ...]) -> None:
    few_each(world)
    said = run(SCRIPT, "--db", world, *further, expect=1)
    assert (said.stdout, said.stderr.count("\n")) == ("", 1)
    assert "nobody can be measured" in said.stderr
    assert "at least 10; import more ratings" in said.stderr
    with connection(world) as conn:
        assert (load_test_evaluations(conn), load_versions(conn)) == ([], [])
    tune = ("tune_orchestrator.py", "--db", world, "--method", "random", "--configs", "2")
    said = run(*tune, expect=1)
    assert said.stdout == ""
    assert "nobody can be measured" in said.stderr
    with connection(world) as conn:
        assert load_runs(conn) == []


def test_a_run_whose_winner_nobody_can_judge_shows_it_without_a_next_that_must_fail(
    world: Path,
) -> None:
    with connection(world) as conn:  # what is in the test part is liked by all
        test = SPLITS["user-time"](load_dataset(conn).ratings).test
        keys = zip(test.user_ids[test.users], test.movie_ids[test.movies], strict=True)
        conn.execute("BEGIN")
        conn.executemany(
            "UPDATE ratings SET rating = 5.0 WHERE user_id = ? AND movie_id = ?",
            [(int(user), int(movie)) for user, movie in keys],
        )
        conn.execute("COMMIT")
    tune = ("tune_orchestrator.py", "--db", world, "--method", "random", "--configs", "2")
    said = run(*tune, "--promote", expect=1)
    assert "Next:" not in said.stdout
    assert "random_" in said.stdout
    assert "not promoted: nobody can be measured" in said.stderr
    with connection(world) as conn:
        assert load_test_evaluations(conn) == []


def test_a_plain_retraining_is_of_the_model_in_production(world: Path) -> None:
    run(SCRIPT, "--db", world, *OPEN_GATE, "--model", "examples.most_popular:MostPopular")
    result = run_json(SCRIPT, "--db", world, *OPEN_GATE, "--force")
    assert list(result["hyperparameters"]) == ["half_life_years"]


def test_tuning_and_deploying_at_once_is_wrong_usage(world: Path) -> None:
    run(SCRIPT, "--db", world, "--tune", "--apply-hp", "best", expect=2)


def test_force_retrains_without_new_ratings(world: Path) -> None:
    run(SCRIPT, "--db", world, *OPEN_GATE)
    result = run_json(SCRIPT, "--db", world, *OPEN_GATE, "--force")
    assert (result["verdict"], result["version"]) == ("promoted", 2)


def test_few_new_ratings_are_enough_if_so_few_are_asked_for(world: Path) -> None:
    with connection(world) as conn:
        withheld = [
            tuple(row)
            for row in conn.execute(
                "SELECT user_id, movie_id, rating, rated_at FROM ratings WHERE user_id = 3 LIMIT 5"
            )
        ]
        conn.executemany(
            "DELETE FROM ratings WHERE user_id = ? AND movie_id = ?", [row[:2] for row in withheld]
        )
    run(SCRIPT, "--db", world, *OPEN_GATE)
    with connection(world) as conn:
        conn.executemany("INSERT INTO ratings VALUES (?, ?, ?, ?)", withheld)
    assert run_json(SCRIPT, "--db", world, *OPEN_GATE)["verdict"] == "nothing new"
    few = run_json(SCRIPT, "--db", world, *OPEN_GATE, "--min-new-ratings", "5")
    assert few["verdict"] == "promoted"


def test_the_gate_refuses_with_3_and_says_the_figures(world: Path) -> None:
    done = run(SCRIPT, "--db", world, "--accuracy-threshold", "0.99", expect=3)
    assert "at least 0.9900 is needed" in done.stderr
    with connection(world) as conn:
        assert load_production(conn) is None
        (refused,) = load_versions(conn)
        (event,) = load_events(conn)
        assert (refused.status, event.event) == ("refused", "refused")
        assert not export_path(conn).exists()


def test_what_is_worse_than_production_beyond_noise_is_refused(world: Path) -> None:
    run(SCRIPT, "--db", world, *OPEN_GATE, "--apply-hp", '{"rating_weight": 0.9}')
    bad = '{"popularity_weight": 1.0, "popularity_count_weight": 1.0}'
    done = run(SCRIPT, "--db", world, *OPEN_GATE, "--apply-hp", bad, expect=3)
    assert "against version 1" in done.stderr
    with connection(world) as conn:
        production = load_production(conn)
    assert production is not None
    assert production.version == 1


def all_but_looks(world: Path) -> list[str]:
    with connection(world) as conn:
        own = ("test_looks", "data_seal", "data_marks")  # looks; and that it is watched for changes
        return [row for row in dump(conn) if not any(name in row for name in own)]


def test_a_dry_run_says_all_and_writes_down_only_that_it_looked(world: Path) -> None:
    before = all_but_looks(world)
    result = run_json(SCRIPT, "--db", world, *OPEN_GATE, "--dry-run")
    assert result["verdict"] == "would be promoted"
    assert result["test_metrics"]["accuracy"] > 0.5
    assert all_but_looks(world) == before
    assert n_versions(world) == 0
    assert sorted(p.name for p in world.parent.iterdir() if p.suffix == ".versions") == []


def test_partial_json_is_merged_over_what_is_deployed(world: Path) -> None:
    run(SCRIPT, "--db", world, *OPEN_GATE, "--apply-hp", '{"genre_boost_high": 0.3}')
    run(SCRIPT, "--db", world, *OPEN_GATE, "--apply-hp", '{"cast_lead_threshold": 3}')
    with connection(world) as conn:
        deployed = load_deployed(conn, SPACE, BUILT_IN).hyperparameters
    assert (deployed["genre_boost_high"], deployed["cast_lead_threshold"]) == (0.3, 3)


def test_hyperparameters_are_applied_from_a_file(world: Path, tmp_path: Path) -> None:
    given = tmp_path / "given.json"
    given.write_text('{"genre_weight": 0.2}')
    result = run_json(SCRIPT, "--db", world, *OPEN_GATE, "--apply-hp", f"@{given}")
    assert result["hyperparameters"]["genre_weight"] == 0.2


def test_the_best_experiment_is_applied_and_its_test_accuracy_kept(world: Path) -> None:
    tuned = run_json("tune_orchestrator.py", "--db", world, "--method", "random", "--configs", "5")
    result = run_json(SCRIPT, "--db", world, *OPEN_GATE, "--apply-hp", "best")
    assert result["hyperparameters"] == tuned["best_hyperparameters"]
    with connection(world) as conn:
        experiment = load_experiment(conn, tuned["best_experiment_id"])
        version = load_versions(conn)[0]
    assert experiment.test_accuracy == result["test_metrics"]["accuracy"]
    assert version.training.experiment_id == experiment.experiment_id


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ('{"genre_weight": 0.2, "genre_weight": 0.3}', "'genre_weight' occurs twice"),
        ('{"genre_weight": NaN}', "NaN is not a number"),
        ('{"genre_weight": 1e999}', "1e999 is too large"),
        ('{"genre_weight": "0.2"}', "genre_weight must be a number, got '0.2'"),
        ('{"genre_weight": true}', "genre_weight must be a number, got True"),
        (
            '{"genre_wait": 0.2, "cast_weight": 3}',
            "unknown hyperparameter 'genre_wait'; cast_weight",
        ),
        ('{"genre_threshold_low": 0.55, "cast_lead_threshold": 15}', "genre_threshold_low < genre"),
        ('{"genre_weight": 0.9, "cast_weight": 0.9}', "must sum to 1"),
        ("[1]", "must be a JSON object, @FILE, 'best' or an experiment id"),
        ("{", "must be a JSON object"),
        ("@/no/such/file.json", "cannot be read"),
        ("bayesian_20200101_000000_001", "there is no experiment"),
        ("best", "no experiment for accuracy with split user-time has been completed"),
        ("", "must be a JSON object"),
    ],
)
def test_bad_input_gets_one_line_and_changes_nothing(world: Path, given: str, said: str) -> None:
    done = run(SCRIPT, "--db", world, "--apply-hp", given, expect=1)
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert n_versions(world) == 0


def test_a_missing_database_is_named_with_what_to_do(tmp_path: Path) -> None:
    done = run(SCRIPT, "--db", tmp_path / "none.db", expect=1)
    assert "reeltune import demo" in done.stderr
    assert not (tmp_path / "none.db").exists()


def test_the_report_shows_what_was_stored(world: Path) -> None:
    run(SCRIPT, "--db", world, "--tune", "--tune-method", "grid", "--tune-configs", "3")
    assert "3" in run(SCRIPT, "--db", world, "--tune-report").stdout
    assert run_json(SCRIPT, "--db", world, "--tune-report")


def test_one_walk_from_a_line_of_ratings_to_what_is_served(tmp_path: Path) -> None:
    """Line -> row -> table -> split -> components -> metrics -> experiment -> version -> served."""
    source = tmp_path / "ml"
    source.mkdir()
    rng = np.random.default_rng(1)
    movies = [
        f"{m},Movie {m} (199{m % 10}),{'Drama' if m % 2 else 'Comedy|Crime'}" for m in range(1, 41)
    ]
    (source / "movies.csv").write_text("\n".join(["movieId,title,genres", *movies]) + "\n")
    rows = [
        f"{u},{m},{4.5 if m % 2 == u % 2 else rng.choice([2.0, 3.0])},{10**9 + 1000 * u + m}"
        for u in range(1, 31)
        for m in rng.permutation(np.arange(1, 41))[:25]
    ]
    (source / "ratings.csv").write_text("\n".join(["userId,movieId,rating,timestamp", *rows]))
    db = tmp_path / "movies.db"
    run("-m", "reeltune", "import", "movielens", source, "--db", db)
    result = run_json(
        "tune_orchestrator.py",
        "--db",
        db,
        "--method",
        "random",
        "--configs",
        "4",
        "--promote",
        "--seed",
        "1",
    )
    assert result["promotion"]["verdict"] == "promoted"
    shown = run_json("model_versioning.py", "show", "--db", db, "--user", "7")
    assert "Movie" in json.dumps(shown)
    with connection(db) as conn:
        production = load_production(conn)
        assert production is not None
        assert production.training.hyperparameters == result["best_hyperparameters"]
        assert production.training.experiment_id == result["best_experiment_id"]
