"""Trials under constraints."""

from reeltune.search import Trial


def test_a_trial_is_feasible_unless_a_constraint_is_above_0() -> None:
    assert Trial({}, 1.0).is_feasible
    assert Trial({}, 1.0, constraints=(0.0, -0.3)).is_feasible
    assert not Trial({}, 1.0, constraints=(-1.0, 1e-9)).is_feasible
