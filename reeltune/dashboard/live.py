"""Live pages: one look at the database for all who watch, and what changed sent to each."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from reeltune.dashboard.ab_pages import ab_context
from reeltune.dashboard.overview import load_overview, overview_context
from reeltune.dashboard.pages import Pages, render
from reeltune.dashboard.runs import run_head
from reeltune.db.connection import open_unchanged
from reeltune.domain.errors import ReelTuneError
from reeltune.serving.answers import json_answer
from reeltune.serving.holder import Polled
from reeltune.serving.problems import ProblemError
from reeltune.storage.run_lock import lock_holder

LOOK_SECONDS = 0.5  # between looks at the database, while anybody watches
ALIVE_SECONDS = 15.0  # after which a comment is sent, so that a closed connection is noticed
MAX_TOPICS = 200
_KINDS = ("overview", "run", "ab")


@dataclass(eq=False)
class _Topic:
    """Subject that pages watch, and the message that was sent of it last."""

    payload: bytes
    n_sent: int = 0
    n_watching: int = 0
    n_idle_looks: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def wake(self) -> None:
        """Let all who watch look whether there is something new."""
        async with self.changed:
            self.changed.notify_all()

    def is_left(self) -> bool:
        """Return True where nobody has watched at two looks in a row."""
        self.n_idle_looks = 0 if self.n_watching else self.n_idle_looks + 1
        return self.n_idle_looks > 1


class LivePages:
    """Handlers of what is sent to pages while they are open."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        service = pages.service
        self._database = Polled(service.database, lambda: open_unchanged(service.database))
        self._store = Polled(service.store.path, service.store.reader)
        self._topics: dict[str, _Topic] = {}
        self._making = asyncio.Lock()
        self._holder: Hashable = None
        self._looking: asyncio.Task[None] | None = None

    async def send_events(self, request: Request) -> Response:
        """Send what a topic is now and whenever it changes (server-sent events)."""
        topic = await self._topic(request)
        return StreamingResponse(self._events(topic), media_type="text/event-stream")

    async def show_state(self, request: Request) -> Response:
        """Return what a topic is now, for who cannot listen."""
        name = _topic_name(request)
        return json_answer(orjson.loads(await self._payload(name)))

    async def _topic(self, request: Request) -> _Topic:
        name = _topic_name(request)
        async with self._making:  # of many who come at once, one makes the message
            if name not in self._topics:
                if len(self._topics) >= MAX_TOPICS:
                    raise ProblemError(503, "too many pages are watched", {"retry-after": "60"})
                self._topics[name] = _Topic(await self._payload(name))
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._poll())
        return self._topics[name]

    async def _events(self, topic: _Topic) -> AsyncIterator[bytes]:
        topic.n_watching += 1
        n_seen = -1
        try:
            while not _is_ending():
                if topic.n_sent != n_seen:
                    n_seen = topic.n_sent
                    yield b"data: %s\n\n" % topic.payload
                    continue  # another may have come while this was sent
                try:
                    async with asyncio.timeout(ALIVE_SECONDS), topic.changed:
                        if topic.n_sent == n_seen and not _is_ending():
                            await topic.changed.wait()
                except TimeoutError:
                    yield b": alive\n\n"
        finally:
            topic.n_watching -= 1

    async def _poll(self) -> None:
        """Look for changes until nobody watches any longer."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if _is_ending():
                for topic in self._topics.values():
                    await topic.wake()
                return
            self._topics = {n: each for n, each in self._topics.items() if not each.is_left()}
            if not self._topics:
                return
            with suppress(ReelTuneError, ProblemError):
                if await self.pages.service.in_thread(self._has_changed):
                    for name, topic in list(self._topics.items()):
                        await self._renew(name, topic)

    async def _renew(self, name: str, topic: _Topic) -> None:
        payload = await self._payload(name)
        if payload == topic.payload:
            return
        topic.payload, topic.n_sent = payload, topic.n_sent + 1
        await topic.wake()

    def _has_changed(self) -> bool:
        """Return True where the database, the store or who holds the database is another."""
        holder = lock_holder(self.pages.service.database)
        found = [self._database.changed() is not None, self._store.changed() is not None]
        found.append(holder != self._holder)
        self._holder = holder
        return any(found)

    async def _payload(self, name: str) -> bytes:
        """Return the message of a topic: a piece of HTML, a state, and a count.

        Raises:
            NotFoundError: there is no such run or test.
        """
        kind, _, subject = name.partition(":")
        if kind == "run":
            run = await self.pages.read(lambda conn: run_head(conn, subject))
            row = run["row"]
            return _message("run_live.html.j2", row.status, row.n_done, run)
        if kind == "ab":
            found = await self.pages.read_store(lambda conn: ab_context(conn, subject))
            return _message("ab_live.html.j2", found["test"].state, 0, found)
        database = self.pages.service.database
        overview = await self.pages.read(lambda conn: load_overview(conn, database))
        return _message("overview_live.html.j2", "", 0, overview_context(overview))


def _message(template: str, state: str, n: int, context: dict[str, Any]) -> bytes:
    html = render(template, **context)
    tiles = [[tile.label, tile.value, tile.note] for tile in context.get("tiles", ())]
    document = {"html": html, "state": state, "n": n, "tiles": tiles}
    return orjson.dumps(document | {"verdict": context["verdict"], "tone": context["tone"]})


def _topic_name(request: Request) -> str:
    name = request.query_params.get("topic", "")
    if name.partition(":")[0] not in _KINDS or len(name) > 250:
        raise ProblemError(422, f"topic must be overview, run:ID or ab:NAME, got {name[:50]!r}")
    return name


def _is_ending() -> bool:
    """Return True once the server was asked to end: it waits for answers that are under way."""
    handler: Callable[..., Any] | int | None = signal.getsignal(signal.SIGTERM)
    return bool(getattr(getattr(handler, "__self__", None), "should_exit", False))
