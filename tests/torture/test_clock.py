"""Clocks that jump, and time zones whose clocks are put back or forward."""

import json
import shutil
from datetime import datetime
from pathlib import Path

import pytest

from reeltune.db.connection import connection
from reeltune.db.experiments import load_experiments
from reeltune.db.tuning_runs import load_run_totals, load_runs
from tests.commands.test_tune import tuned
from tests.torture.nursery import Nursery
from tests.torture.scale import note
from tests.torture.slow_model import PACE
from tests.torture.test_kills import check_same

pytestmark = pytest.mark.slow
RANDOM = ("--method", "random", "--configs", "6", "--seed", "7")
TUNE = ("tune_orchestrator.py", *RANDOM, "--jobs", "1", "--quiet", "--db")
DAY = 86_400
# name: time zone, the moment of the first look at the clock, and seconds from look to look
CLOCKS = {
    "ten days forward at each look": ("UTC", "2026-06-01T00:00:00+00:00", 10 * DAY),
    "ten days back at each look": ("UTC", "2026-06-01T00:00:00+00:00", -10 * DAY),
    "put back in New York": ("America/New_York", "2026-11-01T05:59:57+00:00", 1),
    "put forward in New York": ("America/New_York", "2026-03-08T06:59:57+00:00", 1),
    "put back in London, over midnight": ("Europe/London", "2026-10-24T23:59:57+00:00", 600),
    "put back by half an hour": ("Australia/Lord_Howe", "2026-04-04T14:59:57+00:00", 1),
}


@pytest.fixture(autouse=True)
def _shimmed(library: Path | None) -> None:
    if library is None:
        pytest.skip("needs Linux and a C compiler")


def clock(name: str, later: float = 0.0) -> dict[str, str]:
    zone, start, step = CLOCKS[name]
    begin = datetime.fromisoformat(start).timestamp() + later
    return {"TZ": zone, "FAULTS_CLOCK": f"{begin:.0f} {step}"}


@pytest.mark.parametrize("name", CLOCKS)
def test_a_clock_that_jumps_changes_neither_order_nor_results(
    nursery: Nursery, world: Path, small_world: Path, tmp_path: Path, name: str
) -> None:
    unbroken = Path(shutil.copy(small_world, tmp_path / "unbroken.db"))
    expected = tuned(unbroken, "random", 6)
    done = nursery.run(*TUNE, world, said=tmp_path / "said", env=clock(name))
    assert done.returncode == 0, done.stderr
    check_same(world, unbroken, expected.tuning_run_id)
    with connection(world) as conn:
        (only,) = load_runs(conn)
        experiments = load_experiments(conn, only.tuning_run_id)
        totals = load_run_totals(conn)[only.tuning_run_id]
    began = datetime.fromisoformat(CLOCKS[name][1])
    assert abs((datetime.fromisoformat(only.created_at) - began).total_seconds()) < 50 * 10 * DAY
    assert all(0 <= (e.duration_seconds or 0) < 60 for e in experiments)
    assert totals.seconds is not None
    assert totals.seconds >= 0
    numbers = [e.completion_number for e in experiments]
    assert numbers == sorted(numbers, key=lambda n: n or 0)
    note(fault="clock jumps", tried=1, wrong=0)


@pytest.mark.parametrize("name", ["ten days back at each look", "put back in New York"])
def test_a_clock_that_jumps_lets_nobody_past_a_lock_or_a_budget(
    nursery: Nursery, world: Path, tmp_path: Path, name: str
) -> None:
    slow = ("--model", "tests.torture.slow_model:Slow")
    env = clock(name) | {PACE: "0.4"}
    first = nursery.start(*TUNE, world, *slow, said=tmp_path / "first", env=env)
    while not world.with_name("movies.db.lock.json").exists():
        assert first.poll() is None
    for later in (-400 * DAY, 3600, 400 * DAY):
        env = clock(name, later) | {PACE: "0.4"}
        second = nursery.run(*TUNE, world, *slow, said=tmp_path / "second", env=env)
        assert second.returncode == 4, second.stderr
    assert first.wait() == 0, first.stderr
    for later in (400 * DAY, 0, 3600, -400 * DAY):
        words = (*TUNE, world, "--promote", "--json")
        night = nursery.run(*words, said=tmp_path / "night", env=clock(name, later))
        assert night.returncode in (0, 3), night.stderr
    with connection(world) as conn:
        levels = [row[0] for row in conn.execute("SELECT level FROM test_looks WHERE level > 0")]
    assert sum(levels) <= 0.1
    note(fault="clock jumps", tried=8, wrong=0)


def test_what_was_live_on_a_day_is_the_same_in_every_time_zone(
    nursery: Nursery, world: Path, tmp_path: Path
) -> None:
    for name, later in (("put back in New York", 0), ("put back in New York", 3600)):
        words = ("retrain_model.py", "--force", "--accuracy-threshold", "0", "--quiet", "--db")
        done = nursery.run(*words, world, said=tmp_path / "said", env=clock(name, later))
        assert done.returncode == 0, done.stderr
    for zone in ("UTC", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago"):
        for moment, version in {
            "2026-11-01": 2,
            "2026-11-01T06:30": 1,
            "2026-11-01T01:30-04:00": None,  # the first half past one of that night in New York,
            "2026-11-01T01:30-05:00": 1,  # and the second
            "2026-11-01T08:01+01:00": 2,
        }.items():
            asked = ("model_versioning.py", "at", moment, "--json", "--db")
            done = nursery.run(*asked, world, said=tmp_path / "said", env={"TZ": zone})
            assert done.returncode == (1 if version is None else 0), (zone, moment)
            assert version is None or json.loads(done.stdout)["version"] == version
