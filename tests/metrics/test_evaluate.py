from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.errors import InputError
from reeltune.domain.evaluation import Evaluation
from reeltune.metrics import evaluate as module
from reeltune.metrics.evaluate import evaluate
from reeltune.metrics.ranking_metrics import METRICS
from reeltune.ratings.splits import split_by_user_time
from tests.metrics.small_data import SmallData, catalogue_of, small_data, table_of


def evaluated(data: SmallData, chunk: int | None = None) -> Evaluation:
    return evaluate(data.score, data.fitting, data.held_out, data.catalogue, chunk=chunk)


def data_of(n_users: int, n_movies: int) -> SmallData:
    """Users who rated all movies, the second half of them held out."""
    movie_ids = list(range(1, n_movies + 1))
    rows = [(user, movie, 4.0, movie) for user in range(n_users) for movie in movie_ids]
    table = table_of(rows, movie_ids)
    later = table.rated_at > n_movies // 2
    scores = np.random.default_rng(0).random((n_users, n_movies))
    catalogue = catalogue_of(movie_ids, [[0]] * n_movies)
    return SmallData(table, table.where(~later), table.where(later), catalogue, scores)


@given(data=small_data(), chunk=st.integers(1, 5))
def test_the_chunk_size_changes_no_digit(data: SmallData, chunk: int) -> None:
    whole, chunked = evaluated(data), evaluated(data, chunk)
    assert chunked.n_units == whole.n_units
    for name in METRICS:
        assert np.array_equal(chunked.values[name], whole.values[name], equal_nan=True)
    for name, values in whole.per_unit.items():
        assert np.array_equal(chunked.per_unit[name], values, equal_nan=True)


@given(data=small_data())
def test_all_metrics_are_there_for_whoever_has_a_held_out_rating(data: SmallData) -> None:
    evaluation = evaluated(data)
    assert list(evaluation.values) == list(METRICS)
    assert all(type(value) is float for value in evaluation.values.values())
    assert list(evaluation.per_unit) == [m.name for m in METRICS.values() if m.per_unit]
    assert evaluation.n_units == len(set(data.held_out.users.tolist()))


def test_users_without_held_out_ratings_are_not_scored_and_no_chunk_exceeds_the_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = data_of(9, 6)
    held_out = data.held_out.where(data.held_out.users != 4)
    monkeypatch.setattr(module, "SCORES_BYTES", 3 * 6 * 8)
    asked: list[list[int]] = []

    def score(users: Ints) -> Floats:
        asked.append(users.tolist())
        return data.scores[users]

    evaluate(score, data.fitting, held_out, data.catalogue)
    assert asked == [[0, 1, 2], [3, 5, 6], [7, 8]]


def test_with_nobody_to_measure_every_value_is_nan() -> None:
    data = data_of(2, 4)
    nobody = data.held_out.where(np.zeros(len(data.held_out), dtype=np.bool_))
    evaluation = evaluate(data.score, data.fitting, nobody, data.catalogue)
    assert evaluation.n_units == 0
    assert np.isnan(list(evaluation.values.values())).all()


def test_empty_data_are_measured_too() -> None:
    nothing = table_of([], [])
    evaluation = evaluate(
        lambda users: np.empty((len(users), 0)), nothing, nothing, catalogue_of([], [])
    )
    assert evaluation.n_units == 0


def test_scores_of_the_wrong_shape_are_refused() -> None:
    data = replace(data_of(3, 4), scores=np.zeros((3, 5)))
    with pytest.raises(InputError, match=r"\(3, 4\), got \(3, 5\)"):
        evaluated(data)


def test_nan_scores_are_refused() -> None:
    with pytest.raises(InputError, match="12 of 12 are not: first nan for user 0 and movie 1"):
        evaluated(replace(data_of(3, 4), scores=np.full((3, 4), np.nan)))


def test_parts_of_different_data_are_refused() -> None:
    small, large = data_of(3, 4), data_of(3, 5)
    with pytest.raises(InputError, match="must share users and movies"):
        evaluate(small.score, small.fitting, large.held_out, small.catalogue)
    with pytest.raises(InputError, match="must share users and movies"):
        evaluate(small.score, small.fitting, small.held_out, large.catalogue)
    with pytest.raises(InputError, match="must share users and movies"):
        evaluate(small.score, small.fitting, data_of(2, 4).held_out, small.catalogue)


@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_scores_of_another_type_rank_as_they_are(dtype: str) -> None:
    data = data_of(3, 8)
    data = replace(data, scores=np.floor(data.scores * 1_000))
    other = evaluate(
        lambda users: data.scores[users].astype(dtype),
        data.fitting,
        data.held_out,
        data.catalogue,
    )
    assert other.values == pytest.approx(evaluated(data).values, nan_ok=True)


@given(seed=st.integers(0, 1_000))
def test_held_out_ratings_do_not_change_what_others_are_measured_by(seed: int) -> None:
    """Other held-out ratings, same movies: metrics of lists alone stay the same."""
    rng = np.random.default_rng(seed)
    data = data_of(4, 20)
    split = split_by_user_time(data.table)
    changed = replace(split.table, ratings=split.table.ratings.copy())
    held = split.parts > 0
    changed.ratings[held] = rng.integers(1, 11, held.sum()) / 2
    other = split_by_user_time(changed)
    assert np.array_equal(other.parts, split.parts)
    assert other.train.fingerprint == split.train.fingerprint
    there, here = (
        evaluate(data.score, each.train, each.validation, data.catalogue) for each in (split, other)
    )
    for name in ("coverage@10", "novelty", "diversity"):
        assert there.values[name] == here.values[name]
