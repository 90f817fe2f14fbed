"""Guard of a search: the objective under another split and in segments, without the test set."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.domain.study import StudyConfig
from reeltune.ratings.splits import SPLITS
from reeltune.ratings.table import RatingTable
from reeltune.tasks.examples import example_of_a_function
from reeltune.tasks.guarded import guard_of
from reeltune.tasks.ratings import RatingsTask


@pytest.fixture(scope="module")
def task(small_world: Path) -> RatingsTask:
    with connection(small_world) as conn:
        return RatingsTask.of(load_dataset(conn), StudyConfig())


def pairs(table: RatingTable) -> set[tuple[int, int]]:
    return set(zip(table.users.tolist(), table.movies.tolist(), strict=True))


def test_a_search_sees_no_rating_of_the_test_set_under_the_other_split_either(
    task: RatingsTask,
) -> None:
    guard = guard_of(task, "accuracy")
    assert guard is not None
    assert guard.other is not None
    test = pairs(SPLITS["user-time"](task.data.ratings).test)
    assert len(guard.other.held_out) > 0
    assert not pairs(guard.other.fitting) & test
    assert not pairs(guard.other.held_out) & test


def test_the_other_split_holds_out_the_latest_ratings(task: RatingsTask) -> None:
    guard = guard_of(task, "accuracy")
    assert guard is not None
    assert guard.other is not None
    assert guard.other.fitting.rated_at.max() < guard.other.held_out.rated_at.min()


def test_the_objective_is_told_by_guardrail_and_user(task: RatingsTask) -> None:
    guard = guard_of(task, "ndcg@10")
    assert guard is not None
    configuration = task.space.defaults()
    (found,) = task.evaluator().evaluate_many([configuration])
    (told,) = guard.guarded([configuration], [found])
    assert set(told) == {"ndcg@10, calendar", "ndcg@10, new users", "ndcg@10, heavy users"}
    new = told["ndcg@10, new users"]
    known = np.isfinite(new)
    assert 0 < known.sum() < np.isfinite(found.per_unit["ndcg@10"]).sum()
    assert (new[known] == found.per_unit["ndcg@10"][known]).all()


def test_of_a_sample_of_the_users_the_guard_measures_a_sample(task: RatingsTask) -> None:
    guard = guard_of(task, "accuracy", n_units=20)
    assert guard is not None
    assert guard.other is None or len(np.unique(guard.other.held_out.users)) <= 20
    assert sum(int(users.sum()) for users in guard.segments.values()) < 20


def test_what_is_not_cheap_is_left_to_the_gate(task: RatingsTask) -> None:
    by_calendar = guard_of(replace(task, split="calendar"), "accuracy")
    own = guard_of(replace(task, model="tests.mixed_model:Mixed"), "accuracy")
    assert by_calendar is not None
    assert own is not None
    assert by_calendar.other is None  # on more users than the calendar holds out
    assert own.other is None  # by the reference


def test_a_function_has_no_guard() -> None:
    assert guard_of(example_of_a_function(0), "loss") is None
