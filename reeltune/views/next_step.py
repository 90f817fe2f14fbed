"""Command to type next."""

import shlex
from pathlib import Path

from reeltune.cli.program import command_line
from reeltune.views.comparison import Difference
from reeltune.views.stored import RunLine, Stored

DEFAULT_DB = Path("movies.db")
_DEFAULTS = {"split": "user-time", "objective": "accuracy"}


def first_command(stored: Stored, db: Path) -> str:
    """Return what to run where no experiment is completed: the planned run, or a first one."""
    for run in stored.runs:
        if run.status in ("running", "interrupted"):
            return resume_line(run.tuning_run_id, db)
    for run in stored.runs:
        if run.status == "planned":
            n = run.experiments_by_status.get("pending", 0)
            return _tune(run.method, max(1, n), _options(run, db))
    return _tune("bayesian", 20, _db_option(db))


def next_command(
    run: RunLine, best: str | None, difference: Difference, deployed: bool, db: Path
) -> str:
    """Return what to run after `run`.

    Args:
        run: the run.
        best: id of the best experiment where that is not the baseline.
        difference: gain of the best over the baseline.
        deployed: whether the best configuration is deployed by now.
        db: the database.
    """
    if run.status in ("running", "interrupted"):
        return resume_line(run.tuning_run_id, db)
    if best is None or deployed or difference.verdict == "worse":
        return _tune("bayesian", max(20, run.n_configs), _options(run, db))
    words = command_line("retrain --apply-hp", "retrain_model.py --apply-hp")
    return _line(words, shlex.quote(best), _db_option(db))


def resume_line(run_id: str, db: Path) -> str:
    """Return the command that resumes a run."""
    words = command_line("runs resume", "tune_orchestrator.py --resume")
    return _line(words, shlex.quote(run_id), _db_option(db))


def _tune(method: str, n_configs: int, options: str) -> str:
    words = command_line("tune", "tune_orchestrator.py")
    return _line(f"{words} --method {shlex.quote(method)} --configs {n_configs}", options)


def _options(run: RunLine, db: Path) -> str:
    """Return the options that differ from the defaults."""
    given = {"split": run.split, "objective": ",".join(run.objectives)}
    parts = [f"--{name} {shlex.quote(v)}" for name, v in given.items() if v != _DEFAULTS[name]]
    if ":" in run.model:  # 'package.module:Name'; the built-in model needs no option
        parts.insert(0, f"--model {shlex.quote(run.model)}")
    return _line(*parts, _db_option(db))


def _db_option(db: Path) -> str:
    return "" if db.resolve() == DEFAULT_DB.resolve() else f"--db {shlex.quote(_shown(db))}"


def _shown(db: Path) -> str:
    """Return a path as short as it can be from the working directory."""
    here = Path.cwd()
    return str(db.relative_to(here)) if db.is_relative_to(here) else str(db)


def _line(*parts: str) -> str:
    return " ".join(part for part in parts if part)
