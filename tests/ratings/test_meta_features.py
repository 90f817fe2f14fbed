import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reeltune.domain.arrays import Floats
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.dataset import Dataset
from reeltune.ratings.meta_features import SCALES, compute_meta_features, gini
from reeltune.ratings.splits import SECONDS_PER_DAY
from reeltune.tuning.warm_start import MetaFeatures
from tests.metrics.small_data import Row, catalogue_of, table_of

MOVIES = [10, 20, 30, 40]
# Movie 10 has three ratings, 20 one, the others none; ten days from first to last.
ROWS: Sequence[Row] = [
    (1, 10, 4.0, 5),
    (1, 20, 2.0, 5 + 10 * SECONDS_PER_DAY),
    (2, 10, 4.0, 6),
    (3, 10, 2.0, 7),
]


def catalogue() -> Catalogue:
    """Genres 0, 0, 1 and none; cast for one movie of four, a collection for two."""
    plain = catalogue_of(MOVIES, [[0], [0], [1], []])
    return replace(
        plain,
        cast_starts=np.array([0, 0, 2, 2, 2]),
        cast=np.array([0, 1], dtype=np.int32),
        billing=np.array([0, 1], dtype=np.int32),
        person_ids=np.array([7, 8]),
        collections=np.array([0, -1, 0, -1], dtype=np.int32),
        collection_ids=np.array([5]),
    )


def similarity(a: dict[str, float], b: dict[str, float]) -> float:
    return MetaFeatures(a, SCALES).similarity(b)


def figures(rows: Sequence[Row] = ROWS) -> dict[str, float]:
    return compute_meta_features(Dataset(table_of(rows, MOVIES), catalogue()))


def test_the_figures_of_a_small_data_set_are_those_worked_by_hand() -> None:
    entropy = -(2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3)) / math.log(3)
    assert figures() == pytest.approx(
        {
            "log10_users": math.log10(3),
            "log10_movies": math.log10(4),
            "log10_ratings": math.log10(4),
            "log10_density": math.log10(4 / 12),
            "long_tail_gini": (-3 * 0 - 1 * 0 + 1 * 1 + 3 * 3) / (4 * 4),
            "rating_mean": 3.0,
            "rating_spread": 1.0,
            "genre_entropy": entropy,
            "cast_coverage": 0.25,
            "franchise_coverage": 0.5,
            "log10_days": 1.0,
        }
    )


def test_there_is_a_scale_for_each_figure() -> None:
    assert set(figures()) == set(SCALES)


def test_less_than_a_day_counts_as_a_day() -> None:
    assert figures([(1, 10, 4.0, 5), (2, 20, 3.0, 9)])["log10_days"] == 0.0


def test_genres_that_are_all_one_or_equally_frequent_are_the_extremes() -> None:
    table = table_of(ROWS, MOVIES)
    one = compute_meta_features(Dataset(table, catalogue_of(MOVIES, [[0], [0], [0], []])))
    even = compute_meta_features(Dataset(table, catalogue_of(MOVIES, [[0], [1], [2], []])))
    assert one["genre_entropy"] == 0.0
    assert even["genre_entropy"] == pytest.approx(1.0)


def test_similarity_falls_with_the_mean_of_the_scaled_differences() -> None:
    here = dict.fromkeys(SCALES, 0.0)
    for distance in (0.0, 0.5, 3.0):
        there = {name: distance * scale for name, scale in SCALES.items()}
        assert similarity(here, there) == pytest.approx(math.exp(-distance))
    one_apart = here | {"rating_mean": SCALES["rating_mean"]}
    assert similarity(here, one_apart) == pytest.approx(math.exp(-1 / len(SCALES)))


def test_one_figure_alone_counts_as_three_scales_at_most() -> None:
    here = dict.fromkeys(SCALES, 0.0)
    far = [similarity(here, here | {"log10_users": 0.5 * k}) for k in (2, 3, 400)]
    assert far[0] > far[1] == far[2] == pytest.approx(math.exp(-3 / len(SCALES)))


@given(st.dictionaries(st.sampled_from(sorted(SCALES)), st.floats(-5, 5)))
def test_similarity_is_symmetric_and_whole_with_itself(some: dict[str, float]) -> None:
    full = dict.fromkeys(SCALES, 0.0) | some
    assert similarity(full, full) == 1.0
    assert similarity(full, figures()) == pytest.approx(similarity(figures(), full))
    assert similarity(some, full) == pytest.approx(
        math.exp(-(len(SCALES) - len(some)) / len(SCALES))
    )


@given(st.lists(st.integers(0, 50), min_size=1, max_size=12))
def test_gini_is_half_the_mean_difference_of_two_by_the_mean(values: list[int]) -> None:
    array: Floats = np.array(values, dtype=np.float64)
    found = gini(array)
    assert found == pytest.approx(gini(array[::-1].copy()))
    if sum(values):
        apart = np.abs(array[:, None] - array[None, :]).mean()
        assert found == pytest.approx(apart / (2 * array.mean()))
        assert gini(3 * array) == pytest.approx(found)
    else:
        assert found == 0.0


def test_gini_of_nothing_is_0() -> None:
    assert gini(np.zeros(0)) == 0.0
