from math import log2

import numpy as np
import pytest
from hypothesis import given

from reeltune.domain.arrays import Floats
from reeltune.domain.evaluation import Evaluation
from reeltune.metrics.evaluate import evaluate
from reeltune.metrics.ranking import Ranking
from reeltune.metrics.ranking_metrics import METRICS, Outcome
from tests.metrics import oracle
from tests.metrics.small_data import SmallData, catalogue_of, small_data, table_of

OURS = (
    "accuracy",
    "ndcg@10",
    "balanced",
    "recall@20",
    "mrr",
    "coverage@10",
    "novelty",
    "diversity",
)


def measured(data: SmallData, scores: Floats | None = None) -> Evaluation:
    scores = data.scores if scores is None else scores
    return evaluate(lambda users: scores[users], data.fitting, data.held_out, data.catalogue)


def worth(data: SmallData) -> Floats:
    """(U, M) 2 for a liked held-out movie, 0 for one rated but not liked, 1 for the others."""
    truth = np.ones(data.scores.shape)
    held_out = data.held_out
    truth[held_out.users, held_out.movies] = np.where(held_out.ratings >= 4, 2.0, 0.0)
    return truth


def value(metric: str, ranks: list[int], scores: list[float], liked: list[bool]) -> float:
    """A metric of the first of two users, the second of whom has no held-out rating."""
    movie_ids = list(range(1, 1 + len(ranks)))
    rows = [(1, m, 4.0 if like else 3.5, m) for m, like in zip(movie_ids, liked, strict=True)]
    table = table_of([*rows, (2, 1, 5.0, 1)], movie_ids)
    ranking = Ranking(np.empty((1, 0), dtype=np.int64), np.array(ranks), np.array(scores))
    held_out, fitting = table.where(table.users == 0), table.where(table.users == 1)
    catalogue = catalogue_of(movie_ids, [[]] * len(movie_ids))
    values = METRICS[metric].measure(Outcome(ranking, fitting, held_out, catalogue))
    assert values.shape == (2,)
    assert np.isnan(values[1])
    return float(values[0])


def of_lists(metric: str, top: list[list[int]], genres: list[list[int]]) -> Floats:
    """A metric of users with these top lists, who each rated movie 1; movie 2 was rated by one.

    Four users rated something in the fitting part, movie 1 all of them.
    """
    movie_ids = list(range(1, 1 + len(genres)))
    fitted = [(user, 1, 3.0, 1) for user in range(1, 5)] + [(1, 2, 3.0, 2)]
    held = [(user, len(genres), 3.0, 3) for user in range(1, 1 + len(top))]
    table = table_of(fitted + held, movie_ids)
    is_held = table.rated_at == 3
    ranking = Ranking(np.array(top), np.ones(len(held), np.int64), np.zeros(len(held)))
    outcome = Outcome(
        ranking, table.where(~is_held), table.where(is_held), catalogue_of(movie_ids, genres)
    )
    return METRICS[metric].measure(outcome)


def test_the_registry_has_every_metric_the_summary_shows() -> None:
    assert set(OURS) <= set(METRICS)


@pytest.mark.parametrize("name", METRICS)
@given(data=small_data())
def test_each_metric_keeps_the_contract(name: str, data: SmallData) -> None:
    metric = METRICS[name]
    assert metric.name == name
    assert metric.title
    assert metric.measure.__doc__
    assert "Source:" in metric.measure.__doc__
    evaluation = measured(data)
    if metric.per_unit:
        values = evaluation.per_unit[name]
        assert values.shape == (data.table.n_users,)
        assert values.dtype == np.float64
        unseen = np.setdiff1d(np.arange(data.table.n_users), data.held_out.users)
        assert np.isnan(values[unseen]).all()
        assert not np.isinf(values).any()
        known = values[~np.isnan(values)]
        assert evaluation.values[name] == pytest.approx(
            np.mean(known) if len(known) else np.nan, nan_ok=True
        )
    else:
        assert name not in evaluation.per_unit


@given(data=small_data())
def test_the_plain_python_oracle_agrees(data: SmallData) -> None:
    evaluation, expected = measured(data), oracle.values(data)
    assert set(expected) == set(OURS)
    for name in evaluation.per_unit.keys() & expected.keys():
        values = evaluation.per_unit[name]
        assert values == pytest.approx(expected[name], nan_ok=True, abs=1e-12), name
    assert [evaluation.values["coverage@10"]] == pytest.approx(expected["coverage@10"], nan_ok=True)


@given(data=small_data())
def test_only_the_order_of_the_scores_matters(data: SmallData) -> None:
    there, stretched = measured(data), measured(data, np.exp(data.scores / 50) - 7)
    for name in OURS:
        assert np.array_equal(there.values[name], stretched.values[name], equal_nan=True), name


@given(data=small_data())
def test_all_but_bits_are_shares_from_0_to_1(data: SmallData) -> None:
    evaluation = measured(data)
    for name in set(OURS) - {"novelty"}:
        values = evaluation.per_unit.get(name, np.array([evaluation.values[name]]))
        known = values[~np.isnan(values)]
        assert np.all((known >= 0) & (known <= 1 + 1e-12)), name


