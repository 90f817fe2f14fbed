"""Command to type next."""

import shlex
from pathlib import Path

from reeltune.cli.program import command_line
from reeltune.domain.study import BUILT_IN, RATINGS, STUDY
from reeltune.views.stored import RunLine, Stored

DEFAULT_DB = Path("movies.db")
_DEFAULTS = {"split": "user-time", "objective": "accuracy"}


def first_command(stored: Stored, db: Path, production: str | None = None) -> str:
    """Return what to run where no experiment is completed: the planned run, or a first one."""
    for run in stored.runs:
        if run.status in ("running", "interrupted") and run.task != STUDY:
            return resume_line(run.tuning_run_id, db)
    for run in stored.runs:
        if run.status == "planned":
            n = run.experiments_by_status.get("pending", 0)
            return tune_line(run, run.method, max(1, n), db, production)
    words = command_line("tune", "tune_orchestrator.py")
    return _line(words, "--method bayesian --configs 20", _db_option(db))


def next_command(run: RunLine, deployable: str | None, db: Path, production: str | None) -> str:
    """Return what to run after `run`.

    Args:
        run: the run.
        deployable: id of the experiment that is worth deploying, if there is one.
        db: the database.
        production: the model in production, which a command without `--model` is for.
    """
    if run.task == STUDY:  # gone on with from Python
        words = command_line("runs show", "tune_orchestrator.py show")
        return _line(words, shlex.quote(run.tuning_run_id), _db_option(db))
    if run.status in ("running", "interrupted"):
        return resume_line(run.tuning_run_id, db)
    if deployable is None:
        return tune_line(run, "bayesian", max(20, run.n_configs), db, production)
    words = command_line("retrain --apply-hp", "retrain_model.py --apply-hp")
    return _line(words, shlex.quote(deployable), _db_option(db))


def resume_line(run_id: str, db: Path) -> str:
    """Return the command that resumes a run."""
    words = command_line("runs resume", "tune_orchestrator.py --resume")
    return _line(words, shlex.quote(run_id), _db_option(db))


def tune_line(
    run: RunLine, method: str, n_configs: int, db: Path, production: str | None = None
) -> str:
    """Return the command that tunes as `run` did, by a method.

    It names the model wherever a command without `--model` might be for another one: that is for
    the model in `production`.
    """
    words = command_line("tune", "tune_orchestrator.py")
    how = f"--method {shlex.quote(method)} --configs {n_configs}"
    objective = ",".join(run.objectives)
    if run.task != RATINGS:
        function = shlex.quote(_shown_model(run.model))
        how += f" --objective {shlex.quote(objective)}"
        return _line(words, function, how, _db_option(db))
    given = {"split": run.split, "objective": objective}
    parts = [f"--{name} {shlex.quote(v)}" for name, v in given.items() if v != _DEFAULTS[name]]
    if ":" in run.model or run.model != (production or BUILT_IN):
        parts.insert(0, f"--model {shlex.quote(run.model)}")
    if run.panel is not None:
        parts.append(f"--panel {run.panel}")
    return _line(words, how, *parts, _db_option(db))


def _shown_model(model: str) -> str:
    """Return a function's name, its file as short as it can be said from the working directory."""
    module, _, name = model.rpartition(":")
    return f"{_shown(Path(module))}:{name}" if module.endswith(".py") else model


def _db_option(db: Path) -> str:
    return "" if db.resolve() == DEFAULT_DB.resolve() else f"--db {shlex.quote(_shown(db))}"


def _shown(db: Path) -> str:
    """Return a path as short as it can be from the working directory."""
    here = Path.cwd()
    return str(db.relative_to(here)) if db.is_relative_to(here) else str(db)


def _line(*parts: str) -> str:
    return " ".join(part for part in parts if part)
