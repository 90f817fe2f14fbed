"""Service of one worker: all that its routes share."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from reeltune.db.connection import Connection
from reeltune.db.serving_rows import AuditLine, delete_known_answers, save_audit_line
from reeltune.domain.errors import ReelTuneError
from reeltune.serving.arms import ArmSource, no_tests
from reeltune.serving.exposures import Exposures
from reeltune.serving.holder import StateHolder
from reeltune.serving.live import LiveState
from reeltune.serving.metrics import Metrics
from reeltune.serving.problems import ProblemError
from reeltune.serving.request_context import RequestContext
from reeltune.serving.settings import ServeSettings
from reeltune.serving.store import ServingStore

THREADS = 4  # that make lists; they share the cores with the event loop
MAX_IN_THREADS = 256  # lists under way; more is refused, so that no one waits for ever
ANSWERS_KEPT_SECONDS = 7 * 86_400
_UPKEEP_SECONDS = 3_600.0
_PUBLISH_SECONDS = 1.0

T = TypeVar("T")


class Service:
    """StateHolder, store, threads and figures of one worker."""

    def __init__(self, settings: ServeSettings, arm_source: ArmSource = no_tests) -> None:
        self.settings = settings
        self.metrics = Metrics(settings.metrics_directory)
        self.store = ServingStore.open(settings.database, may_fail=True)
        self.exposures = Exposures(self.store, self.metrics)
        self.holder = StateHolder(settings.database, self.store, arm_source)
        self.holder.on_poll.append(self._upkeep)
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="lists")
        self.n_in_threads = 0
        self.change_lock = asyncio.Lock()  # one promotion of this worker at a time
        self._next_publish = self._next_upkeep = 0.0

    @property
    def database(self) -> Path:
        """Database that is served."""
        return self.settings.database

    @property
    def state(self) -> LiveState:
        """State of now.

        Raises:
            ProblemError: nothing could be loaded yet.
        """
        state = self.holder.state
        if state is None:
            raise ProblemError(503, f"nothing is loaded: {self.holder.problem}")
        return state

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Run what computes or waits in a thread, so that the event loop goes on.

        Raises:
            ProblemError: too much is under way.
        """
        if self.n_in_threads >= MAX_IN_THREADS:
            self.metrics.add("refused_as_busy")
            raise ProblemError(503, "too many lists are being made", {"retry-after": "1"})
        self.n_in_threads += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self.threads, work)
        finally:
            self.n_in_threads -= 1

    async def write(self, run: Callable[[Connection], T], n_rows: int = 1) -> T:
        """Let `run` write to the store; return once it is committed."""
        return await asyncio.wrap_future(self.store.submit(run, n_rows))

    def audit(self, context: RequestContext, action: str, subject: str, status: int) -> None:
        """Keep a line of a write that its handler has kept none of; nobody waits for it."""
        line = audit_line(context, action, subject, str(status))
        try:
            self.store.submit(lambda conn: save_audit_line(conn, line))
        except ReelTuneError:
            self.metrics.add("audit_lines_lost")

    def start(self) -> None:
        """Load what is in production, and begin to poll."""
        self.holder.start()

    def close(self) -> None:
        """Commit what waits, and end the threads."""
        self.exposures.flush()
        self.holder.close()
        self.threads.shutdown(wait=False, cancel_futures=True)
        self.store.close()
        self.metrics.publish()

    def _upkeep(self) -> None:
        now = time.monotonic()
        if self.settings.parent not in (None, os.getppid()):  # nobody would end this worker
            os.kill(os.getpid(), signal.SIGTERM)
        if now >= self._next_publish:
            self._next_publish = now + _PUBLISH_SECONDS
            self.metrics.publish()
        if now >= self._next_upkeep:
            self._next_upkeep = now + _UPKEEP_SECONDS
            before = int(time.time()) - ANSWERS_KEPT_SECONDS
            self.store.submit(lambda conn: delete_known_answers(conn, before))


def audit_line(context: RequestContext, action: str, subject: str, outcome: str) -> AuditLine:
    """Return the line of a write."""
    return AuditLine(
        happened_at=int(time.time()),
        who=context.who,
        action=action,
        subject=subject[:500],
        request_id=context.request_id,
        outcome=outcome,
    )
