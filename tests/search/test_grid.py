import pytest

from domain.hyperparameters import SPACE, WEIGHTS
from search.grid import Grid
from tests.search.problems import PLANE


def changed(configuration: dict[str, float], current: dict[str, float]) -> set[str]:
    return {name for name, value in configuration.items() if value != current[name]}


def test_the_first_ring_of_the_default_space_is_a_night_of_experiments() -> None:
    ring = Grid().first_ring(SPACE, SPACE.defaults())
    assert 50 <= len(ring) <= 80
    assert all(SPACE.faults(configuration) == [] for configuration in ring)
    assert len({tuple(configuration.items()) for configuration in ring}) == len(ring)


def test_one_hyperparameter_moves_at_a_time_and_shares_follow() -> None:
    current = SPACE.defaults()
    weights = {member.name for member in WEIGHTS.members}
    popularity = {"popularity_rating_weight", "popularity_count_weight"}
    for configuration in Grid().first_ring(SPACE, current):
        moved = changed(configuration, current)
        assert len(moved) == 1 or moved <= weights or moved == popularity


def test_the_ring_goes_as_far_as_its_radius_and_half_way() -> None:
    ring = Grid(radius=0.1).first_ring(PLANE, PLANE.defaults())
    assert sorted({c["x"] for c in ring}) == pytest.approx([0.4, 0.45, 0.5, 0.55, 0.6])
    assert len(ring) == 12


def test_at_a_bound_the_star_goes_inwards_only() -> None:
    current = PLANE.defaults() | {"x": 1.0}
    ring = Grid(radius=0.1).first_ring(PLANE, current)
    assert sorted({c["x"] for c in ring}) == pytest.approx([0.9, 0.95, 1.0])
    assert len(ring) == 2 + 4 + 4


def test_a_weight_of_one_can_still_be_moved() -> None:
    """The others are zero, so there is nothing to rescale them by; that must not stop the star."""
    current = SPACE.defaults() | dict.fromkeys((m.name for m in WEIGHTS.members), 0.0)
    current["genre_weight"] = 1.0
    star = list(Grid().star(SPACE, current))
    assert star
    assert all(SPACE.faults(configuration) == [] for configuration in star)
