from pathlib import Path

import numpy as np
import pytest

from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.domain.errors import InputError
from reeltune.domain.study import BUILT_IN
from reeltune.metrics.ranking import tie_order
from reeltune.metrics.segments import held_out_scores, held_out_scores_at
from reeltune.rating_models.hand_weighted import HandWeighted
from reeltune.rating_models.recommend import recommend, top_movies
from reeltune.rating_models.registry import model_class
from reeltune.ratings.dataset import Dataset


@pytest.fixture(scope="module")
def data(small_world: Path) -> Dataset:
    with connection(small_world) as conn:
        return load_dataset(conn)


@pytest.fixture(scope="module")
def fitted(data: Dataset) -> HandWeighted:
    return HandWeighted(SPACE.defaults()).fit(data.ratings, data.catalogue)


def test_what_the_components_add_sums_to_the_score(data: Dataset, fitted: HandWeighted) -> None:
    users = np.arange(data.ratings.n_users)
    total = sum(np.broadcast_to(part, (len(users), 240)) for part in fitted.parts(users).values())
    assert fitted.score(users) == pytest.approx(np.asarray(total))
    assert fitted.score(users).shape == (len(users), data.ratings.n_movies)
    assert np.all((fitted.score(users) >= 0) & (fitted.score(users) <= 1))


def test_a_pair_is_scored_as_in_its_row_to_the_last_bit(
    data: Dataset, fitted: HandWeighted
) -> None:
    table = data.ratings
    pairs = held_out_scores_at(fitted.score_at, table)
    assert pairs.tobytes() == held_out_scores(fitted.score, table).tobytes()


def test_a_loaded_model_scores_as_the_fitted_one_to_the_last_bit(
    data: Dataset, fitted: HandWeighted
) -> None:
    users = np.arange(data.ratings.n_users)
    loaded = HandWeighted(SPACE.defaults()).load(fitted.arrays())
    assert loaded.score(users).tobytes() == fitted.score(users).tobytes()


def test_a_user_is_scored_the_same_alone_and_among_others(
    data: Dataset, fitted: HandWeighted
) -> None:
    users = np.arange(data.ratings.n_users)
    together = fitted.score(users)
    for user in (0, 17, len(users) - 1):
        assert fitted.score(np.array([user])).tobytes() == together[[user]].tobytes()


def test_nobody_is_recommended_what_they_have_rated(data: Dataset, fitted: HandWeighted) -> None:
    table = data.ratings
    for user in (0, 5, 41):
        found = recommend(fitted, table, int(table.user_ids[user]), k=10)
        mine = table.movie_ids[table.movies[table.starts[user] : table.starts[user + 1]]]
        assert len(found) == 10
        assert not {r.movie_id for r in found} & set(mine.tolist())
        assert [r.score for r in found] == sorted((r.score for r in found), reverse=True)
        assert all(sum(r.parts.values()) == pytest.approx(r.score) for r in found)


def test_equal_scores_are_ordered_by_the_fixed_permutation_not_by_id() -> None:
    ids = np.arange(1, 200)
    found = top_movies(np.zeros(len(ids)), np.array([], dtype=np.int32), tie_order(ids), 199)
    assert found != sorted(found)
    assert found == np.argsort(tie_order(ids)).tolist()


def test_a_user_nobody_knows_is_refused(data: Dataset, fitted: HandWeighted) -> None:
    with pytest.raises(InputError, match="user 999999 has no ratings"):
        recommend(fitted, data.ratings, 999_999)


def test_scores_are_not_asked_of_a_model_that_is_not_fitted() -> None:
    with pytest.raises(InputError, match="not fitted"):
        HandWeighted(SPACE.defaults()).score(np.array([0]))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing", "'package.module:Name'"),
        ("no.such.module:Name", "cannot be imported"),
        ("json:nothing", "cannot be imported"),
        ("json:JSONDecoder", "is no recommender: it lacks"),
    ],
)
def test_what_is_no_recommender_is_refused_with_the_reason(name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        model_class(name)


def test_the_built_in_model_has_a_name() -> None:
    assert model_class(BUILT_IN) is HandWeighted
