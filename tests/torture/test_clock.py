"""Clocks that jump."""

import itertools
import time
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Self

import pytest

from db.connection import connection
from db.experiments import load_experiments
from tests.test_tune_orchestrator import tuned
from tests.torture.test_kills import check_same


@pytest.mark.parametrize("days", [10, -10])
def test_a_clock_that_jumps_changes_neither_order_nor_results(
    world: Path, tmp_path: Path, small_world: Path, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    unbroken = tmp_path / "unbroken.db"
    unbroken.write_bytes(small_world.read_bytes())
    expected = tuned(unbroken, "random", 6)
    jump_at_each_call(monkeypatch, days)
    got = tuned(world, "random", 6)
    assert got.status == "completed"
    check_same(world, unbroken, expected.tuning_run_id)
    with connection(world) as conn:
        numbers = [e.completion_number for e in load_experiments(conn, got.tuning_run_id)]
        assert all(
            (e.duration_seconds or 0) < 60 for e in load_experiments(conn, got.tuning_run_id)
        )
    assert numbers == sorted(numbers, key=lambda n: n or 0)


def jump_at_each_call(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    """Every look at the clock finds it `days` later than the last."""
    real, calls = time.time, itertools.count(1)

    class Jumping(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(real() + days * 86_400 * next(calls), tz)

    monkeypatch.setattr("domain.clock.datetime", Jumping)
    monkeypatch.setattr("time.time", lambda: real() + days * 86_400 * next(calls))
