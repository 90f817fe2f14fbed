import numpy as np

from domain.hyperparameters import SPACE
from domain.space import Configuration
from search import STRATEGIES, Trial
from tests.search.problems import PLANE, problem, tuned


def bowl(configuration: Configuration) -> float:
    """Highest, at 0, where x = 0.2, y = 0.7, z = 0.4."""
    peak = {"x": 0.2, "y": 0.7, "z": 0.4}
    return -sum((float(configuration[name]) - at) ** 2 for name, at in peak.items())


def best(trials: list[Trial]) -> float:
    return max(t.value for t in trials if t.value is not None)


def test_without_history_a_batch_fills_the_space_better_than_chance() -> None:
    """Each quarter of each axis gets its share of 16 proposals."""
    strategy, trials = STRATEGIES["bayesian"], list[Trial]()
    for _ in range(16):
        proposal = strategy.propose(problem(SPACE, trials, seed=5))
        assert proposal is not None
        assert proposal.phase == "initial"
        trials.append(Trial(proposal.configuration, None))
    points = np.array([SPACE.encode(t.configuration) for t in trials])
    counts = np.array([np.histogram(axis, 4, (0, 1))[0] for axis in points.T])
    whole = [k for k, name in enumerate(SPACE.dimensions) if "cast_" in name and "thresh" in name]
    assert np.delete(counts, whole, axis=0).min() >= 2


def test_a_smooth_optimum_is_found_better_than_by_chance() -> None:
    for seed in range(3):
        ours = best(tuned("bayesian", PLANE, bowl, 25, seed))
        assert ours > -0.002
        assert ours > best(tuned("random", PLANE, bowl, 25, seed))
