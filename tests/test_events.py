"""Events without dislikes, and ratings without times: tuned, gated, deployed, recommended from."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reeltune.components.user_centred import PASSED_OVER, UserCentredRatings
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.domain.study import StudyConfig
from reeltune.metrics.evaluate import evaluate
from reeltune.rating_models.hand_weighted import HandWeighted
from reeltune.ratings.splits import split_by_user_time
from reeltune.tasks.ratings import suited
from tests.metrics.small_data import table_of
from tests.running import run, run_json

GENRES = ("Drama", "Comedy", "Action", "Horror")


def world(directory: Path, *, times: bool, rating: bool) -> Path:
    """A database of 120 users who mostly choose movies of one genre, imported by the command."""
    draw = random.Random(3)
    genre_of = {f"m-{n:03}": draw.sample(GENRES, 1 + n % 2) for n in range(160)}
    films = "".join(f'{m},Film {m},"{", ".join(g)}"\n' for m, g in genre_of.items())
    (directory / "films.csv").write_text("id,title,genres\n" + films)
    rows = ["user,movie" + ",vote" * rating + ",at" * times]
    for user in range(120):
        likes = draw.choice(GENRES)
        own = [m for m, genres in genre_of.items() if likes in genres]
        for n in range(24):
            movie = draw.choice(own if draw.random() < 0.75 else list(genre_of))
            vote = f",{8 + draw.randrange(3) if movie in own else 1 + draw.randrange(9)}"
            rows.append(
                f"u/{user:03},{movie}{vote * rating}{f',{1_600_000_000 + 100_000 * n}' * times}"
            )
    (directory / "events.csv").write_text("\n".join(rows) + "\n")
    db = directory / "movies.db"
    ids = ("--db", str(db), "--quiet", "--movie")
    films_words = (*ids, "id", "--title", "title", "--genres", "genres")
    run("-m", "reeltune", "import", "table", directory / "films.csv", *films_words)
    words = [*ids, "movie", "--user", "user"]
    words += ["--rating", "vote", "--scale", "1-10"] if rating else []
    words += ["--time", "at"] if times else []
    run("-m", "reeltune", "import", "table", directory / "events.csv", *words)
    return db


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return world(tmp_path_factory.mktemp("events"), times=True, rating=False)


def test_without_dislikes_each_event_is_evidence_of_liking() -> None:
    rows = [(1, movie, 4.0, movie) for movie in (1, 2, 3)] + [(2, 1, 4.5, 1)]
    table = table_of(rows, [1, 2, 3])
    assert UserCentredRatings.of(table).deviations.tolist() == [4 - PASSED_OVER] * 3 + [
        4.5 - PASSED_OVER
    ]
    with_one = table_of([*rows, (2, 2, 1.0, 2)], [1, 2, 3])
    assert (
        UserCentredRatings.of(with_one).deviations[:3].max() < 0.5
    )  # held against the user's own mean


def test_tastes_are_learned_from_events(events: Path) -> None:
    with connection(events) as conn:
        data = load_dataset(conn)
    split = split_by_user_time(data.ratings)
    space = HandWeighted.space
    worth = {}
    for name, weight in (("popularity alone", 0.0), ("with genres", 0.7)):
        values = space.defaults() | {
            "genre_weight": weight,
            "cast_weight": 0.0,
            "franchise_weight": 0.0,
            "rating_weight": 0.0,
            "popularity_weight": 1.0 - weight,
        }
        model = HandWeighted(values).fit(split.train, data.catalogue)
        found = evaluate(model.score, split.train, split.validation, data.catalogue)
        worth[name] = found.values["ndcg@10"]
        assert np.isnan(found.values["accuracy"])
    assert worth["with genres"] > 2 * worth["popularity alone"] > 0


def test_the_objective_of_events_is_of_lists(events: Path) -> None:
    with connection(events) as conn:
        data = load_dataset(conn)
    assert suited(StudyConfig(), data).objective == "ndcg@10"
    assert suited(StudyConfig(objective="mrr"), data).objective == "mrr"
    several = suited(StudyConfig(further_objectives=("ndcg@10", "diversity")), data)
    assert several.objectives == ("ndcg@10", "diversity")


@pytest.mark.slow
def test_events_are_tuned_deployed_and_recommended_from(events: Path) -> None:
    words = ("--method", "random", "--configs", "12", "--jobs", "1", "--promote", "--json")
    told = run("tune_orchestrator.py", "--db", events, *words)
    assert "accuracy cannot be measured, the objective is ndcg@10" in told.stderr
    done = json.loads(told.stdout)
    assert done["objective"] == "ndcg@10"
    assert done["promotion"]["verdict"] == "promoted"
    assert done["promotion"]["rules"][0]["name"] == "ndcg@10"
    again = run("retrain_model.py", "--db", events, "--force")
    assert "Version 2 is promoted" in again.stdout
    shown = run_json("model_versioning.py", "show", "--db", events, "--user", "u/007")
    assert shown["status"] == "production"
    assert len(shown["recommendations"]) == 10
    assert all(str(each["movie_id"]).startswith("m-") for each in shown["recommendations"])
    monitored = run_json("model_versioning.py", "monitor", "--db", events)
    assert monitored["metric"] == "ndcg@10"
    assert monitored["ndcg@10"]["n_then"] == 120
    assert 0 < monitored["ndcg@10"]["then"] < 1
    assert "accuracy" not in monitored
    unknown = run("model_versioning.py", "show", "--db", events, "--user", "7", expect=1)
    assert "user 7 has no ratings" in unknown.stderr
    listed = run_json("-m", "reeltune", "recommend", "7", "--db", events)
    assert (listed["source"], len(listed["items"])) == ("popular", 10)
    assert all(str(each["movie_id"]).startswith("m-") for each in listed["items"])


@pytest.mark.slow
@pytest.mark.parametrize("split", ["user-time", "user-random"])
def test_ratings_without_times_are_tuned_and_deployed(tmp_path: Path, split: str) -> None:
    db = world(tmp_path, times=False, rating=True)
    first = run("retrain_model.py", "--db", db, "--split", split, "--accuracy-threshold", "0.5")
    assert ("time does not order" in first.stderr) is (split == "user-time")
    words = ("--method", "random", "--configs", "6", "--jobs", "1", "--split", split, "--json")
    done: Any = json.loads(run("tune_orchestrator.py", "--db", db, *words, "--promote").stdout)
    assert done["status"] == "completed"
    assert run_json("model_versioning.py", "show", "--db", db)["training"]["split"] == split
