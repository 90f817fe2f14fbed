"""Steps of a night: import, monitor, tune, deploy, back up; one that fails stops no other."""

import time
import traceback
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from reeltune.cli.console import progress_bar, remark_console
from reeltune.cli.exits import (
    EXIT_BUSY,
    EXIT_DEGRADED,
    EXIT_ERROR,
    EXIT_INTERRUPTED,
    EXIT_REFUSED,
    EXIT_REJECTED,
    exit_code,
    one_line,
)
from reeltune.commands.tuning_session import TuningSession
from reeltune.db.columns import snapshot
from reeltune.db.connection import Connection, connection
from reeltune.db.daily_backups import back_up_today
from reeltune.db.dataset import load_dataset
from reeltune.db.ratings import count_ratings
from reeltune.db.sources import load_sources
from reeltune.db.versions import load_production
from reeltune.domain.clock import stamp
from reeltune.domain.errors import GateError, InterruptedRunError, ReelTuneError
from reeltune.domain.shown import figure, gain_figure
from reeltune.domain.study import StudyConfig
from reeltune.importers.directory import find_files, import_files
from reeltune.importers.serving_source import remember_serving_store
from reeltune.importers.sync import sync_sources
from reeltune.monitoring.command import fit_version
from reeltune.monitoring.monitor import measure_degradation
from reeltune.tuning.plan import Plan
from reeltune.versioning.night import Night, NightReport, renew, report_night
from reeltune.versioning.request import NOBODY

SERIOUSNESS = (
    EXIT_INTERRUPTED,
    EXIT_ERROR,
    EXIT_REJECTED,
    EXIT_DEGRADED,
    EXIT_BUSY,
    EXIT_REFUSED,
    0,
)
"""Exit statuses of steps, the most serious first, which is the night's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NightSettings:
    """Settings of a night."""

    session: TuningSession
    study: StudyConfig
    plan: Plan
    given: Collection[str]  # options that were given, or set in the settings file
    movielens: Path | None  # directory to import
    tmdb: Path | None
    syncs: bool  # read the remembered sources
    max_rejected: float  # share of rows of the directory's files
    backups: Path
    keep_backups: int  # days; 0: make none


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutcome:
    """Outcome of one step of a night."""

    ended_at: str
    step: str
    exit_code: int
    message: str
    seconds: float

    @property
    def line(self) -> str:
        """Outcome in one line."""
        return f"{self.ended_at} {self.step}: {self.message}"

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for `--json`."""
        return asdict(self)


Done = tuple[int, str]  # exit status and message


