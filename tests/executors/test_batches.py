import time
from collections.abc import Sequence

import pytest

from reeltune.domain.errors import InterruptedRunError
from reeltune.executors import Batches
from reeltune.executors.batches import FIRST_SIZE, MAX_SIZE


class Doubling:
    """What doubles numbers, remembers how many at a time, and cannot do with 13."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.sizes: list[int] = []
        self.seconds = seconds

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.sizes.append(len(numbers))
        time.sleep(self.seconds * len(numbers))
        if 13 in numbers:
            raise ValueError("no luck")
        return [2 * number for number in numbers]


def submitted(run: Doubling, numbers: Sequence[int]) -> Batches[int, int]:
    executor = Batches(run)
    for number in numbers:
        executor.submit(number, number)
    return executor


def test_what_is_waiting_is_run_together() -> None:
    run = Doubling()
    with submitted(run, [5, 6, 7]) as executor:
        assert [(o.number, o.result) for o in executor.finished()] == [(5, 10), (6, 12), (7, 14)]
    assert run.sizes == [3]


def test_batches_grow_with_what_is_quick_and_shrink_with_what_is_slow() -> None:
    with submitted(Doubling(), range(100, 100 + 5 * MAX_SIZE)) as executor:
        sizes = [len(executor.finished()) for _ in range(6)]
        assert sizes == [
            FIRST_SIZE,
            2 * FIRST_SIZE,
            4 * FIRST_SIZE,
            8 * FIRST_SIZE,
            MAX_SIZE,
            MAX_SIZE,
        ]
    with submitted(Doubling(seconds=0.55), range(FIRST_SIZE)) as executor:
        executor.finished()
        assert executor.capacity == FIRST_SIZE // 2


def test_what_fails_in_a_batch_fails_alone_and_the_next_is_small() -> None:
    run = Doubling()
    with submitted(run, [12, 13, 14, 15]) as executor:
        outcomes = executor.finished()
        assert [o.result for o in outcomes] == [24, None, 28, 30]
        assert [o.error for o in outcomes] == [None, "ValueError: no luck", None, None]
        assert executor.capacity == 1
    assert run.sizes == [4, 1, 1, 1, 1]


def test_an_interruption_goes_through() -> None:
    def interrupted(_: Sequence[int]) -> list[int]:
        raise InterruptedRunError("enough")

    with Batches(interrupted) as executor:
        executor.submit(1, 1)
        with pytest.raises(InterruptedRunError):
            executor.finished()


def test_misuse_is_refused() -> None:
    with submitted(Doubling(), [1]) as executor, pytest.raises(ValueError, match="already"):
        executor.submit(1, 1)
    with submitted(Doubling(), []) as executor, pytest.raises(RuntimeError, match="no task"):
        executor.finished()
