"""Similarity of movies, by cases worked by hand."""

from dataclasses import replace

import numpy as np
import pytest

from reeltune.components.hyperparameters import SPACE
from reeltune.ratings.catalogue import Catalogue
from reeltune.serving.similarity import COMPONENTS_IN_COMMON, Similarity
from tests.metrics.small_data import catalogue_of

VALUES = SPACE.defaults() | {
    "genre_weight": 0.5,
    "cast_weight": 0.25,
    "franchise_weight": 0.25,
    "cast_lead_weight": 2.0,
    "cast_supporting_weight": 1.0,
    "cast_lead_threshold": 1,
    "cast_supporting_threshold": 9,
}


def some() -> Catalogue:
    """Four movies: genres {0, 1}, {0}, {1}, none; people 5 and 6; two in one collection."""
    return replace(
        catalogue_of([10, 20, 30, 40], [[0, 1], [0], [1], []]),
        person_ids=np.array([5, 6]),
        cast_starts=np.array([0, 2, 3, 4, 4]),
        cast=np.array([0, 1, 0, 1], dtype=np.int32),
        billing=np.array([0, 1, 0, 0], dtype=np.int32),
        collections=np.array([-1, 3, -1, 3], dtype=np.int32),
        collection_ids=np.arange(4),
    )


def test_genres_are_a_cosine() -> None:
    genre = Similarity.of(some(), VALUES).parts(0)["genre"]
    assert genre == pytest.approx([0.5, 0.5 / np.sqrt(2), 0.5 / np.sqrt(2), 0.0])


def test_people_are_a_cosine_of_the_weights_of_their_roles() -> None:
    cast = Similarity.of(some(), VALUES).parts(0)["cast"]
    # the first movie: a lead of weight 2, a supporting player of weight 1
    assert cast == pytest.approx([0.25, 0.25 * 2 / np.sqrt(5), 0.25 / np.sqrt(5), 0.0])


def test_the_collection_is_one_or_none() -> None:
    similarity = Similarity.of(some(), VALUES)
    assert similarity.parts(1)["franchise"].tolist() == [0.0, 0.25, 0.0, 0.25]
    assert similarity.parts(0)["franchise"].tolist() == [0.0, 0.0, 0.0, 0.0]


def test_it_is_the_same_from_both_sides() -> None:
    similarity = Similarity.of(some(), VALUES)
    table = np.array([np.sum(list(similarity.parts(m).values()), axis=0) for m in range(4)])
    np.testing.assert_allclose(table, table.T, atol=1e-12)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"genre_weight": 1.0},
        SPACE.defaults() | dict.fromkeys((f"{name}_weight" for name in COMPONENTS_IN_COMMON), 0.0),
    ],
)
def test_a_model_without_such_weights_counts_as_the_defaults_do(values: dict[str, float]) -> None:
    weights = Similarity.of(some(), values).weights
    assert weights == Similarity.of(some(), SPACE.defaults()).weights
    assert sum(weights.values()) == pytest.approx(1.0)
