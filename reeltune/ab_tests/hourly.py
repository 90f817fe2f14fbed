"""Hourly watch within the service: every worker asks, and one analyses what is due."""

import logging
import threading
import time
from contextlib import closing

from reeltune.ab_tests.manager import ABTestManager
from reeltune.ab_tests.watching import analyse
from reeltune.db.ab_tests import load_ab_tests, load_last_ab_event
from reeltune.db.connection import Connection, expected
from reeltune.db.serving_file import serving_path
from reeltune.domain.errors import ReelTuneError

HOUR_SECONDS = 3_600
_ASK_SECONDS = 60.0
_LOG = logging.getLogger("reeltune.ab_tests")


class HourlyWatch:
    """Watch of one worker; `poll` is called often and returns at once."""

    def __init__(self, manager: ABTestManager) -> None:
        self.manager = manager
        self._next = 0.0
        self._thread: threading.Thread | None = None

    def poll(self) -> None:
        """Begin to analyse what is due, in a thread of its own, if it is time to ask."""
        if time.monotonic() < self._next or (self._thread and self._thread.is_alive()):
            return
        self._next = time.monotonic() + _ASK_SECONDS
        self._thread = threading.Thread(target=self._run, name="ab-tests", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            with expected(serving_path(self.manager.database)):
                watch_due(self.manager)
        except ReelTuneError as error:
            _LOG.warning("A/B tests could not be analysed: %s", error)
        except Exception:
            _LOG.exception("A/B tests could not be analysed")


def watch_due(manager: ABTestManager) -> list[str]:
    """Analyse the running tests that nobody has analysed for an hour; return their names.

    An analysis is claimed first, in the store, so that of several workers one makes it.
    """
    manager.resume_interrupted()
    with closing(manager.store.reader()) as conn:
        due = _due(conn, manager.clock())
    done = []
    for name in due:
        report = analyse(manager, name, not_after=manager.clock() - HOUR_SECONDS)
        if report is None:
            continue
        done.append(name)
        for text in (*report.alarms, report.action):
            if text:
                _LOG.warning("A/B test %s: %s", name, text)
    return done


def _due(conn: Connection, now: int) -> list[str]:
    """Return the running tests whose last analysis, or start, is an hour ago."""
    found = []
    for test in load_ab_tests(conn):
        if test.state != "running" or test.phase is None:
            continue
        last = load_last_ab_event(conn, test.test_id, ["analysed"])
        since = test.phase.started_at if last is None else last.happened_at
        if now - since >= HOUR_SECONDS:
            found.append(test.name)
    return found
