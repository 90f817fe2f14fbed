"""Makes what an earlier program left behind, for the program of now to go on with.

    git worktree add --detach ../earlier 386a0ac
    python -m tests.compatibility.make_fixture ../earlier tests/compatibility/made_by_386a0ac

runs the scripts of the program in `../earlier` as users do, and writes `made_by_386a0ac.tar.xz`:
two databases with their models, and in `found.json` what that program found. The sweep that it runs
is `made_by_386a0ac.yaml`. Made once and then kept: what another program makes proves nothing.
"""

import io
import json
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

from pysqlite3 import dbapi2 as sqlite3

WORLD = ("--users", "400", "--movies", "200", "--ratings", "12000", "--seed", "3")
COMPLETED = ("--method", "bayesian", "--configs", "8", "--seed", "11")
AFTERWARDS = (
    *("--method", "random", "--configs", "4", "--seed", "12"),
    *("--panel", "100", "--split", "calendar", "--objective", "ndcg@10"),
)
INTERRUPTED = ("--method", "tpe", "--configs", "30", "--seed", "13", "--pruner", "halving")
KILLED_AFTER = 6  # experiments
OWN_MODEL = "examples.most_popular:MostPopular"
LEFT_OUT = (".cache", ".lock", ".truth.json")


class Program:
    """The scripts of one checkout, run on one database."""

    def __init__(self, checkout: Path, database: Path) -> None:
        self.checkout, self.database = checkout, database

    def words(self, *words: str | Path) -> list[str]:
        """A command line."""
        return [sys.executable, *map(str, words), "--db", str(self.database)]

    def run(self, *words: str | Path) -> str:
        """Run a script to its end; what it prints."""
        done = subprocess.run(
            self.words(*words), cwd=self.checkout, capture_output=True, check=True, text=True
        )
        return done.stdout

    def tune(self, *words: str | Path) -> str:
        """Run a tuning run; its id."""
        found = self.run("tune_orchestrator.py", *words, "--jobs", "1", "--json")
        return str(json.loads(found)["tuning_run_id"])

    def begin(self, *words: str) -> None:
        """Begin a tuning run, and kill it in the middle."""
        process = subprocess.Popen(
            self.words("tune_orchestrator.py", *words, "--jobs", "1"), cwd=self.checkout
        )
        while self.count("completed") + self.count("pruned") < KILLED_AFTER:
            time.sleep(0.001)
        process.kill()
        process.wait()

    def count(self, status: str) -> int:
        """How many experiments are in a status."""
        found = self.select("SELECT count(*) FROM hp_experiments WHERE status = ?", status)
        return int(found[0][0])

    def select(self, sql: str, *values: str) -> list[Any]:
        """Rows of the database."""
        conn = sqlite3.connect(self.database)
        try:
            return list(conn.execute(sql, values))
        finally:
            conn.close()

    def order_times(self) -> None:
        """Let no user have two ratings of one time: of these, that program held out by ids."""
        conn = sqlite3.connect(self.database)
        try:
            conn.executescript(
                """
                CREATE TEMP TABLE places AS
                SELECT user_id, movie_id,
                       row_number() OVER (PARTITION BY user_id ORDER BY rated_at, movie_id) AS place
                  FROM ratings;
                UPDATE ratings
                   SET rated_at = rated_at + places.place
                  FROM places
                 WHERE (places.user_id, places.movie_id) = (ratings.user_id, ratings.movie_id);
                """
            )
        finally:
            conn.close()

    def values(self, run_id: str) -> list[dict[str, Any]]:
        """What a run found: all of its experiments, by number."""
        rows = self.select(
            "SELECT number, status, hyperparameters, objective_value, improvement_error, metrics"
            "  FROM hp_experiments WHERE tuning_run_id = ? ORDER BY number",
            run_id,
        )
        names = ("number", "status", "hyperparameters", "value", "error", "metrics")
        found = [dict(zip(names, row, strict=True)) for row in rows]
        for each in found:
            each["hyperparameters"] = json.loads(each["hyperparameters"])
            each["metrics"] = json.loads(each["metrics"] or "{}")
        return found


def make(checkout: Path, out: Path) -> None:
    """Make `out`.tar.xz by the program in `checkout`, with the sweep in `out`.yaml."""
    with tempfile.TemporaryDirectory() as folder:
        found = make_in(checkout, Path(folder), out.with_suffix(".yaml").resolve())
        with tarfile.open(out.with_suffix(".tar.xz"), "w:xz", preset=9) as tar:
            for path in sorted(Path(folder).rglob("*")):
                name = path.relative_to(folder).as_posix()
                is_left_out = any(mark in name for mark in LEFT_OUT)
                if path.is_file() and not name.startswith("unbroken/") and not is_left_out:
                    _add(tar, name, path.read_bytes())
            _add(tar, "found.json", json.dumps(found).encode())


def make_in(checkout: Path, folder: Path, sweep: Path) -> dict[str, Any]:
    """Run everything; what was found."""
    programs = {}
    for name in ("finished", "interrupted", "unbroken"):
        (folder / name).mkdir()
        programs[name] = Program(checkout, folder / name / "movies.db")
        programs[name].run("-m", "importers", "demo", *WORLD)
        programs[name].order_times()
        programs[name].run("retrain_model.py", "--json")
    finished, interrupted, unbroken = programs.values()
    runs = {"user-time": finished.tune(*COMPLETED)}
    finished.run("retrain_model.py", "--apply-hp", "best", "--json")
    finished.run("retrain_model.py", "--force", "--json")
    runs["calendar"] = finished.tune(*AFTERWARDS)
    runs["own"] = finished.tune("--method", "grid", "--configs", "3", "--model", OWN_MODEL)
    finished.run("tune_orchestrator.py", "--config", sweep, "--json")
    (swept,) = finished.select(
        "SELECT tuning_run_id FROM hp_tuning_runs ORDER BY rowid DESC LIMIT 1"
    )
    runs["sweep"] = swept[0]
    whole = unbroken.tune(*INTERRUPTED)
    interrupted.begin(*INTERRUPTED)
    ((begun, code),) = interrupted.select("SELECT tuning_run_id, code_version FROM hp_tuning_runs")
    n_done = interrupted.count("completed") + interrupted.count("pruned")
    assert KILLED_AFTER <= n_done < 31, n_done
    return {
        "code_version": code,
        "interrupted": begun,
        "n_done": n_done,
        "versions": json.loads(finished.run("model_versioning.py", "list", "--json")),
        "runs": {
            name: {"id": run, "experiments": finished.values(run)} for name, run in runs.items()
        },
        "unbroken": unbroken.values(whole),
        "afterwards": unbroken.values(unbroken.tune(*AFTERWARDS)),
    }


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


if __name__ == "__main__":
    make(Path(sys.argv[1]).resolve(), Path(sys.argv[2]))
