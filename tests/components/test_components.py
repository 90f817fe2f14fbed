"""What every component promises, and each one's formula worked out by hand."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reeltune.components import COMPONENTS
from reeltune.components.cast import Cast
from reeltune.components.component import NEUTRAL
from reeltune.components.franchise import Franchise
from reeltune.components.genre import Genre
from reeltune.components.hyperparameters import SPACE
from reeltune.components.popularity import Popularity
from reeltune.components.rating import Rating
from reeltune.components.user_centred import UserCentredRatings
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.domain.arrays import Floats
from reeltune.domain.evaluation import Part
from reeltune.rating_models.hand_weighted import HandWeighted
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.dataset import Dataset
from reeltune.ratings.splits import SPLITS
from reeltune.ratings.table import RatingTable
from tests.metrics.small_data import Row, table_of

MOVIES = (1, 2, 3, 4, 5)
DEFAULTS = SPACE.defaults()


def catalogue() -> Catalogue:
    """Five movies: 1 and 2 comedies, 3 a drama, 4 and 5 nothing known of but a cast or nothing.

    Person 10 leads movies 1, 2 and 4; person 11 is in the background of 3 and 4. Movies 1 and 2
    are one collection.
    """
    return Catalogue(
        movie_ids=np.array(MOVIES),
        genre_names=("Comedy", "Drama"),
        genre_starts=np.array([0, 1, 2, 3, 3, 3]),
        genres=np.array([0, 0, 1], dtype=np.int32),
        person_ids=np.array([10, 11]),
        cast_starts=np.array([0, 1, 2, 3, 5, 5]),
        cast=np.array([0, 0, 1, 0, 1], dtype=np.int32),
        billing=np.array([0, 0, 20, 0, 20], dtype=np.int32),
        collections=np.array([0, 0, -1, -1, -1], dtype=np.int32),
        collection_ids=np.array([7]),
        release_years=np.zeros(5, dtype=np.int32),
    )


def ratings(*rows: Row) -> RatingTable:
    return table_of(rows, MOVIES)


# User 1 likes movie 1 (5) and dislikes movie 3 (1): a mean of 3, so deviations of +2 and -2.
TWO_RATINGS = ratings((1, 1, 5.0, 1), (1, 3, 1.0, 2))


def softsign(stars: float, scale: float) -> float:
    return 0.5 + 0.5 * stars / (abs(stars) + scale)


def scores(component: type, table: RatingTable, **values: float) -> Floats:
    fitted = component.fit(UserCentredRatings.of(table), catalogue())  # type: ignore[attr-defined]
    found: Floats = fitted.score(np.array([0]), {**DEFAULTS, **values})
    first: Floats = found[0]
    return first


def test_deviations_are_from_the_users_own_mean() -> None:
    assert UserCentredRatings.of(TWO_RATINGS).deviations == pytest.approx([2.0, -2.0])


def test_genre_is_the_shrunk_liking_of_the_movies_genres_and_neutral_without() -> None:
    plain = {"genre_boost_high": 0.0, "genre_boost_medium": 0.0, "genre_boost_low": 0.0}
    match = softsign(2 / (1 + 5), 0.375)
    assert scores(Genre, TWO_RATINGS, **plain) == pytest.approx(
        [match, match, 1 - match, NEUTRAL, NEUTRAL]
    )


def test_genre_boosts_what_is_high_or_medium_and_lowers_what_is_low() -> None:
    match = softsign(2 / 6, 0.375)
    assert 0.7 < match < 0.8
    boosts = {"genre_boost_high": 0.11, "genre_boost_medium": 0.07, "genre_boost_low": -0.13}
    assert scores(Genre, TWO_RATINGS, **boosts) == pytest.approx(
        [match + 0.11, match + 0.11, 1 - match - 0.13, NEUTRAL, NEUTRAL]
    )
    higher = scores(Genre, TWO_RATINGS, **boosts, genre_threshold_high=0.9)
    assert higher[0] == pytest.approx(match + 0.07)


def test_cast_weighs_evidence_by_role_in_the_movie_that_is_scored() -> None:
    known = scores(
        Cast, TWO_RATINGS, cast_lead_weight=1.0, cast_background_weight=0.25, cast_lead_threshold=5
    )
    lead = softsign(2 / (1 + 5), 0.75)
    both = softsign((1.0 * 2 + 0.25 * -2) / (1.0 + 0.25 + 5), 0.75)
    assert known[[1, 3, 4]] == pytest.approx([lead, both, NEUTRAL])


def test_franchise_is_the_shrunk_liking_of_the_collection_and_neutral_without() -> None:
    liked = softsign(2 / (1 + 2), 0.75)
    assert scores(Franchise, TWO_RATINGS) == pytest.approx(
        [liked, liked, NEUTRAL, NEUTRAL, NEUTRAL]
    )


def test_rating_is_shrunk_towards_the_mean_of_all() -> None:
    stars = np.array([3 + 2 / 6, 3, 3 - 2 / 6, 3, 3])
    assert scores(Rating, TWO_RATINGS) == pytest.approx((stars - 0.5) / 4.5, abs=1e-6)


def test_popularity_mixes_mean_and_number_of_ratings() -> None:
    rating = scores(Rating, TWO_RATINGS)
    mixed = scores(
        Popularity, TWO_RATINGS, popularity_rating_weight=0.25, popularity_count_weight=0.75
    )
    assert mixed == pytest.approx(0.25 * rating + 0.75 * np.array([1, 0, 1, 0, 0]))


def test_of_a_user_without_ratings_nothing_personal_is_said() -> None:
    table = ratings((1, 1, 5.0, 1), (2, 3, 1.0, 2)).where(np.array([False, True]))
    for component in (Genre, Cast, Franchise):
        assert scores(component, table) == pytest.approx([NEUTRAL] * 5)


@pytest.mark.parametrize("component", COMPONENTS.values(), ids=list(COMPONENTS))
@given(data=st.data())
def test_every_component_stays_between_0_and_1_and_scores_pairs_alike(
    component: type, data: st.DataObject
) -> None:
    rows = data.draw(
        st.lists(
            st.tuples(
                st.integers(1, 3),
                st.sampled_from(MOVIES),
                st.sampled_from([0.5, 2.5, 5.0]),
                st.integers(0, 9),
            ),
            min_size=1,
            max_size=12,
            unique_by=lambda row: row[:2],
        )
    )
    size = len(SPACE.dimensions)
    point = data.draw(st.lists(st.floats(0, 1), min_size=size, max_size=size))
    table = ratings(*rows)
    fitted = component.fit(UserCentredRatings.of(table), catalogue())  # type: ignore[attr-defined]
    found = fitted.score(np.arange(table.n_users), SPACE.decode(np.array(point)))
    assert found.shape[1] == len(MOVIES)
    assert np.all((found >= 0) & (found <= 1))
    users, movies = np.divmod(np.arange(table.n_users * len(MOVIES)), len(MOVIES))
    one_by_one = fitted.score_at(users[::-1], movies[::-1], SPACE.decode(np.array(point)))[::-1]
    everywhere = np.broadcast_to(found, (table.n_users, len(MOVIES)))
    assert np.array_equal(one_by_one, everywhere.ravel())


def test_each_component_has_a_weight_and_only_declared_hyperparameters() -> None:
    assert len(COMPONENTS) >= 5
    declared = set(SPACE.hyperparameters)
    for name, component in COMPONENTS.items():
        assert {f"{name}_weight", *component.hyperparameters} <= declared


@pytest.mark.parametrize("component", COMPONENTS.values(), ids=list(COMPONENTS))
def test_a_component_reads_no_other_hyperparameters_than_it_names(component: type) -> None:
    """The compiled engine goes by the names: what it does not know, it leaves to the reference."""
    fitted = component.fit(UserCentredRatings.of(TWO_RATINGS), catalogue())  # type: ignore[attr-defined]
    named = {name: DEFAULTS[name] for name in component.hyperparameters}  # type: ignore[attr-defined]
    one = np.array([0])
    fitted.score(one, named)
    fitted.score_at(one, one, named)
    for name in named:
        others = {other: value for other, value in named.items() if other != name}
        with pytest.raises(KeyError, match=name):
            fitted.score(one, others)


def changed(data: Dataset, parts: np.ndarray, first_held_out: int) -> Dataset:
    """The same data with every rating from part `first_held_out` on turned upside down."""
    held_out = parts >= first_held_out
    upside_down = np.where(held_out, 5.5 - data.ratings.ratings, data.ratings.ratings)
    other = dataclasses.replace(data.ratings, ratings=upside_down.astype(np.float32))
    return Dataset(other, data.catalogue)


@pytest.mark.parametrize(("part", "code"), [("validation", 1), ("test", 2)])
@pytest.mark.parametrize("split", list(SPLITS))
def test_no_statistic_changes_when_held_out_ratings_change(
    small_world: Path, split: str, part: Part, code: int
) -> None:
    with connection(small_world) as conn:
        data = load_dataset(conn)
    parts = SPLITS[split](data.ratings)
    other = changed(data, parts.parts, code)
    assert other.fingerprint != data.fingerprint
    learnt = [
        HandWeighted(DEFAULTS)
        .fit(SPLITS[split](each.ratings).fitting_for(part), each.catalogue)
        .arrays()
        for each in (data, other)
    ]
    assert learnt[0].keys() == learnt[1].keys()
    for name, array in learnt[0].items():
        assert array.tobytes() == learnt[1][name].tobytes(), name
