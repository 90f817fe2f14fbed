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
from reeltune.dashboard.runs import run_context
from reeltune.db.connection import open_unchanged
from reeltune.domain.errors import ReelTuneError
from reeltune.serving.answers import json_answer
from reeltune.serving.holder import Polled
from reeltune.serving.problems import ProblemError
from reeltune.storage.run_lock import lock_holder

LOOK_SECONDS = 0.5  # between looks at the database, while anybody watches
_QUIET_LOOKS = 30  # after so many a comment is sent, so that a closed connection is noticed
MAX_TOPICS = 200
_KINDS = ("overview", "run", "ab")


@dataclass(eq=False)
class _Topic:
    """Subject that pages watch, and the message that was sent of it last."""

    payload: bytes
    n_sent: int = 0
    n_watching: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)


class LivePages:
    """Handlers of what is sent to pages while they are open."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        service = pages.service
        self._database = Polled(service.database, lambda: open_unchanged(service.database))
        self._store = Polled(service.store.path, service.store.reader)
        self._topics: dict[str, _Topic] = {}
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
        if name not in self._topics:
            if len(self._topics) >= MAX_TOPICS:
                raise ProblemError(503, "too many pages are watched", {"retry-after": "60"})
            payload = await self._payload(name)
            self._topics.setdefault(name, _Topic(payload))
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._poll())
        return self._topics[name]

    async def _events(self, topic: _Topic) -> AsyncIterator[bytes]:
        topic.n_watching += 1
        n_seen, quiet = -1, 0
        try:
            while not _is_ending():
                if topic.n_sent != n_seen:
                    n_seen, quiet = topic.n_sent, 0
                    yield b"data: %s\n\n" % topic.payload
                quiet += 1
                if quiet % _QUIET_LOOKS == 0:
                    yield b": alive\n\n"
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS), topic.changed:
                        await topic.changed.wait()
        finally:
            topic.n_watching -= 1

    async def _poll(self) -> None:
        """Look for changes until nobody watches any longer."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self._topics = {n: each for n, each in self._topics.items() if each.n_watching}
            if not self._topics or _is_ending():
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
        async with topic.changed:
            topic.changed.notify_all()

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
            run = await self.pages.read(lambda conn: run_context(conn, subject))
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
