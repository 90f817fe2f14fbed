"""Monitor's rules on figures alone."""

import pytest

from reeltune.domain.direction import Direction
from reeltune.training.monitor import (
    OVER_FITTING,
    PLATEAU,
    VANISHING,
    Monitor,
    MonitorSettings,
    MonitorState,
)

RULES = MonitorSettings(patience=2, stop_patience=5)


def monitor(direction: Direction = Direction.MINIMIZE, l2: float = 0.5) -> Monitor:
    return Monitor(RULES, MonitorState(learning_rate=1.0, l2=l2, first_rate=1.0), direction)


def observed(found: Monitor, *epochs: tuple[float, float]) -> list[tuple[str, ...]]:
    """The rules that applied after each epoch of (loss, validation)."""
    start = found.state.best_epoch + found.state.waited
    return [
        found.observe(start + n, loss, validation, 1.0)[1]
        for n, (loss, validation) in enumerate(epochs, start=1)
    ]


def test_where_neither_loss_gains_the_rate_is_halved_each_time_patience_ends() -> None:
    found = monitor()
    rules = observed(found, *[(3.0, 2.0)] * 5)
    assert rules == [(), (), (PLATEAU,), (), (PLATEAU,)]
    assert (found.state.learning_rate, found.state.l2) == (0.25, 0.5)


def test_where_training_alone_gains_the_penalty_is_doubled() -> None:
    found = monitor()
    rules = observed(found, (3.0, 2.0), (2.5, 2.1), (2.0, 2.2))
    assert rules[-1] == (OVER_FITTING,)
    assert (found.state.learning_rate, found.state.l2) == (1.0, 1.0)


def test_a_penalty_of_0_becomes_one() -> None:
    found = monitor(l2=0.0)
    observed(found, (3.0, 2.0), (2.5, 2.1), (2.0, 2.2))
    assert found.state.l2 == RULES.first_l2


def test_a_gain_begins_the_wait_anew() -> None:
    found = monitor()
    rules = observed(found, (3.0, 2.0), (3.0, 2.0), (3.0, 1.5), (3.0, 1.5))
    assert rules == [()] * 4
    assert (found.state.best, found.state.best_epoch) == (1.5, 3)


@pytest.mark.parametrize(("direction", "best"), [("minimize", 1.0), ("maximize", 3.0)])
def test_the_direction_decides_what_is_best(direction: str, best: float) -> None:
    found = monitor(Direction(direction))
    observed(found, (9.0, 2.0), (9.0, 1.0), (9.0, 3.0))
    assert found.state.best == best


def test_it_stops_after_epochs_without_a_gain() -> None:
    found = monitor()
    observed(found, (3.0, 2.0))
    assert [found.stops(number) for number in (5, 6)] == [False, True]


def test_small_gradients_double_the_rate_up_to_a_limit() -> None:
    found = monitor()
    rules = [found.observe(n, 3.0, 2.0, 1e-9)[1] for n in range(1, 8)]
    assert rules == [(VANISHING,)] * 4 + [()] * 3
    assert found.state.learning_rate == RULES.max_rate_factor


def test_a_norm_far_above_the_usual_one_is_clipped_and_so_are_later_ones() -> None:
    found = monitor()
    assert [found.clip_for(1.0) for _ in range(5)] == [None] * 5
    assert found.clip_for(99.0) is None
    assert found.clip_for(1_000.0) == 2.0
    assert found.clip_for(1.0) is None
    assert found.clip_for(3.0) == 2.0


def test_too_many_restores_end_it_and_each_halves_the_rate() -> None:
    found = monitor()
    goes_on = [found.diverged() for _ in range(RULES.max_restores + 1)]
    assert goes_on == [True] * RULES.max_restores + [False]
    assert found.state.learning_rate == 0.5 ** (RULES.max_restores + 1)
