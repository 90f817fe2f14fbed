"""Holder of the live state: polls the database and the store, loads what changed, swaps it in.

One thread of each worker does so. A request takes `state` once and is answered by that object.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from reeltune.db.connection import Connection, expected, open_unchanged
from reeltune.db.serving_rows import load_data_counter, load_served_ratings
from reeltune.domain.errors import NotFoundError, ReelTuneError
from reeltune.serving.arms import ArmSource, no_tests
from reeltune.serving.live import LiveState
from reeltune.serving.loader import Loaded, Wanted, load_state
from reeltune.serving.settings import POLL_SECONDS
from reeltune.serving.store import ServingStore
from reeltune.storage.identity import FileId, file_id

_RETRY_SECONDS = 1.0  # after a failure; the file need not change for it to work now


class Polled:
    """File that is asked whether another program has committed to it."""

    def __init__(self, path: Path, opened: Callable[[], Connection]) -> None:
        self.path, self.opened = path, opened
        self._conn: Connection | None = None
        self._file: FileId | None = None
        self._counter: int | None = None
        self.was_replaced = False

    def changed(self) -> Connection | None:
        """Return the connection if there may be something new; None if there is not.

        Raises:
            ReelTuneError: the file is gone, locked or damaged.
        """
        found = file_id(self.path)
        if found is None or found != self._file:
            self.close()
        if found is None:
            self.was_replaced = True  # by what comes, which may get the same number
            raise NotFoundError(f"{str(self.path)!r} is gone: put it back")
        if self._conn is None:
            self._conn = self.opened()
            self.was_replaced = self.was_replaced or self._file not in (None, found)
            self._file = found
        with expected(self.path):
            counter = load_data_counter(self._conn)
        if counter == self._counter:
            return None
        self._counter = counter
        return self._conn

    def ask_again(self) -> None:
        """Take it for changed the next time."""
        self._counter = None

    def close(self) -> None:
        """Close the connection."""
        if self._conn is not None:
            with suppress(Exception):
                self._conn.close()
        self._conn = self._counter = None


class StateHolder:
    """StateHolder of what a worker serves."""

    def __init__(
        self, database: Path, store: ServingStore, arm_source: ArmSource = no_tests
    ) -> None:
        self.database, self.store, self.arm_source = database, store, arm_source
        self.state: LiveState | None = None
        self.problem: str | None = None  # why what is served may not be the newest
        self.n_swaps = 0
        self.on_poll: list[Callable[[], None]] = []
        self._loaded: Loaded | None = None
        self._further: frozenset[int] = frozenset()
        self._retry_at = 0.0
        self._lock = threading.Lock()  # of swaps
        self._stop = threading.Event()
        self._database = Polled(database, lambda: open_unchanged(database))
        self._ratings = Polled(store.path, store.reader)
        self._tests = Polled(store.path, store.reader)
        self._thread = threading.Thread(target=self._run, name="poll", daemon=True)

    def start(self) -> None:
        """Load what there is now, and begin to poll."""
        self.poll()
        self._thread.start()

    def close(self) -> None:
        """Stop polling."""
        self._stop.set()
        self._thread.join()
        for each in (self._database, self._ratings, self._tests):
            each.close()

    def poll(self) -> None:
        """Look once whether anything has changed, and serve it; what fails stops no other part."""
        faults = []
        for step in (self._poll_database, self._poll_tests, self.catch_up):
            try:
                step()
            except ReelTuneError as error:
                faults.append(" ".join(str(error).split()))
            except Exception as error:  # a thread that ends would leave an old version for ever
                faults.append(f"{type(error).__name__}: {error}")
        if self._loaded is not None and self._loaded.problem is not None:
            faults.append(self._loaded.problem)
        self._note("; ".join(dict.fromkeys(faults)) or None)

    def catch_up(self) -> None:
        """Let the versions know the ratings that were committed to the store since."""
        with self._lock:
            if self.state is None:
                return
            conn = self._ratings.changed()
            if conn is None:
                return
            if self._ratings.was_replaced:
                self._ratings.was_replaced = False
                self.state = replace(self.state, last_rating=0)
            try:
                with expected(self.store.path):
                    newer = load_served_ratings(conn, self.state.last_rating)
            except BaseException:
                self._ratings.ask_again()
                raise
            self.state = self.state.with_ratings(newer)

    def _run(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            self.poll()
            for each in self.on_poll:
                with suppress(Exception):
                    each()

    def _note(self, problem: str | None) -> None:
        self.problem = problem
        if problem is not None:
            self._retry_at = self._retry_at or time.monotonic() + _RETRY_SECONDS

    def _poll_database(self) -> None:
        if self._retry_at and time.monotonic() >= self._retry_at:
            self._retry_at = 0.0
            self._database.ask_again()
        conn = self._database.changed()
        if conn is None:
            return
        try:
            with expected(self.database):
                wanted = Wanted.load(conn)
            has_problem = self._loaded is not None and self._loaded.problem is not None
            if self._loaded is None or self._loaded.wanted != wanted or has_problem:
                self._load()
        except BaseException:
            self._database.ask_again()
            raise

    def _poll_tests(self) -> None:
        """Load the versions that running tests serve, and assign users to their arms."""
        conn = self._tests.changed()
        if conn is None or self.state is None:
            return
        try:
            with expected(self.store.path):
                arms = self.arm_source(conn)
            if not arms.versions <= self.state.versions.keys() or self._further - arms.versions:
                self._further = frozenset(arms.versions)
                self._load()
        except BaseException:
            self._tests.ask_again()
            raise
        with self._lock:
            self.state = replace(self.state, arms=arms)

    def _load(self) -> None:
        """Load in this thread, then swap: requests go on by the old state until then."""
        loaded = load_state(self.database, self._loaded_now(), self._further)
        self._ratings_into(loaded)

    def _loaded_now(self) -> Loaded | None:
        """Return what was loaded last, with the ratings that came since."""
        if self._loaded is None or self.state is None:
            return None
        return replace(self._loaded, state=self.state)

    def _ratings_into(self, loaded: Loaded) -> None:
        """Let what was loaded know the ratings of the store, then serve it."""
        state = loaded.state
        with suppress(ReelTuneError), expected(self.store.path):  # no store: as they are
            conn = self.store.reader()
            try:
                state = state.with_ratings(load_served_ratings(conn, state.last_rating))
            finally:
                conn.close()
        with self._lock:
            arms = state.arms if self.state is None else self.state.arms
            self.state, self._loaded = replace(state, arms=arms), loaded
            self._ratings.ask_again()  # what came between these lines
            self.n_swaps += 1