@pytest.mark.parametrize("name", ["accuracy", "ndcg@10", "recall@20", "mrr"])
@given(data=small_data())
def test_nothing_beats_ranking_by_the_truth(name: str, data: SmallData) -> None:
    best, some = measured(data, worth(data)).per_unit[name], measured(data).per_unit[name]
    assert np.array_equal(np.isnan(best), np.isnan(some))
    known = ~np.isnan(best)
    assert np.all(some[known] <= best[known] + 1e-12)
    if name != "recall@20":  # which is below 1 for whoever liked more than 20
        assert best[known] == pytest.approx(1.0)


@given(data=small_data())
def test_turning_the_scores_round_turns_accuracy_round(data: SmallData) -> None:
    there, back = measured(data), measured(data, -data.scores)
    assert back.per_unit["accuracy"] == pytest.approx(1 - there.per_unit["accuracy"], nan_ok=True)


@given(data=small_data())
def test_scores_that_are_all_equal_have_accuracy_one_half(data: SmallData) -> None:
    values = measured(data, np.zeros(data.scores.shape)).per_unit["accuracy"]
    assert np.all(values[~np.isnan(values)] == 0.5)


def test_accuracy_counts_pairs_and_half_of_ties() -> None:
    # Pairs (liked, not): (0.9, 0.5) right, (0.9, 0.1) right, (0.5, 0.5) a tie, (0.5, 0.1) right.
    liked = [True, False, True, False]
    assert value("accuracy", [1, 2, 3, 4], [0.9, 0.5, 0.5, 0.1], liked) == 3.5 / 4


@pytest.mark.parametrize("liked", [True, False])
def test_accuracy_needs_a_liked_and_a_disliked_movie(liked: bool) -> None:
    assert np.isnan(value("accuracy", [1, 2], [0.9, 0.5], [liked, liked]))


def test_ndcg_discounts_by_the_logarithm_of_the_rank() -> None:
    found = value("ndcg@10", [2, 1, 10, 11], [0.0] * 4, [True, False, True, True])
    best = 1 + 1 / log2(3) + 1 / log2(4)
    assert found == pytest.approx((1 / log2(3) + 1 / log2(11)) / best)


def test_ndcg_of_more_liked_movies_than_places_can_be_perfect() -> None:
    assert value("ndcg@10", list(range(1, 13)), [0.0] * 12, [True] * 12) == pytest.approx(1.0)


def test_balanced_is_the_mean_of_accuracy_and_ndcg_of_those_who_have_both() -> None:
    ranks, scores, liked = [2, 1, 30], [0.5, 0.9, 0.1], [True, False, False]
    assert value("accuracy", ranks, scores, liked) == 0.5
    assert value("balanced", ranks, scores, liked) == pytest.approx(0.25 + 0.5 / log2(3))
    assert np.isnan(value("balanced", [1, 2], [0.9, 0.5], [True, True]))
    assert np.isnan(value("balanced", [1, 2], [0.9, 0.5], [False, False]))


def test_recall_is_the_share_of_liked_movies_among_the_first_20() -> None:
    liked = [True, True, True, True, False]
    assert value("recall@20", [1, 20, 21, 500, 2], [0.0] * 5, liked) == 0.5


def test_mrr_looks_at_the_first_liked_movie_only() -> None:
    assert value("mrr", [1, 8, 4], [0.0] * 3, [False, True, True]) == 0.25


@pytest.mark.parametrize("metric", ["ndcg@10", "recall@20", "mrr"])
def test_without_a_liked_movie_there_is_no_value(metric: str) -> None:
    assert np.isnan(value(metric, [1, 2], [0.9, 0.5], [False, False]))


def test_coverage_counts_movies_in_anyones_list() -> None:
    assert of_lists("coverage@10", [[0, 1, -1], [1, 0, 4]], [[]] * 6).tolist() == [0.5]


def test_novelty_is_the_mean_of_bits_and_an_unrated_movie_counts_as_rated_once() -> None:
    # Of 4 users with ratings, movie 1 has 4 raters (0 bits), movie 2 one, movie 3 none (2 bits).
    values = of_lists("novelty", [[0, 1, -1], [1, 2, -1], [-1, -1, -1]], [[]] * 4)
    assert values.tolist()[:2] == [1.0, 2.0]
    assert np.isnan(values[2:]).all()


def test_diversity_is_one_less_the_mean_cosine_and_leaves_out_movies_without_genres() -> None:
    genres = [[0], [0, 1], [2], [], [0]]
    values = of_lists("diversity", [[0, 1, 2, 3], [0, 4, -1, -1], [3, 2, -1, -1]], genres)
    assert values[0] == pytest.approx(1 - (1 / np.sqrt(2) + 0 + 0) / 3)
    assert values[1] == pytest.approx(0.0)
    assert np.isnan(values[2:]).all()
