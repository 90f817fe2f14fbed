import numpy as np

from reeltune.components.hyperparameters import SPACE
from reeltune.domain.space import Configuration
from reeltune.search import STRATEGIES, Trial
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


def clustered(n: int) -> list[Trial]:
    """Results of about one place."""
    base = SPACE.encode(SPACE.defaults())
    points = [np.clip(base + 0.01 * k, 0, 1) for k in range(n)]
    return [Trial(SPACE.decode(point), 0.5 + 0.01 * k) for k, point in enumerate(points)]


def test_results_of_one_place_do_not_make_a_model() -> None:
    """What a run begins with may be all alike; the rest is looked at first, the middle before."""
    first = STRATEGIES["gp"].propose(problem(SPACE, clustered(6)))
    assert first is not None
    assert first.phase == "initial"
    assert first.configuration == SPACE.decode(np.full(len(SPACE.dimensions), 0.5))
    trials = [*clustered(6), Trial(first.configuration, 0.6)]
    second = STRATEGIES["gp"].propose(problem(SPACE, trials))
    assert second is not None
    assert second.phase == "initial"
    assert second.configuration != first.configuration


def test_many_results_make_a_model_wherever_they_are() -> None:
    found = STRATEGIES["gp"].propose(problem(SPACE, clustered(12)))
    assert found is not None
    assert found.phase != "initial"
