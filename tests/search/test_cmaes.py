from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from reeltune.domain.space import Configuration, Single, Space
from reeltune.search import STRATEGIES, Trial, propose
from reeltune.search.cma_distribution import CmaDistribution, LearningRates, with_margin
from reeltune.search.cmaes import GENERATION
from tests.search.problems import LIMITED, PLANE, problem, trial, tuned, whole

CMAES = STRATEGIES["cmaes"]
PEAK = {"x": 0.2, "y": 0.7, "z": 0.4}


def bowl(configuration: Configuration) -> float:
    """Highest, at 0, at the peak."""
    return -sum((float(configuration[name]) - at) ** 2 for name, at in PEAK.items())


def distance(trials: list[Trial]) -> float:
    return float(min(-(t.value or 0.0) for t in trials) ** 0.5)


def test_the_distribution_goes_to_the_peak_and_shrinks_around_it() -> None:
    for seed in range(3):
        trials = tuned("cmaes", PLANE, bowl, 150, seed)
        assert distance(trials) < 0.02
        late = np.array([[t.configuration[name] for name in PEAK] for t in trials[-30:]])
        assert np.abs(late - list(PEAK.values())).max() < 0.15


def test_what_is_kept_of_earlier_proposals_changes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A state is found by all that led to it, whatever objects that is in."""
    trials = tuned("cmaes", PLANE, bowl, 5 * GENERATION)
    before = STRATEGIES["cmaes"].propose(problem(PLANE, trials))
    best = max(trials[:GENERATION], key=lambda t: t.value or -9.0).number
    worst = min(trials[:GENERATION], key=lambda t: t.value or -9.0).configuration

    def changed(**parts: Any) -> list[Trial]:
        return [replace(t, **parts) if t.number == best else t for t in trials]

    histories = [
        [Trial(dict(t.configuration), t.value, t.number) for t in trials],  # equal
        changed(value=-9.0),
        changed(value=None, failed=True),
        changed(constraints=(1.0,)),
        changed(configuration=worst),
        [Trial(trials[0].configuration, 1.0), *trials],  # of another run
        trials[:-GENERATION],
    ]
    kept = [STRATEGIES["cmaes"].propose(problem(PLANE, h, number=99)) for h in histories]
    for history, proposal in zip(histories, kept, strict=True):
        monkeypatch.setattr("reeltune.search.cmaes._states", {})
        assert STRATEGIES["cmaes"].propose(problem(PLANE, history, number=99)) == proposal
    assert kept[0] == STRATEGIES["cmaes"].propose(problem(PLANE, trials, number=99)) != before
    assert len({str(proposal) for proposal in kept}) >= len(kept) - 2  # three make it the last


def test_a_generation_that_is_not_complete_moves_nothing() -> None:
    trials = tuned("cmaes", PLANE, bowl, 3 * GENERATION)
    number = len(trials) + 1
    before = propose(CMAES, problem(PLANE, trials, number=number))
    more = [trial(PLANE, 9.0, 50 + k) for k in range(GENERATION - 1)]
    late = [Trial(t.configuration, t.value, 90 + k) for k, t in enumerate(more)]
    assert propose(CMAES, problem(PLANE, [*trials, *late], number=number)) == before
    one_more = [*trials, *late, Trial(trial(PLANE, None, 80).configuration, 9.0, 99)]
    assert propose(CMAES, problem(PLANE, one_more, number=number)) != before


def test_generations_go_by_number_whatever_the_order_of_the_history() -> None:
    trials = tuned("cmaes", LIMITED, lambda c: float(c["genre_weight"]), 4 * GENERATION)
    shuffled = [trials[k] for k in np.random.default_rng(0).permutation(len(trials))]
    assert propose(CMAES, problem(LIMITED, shuffled)) == propose(CMAES, problem(LIMITED, trials))


def test_it_begins_around_the_best_of_earlier_runs() -> None:
    earlier = [trial(PLANE, None, k).configuration for k in range(40)]
    known = [Trial(c, bowl(c)) for c in earlier]
    best = max(earlier, key=bowl)
    drawn = [propose(CMAES, problem(PLANE, known, seed)) for seed in range(30)]
    centre = np.mean([[p.configuration[n] for n in PEAK] for p in drawn if p], axis=0)
    assert np.abs(centre - [best[n] for n in PEAK]).max() < 0.12


def test_one_step_by_hand() -> None:
    """Two points in one dimension: the mean goes to the better one, the path there first."""
    rates = LearningRates.of(2, 1)
    assert rates.weights.tolist() == [1.0]
    first = CmaDistribution.around(np.array([0.5]), 0.2)
    moved = first.updated(np.array([[0.7], [0.4]]), np.array([1.0, 0.0]))
    assert moved.mean.tolist() == pytest.approx([0.7])
    assert moved.p_sigma[0] == pytest.approx((rates.c_sigma * (2 - rates.c_sigma)) ** 0.5)


@given(
    mean=st.floats(0, 1),
    deviation=st.floats(1e-4, 0.5),
    cells=st.integers(2, 40),
)
def test_a_cell_can_always_be_left(mean: float, deviation: float, cells: int) -> None:
    space = Space((Single(whole("a", 1, cells)), Single(whole("b", 1, 2))))
    distribution = CmaDistribution.around(np.array([mean, 0.5]), deviation)
    widened = with_margin(distribution, space, 6)
    at, spread = widened.mean[0], deviation * widened.C[0, 0] ** 0.5
    cell = min(cells - 1, int(mean * cells))
    low, high = cell / cells, (cell + 1) / cells
    below = ndtr((low - at) / spread) if cell else 0.0
    above = ndtr((at - high) / spread) if cell < cells - 1 else 0.0
    least = 1 / (6 * 2)
    assert below + above >= least * (1 - 1e-6)
    assert min(x for x in (below, above) if x) >= least / 2 * (1 - 1e-6)
    assert low - 1e-9 <= at <= high + 1e-9
