import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.errors import InputError
from reeltune.metrics.ranking import Ranking, join, rank, tie_order
from tests.metrics import oracle
from tests.metrics.small_data import SmallData, small_data, table_of

some_ids = st.lists(st.integers(1, 2**62), unique=True, max_size=50).map(sorted)


def ids(values: list[int]) -> Ints:
    return np.array(values, dtype=np.int64)


def splitmix64(seed: int) -> int:
    """Its first output, in whole numbers without bound."""
    z = (seed + 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    return z ^ (z >> 31)


def ranked(data: SmallData, k: int = 10) -> Ranking:
    users = np.arange(data.table.n_users)
    places = tie_order(data.table.movie_ids)
    return rank(data.scores, users, data.fitting, data.held_out, places, k)


def ranked_by_hand(scores: list[float], k: int = 3) -> Ranking:
    """Movies 10 to 50; the user rated 20 in the fitting part, 40 and 10 in the held-out part."""
    rows = [(1, 20, 5.0, 1), (1, 40, 5.0, 2), (1, 10, 2.0, 3)]
    table = table_of(rows, [10, 20, 30, 40, 50])
    fitting, held_out = (table.where(table.movies == 1), table.where(table.movies != 1))
    return rank(np.array([scores]), ids([0]), fitting, held_out, np.array([3, 0, 4, 1, 2]), k)


def test_a_rated_movie_is_no_candidate_and_equal_scores_go_by_place() -> None:
    ranking = ranked_by_hand([0.5, 9.0, 0.7, 0.5, 0.5])
    assert ranking.top.tolist() == [[2, 3, 4]]
    assert ranking.held_out_ranks.tolist() == [2, 4]
    assert ranking.held_out_scores.tolist() == [0.5, 0.5]


def test_a_list_longer_than_the_candidates_ends_in_minus_one() -> None:
    assert ranked_by_hand([1.0, 2.0, 3.0, 4.0, 5.0], k=6).top.tolist() == [[4, 3, 2, 0, -1, -1]]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_not_finite_is_refused_by_name(bad: float) -> None:
    with pytest.raises(InputError, match=r"1 of 5 are not: first -?\w+ for user 1 and movie 30;"):
        ranked_by_hand([0.0, 0.0, bad, 0.0, 0.0])


def test_a_rating_in_both_parts_is_refused() -> None:
    table = table_of([(1, 1, 5.0, 1)], [1, 2])
    with pytest.raises(InputError, match="not in both: 1 are"):
        rank(np.zeros((1, 2)), ids([0]), table, table, ids([0, 1]), 1)


@given(small_data(), st.integers(1, 12))
def test_the_plain_python_oracle_agrees(data: SmallData, k: int) -> None:
    ranking = ranked(data, k)
    expected = oracle.rankings(data)
    assert ranking.top.tolist() == [(row[:k] + [-1] * k)[:k] for row in expected]
    held_out = list(zip(data.held_out.users, data.held_out.movies, strict=True))
    assert ranking.held_out_ranks.tolist() == [expected[u].index(m) + 1 for u, m in held_out]
    assert ranking.held_out_scores.tolist() == [data.scores[u, m] for u, m in held_out]


@given(small_data())
def test_rankings_of_parts_of_the_users_join_to_the_ranking_of_all(data: SmallData) -> None:
    users, places = np.arange(data.table.n_users), tie_order(data.table.movie_ids)
    parts = [
        rank(data.scores[[u]], users[[u]], data.fitting, data.held_out, places, 10) for u in users
    ]
    joined, whole = join(parts, 10), ranked(data)
    assert np.array_equal(joined.top, whole.top)
    assert np.array_equal(joined.held_out_ranks, whole.held_out_ranks)
    assert np.array_equal(joined.held_out_scores, whole.held_out_scores)


@given(small_data())
def test_the_scores_handed_in_stay_as_they_are(data: SmallData) -> None:
    before: Floats = data.scores.copy()
    ranked(data)
    assert np.array_equal(data.scores, before)


@given(some_ids)
def test_the_tie_order_is_a_permutation(values: list[int]) -> None:
    assert sorted(tie_order(ids(values)).tolist()) == list(range(len(values)))


@given(some_ids, st.sets(st.integers(0, 49)))
def test_movies_keep_their_tie_order_when_others_go(values: list[int], gone: set[int]) -> None:
    kept = [i for i in range(len(values)) if i not in gone]
    whole = tie_order(ids(values))[kept]
    assert np.array_equal(np.argsort(whole), np.argsort(tie_order(ids(values)[kept])))


@given(some_ids)
def test_the_tie_order_is_that_of_splitmix64(values: list[int]) -> None:
    in_order = [values[i] for i in np.argsort(tie_order(ids(values)))]
    assert in_order == sorted(values, key=splitmix64)


@pytest.mark.parametrize(
    ("seed", "output"), [(0, 0xE220A8397B1DCDAF), (1234567, 6457827717110365317)]
)
def test_splitmix64_here_is_the_published_one(seed: int, output: int) -> None:
    assert splitmix64(seed) == output


def test_the_tie_order_favours_neither_low_ids_nor_high_ones() -> None:
    places = tie_order(np.arange(1, 10_001))
    assert abs(np.corrcoef(places, np.arange(10_000))[0, 1]) < 0.03