class NightRun:
    """Night under way, with the outcomes of its steps so far."""

    def __init__(self, settings: NightSettings, told: Callable[[StepOutcome], None]) -> None:
        self.settings, self.told = settings, told
        self.outcomes: list[StepOutcome] = []
        self.tuning: dict[str, Any] = {}  # what tuning found, as `--json` has it
        self.report: NightReport | None = None
        self._began = time.perf_counter()

    @property
    def exit_code(self) -> int:
        """Most serious exit status of all steps."""
        return self._worst.exit_code if self.outcomes else 0

    @property
    def _worst(self) -> StepOutcome:
        return min(self.outcomes, key=lambda each: SERIOUSNESS.index(each.exit_code))

    @property
    def line(self) -> str:
        """Night in one line."""
        if self.report is not None:
            return self._ended(self.report).line
        worst = self._worst
        verdict = "interrupted" if self.exit_code == EXIT_INTERRUPTED else "failed"
        seconds = f"{time.perf_counter() - self._began:.1f} s"
        return f"{stamp()[:10]} {verdict}: {worst.step}: {worst.message}; {seconds}"

    def as_dict(self) -> dict[str, Any]:
        """Return the night for `--json`."""
        return {
            "steps": [each.as_dict() for each in self.outcomes],
            "tuning": {n: v for n, v in self.tuning.items() if n != "night"} or None,
            "night": self.report_dict(),
        }

    def report_dict(self) -> dict[str, Any]:
        """Return the report of the night, and its exit status."""
        report = {} if self.report is None else self._ended(self.report).as_dict()
        return report | {"line": self.line, "exit_code": self.exit_code}

    def run(self) -> None:
        """Do all steps.

        Raises:
            KeyboardInterrupt: it was interrupted; the steps left are not done.
            InterruptedRunError: the same, while it tuned.
        """
        for name, work in self._imports():
            self._step(name, work)
        self._step("monitor", self._monitor)
        self._step("tune", self._tune)
        self._step("deploy", self._deploy)
        if self.settings.keep_backups > 0:
            self._step("backup", self._backup)

    def _step(self, name: str, work: Callable[[], Done]) -> None:
        began = time.perf_counter()
        try:
            code, text = work()
        except (KeyboardInterrupt, InterruptedRunError) as error:
            self._note(name, (EXIT_INTERRUPTED, str(error) or "interrupted"), began)
            raise
        except ReelTuneError as error:
            code, text = exit_code(error), one_line(error)
        except Exception as error:
            traceback.print_exc()
            code, text = EXIT_ERROR, f"{type(error).__name__}: {error}"
        self._note(name, (code, text), began)

    def _note(self, name: str, done: Done, began: float) -> None:
        outcome = StepOutcome(
            ended_at=stamp(),
            step=name,
            exit_code=done[0],
            message=" ".join(done[1].split()),
            seconds=round(time.perf_counter() - began, 3),
        )
        self.outcomes.append(outcome)
        self.told(outcome)

    def _imports(self) -> list[tuple[str, Callable[[], Done]]]:
        found: list[tuple[str, Callable[[], Done]]] = []
        if self.settings.movielens is not None:
            found.append(("import", partial(self._import, self.settings.movielens)))
        with self._connected() as conn:
            if self.settings.syncs:
                remember_serving_store(conn)
            sources = load_sources(conn) if self.settings.syncs else []
        return found + [(f"import {each.name}", partial(self._sync, each.name)) for each in sources]

    def _import(self, directory: Path) -> Done:
        files = find_files(directory, self.settings.tmdb)
        with self._connected() as conn, progress_bar(self._console(), "") as bar:
            before = count_ratings(conn)
            import_files(conn, files, bar, self.settings.max_rejected)
            new = count_ratings(conn) - before
        return 0, f"{new:,} new ratings of {directory}"

    def _sync(self, name: str) -> Done:
        with self._connected() as conn:
            (found,) = sync_sources(conn, [name])
        return 0, f"{found.new_ratings:,} new ratings" if found.changed else "unchanged"

    def _monitor(self) -> Done:
        with self._connected() as conn, snapshot(conn):
            production = load_production(conn)
            if production is None:
                return 0, "nothing is in production yet"
            found = measure_degradation(conn, production, load_dataset(conn), fit_version)
        if not found.n_new_ratings:
            return 0, f"version {found.version}: no rating is newer than what it was fitted to"
        drifted = ", ".join(each.name for each in found.drift if each.drifted)
        text = f"version {found.version}: {found.said}" + (f"; drifted: {drifted}" * bool(drifted))
        if found.health == "fallen":
            return EXIT_DEGRADED, f"degraded: {text}"
        return 0, text

    def _tune(self) -> Done:
        session = replace(
            self.settings.session,
            promotes=True,
            as_json=True,
            quiet=self.settings.session.quiet or self.settings.session.as_json,
            notify=None,
            output=self.tuning.update,
            reported=self._reported,
        )
        try:
            session.run(self.settings.study, self.settings.plan, self.settings.given)
        except GateError:
            pass  # which is what the next step tells of
        except ReelTuneError:
            if self.report is None or self.tuning.get("status") in (None, "failed"):
                raise
        return 0, _found(self.tuning)

    def _deploy(self) -> Done:
        """Tell what became of production; where tuning did not get so far, renew it here."""
        if self.report is None:
            self._renew()
        assert self.report is not None
        decisions = [self.tuning.get(name) or {} for name in ("promotion", "renewal")]
        verdicts = {each.get("verdict") for each in decisions}
        text = f"{self.report.verdict}: {self.report.outcome}"
        if self.report.verdict == "kept" and "refused" in verdicts:
            return EXIT_REFUSED, text
        return (EXIT_ERROR if NOBODY in verdicts else 0), text

    def _renew(self) -> None:
        failure = self.outcomes[-1].message
        with self._connected() as conn:
            study = self.settings.study
            night = Night(renewal=renew(conn, load_dataset(conn), study))
            self.tuning |= night.as_dict()
            self.report = report_night(conn, night, study, failure, 0.0)

    def _backup(self) -> Done:
        settings = self.settings
        found = back_up_today(settings.session.db_path, settings.backups, settings.keep_backups)
        older = f", {len(found.removed)} older removed" if found.removed else ""
        return 0, f"{found.made.directory}, {found.made.n_bytes:,} bytes{older}"

    def _reported(self, report: NightReport) -> None:
        self.report = report

    def _ended(self, report: NightReport) -> NightReport:
        verdicts = (0, EXIT_REFUSED, EXIT_DEGRADED)
        return replace(
            report,
            degraded=any(each.exit_code == EXIT_DEGRADED for each in self.outcomes),
            failed=tuple(each.step for each in self.outcomes if each.exit_code not in verdicts),
            seconds=time.perf_counter() - self._began,
        )

    def _connected(self) -> AbstractContextManager[Connection]:
        session = self.settings.session
        create = self.settings.movielens is not None
        return connection(session.db_path, create=create, wait_seconds=session.wait)

    def _console(self) -> Console:
        return remark_console(quiet=self.settings.session.quiet)


def _found(tuning: dict[str, Any]) -> str:
    """Return what a run found in one line."""
    if tuning.get("tuning_run_id") is None:
        return "no search was made"
    text = f"{tuning['tuning_run_id']}: {tuning['stop_reason']}"
    if tuning["best_value"] is None:
        return text
    value = f"{tuning['objective']} {figure(tuning['best_value'])}"
    if not tuning["improvement"]:
        return f"{text}; none better than the baseline, {value}"
    return f"{text}; best {value}, {gain_figure(tuning['improvement'])} over the baseline"
