from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

from reeltune.executors import EXECUTORS, Executor, Inline, TaskOutcome, make_executor
from reeltune.executors.executor import ERROR_LENGTH
from reeltune.executors.processes import Processes
from tests.executors.tasks import Task, start, start_badly

DATA = np.arange(5.0)
JOBS = 2


@pytest.fixture(scope="module", params=EXECUTORS)
def executor(request: pytest.FixtureRequest) -> Iterator[Executor[Task, Any]]:
    with EXECUTORS[request.param](partial(start, DATA), JOBS) as made:
        yield made


def outcomes(executor: Executor[Task, Any], *tasks: Task) -> list[tuple[int, Any, str | None]]:
    """What became of `tasks`, by number."""
    for number, task in enumerate(tasks):
        executor.submit(number, task)
    done: list[TaskOutcome[Any]] = []
    while len(done) < len(tasks):
        done += executor.finished()
    return sorted((outcome.number, outcome.result, outcome.error) for outcome in done)


class TestEveryExecutor:
    def test_gives_each_result_once_under_its_number(self, executor: Executor[Task, Any]) -> None:
        found = outcomes(executor, *(("square", x) for x in range(20)))
        assert found == [(x, x * x, None) for x in range(20)]

    def test_gives_every_worker_what_start_holds(self, executor: Executor[Task, Any]) -> None:
        assert outcomes(executor, *[("total", None)] * 4) == [(n, 10.0, None) for n in range(4)]

    def test_lets_a_failing_task_fail_alone(self, executor: Executor[Task, Any]) -> None:
        found = outcomes(executor, ("square", 2), ("fail", "no\ngood"), ("square", 3))
        assert found == [(0, 4, None), (1, None, "ValueError: no good"), (2, 9, None)]

    @pytest.mark.parametrize(
        ("name", "argument", "error"),
        [
            ("leave", 3, "SystemExit: 3"),
            ("recurse", 0, "RecursionError: maximum recursion depth"),
            ("raise_something_unpicklable", None, "HomelessError: <unlocked"),
            ("raise_unprintable", None, "MuteError: (its message cannot be made)"),
            ("fail", "\x1b[31m\u202e\ud800\x00", "ValueError: [31m"),
        ],
    )
    def test_tells_in_one_line_what_a_task_raised(
        self, executor: Executor[Task, Any], name: str, argument: Any, error: str
    ) -> None:
        [(_, result, told)] = outcomes(executor, (name, argument))
        assert result is None
        assert told is not None
        assert told.startswith(error)
        assert told.isprintable()

    def test_bounds_what_it_tells(self, executor: Executor[Task, Any]) -> None:
        [(_, _, error)] = outcomes(executor, ("fail", "x" * 1_000_000))
        assert error is not None
        assert len(error) == ERROR_LENGTH

    def test_measures_how_long_a_task_ran(self, executor: Executor[Task, Any]) -> None:
        executor.submit(0, ("nap", 0.1))
        [outcome] = executor.finished()
        assert 0.1 <= outcome.seconds < 2.0

    def test_refuses_to_wait_for_nothing(self, executor: Executor[Task, Any]) -> None:
        with pytest.raises(RuntimeError, match="no task is under way"):
            executor.finished()

    def test_refuses_a_number_twice_but_takes_it_again_later(
        self, executor: Executor[Task, Any]
    ) -> None:
        executor.submit(7, ("nap", 0.05))
        with pytest.raises(ValueError, match="7 is already under way"):
            executor.submit(7, ("nap", 0.05))
        assert [outcome.number for outcome in executor.finished()] == [7]
        assert outcomes(executor, *[("square", 1)] * 8) == [(n, 1, None) for n in range(8)]

    def test_can_run_at_least_one_task(self, executor: Executor[Task, Any]) -> None:
        assert 1 <= executor.capacity <= JOBS


@pytest.mark.parametrize("name", EXECUTORS)
def test_a_start_that_fails_fails_every_task(name: str) -> None:
    with EXECUTORS[name](start_badly, 1) as executor:
        found = outcomes(executor, ("square", 1), ("square", 2))
    errors = [error for _, _, error in found]
    assert len(set(errors)) == 1
    assert str(errors[0]).endswith("OSError: the disk is gone")


def test_the_registry_is_not_empty() -> None:
    assert {"inline", "processes"} <= set(EXECUTORS)


def test_one_job_without_limits_needs_no_process() -> None:
    assert isinstance(make_executor(1, partial(start, DATA)), Inline)


@pytest.mark.parametrize(
    ("jobs", "limits"), [(2, {}), (1, {"timeout_seconds": 9.0}), (1, {"memory_bytes": 1 << 30})]
)
def test_more_jobs_or_limits_need_processes(jobs: int, limits: dict[str, Any]) -> None:
    executor = make_executor(jobs, partial(start, DATA), **limits)
    assert isinstance(executor, Processes)
    assert executor.capacity == jobs


@pytest.mark.parametrize(
    ("jobs", "limits", "rule"),
    [
        (0, {}, "jobs must be 1 or more, got 0"),
        (2, {"timeout_seconds": 0.0}, "timeout_seconds must be above 0, got 0.0"),
        (2, {"timeout_seconds": float("nan")}, "timeout_seconds must be above 0, got nan"),
        (2, {"memory_bytes": 0}, "memory_bytes must be 1 or more, got 0"),
    ],
)
def test_limits_out_of_range_are_refused(jobs: int, limits: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        make_executor(jobs, partial(start, DATA), **limits)
