import numpy as np
import pytest

from benchmarks.search import search_regrets
from benchmarks.search_methods import methods
from benchmarks.search_objectives import OBJECTIVES, Objective
from benchmarks.search_world import RECOMMENDER, TRUTH, recommender_value
from search import STRATEGIES

PEAKS = {
    "hartmann6": [0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573],
    "ackley10": [0.0] * 10,
    "levy8": [1.0] * 8,
    "rosenbrock6": [1.0] * 6,
}


@pytest.mark.parametrize("name", PEAKS)
def test_the_optimum_is_where_the_literature_says(name: str) -> None:
    objective = OBJECTIVES[name]
    peak = dict(zip(objective.space.hyperparameters, PEAKS[name], strict=True))
    assert objective.value(peak) == pytest.approx(objective.optimum, abs=1e-4)


def test_the_users_true_tastes_are_close_to_the_optimum_but_not_above() -> None:
    assert RECOMMENDER.faults(TRUTH) == []
    assert len(RECOMMENDER.dimensions) == 19
    objective = OBJECTIVES["recommender19"]
    assert 0 < objective.optimum - recommender_value(TRUTH) < 0.003
    assert objective.value(RECOMMENDER.defaults()) < recommender_value(TRUTH) - 0.02


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
def test_random_search_has_a_regret_of_about_one_after_ten(objective: Objective) -> None:
    random = methods()["random"]
    found = [search_regrets(random, objective, seed, 10)[0] for seed in range(40)]
    assert np.median(found) == pytest.approx(1.0, abs=0.35)


def test_a_search_is_scored_by_what_it_would_deploy() -> None:
    """The value without noise of the best by the values with noise, so regret may rise."""
    assert set(methods()) >= set(STRATEGIES) - {"grid"}
    regrets = search_regrets(methods()["random"], OBJECTIVES["hartmann6"], 3, 30)
    assert len(regrets) == 3
    assert min(regrets) > 0
    assert regrets == search_regrets(methods()["random"], OBJECTIVES["hartmann6"], 3, 30)
