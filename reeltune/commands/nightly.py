"""Command: nightly. One night: import, monitor, tune, deploy, back up."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from reeltune.cli.command import Command, option
from reeltune.cli.console import print_json, result_console
from reeltune.cli.exits import EXIT_INTERRUPTED, exit_code
from reeltune.cli.json_log import JsonLog, current_log
from reeltune.cli.notify import message, notify_user
from reeltune.commands.candidates import option_method
from reeltune.commands.night_steps import NightRun, NightSettings, StepOutcome
from reeltune.commands.plan_options import (
    METHODS_PARAGRAPH,
    option_configs,
    option_retune,
    plan_from_click,
    plan_options,
)
from reeltune.commands.study_options import (
    STUDY_PARAGRAPHS,
    given_names,
    study_from_click,
    study_options,
)
from reeltune.commands.tuning_session import TuningSession, night_options
from reeltune.db.daily_backups import KEEP_DAYS, default_directory
from reeltune.domain.clock import stamp
from reeltune.domain.errors import InterruptedRunError, ReelTuneError
from reeltune.importers.options import DATA, option_max_rejected
from reeltune.reports.cells import outside_text
from reeltune.storage.run_lock import run_lock
from reeltune.tuning.interrupts import stoppable
from reeltune.tuning.proposer import DEFAULT_CONFIGS

BACKUP = "Backup"
_DIRECTORY = click.Path(path_type=Path)


@click.command(
    cls=Command,
    paragraphs=METHODS_PARAGRAPH | STUDY_PARAGRAPHS,
    examples=("", "--db movies.db --wait 3600", "--configs 5 --keep-backups 0 --json"),
)
@option(
    DATA,
    "--movielens",
    setting="import.movielens",
    type=_DIRECTORY,
    metavar="DIRECTORY",
    help="Import these MovieLens files first.",
)
@option(
    DATA,
    "--tmdb",
    setting="import.tmdb",
    type=_DIRECTORY,
    metavar="DIRECTORY",
    help="With them, files of TMDB.",
)
@option(
    DATA,
    "--sync/--no-sync",
    "syncs",
    setting="import.sync",
    default=True,
    help="Read remembered sources first, or not.",
)
@option_max_rejected
@option_method("--method", text="Way of proposing.")
@option_configs("--configs")
@option_retune("auto", "How often to search.", setting="search.retune")
@plan_options
@study_options()
@option(
    BACKUP,
    "--backups",
    setting="backup.directory",
    type=_DIRECTORY,
    metavar="DIRECTORY",
    help="Folder.  [default: movies.backups]",
)
@option(
    BACKUP,
    "--keep-backups",
    setting="backup.keep",
    type=click.IntRange(0),
    default=KEEP_DAYS,
    show_default=True,
    metavar="DAYS",
    help="Days with a backup; 0: none.",
)
@night_options
def nightly(**given: Any) -> None:
    """Do all of a night: import, monitor, tune, deploy, back up.

    Each step is told of in a line, and the night in the last one. A step that fails stops no
    other; production is renewed and backed up whatever became of the search. The exit status is
    that of the most serious step.
    """
    settings = night_settings(given)
    as_json, began = given["as_json"], stamp()
    night = NightRun(settings, _ignored if as_json else _print_step)
    try:
        with stoppable(), run_lock(settings.session.db_path, settings.session.wait):
            night.run()
    except (KeyboardInterrupt, InterruptedRunError):
        if night.exit_code != EXIT_INTERRUPTED:  # not during a step, which would have told of it
            raise
    except ReelTuneError as error:  # nothing was begun
        _notify(settings, began, exit_code(error), str(error), {})
        raise
    _show(night, as_json=as_json)
    _notify(settings, began, night.exit_code, night.line, night.as_dict())
    click.get_current_context().exit(night.exit_code)


def night_settings(given: Mapping[str, Any]) -> NightSettings:
    """Return the settings of a night that the values of the options describe."""
    method = given["method"]
    session = TuningSession.from_click(given)
    return NightSettings(
        session=session,
        study=study_from_click(given),
        plan=plan_from_click(given, method, given["configs"] or DEFAULT_CONFIGS[method]),
        given=given_names(),
        movielens=given["movielens"],
        tmdb=given["tmdb"],
        syncs=given["syncs"],
        max_rejected=given["max_rejected"],
        backups=given["backups"] or default_directory(session.db_path),
        keep_backups=given["keep_backups"],
    )


def _notify(
    settings: NightSettings, began: str, code: int, reason: str, result: dict[str, Any]
) -> None:
    session = settings.session
    if session.notify is not None:
        found = message("nightly", session.db_path, began, code, reason, result)
        notify_user(session.notify, found)


def _ignored(_: StepOutcome) -> None:
    pass


def _print_step(outcome: StepOutcome) -> None:
    if current_log() is not None:
        JsonLog(sys.stdout).emit("step", **outcome.as_dict())
        return
    console = result_console()
    console.print(outside_text(console, outcome.line), soft_wrap=True)


def _show(night: NightRun, *, as_json: bool) -> None:
    if as_json:
        print_json(night.as_dict())
        return
    if current_log() is not None:
        JsonLog(sys.stdout).emit("night", **night.report_dict())
        return
    console = result_console()
    console.print(outside_text(console, night.line), soft_wrap=True)
