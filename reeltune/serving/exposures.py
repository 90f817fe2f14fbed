"""Exposures: which list a user in an A/B test was shown, kept in groups a moment later."""

import asyncio
import time
from collections.abc import Sequence

from reeltune.db.serving_rows import ServingEvent, save_serving_events
from reeltune.domain.errors import ReelTuneError
from reeltune.serving.arms import ServedArm
from reeltune.serving.metrics import Metrics
from reeltune.serving.store import COMMIT_SECONDS, ServingStore


class Exposures:
    """Lists that were shown and are not yet with the store; of one event loop."""

    def __init__(self, store: ServingStore, metrics: Metrics) -> None:
        self.store, self.metrics = store, metrics
        self._events: list[ServingEvent] = []

    def note(self, user: str, arm: ServedArm, movies: Sequence[int], request_id: str) -> None:
        """Note that a list is being sent; it is committed within two tenths of a second."""
        now = int(time.time())
        event = ServingEvent(
            key=f"shown:{request_id}",
            kind="shown",
            user=user,
            happened_at=now,
            received_at=now,
            movies=movies,
            request_id=request_id,
            version=arm.version,
            ab_test=arm.ab_test,
            arm=arm.arm,
        )
        self._events.append(event)
        if len(self._events) == 1:
            asyncio.get_running_loop().call_later(COMMIT_SECONDS, self.flush)

    def flush(self) -> None:
        """Hand what was noted to the store; where it is full or broken, that is counted."""
        events, self._events = self._events, []
        if not events:
            return
        try:
            future = self.store.submit(lambda conn: save_serving_events(conn, events), len(events))
        except ReelTuneError:
            self.metrics.add("exposures_lost", len(events))
            return
        future.add_done_callback(
            lambda done: self.metrics.add(
                "exposures_lost" if done.exception() else "exposures", len(events)
            )
        )
