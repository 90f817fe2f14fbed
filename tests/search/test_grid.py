from dataclasses import replace

import pytest

from reeltune.components.hyperparameters import SPACE, WEIGHTS
from reeltune.domain.errors import InputError
from reeltune.domain.space import Configuration
from reeltune.search import Trial, propose
from reeltune.search.grid import Grid, best_before
from tests.search.problems import PLANE, problem, trial, tuned

PROGRESSIVE = "grid, progressive"


def changed(configuration: dict[str, float], current: dict[str, float]) -> set[str]:
    return {name for name, value in configuration.items() if value != current[name]}


def test_the_first_steps_of_the_default_space_are_a_night_of_experiments() -> None:
    steps = Grid().first_steps(SPACE, SPACE.defaults())
    assert 50 <= len(steps) <= 80
    assert all(SPACE.faults(configuration) == [] for configuration in steps)
    assert len({tuple(configuration.items()) for configuration in steps}) == len(steps)


def test_one_hyperparameter_moves_at_a_time_and_shares_follow() -> None:
    current = SPACE.defaults()
    weights = {member.name for member in WEIGHTS.members}
    popularity = {"popularity_rating_weight", "popularity_count_weight"}
    for configuration in Grid().first_steps(SPACE, current):
        moved = changed(configuration, current)
        assert len(moved) == 1 or moved <= weights or moved == popularity


def test_the_steps_go_as_far_as_its_radius_and_half_way() -> None:
    steps = Grid(radius=0.1).first_steps(PLANE, PLANE.defaults())
    assert sorted({c["x"] for c in steps}) == pytest.approx([0.4, 0.45, 0.5, 0.55, 0.6])
    assert len(steps) == 12


def test_at_a_bound_the_steps_go_inwards_only() -> None:
    current = PLANE.defaults() | {"x": 1.0}
    steps = Grid(radius=0.1).first_steps(PLANE, current)
    assert sorted({c["x"] for c in steps}) == pytest.approx([0.9, 0.95, 1.0])
    assert len(steps) == 2 + 4 + 4


def test_the_steps_reach_the_far_bound_and_none_comes_twice() -> None:
    current = PLANE.defaults() | {"x": 0.0}
    steps = list(Grid(radius=0.1).coordinate_steps(PLANE, current))
    assert sorted({c["x"] for c in steps}) == pytest.approx([k / 20 for k in range(21)])
    assert len({tuple(c.items()) for c in steps}) == len(steps)


def test_the_best_results_are_the_highest_also_around_0() -> None:
    values = (-0.2, 0.0, 0.3, 0.5)
    trials = [Trial({"x": value}, value, number) for number, value in enumerate(values)]
    assert best_before(trials, 2) == [{"x": 0.3}, {"x": 0.0}]
    assert best_before(trials, 1) == [{"x": 0.0}, {"x": -0.2}]


def test_a_weight_of_one_can_still_be_moved() -> None:
    """The others are zero, so there is nothing to rescale them by; that must not stop the steps."""
    current = SPACE.defaults() | dict.fromkeys((m.name for m in WEIGHTS.members), 0.0)
    current["genre_weight"] = 1.0
    steps = list(Grid().coordinate_steps(SPACE, current))
    assert steps
    assert all(SPACE.faults(configuration) == [] for configuration in steps)


def test_what_was_tried_before_takes_no_place_of_the_steps() -> None:
    steps = list(Grid().coordinate_steps(PLANE, PLANE.defaults()))
    others = [Trial(trial(PLANE, 0.5, k).configuration, 0.5, 1 + k) for k in range(5)]
    proposal = propose(Grid(), problem(PLANE, [*others, Trial(steps[0], 0.5, 6)]))
    assert proposal is not None
    assert proposal.configuration == steps[1]


def slope(configuration: Configuration) -> float:
    return float(configuration["x"]) - abs(float(configuration["y"]) - 0.35)


def test_a_progressive_grid_goes_finer_around_the_best() -> None:
    """Coarse: 0.4 to either side of 0.5. Then half as far around the two best, and so on."""
    trials = tuned(PROGRESSIVE, PLANE, slope, 30)
    first, second = trials[:6], trials[6:]
    assert {round(abs(t.configuration[n] - 0.5), 6) for t in first for n in "xyz"} == {0.0, 0.4}
    best = max(first, key=lambda t: t.value or 0.0).configuration
    assert best == {"x": 0.9, "y": 0.5, "z": 0.5}
    around = [t.configuration for t in second[:5]]  # x cannot go further than 1
    assert [round(sum(abs(c[n] - best[n]) for n in "xyz"), 6) for c in around] == [
        0.1,
        *[0.2] * 4,
    ]
    assert max(slope(t.configuration) for t in trials) > 0.99 - 0.05


def test_all_proposals_of_a_pass_go_around_the_same_results() -> None:
    """Though results of its own come in while it is proposed, and some before it are late."""
    tried = tuned(PROGRESSIVE, PLANE, slope, 6)
    known = [*tried[:5], Trial(tried[5].configuration, 9.0, 6)]  # the last one is the best
    late = [*tried[:3], *(Trial(t.configuration, None, t.number) for t in tried[3:])]
    strategy = Grid(progressive=True)
    early = propose(strategy, replace(problem(PLANE, late), asynchronous_delay=4))
    assert propose(strategy, replace(problem(PLANE, known), asynchronous_delay=4)) == early
    assert propose(strategy, problem(PLANE, known)) != early


def test_radius_and_levels_are_the_users() -> None:
    steps = Grid(radius=0.3, levels=3).first_steps(PLANE, PLANE.defaults())
    assert sorted({c["y"] for c in steps}) == pytest.approx([0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    with pytest.raises(InputError, match="radius must be above 0"):
        Grid(radius=0.0)
    with pytest.raises(InputError, match="1 level or more"):
        Grid(levels=0)
