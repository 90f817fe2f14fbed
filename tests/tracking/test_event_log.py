"""A log that programs read gets events with fields in place of lines."""

import io
import json
from typing import Any

import pytest
from rich.console import Console

from reeltune.cli.json_log import JsonLog
from reeltune.domain.progress import report_progress
from reeltune.tracking import steps
from reeltune.tracking.event_log import EventLog
from reeltune.tracking.progress import EventWatcher, SilentWatcher, watcher
from reeltune.tracking.steps import steps_shown
from tests.tracking.test_progress import RUN, experiment


@pytest.fixture
def target() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def console(target: io.StringIO) -> Console:
    return Console(file=JsonLog(target), width=80)  # type: ignore[arg-type]


def events(target: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in target.getvalue().splitlines()]


def test_the_watcher_follows_from_the_console(console: Console) -> None:
    assert isinstance(console.file, EventLog)
    assert isinstance(watcher(console, quiet=False), EventWatcher)
    assert type(watcher(console, quiet=True)) is SilentWatcher
    assert not isinstance(io.StringIO(), EventLog)


def test_a_run_is_its_start_every_experiment_and_its_end(
    console: Console, target: io.StringIO
) -> None:
    with watcher(console, quiet=False) as watch:
        watch.started(RUN, 3, 1)
        best = experiment(1, 0.7, gain=0.1)
        watch.finished(best, best, 2)
        watch.finished(experiment(2, error="of\nthe \x1b[31muser's"), best, 3)
        watch.ended("all tried")
    started, good, failed, ended = events(target)
    assert (started["event"], started["run"], started["n_done"], started["n_total"]) == (
        "run started",
        "random_1",
        1,
        3,
    )
    assert (good["status"], good["value"], good["gain"]) == ("completed", 0.7, 0.1)
    assert (failed["value"], failed["error"]) == (None, "of\nthe \x1b[31muser's")
    assert (failed["best_number"], failed["best_value"], failed["n_done"]) == (1, 0.7, 3)
    assert (ended["event"], ended["message"]) == ("run ended", "all tried")


def test_a_long_step_is_an_event_now_and_then(
    console: Console, target: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(steps, "monotonic", lambda: now)
    with steps_shown(console, quiet=False):
        for second in range(101):
            now = float(second)
            report_progress("measuring", second / 100)
    found = events(target)
    assert len(found) == 10
    assert (found[0]["event"], found[0]["step"], found[0]["share"]) == (
        "progress",
        "measuring",
        0.05,
    )
    assert found[0]["seconds_left"] == pytest.approx(95)
