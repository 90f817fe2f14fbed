from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.search import all_pieces
from benchmarks.search_chart import chart
from benchmarks.search_methods import GUESSED, methods
from benchmarks.search_objectives import OBJECTIVES, Objective
from benchmarks.search_runs import load_pieces, search_regrets, wanted
from benchmarks.search_tables import medians, suite_means
from benchmarks.search_world import RECOMMENDER, TRUTH, recommender_value
from reeltune.search import NEEDS, STRATEGIES

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
    assert set(methods()) >= set(STRATEGIES) - {"grid", "bayesian", "nsga2", *NEEDS}
    regrets = search_regrets(methods()["random"], OBJECTIVES["hartmann6"], 3, 30)
    assert len(regrets) == 3
    assert min(regrets) > 0
    assert regrets == search_regrets(methods()["random"], OBJECTIVES["hartmann6"], 3, 30)


def test_a_kept_search_is_not_run_again_and_is_found_the_same(tmp_path: Path) -> None:
    objectives, keep = [OBJECTIVES["hartmann6"]], tmp_path / "pieces.jsonl"
    pieces = list(wanted(["random", GUESSED], objectives, range(3), [1], {"hartmann6": 20}))
    assert [piece.method for piece in pieces] == ["random"] * 3
    assert all_pieces(pieces, objectives, keep, seconds=0) == []
    found = all_pieces(pieces, objectives, keep, seconds=1e9)
    assert list(load_pieces(keep).values()) == found
    assert all_pieces(pieces, objectives, keep, seconds=0) == found
    assert [piece.regrets for piece in found] == [
        tuple(search_regrets(methods()["random"], objectives[0], seed, 20)) for seed in range(3)
    ]


def test_in_flight_a_search_sees_results_later() -> None:
    """What does not look at results finds the same; what does, something else."""
    objective = OBJECTIVES["hartmann6"]
    for name, same in (("random", True), ("evolution", False)):
        runs = [search_regrets(methods()[name], objective, 1, 30, n) for n in (1, 4)]
        assert (runs[0] == runs[1]) == same


def test_a_suite_is_the_mean_over_objectives_of_medians_over_seeds() -> None:
    objectives = [OBJECTIVES["hartmann6"], OBJECTIVES["levy8"]]
    most = dict.fromkeys(OBJECTIVES, 10)
    pieces = list(wanted(["random"], objectives, range(3), [1], most))
    values = [[1.0, 4.0], [2.0, 5.0], [9.0, 6.0]]  # by seed and objective
    given = [
        replace(piece, regrets=(value,))
        for piece, value in zip(pieces, [v for row in values for v in row], strict=True)
    ]
    assert medians(given, "hartmann6") == {"random": [2.0]}
    assert suite_means(given) == {"random": [3.5]}
    assert chart({"a < b": suite_means(given)}).count("<polyline") == 1
