"""Learned components: the contract of all of them, and each against its definition."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from reeltune.components.era import Era
from reeltune.components.interactions import Interactions
from reeltune.components.learned import LEARNED_COMPONENTS
from reeltune.components.learned_component import History, LearnedComponent
from reeltune.components.linear_autoencoder import LinearAutoencoder
from reeltune.components.neighbours import UserNeighbours
from reeltune.components.sequence import Sequence as Successions
from reeltune.components.taste import FranchiseTaste, GenreTaste
from reeltune.domain.arrays import Floats
from reeltune.domain.space import Configuration
from reeltune.rating_models.hybrid import Hybrid
from reeltune.ratings.dataset import Dataset
from reeltune.ratings.table import RatingTable
from reeltune.tasks.examples import example_of_ratings
from tests.metrics.small_data import catalogue_of

ON = {"user_neighbours": 5, "deviation_ease_ridge": 100.0}  # left out by default
DEFAULTS: Configuration = {**Hybrid.space.defaults(), **ON}
KINDS = list(LEARNED_COMPONENTS.values())


@pytest.fixture(scope="module")
def data() -> Dataset:
    return example_of_ratings(0).data


def history_of(data: Dataset) -> History:
    return History(data.ratings, data.catalogue)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
class TestContract:
    def test_it_gives_a_finite_score_of_each_plane_for_everybody(
        self, kind: type[LearnedComponent], data: Dataset
    ) -> None:
        planes = kind.fit(history_of(data), DEFAULTS).score(np.array([3, 0]))
        assert tuple(planes) == kind.planes
        for plane in planes.values():
            assert plane.shape in {(2, data.ratings.n_movies), (1, data.ratings.n_movies)}
            assert np.isfinite(plane).all()

    def test_it_scores_alike_after_its_arrays_were_stored_and_loaded(
        self, kind: type[LearnedComponent], data: Dataset
    ) -> None:
        fitted, users = kind.fit(history_of(data), DEFAULTS), np.arange(data.ratings.n_users)
        loaded = kind.load(fitted.arrays())
        for name, plane in fitted.score(users).items():
            np.testing.assert_array_equal(loaded.score(users)[name], plane)

    def test_a_users_scores_do_not_depend_on_who_else_is_asked_for(
        self, kind: type[LearnedComponent], data: Dataset
    ) -> None:
        fitted = kind.fit(history_of(data), DEFAULTS)
        everybody = fitted.score(np.arange(data.ratings.n_users))
        for name, plane in fitted.score(np.array([4, 1])).items():
            rows = everybody[name] if len(everybody[name]) == 1 else everybody[name][[4, 1]]
            np.testing.assert_array_equal(plane, rows)

    def test_who_is_folded_in_with_the_same_ratings_scores_as_in_the_fit(
        self, kind: type[LearnedComponent], data: Dataset
    ) -> None:
        users = np.array([5, 2])
        own = data.ratings.where(np.isin(data.ratings.users, users))
        fitted = kind.fit(history_of(data), DEFAULTS)
        folded = fitted.fold_in(History(own, data.catalogue, of_all=data.ratings))
        for name, plane in fitted.score(users).items():
            found = folded.score(users)[name]
            np.testing.assert_allclose(found, plane, rtol=1e-4, atol=1e-5)

    def test_a_user_without_ratings_has_scores(
        self, kind: type[LearnedComponent], data: Dataset
    ) -> None:
        table = data.ratings.where(data.ratings.users != 2)
        planes = kind.fit(History(table, data.catalogue), DEFAULTS).score(np.array([2]))
        assert all(np.isfinite(plane).all() for plane in planes.values())

    def test_each_hyperparameter_is_in_the_space_and_changes_a_score(
        self, kind: type[LearnedComponent], data: Dataset
    ) -> None:
        users, history = np.arange(data.ratings.n_users), history_of(data)
        before = kind.fit(history, DEFAULTS).score(users)
        for each in kind.hyperparameters:
            assert Hybrid.space.hyperparameters[each.name] is each
            low = each.low if each.name not in ON else 3
            after = kind.fit(history, {**DEFAULTS, each.name: low}).score(users)
            assert any(not np.array_equal(after[name], before[name]) for name in before), each.name

    def test_no_two_components_share_a_name_of_a_plane(
        self, kind: type[LearnedComponent], data: Dataset
    ) -> None:
        others = [name for other in KINDS if other is not kind for name in other.planes]
        assert not set(kind.planes) & set(others)


def interactions_of(dense: Floats) -> Interactions:
    rows = csr_array(dense)
    starts, movies = rows.indptr.astype(np.int64), rows.indices.astype(np.int32)
    return Interactions(starts, movies, rows.data, dense.shape[1])


def test_ease_is_its_definition_whichever_side_is_smaller() -> None:
    rng = np.random.default_rng(1)
    for n_users, n_movies in ((5, 9), (9, 5)):
        dense = rng.random((n_users, n_movies)) * (rng.random((n_users, n_movies)) < 0.6)
        dense[0, :] = 1.0  # no movie without interactions
        inverse = np.linalg.inv(dense.T @ dense + 3.0 * np.eye(n_movies))
        weights = np.eye(n_movies) - inverse / np.diag(inverse)
        solved = LinearAutoencoder.fit(interactions_of(dense), 3.0)
        assert bool(len(solved.kept)) == (n_users > n_movies)
        for own in (solved.interactions, interactions_of(np.square(dense))):
            found = solved.score(own, np.arange(n_users))
            given = dense if own is solved.interactions else np.square(dense)
            np.testing.assert_allclose(found, given @ weights, atol=1e-5)


def test_ease_of_movies_leaves_out_those_without_interactions() -> None:
    dense = np.array([[1.0, 0, 1], [1, 0, 0], [0, 0, 1], [1, 0, 1]])
    solved = LinearAutoencoder.fit(interactions_of(dense), 1.0)
    np.testing.assert_array_equal(solved.kept, [0, 2])
    assert (solved.score(solved.interactions, np.arange(4))[:, 1] == 0).all()


def table_of(*histories: Sequence[tuple[int, float]], n_movies: int) -> RatingTable:
    """Return the ratings of users who rated movies (position, stars) one a second."""
    rows = [(u, m, r, t) for u, each in enumerate(histories) for t, (m, r) in enumerate(each)]
    users, movies, stars, times = (np.array(column) for column in zip(*rows, strict=True))
    return RatingTable.from_ids(
        np.arange(n_movies), users, movies, stars.astype(np.float32), times.astype(np.int64)
    )


@given(
    st.lists(
        st.permutations(range(6)).flatmap(
            lambda order: st.lists(
                st.sampled_from([2.0, 4.0]), min_size=2, max_size=len(order)
            ).map(lambda stars: list(zip(order, stars, strict=False)))
        ),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=40, deadline=None)
def test_successions_are_counted_by_distance(histories: list[list[tuple[int, float]]]) -> None:
    window, decay = 3, 0.8
    wanted = np.zeros((6, 6))
    for each in histories:
        for place, (first, _) in enumerate(each):
            for distance in range(1, window + 1):
                if place + distance < len(each) and each[place + distance][1] >= 4:
                    wanted[first, each[place + distance][0]] += decay ** (distance - 1)
    values = {
        "sequence_window": window,
        "sequence_decay": decay,
        "sequence_half_life": 1e-3,  # of the history, the latest rating alone
        "sequence_from_exponent": 0.0,
        "sequence_to_exponent": 0.0,
    }
    table = table_of(*histories, n_movies=6)
    found = Successions.fit(History(table, catalogue_of(range(6), [[]] * 6)), values)
    scores = found.score(np.arange(len(histories)))["sequence"]
    latest = [each[-1][0] for each in histories]
    np.testing.assert_allclose(scores, wanted[latest], rtol=1e-6)


def test_a_movie_without_a_year_says_nothing_of_eras(data: Dataset) -> None:
    years = data.catalogue.release_years.copy()
    years[5] = 0
    catalogue = type(data.catalogue)(**{**vars(data.catalogue), "release_years": years})
    era = Era.fit(History(data.ratings, catalogue), DEFAULTS)
    assert (era.score(np.arange(4))["era"][:, 5] == 0).all()


def test_the_era_of_what_a_user_watches_scores_higher() -> None:
    table = table_of([(0, 4.0), (1, 4.0)], [(2, 4.0), (3, 4.0)], n_movies=6)
    catalogue = catalogue_of(range(6), [[]] * 6)
    years = np.array([1950, 1952, 2010, 2012, 1951, 2011], dtype=np.int32)
    catalogue = type(catalogue)(**{**vars(catalogue), "release_years": years})
    old, new = Era.fit(History(table, catalogue), DEFAULTS).score(np.arange(2))["era"]
    assert old[4] > 0 > old[5]
    assert new[5] > 0 > new[4]


def test_taste_in_genres_fades() -> None:
    catalogue = catalogue_of(range(6), [[0], [0], [1], [1], [0], [1]])

    def tastes(half_life: float, *ratings: tuple[int, float]) -> Floats:
        history = History(table_of(list(ratings), n_movies=6), catalogue)
        values = {"genre_half_life": half_life, "genre_prior": 5.0}
        found = GenreTaste.fit(history, values).score(np.array([0]))["genre"]
        return np.asarray(found[0], dtype=np.float64)

    first_liked = ((0, 5.0), (1, 1.0), (2, 1.0), (3, 5.0))  # genre 1 has become the better one
    assert tastes(0.5, *first_liked)[5] > tastes(0.5, *first_liked)[4]
    assert tastes(1e9, *first_liked)[5] == pytest.approx(tastes(1e9, *first_liked)[4])


def test_a_franchise_of_which_more_was_rated_is_deeper() -> None:
    catalogue = replace(
        catalogue_of(range(6), [[]] * 6),
        collections=np.array([0, 0, 0, 1, 1, -1], dtype=np.int32),
        collection_ids=np.arange(2),
    )
    history = History(table_of([(0, 4.0), (1, 4.0), (3, 4.0)], n_movies=6), catalogue)
    deep = FranchiseTaste.fit(history, {"franchise_depth": 1.0}).score(np.array([0]))
    np.testing.assert_array_equal(deep["franchise_depth"], [[2, 2, 2, 1, 1, 0]])
    flat = FranchiseTaste.fit(history, {"franchise_depth": 0.0}).score(np.array([0]))
    np.testing.assert_array_equal(flat["franchise_depth"], [[1, 1, 1, 1, 1, 0]])


def test_what_the_most_alike_users_rated_scores_and_nothing_else() -> None:
    table = table_of(
        [(0, 4.0), (1, 4.0)], [(0, 4.0), (1, 4.0), (2, 4.0)], [(1, 4.0), (3, 4.0)], n_movies=5
    )
    history = History(table, catalogue_of(range(5), [[]] * 5))
    found = UserNeighbours.fit(history, {"user_neighbours": 1}).score(np.array([0]))
    scores = found["user_neighbours"][0]
    assert scores[2] == pytest.approx(2 / np.sqrt(2 * 3) / np.sqrt(3))
    assert scores[3] == scores[4] == 0
