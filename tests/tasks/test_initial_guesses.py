import dataclasses
from pathlib import Path

import numpy as np
import pytest

from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.db.experiments import load_experiments
from reeltune.domain.limits import Limit, Limits, contains, restricted
from reeltune.domain.study import StudyConfig
from reeltune.rating_models.hand_weighted import HandWeighted
from reeltune.ratings.dataset import Dataset
from reeltune.ratings.splits import SPLITS
from reeltune.ratings.table import RatingTable
from reeltune.tasks.initial_guesses import Surrogate
from reeltune.tasks.pairs import MAX_PAIRS, sample_pairs
from reeltune.tasks.ratings import RatingsEvaluator, RatingsTask
from reeltune.tuning.measuring import Measurer
from reeltune.tuning.plan import Plan
from reeltune.tuning.warm_start import GUESSED
from tests.tuning.runs import found, tuned

DEFAULTS = SPACE.defaults()
LIMITS = Limits(
    limits=(
        Limit(name="genre_weight", low=0.5, high=0.7),
        Limit(name="cast_weight", choices=(0.1,)),
    )
)


@pytest.fixture
def data(small_world: Path) -> Dataset:
    with connection(small_world) as conn:
        return load_dataset(conn)


def surrogate(data: Dataset, seed: int = 0, split: str = "user-time") -> Surrogate:
    made = Surrogate.of(data, split, seed, DEFAULTS)
    assert made is not None
    return made


@pytest.mark.parametrize("split", SPLITS)
def test_no_rating_that_a_search_is_measured_on_is_seen(data: Dataset, split: str) -> None:
    parts = SPLITS[split](data.ratings).parts
    before = surrogate(data, split=split).configurations(SPACE)
    for part, changes in ((1, False), (2, False), (0, True)):
        upside_down = np.where(parts == part, 5.5 - data.ratings.ratings, data.ratings.ratings)
        other = dataclasses.replace(data.ratings, ratings=upside_down.astype(np.float32))
        after = surrogate(Dataset(other, data.catalogue), split=split).configurations(SPACE)
        assert (after != before) == changes


def test_it_orders_better_than_what_is_deployed(data: Dataset) -> None:
    trainer = RatingsEvaluator.of(data, StudyConfig())
    guessed = surrogate(data).configurations(SPACE)
    deployed, *guesses = [
        m.objective_value for m in Measurer(trainer, "accuracy").measure_many([DEFAULTS, *guessed])
    ]
    assert min(guesses) > deployed + 0.005


def test_a_column_is_what_the_component_adds_to_the_score(data: Dataset) -> None:
    made = surrogate(data)
    inner = SPLITS["user-time"](SPLITS["user-time"](data.ratings).train)
    model = HandWeighted(DEFAULTS).fit(inner.fitting_for("test"), data.catalogue)
    parts = model.parts(np.arange(data.ratings.n_users))
    at = made.pairs.users, made.pairs.movies
    for name in ("genre", "cast", "franchise", "rating"):
        whole = np.broadcast_to(parts[name], (data.ratings.n_users, data.ratings.n_movies))
        assert DEFAULTS[f"{name}_weight"] * made._column(name) == pytest.approx(whole[at])


def test_every_guess_is_valid_and_within_limits(data: Dataset) -> None:
    part = restricted(SPACE, LIMITS, DEFAULTS)
    for guess in surrogate(data).configurations(SPACE):
        assert SPACE.checked(guess) == guess
    for guess in surrogate(data).configurations(part):
        assert contains(part, guess)
        assert guess["cast_weight"] == 0.1


def test_there_is_none_for_another_objective_or_model_or_without_pairs(data: Dataset) -> None:
    task, other = RatingsTask(data), RatingsTask(data, model="a.b:C")
    assert task.initial_configurations(SPACE, "accuracy", 0, DEFAULTS)
    assert task.initial_configurations(SPACE, "ndcg@10", 0, DEFAULTS) == []
    assert other.initial_configurations(SPACE, "accuracy", 0, DEFAULTS) == []
    loved = dataclasses.replace(data.ratings, ratings=np.full_like(data.ratings.ratings, 5.0))
    assert Surrogate.of(Dataset(loved, data.catalogue), "user-time", 0, DEFAULTS) is None


def test_pairs_are_of_one_user_and_users_count_alike(data: Dataset) -> None:
    table: RatingTable = data.ratings
    pairs = sample_pairs(table, seed=1)
    assert pairs is not None
    rating_of = {
        (u, m): r for u, m, r in zip(table.users, table.movies, table.ratings, strict=True)
    }
    ratings = np.array([rating_of[k] for k in zip(pairs.users, pairs.movies, strict=True)])
    assert np.all(ratings[pairs.liked] >= 4.0)
    assert np.all(ratings[pairs.others] < 4.0)
    owner = pairs.users[pairs.liked]
    assert np.array_equal(owner, pairs.users[pairs.others])
    counts = np.bincount(owner)
    assert counts.max() == MAX_PAIRS
    by_user = np.bincount(owner, pairs.shares)[counts > 0]
    assert by_user == pytest.approx(np.full(len(by_user), 1 / len(by_user)))
    assert len(set(zip(pairs.liked, pairs.others, strict=True))) == len(pairs.liked)


def methods(path: Path, plan: Plan, objective: str = "accuracy") -> list[str]:
    result = tuned(path, plan, objective=objective)
    with connection(path) as conn:
        return [e.tuning_method for e in load_experiments(conn, result.tuning_run_id)]


@pytest.mark.parametrize(("n", "guesses"), [(1, 1), (4, 1), (8, 2)])
def test_a_run_that_looks_back_begins_with_guesses(world: Path, n: int, guesses: int) -> None:
    found = methods(world, Plan(method="bayesian", n_configs=n))
    assert found == ["bayesian", *[GUESSED] * guesses, *["bayesian"] * (n - guesses)]


@pytest.mark.parametrize(
    ("method", "objective"), [("random", "accuracy"), ("evolution", "ndcg@10")]
)
def test_others_do_not(world: Path, method: str, objective: str) -> None:
    assert GUESSED not in methods(world, Plan(method=method, n_configs=8), objective)


def test_the_guesses_are_not_tried_again_on_the_same_data(world: Path) -> None:
    plan = Plan(method="evolution", n_configs=8)
    assert methods(world, plan).count(GUESSED) == 2
    assert methods(world, plan).count(GUESSED) == 0


def test_within_limits_a_run_begins_with_guesses_within_them(world: Path) -> None:
    plan = Plan(method="evolution", n_configs=12, limits=LIMITS)
    result = tuned(world, plan)
    tried = [e[2] for e in found(world, result.tuning_run_id)]
    part = restricted(SPACE, LIMITS, DEFAULTS)
    assert all(contains(part, values) for values in tried[1:])
