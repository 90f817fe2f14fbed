"""Nights of the replay: the documented command in a process of its own, on its own database.

Each is a day later than the one before, by a clock that is set forward in its process.
The directory of a night has the database as the night left it. A night works on a copy of the one
before it, which takes the place of that one when the night is over: one that is stopped leaves
nothing.
"""

import json
import os
import resource
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.replay_world import World
from reeltune.db.connection import connection
from reeltune.versioning.contents import LoadedModel
from reeltune.versioning.registry import load_model

_ROOT = Path(__file__).parents[1]
NIGHTLY = "tune_orchestrator.py --method bayesian --configs 20 --promote --retune auto --wait 3600"
FIRST = "retrain_model.py --accuracy-threshold 0"
MONITOR = "model_versioning.py monitor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """End of a command: its exit status, its result, and what it took."""

    status: int
    result: dict[str, Any]  # empty where it printed none
    error: str  # the last line of its standard error
    cpu_seconds: float
    seconds: float


def run_command(command: str, home: Path, day: int) -> Ended:
    """Run one of the scripts on the database in `home`, so many days from now."""
    script, *options = shlex.split(command)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [
            sys.executable,
            str(_ROOT / "benchmarks" / "replay_clock.py"),
            str(day),
            str(_ROOT / script),
            *options,
            "--db",
            "movies.db",
            "--json",
        ],
        cwd=home,
        env=os.environ | {"PYTHONPATH": str(_ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Ended(
        status=done.returncode,
        result=json.loads(done.stdout) if done.stdout.strip() else {},
        error=(done.stderr.strip().splitlines() or [""])[-1],
        cpu_seconds=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        seconds=time.perf_counter() - began,
    )


def begin(world: World, home: Path) -> None:
    """Put the defaults into production, fitted to the ratings of the start."""
    if (home / "night-0").exists():
        return
    fresh = _emptied(home / "next")
    world.begin(fresh / "movies.db")
    first = run_command(FIRST, fresh, 0)
    if first.status:
        raise RuntimeError(f"the defaults cannot be put into production: {first.error}")
    fresh.rename(home / "night-0")


def run_night(world: World, home: Path, night: int, command: str) -> dict[str, Any]:
    """Do one night after the one before it, and return what is kept of it."""
    fresh = _emptied(home / "next", home / f"night-{night - 1}")
    world.add(fresh / "movies.db", night)
    monitor = run_command(MONITOR, fresh, night)
    ended = run_command(command, fresh, night)
    said = ended.result.get("night") or {}
    found = {
        "status": ended.status,
        "verdict": said.get("verdict", "failed"),
        "line": said.get("line", ended.error),
        "version": said.get("version"),
        "searched": ended.result.get("experiments_run", 0) > 0,
        "change": _decision(ended.result.get("promotion")),
        "renewal": _decision(ended.result.get("renewal")),
        "cpu_seconds": ended.cpu_seconds,
        "seconds": ended.seconds,
        "looks": _count_looks(fresh / "movies.db"),
        "monitor": _monitored(monitor),
    }
    fresh.rename(home / f"night-{night}")
    return found


def load_night(home: Path, night: int) -> LoadedModel:
    """Load what was in production after a night, which is the latest."""
    with connection(home / f"night-{night}" / "movies.db") as conn:
        return load_model(conn)


def forget(home: Path, night: int) -> None:
    """Remove the directory of a night that nothing depends on any more."""
    shutil.rmtree(home / f"night-{night}", ignore_errors=True)


def _decision(found: dict[str, Any] | None) -> dict[str, Any] | None:
    wanted = ("verdict", "said", "decision")
    return None if found is None else {name: found[name] for name in wanted}


def _monitored(ended: Ended) -> dict[str, Any]:
    drifted = [each["name"] for each in ended.result.get("drift", []) if each["drifted"]]
    health = ended.result.get("health", "failed")
    return {"health": health, "said": ended.result.get("said", ended.error), "drift": drifted}


def _count_looks(path: Path) -> int:
    with connection(path) as conn:
        return int(conn.execute("SELECT count(*) FROM test_looks").fetchone()[0])


def _emptied(path: Path, copied: Path | None = None) -> Path:
    shutil.rmtree(path, ignore_errors=True)
    if copied is None:
        path.mkdir(parents=True)
    else:
        shutil.copytree(copied, path, symlinks=True)
    return path
