"""Compiled scoring of one user: movies, order and scores of the reference, to the bit."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reeltune.domain.arrays import Floats, Ints, Ints32
from reeltune.engine.arrays import Bytes
from reeltune.engine.coverage import component_gaps
from reeltune.rating_models.hand_weighted import HandWeighted
from reeltune.rating_models.hybrid import Hybrid
from reeltune.rating_models.recommend import list_movies, recommend_at
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.recommender import Recommendation
from reeltune.ratings.table import RatingTable
from reeltune.serving.scorers import CompiledScorer, ModelScorer, Selection, make_scorer
from reeltune.serving.user_ratings import UserRatings
from tests.engine.test_engine import RATINGS, catalogue_of, configuration_of, parts_of

pytestmark = pytest.mark.skipif(
    bool(component_gaps()), reason=f"not compiled, for {' and '.join(component_gaps())}"
)


@dataclass(frozen=True)
class Case:
    """Fitted model, the ratings of today, and movies that may not be shown beside those rated."""

    model: HandWeighted
    fitting: RatingTable
    now: RatingTable
    catalogue: Catalogue  # of today
    hidden: Ints32

    def left_out(self, user: int) -> Ints32:
        rated = self.now.movies[self.now.users == user]
        return np.concatenate([rated, self.hidden])

    def mask(self, user: int) -> Bytes:
        found = np.zeros(self.now.n_movies, dtype=np.uint8)
        found[self.left_out(user)] = 1
        return found


@st.composite
def cases(draw: st.DrawFn) -> Case:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_movies = draw(st.sampled_from([1, 2, 15, 64, 300]))
    richness = draw(st.sampled_from([0.0, 0.5, 1.0]))
    catalogue = catalogue_of(rng, n_movies, richness)
    stars = RATINGS[draw(st.sampled_from(list(RATINGS)))]
    fitting, later = parts_of(rng, draw(st.integers(1, 7)), n_movies, stars)
    now = fitting if draw(st.booleans()) else fitting.where(np.zeros(len(fitting), bool))
    now = later if len(later) and draw(st.booleans()) else now
    model = HandWeighted(configuration_of(rng)).fit(fitting, catalogue)
    if draw(st.booleans()):  # more is known of the movies than at the fit, or something else
        catalogue = catalogue_of(rng, n_movies, richness)
    hidden = rng.permutation(n_movies)[: draw(st.integers(0, 3))].astype(np.int32)
    return Case(model, fitting, now, catalogue, hidden)


def assert_same(found: Selection, expected: list[Recommendation], movie_ids: Ints) -> None:
    ids = movie_ids[found.movies].tolist()
    assert ids == [each.movie_id for each in expected]
    assert found.scores.tolist() == [each.score for each in expected]
    assert list(found.parts) == list(expected[0].parts if expected else found.parts)
    for name, part in found.parts.items():
        assert part.tolist() == [each.parts[name] for each in expected], name


@given(case=cases(), k=st.sampled_from([1, 3, 10, 1_000]))
@settings(max_examples=150)
def test_a_user_of_the_fit_has_the_list_of_the_reference(case: Case, k: int) -> None:
    scorer = make_scorer(case.model, case.now, case.catalogue)
    assert isinstance(scorer, CompiledScorer)
    for user in range(case.fitting.n_users):
        found = scorer.best_of_fitted(user, case.mask(user), k, explain=True)
        left_out = case.left_out(user)
        expected = recommend_at(case.model, user, case.now.movie_ids, left_out, k)
        assert_same(found, expected, case.now.movie_ids)


@given(case=cases(), k=st.sampled_from([1, 10, 1_000]))
@settings(max_examples=150)
def test_who_came_since_has_the_list_of_the_model_folded_in(case: Case, k: int) -> None:
    scorer = CompiledScorer(case.model, case.now, case.catalogue)
    folded = case.model.fold_in(case.now, case.catalogue, case.now)
    for user in np.unique(case.now.users).tolist():
        own = UserRatings(case.now).of(int(case.now.user_ids[user]))
        found = scorer.best_of_folded(own, case.mask(user), k, explain=True)
        expected = recommend_at(folded, user, case.now.movie_ids, case.left_out(user), k)
        assert_same(found, expected, case.now.movie_ids)


@given(case=cases())
@settings(max_examples=30)
def test_other_models_are_scored_by_their_own_score(case: Case) -> None:
    class Other(HandWeighted):
        """Model of which nothing is compiled."""

    other = Other(case.model.hyperparameters)
    other.components = case.model.components
    scorer = make_scorer(other, case.now, case.catalogue)
    assert isinstance(scorer, ModelScorer)
    compiled = CompiledScorer(case.model, case.now, case.catalogue)
    for user in range(case.fitting.n_users):
        pairs = [
            each.best_of_fitted(user, case.mask(user), 10, explain=True)
            for each in (scorer, compiled)
        ]
        own = UserRatings(case.now).of(int(case.now.user_ids[user]))
        if len(own):
            pairs += [
                each.best_of_folded(own, case.mask(user), 10, explain=True)
                for each in (scorer, compiled)
            ]
        for one, two in zip(pairs[::2], pairs[1::2], strict=True):
            assert one.movies.tolist() == two.movies.tolist()
            assert one.scores.tolist() == two.scores.tolist()


def test_a_user_changes_nothing_for_the_next() -> None:
    rng = np.random.default_rng(5)
    catalogue = catalogue_of(rng, 120, 1.0)
    table, _ = parts_of(rng, 12, 120, RATINGS["many"])
    model = HandWeighted(configuration_of(rng)).fit(table, catalogue)
    scorer = CompiledScorer(model, table, catalogue)
    nothing = np.zeros(120, dtype=np.uint8)
    alone = [
        CompiledScorer(model, table, catalogue).best_of_fitted(user, nothing, 120, explain=False)
        for user in range(table.n_users)
    ]
    for user in rng.integers(0, table.n_users, 60).tolist():
        found = scorer.best_of_fitted(user, nothing, 120, explain=False)
        assert found.movies.tolist() == alone[user].movies.tolist()
        assert found.scores.tolist() == alone[user].scores.tolist()


def test_what_no_score_is_comes_last_and_does_not_stop_the_others() -> None:
    class Broken(HandWeighted):
        """Model that gives no number for the first movie."""

        def score(self, users: Ints) -> Floats:
            found = np.array(super().score(users))
            found[:, 0] = np.nan
            return found

    rng = np.random.default_rng(6)
    catalogue = catalogue_of(rng, 20, 1.0)
    table, _ = parts_of(rng, 3, 20, RATINGS["many"])
    model = Broken(configuration_of(rng)).fit(table, catalogue)
    nothing = np.zeros(20, dtype=np.uint8)
    found = make_scorer(model, table, catalogue).best_of_fitted(0, nothing, 20, explain=False)
    expected = list_movies(model.score(np.array([0]))[0], {}, table.movie_ids, table.movies[:0], 20)
    ids = table.movie_ids[found.movies].tolist()
    assert ids == [each.movie_id for each in expected]
    assert ids[-1] == table.movie_ids[0]


def test_a_model_that_folds_in_gets_the_ratings_in_order_of_time() -> None:
    asked: list[RatingTable] = []

    class Recording(HandWeighted):
        """Model that keeps what it is given."""

        def fold_in(
            self, ratings: RatingTable, catalogue: Catalogue, newcomers: RatingTable
        ) -> Self:
            asked.append(newcomers)
            np.testing.assert_array_equal(
                np.lexsort((ratings.movies, ratings.rated_at, ratings.users)),
                np.arange(len(ratings)),
            )
            return super().fold_in(ratings, catalogue, newcomers)

    rng = np.random.default_rng(8)
    catalogue = catalogue_of(rng, 30, 1.0)
    table, _ = parts_of(rng, 20, 30, RATINGS["many"])
    assert table.n_users > 2
    model = Recording(configuration_of(rng)).fit(table, catalogue)
    nothing = np.zeros(30, dtype=np.uint8)
    stored = UserRatings(table)
    user = int(table.user_ids[1])
    newer = stored.with_newer([(user, 29, 1.0, 7), (user, 3, 4.0, 50), (user, 4, 4.0, 50)])
    for own in (stored.of(user), newer.of(user)):
        make_scorer(model, table, catalogue).best_of_folded(own, nothing, 5, explain=False)
    first, second = asked
    assert first.movies.tolist() == table.movies[table.users == 1].tolist()
    assert second.users.tolist() == [0] * len(second)
    times = dict(zip(second.movies.tolist(), second.rated_at.tolist(), strict=True))
    assert (times[29], times[3], times[4]) == (7, 50, 50)


def test_the_hybrid_serves_its_users_and_folds_others_in_as_it_does_by_itself() -> None:
    rng = np.random.default_rng(9)
    catalogue = catalogue_of(rng, 40, 1.0)
    table, later = parts_of(rng, 40, 40, RATINGS["many"])
    hybrid = Hybrid(Hybrid.space.defaults()).fit(table, catalogue)
    scorer = make_scorer(hybrid, later, catalogue)
    assert scorer.can_fold_in
    nothing, nobody = np.zeros(40, dtype=np.uint8), np.zeros(0, dtype=np.int32)
    for user in range(0, table.n_users, 5):
        found = scorer.best_of_fitted(user, nothing, 7, explain=True)
        expected = recommend_at(hybrid, user, table.movie_ids, nobody, 7)
        assert_same(found, expected, table.movie_ids)
    newcomer = int(np.flatnonzero(np.diff(later.starts))[0])
    own = UserRatings(later).of(int(later.user_ids[newcomer]))
    folded = hybrid.fold_in(later, catalogue, later.where(later.users == newcomer))
    found = scorer.best_of_folded(own, nothing, 7, explain=True)
    assert_same(found, recommend_at(folded, newcomer, table.movie_ids, nobody, 7), table.movie_ids)
