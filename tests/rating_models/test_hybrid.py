"""Hybrid recommender: weights from the past alone, the same scores however it is asked."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reeltune.components.compiled_loops import plane_loops
from reeltune.domain.errors import InputError
from reeltune.rating_models.hybrid import KNOWN, LEAD, LISTS, NEW, ORDER, PLANES, Hybrid
from reeltune.rating_models.hybrid_examples import FEW_RATINGS, N_NEXT, newcomers_window, windows
from reeltune.rating_models.hybrid_features import Plane, RatedMovies, bounded
from reeltune.rating_models.registry import model_class
from reeltune.ratings.dataset import Dataset
from reeltune.tasks.examples import example_of_ratings

DEFAULTS = Hybrid.space.defaults()


@pytest.fixture(scope="module")
def data() -> Dataset:
    return example_of_ratings(0).data


@pytest.fixture(scope="module")
def model(data: Dataset) -> Hybrid:
    return Hybrid(DEFAULTS).fit(data.ratings, data.catalogue)


def test_it_is_found_by_its_name() -> None:
    assert model_class("hybrid") is Hybrid


def test_it_is_asked_only_after_it_was_fitted() -> None:
    with pytest.raises(InputError, match="not fitted"):
        Hybrid(DEFAULTS).score(np.array([0]))


def test_it_scores_alike_after_its_arrays_were_stored_and_loaded(
    model: Hybrid, data: Dataset
) -> None:
    users = np.arange(data.ratings.n_users)
    loaded = Hybrid(DEFAULTS).load(model.arrays())
    np.testing.assert_array_equal(loaded.score(users), model.score(users))


def test_a_users_scores_do_not_depend_on_who_else_is_asked_for(
    model: Hybrid, data: Dataset
) -> None:
    everybody = model.score(np.arange(data.ratings.n_users))
    np.testing.assert_array_equal(model.score(np.array([4])), everybody[[4]])


def test_its_parts_add_up_to_its_scores(model: Hybrid, data: Dataset) -> None:
    users = np.arange(data.ratings.n_users)
    parts = model.parts(users)
    assert set(parts) <= {*PLANES, LEAD}
    np.testing.assert_array_equal(sum(parts.values()), model.score(users))


def test_the_same_data_give_the_same_model(model: Hybrid, data: Dataset) -> None:
    again = example_of_ratings(0).data
    other = Hybrid(DEFAULTS).fit(again.ratings, again.catalogue)
    np.testing.assert_array_equal(other.weights, model.weights)
    users = np.arange(data.ratings.n_users)
    np.testing.assert_array_equal(other.score(users), model.score(users))


def test_a_component_without_weight_is_neither_kept_nor_stored(data: Dataset) -> None:
    model = Hybrid({**DEFAULTS, "tau": 1.0}).fit(data.ratings, data.catalogue)
    for component in model.components:
        columns = [2 * PLANES.index(plane) for plane in component.planes]
        columns += [column + 1 for column in columns]
        assert (model.weights[..., columns] > 0).any(), component.name


def one_stage(stage: int, fitted: Hybrid) -> Hybrid:
    """Return the model that has the weights of one stage for all places."""
    model = Hybrid({**DEFAULTS, "list_places": 0}).load(fitted.arrays())
    model.weights = fitted.weights[[stage, stage]]
    return model


def test_the_first_places_are_the_lists_and_all_others_stand_by_the_order(
    model: Hybrid, data: Dataset
) -> None:
    users = np.arange(8)
    n_first = model.n_list_places
    lists, order = (one_stage(stage, model).score(users) for stage in (LISTS, ORDER))
    unrated = RatedMovies.of(data.ratings).unrated(users)
    for user, scores in enumerate(model.score(users)):
        candidates = np.flatnonzero(unrated[user])
        found = candidates[np.argsort(-scores[candidates], kind="stable")]
        wanted = candidates[np.argsort(-lists[user][candidates], kind="stable")]
        np.testing.assert_array_equal(found[:n_first], wanted[:n_first])
        rest = found[n_first:]
        np.testing.assert_array_equal(scores[rest], order[user][rest])


def test_what_all_like_counts_less_for_lists_by_the_discount() -> None:
    weights = np.ones(2 * len(PLANES))
    Hybrid({**DEFAULTS, "popularity_discount": 0.25}).discount(weights)
    is_alike = np.isin(np.repeat(PLANES, 2), ["quality", "popularity", "trending"])
    np.testing.assert_array_equal(weights, np.where(is_alike, 0.75, 1.0))


def test_the_discount_is_of_the_lists_of_known_users_alone(
    data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Hybrid, "discount", lambda _, weights: weights.fill(0.0))
    model = Hybrid(DEFAULTS).fit(data.ratings, data.catalogue)
    assert not model.weights[LISTS, KNOWN].any()
    assert all(model.weights[each].any() for each in ((LISTS, NEW), (ORDER, KNOWN), (ORDER, NEW)))


def test_without_list_places_all_stand_by_one_order(data: Dataset) -> None:
    model = Hybrid({**DEFAULTS, "list_places": 0}).fit(data.ratings, data.catalogue)
    users = np.arange(8)
    assert LEAD not in model.parts(users)
    np.testing.assert_array_equal(model.score(users), one_stage(LISTS, model).score(users))
    assert (model.weights[ORDER] == 0).all()


def test_who_came_after_the_fit_is_scored_by_own_ratings(data: Dataset) -> None:
    table = data.ratings
    model = Hybrid(DEFAULTS).fit(table.where(~np.isin(table.users, [3, 6])), data.catalogue)
    folded = model.fold_in(table, data.catalogue, table.where(np.isin(table.users, [3, 6])))
    scores = folded.score(np.array([3, 6]))
    assert not np.array_equal(scores[0], scores[1])
    whole = Hybrid(DEFAULTS).fit(table, data.catalogue).score(np.array([3, 6]))
    for found, fitted in zip(scores, whole, strict=True):
        assert np.corrcoef(found, fitted)[0, 1] > 0.7
    np.testing.assert_array_equal(folded.weights, model.weights)


def test_who_came_after_the_fit_is_new_by_the_number_of_own_ratings(data: Dataset) -> None:
    table = data.ratings
    place = np.arange(len(table)) - table.starts[table.users]
    few = table.where((table.users != 3) | (place < FEW_RATINGS - 1))
    model = Hybrid(DEFAULTS).fit(table.where(table.users != 3), data.catalogue)
    model.weights = model.weights.copy()
    model.weights[:, KNOWN] = 0
    own = table.users == 3
    scores = model.fold_in(table, data.catalogue, table.where(own)).score(np.array([3]))
    assert (scores == 0).all()
    own = few.users == 3
    scores = model.fold_in(few, data.catalogue, few.where(own)).score(np.array([3]))
    assert (scores != 0).any()


def test_windows_hold_out_what_came_after_their_history(data: Dataset) -> None:
    found = windows(data.ratings, data.catalogue)
    assert found
    for window in found:
        history, held_out = window.history.ratings, window.held_out
        for user in np.flatnonzero(np.diff(held_out.starts)):
            latest = history.rated_at[history.users == user].max()
            assert held_out.rated_at[held_out.users == user].min() >= latest


def test_newcomers_are_known_by_their_first_few_ratings(data: Dataset) -> None:
    window = newcomers_window(data.ratings, data.catalogue)
    history, held_out = window.history.ratings, window.held_out
    newcomers = np.flatnonzero(np.diff(held_out.starts))
    n_known = np.diff(history.starts)[newcomers]
    assert 0.2 < len(newcomers) / data.ratings.n_users < 0.8
    assert n_known.max() < FEW_RATINGS
    assert len(set(n_known.tolist())) > 1
    assert np.diff(held_out.starts).max() <= N_NEXT
    for user in newcomers:
        before = history.rated_at[history.users == user]
        assert held_out.rated_at[held_out.users == user].min() >= before.max(initial=0)


def test_a_user_with_few_ratings_is_scored_with_the_weights_of_newcomers(data: Dataset) -> None:
    table = data.ratings
    place = np.arange(len(table)) - table.starts[table.users]
    few = table.where((table.users != 3) | (place < FEW_RATINGS - 1))
    model = Hybrid(DEFAULTS).fit(few, data.catalogue)
    before = model.score(np.array([3, 4]))
    model.weights = model.weights.copy()
    model.weights[:, NEW] = 0
    after = model.score(np.array([3, 4]))
    assert (after[0] == 0).all()
    np.testing.assert_array_equal(after[1], before[1])


def test_it_works_where_nobody_has_a_history_to_learn_from(data: Dataset) -> None:
    table = data.ratings
    place = np.arange(len(table)) - table.starts[table.users]
    short = table.where(place < 3)
    scores = Hybrid(DEFAULTS).fit(short, data.catalogue).score(np.arange(table.n_users))
    assert np.isfinite(scores).all()
    assert len(np.unique(scores)) > 1


def rated_by(*users: list[int], n_movies: int) -> RatedMovies:
    starts = np.cumsum([0, *map(len, users)]).astype(np.int64)
    movies = np.array([movie for each in users for movie in each], dtype=np.int32)
    return RatedMovies(starts, movies, n_movies)


def test_standardised_scores_have_mean_0_and_deviation_1_over_what_is_unrated() -> None:
    rng = np.random.default_rng(2)
    scores = rng.random((3, 50)).astype(np.float32)
    rated = rated_by([3, 8], [], [0, 1, 49], n_movies=50)
    plane = Plane.of(scores, np.arange(3), rated)
    for user, chosen in enumerate(rated.unrated(np.arange(3))):
        found = plane.at(np.full(50, user), np.arange(50))
        assert found[chosen].mean() == pytest.approx(0, abs=1e-4)
        assert found[chosen].std() == pytest.approx(1, abs=1e-4)


def test_a_plane_that_says_nothing_is_0() -> None:
    scores = np.full((1, 50), 3.3, dtype=np.float32)
    plane = Plane.of(scores, np.arange(2), rated_by([3], [], n_movies=50))
    assert (plane.at(np.repeat([0, 1], 50), np.tile(np.arange(50), 2)) == 0).all()
    assert len(plane.best) == 0


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 5, 40]), st.sampled_from([2, 9, 10**6]))
@settings(max_examples=30, deadline=None)
def test_the_best_candidates_stand_above_the_nth_best(seed: int, n: int, kinds: int) -> None:
    rng = np.random.default_rng(seed)
    scores = (rng.integers(0, kinds, (2, 45)) / 7).astype(np.float32)
    rated = rated_by([3, 8, 20], [], n_movies=45)
    plane = Plane.of(scores, np.arange(2), rated)
    loops = plane_loops()
    standardising = (plane.scores, plane.means, plane.scales)
    found = loops.best_places(*standardising, plane.users, rated.starts, rated.movies, n)
    wanted = []
    for user, chosen in enumerate(rated.unrated(np.arange(2))):
        own = np.sort(scores[user][chosen])
        if len(set(own.tolist())) > 1:
            above = chosen & (scores[user] > own[-min(n, len(own))])
            wanted += (user * 45 + np.flatnonzero(above)).tolist()
    assert sorted(found.tolist()) == wanted


def test_a_bounded_score_is_half_of_3_deviations_there_and_never_more_than_3() -> None:
    z = np.array([-1000.0, -3.0, 0.0, 3.0, 1000.0], dtype=np.float32)
    np.testing.assert_allclose(bounded(z), [-2.991, -1.5, 0, 1.5, 2.991], atol=1e-3)


def test_rated_movies_are_no_candidates(data: Dataset) -> None:
    users = np.array([7, 2])
    found = RatedMovies.of(data.ratings).unrated(users)
    for row, user in zip(found, users, strict=True):
        rated = set(data.ratings.movies[data.ratings.users == user].tolist())
        assert set(np.flatnonzero(~row).tolist()) == rated
