"""Routes of A/B tests: `/api/ab-tests`, behind the guards of the service."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from reeltune.ab_tests.assignment import assigned_arm
from reeltune.ab_tests.bodies import (
    ActionBody,
    AssignmentQuery,
    EventsQuery,
    ExportQuery,
    ExposureRow,
    ExposuresBody,
    OutcomeRow,
    OutcomesBody,
)
from reeltune.ab_tests.documents import (
    ab_document,
    event_document,
    path_csv,
    results_document,
    rows_document,
    users_csv,
)
from reeltune.ab_tests.hourly import HourlyWatch
from reeltune.ab_tests.ingest import take_served_events
from reeltune.ab_tests.live import load_live_tests
from reeltune.ab_tests.manager import ABTestManager, Caller
from reeltune.ab_tests.recording import record_exposures, record_outcomes
from reeltune.ab_tests.results import ab_figures, load_last_figures
from reeltune.ab_tests.states import TRANSITIONS, ABAction
from reeltune.db.ab_tests import load_ab_events, load_ab_test, load_ab_tests
from reeltune.db.connection import Connection
from reeltune.domain.ab_tests import (
    INTERLEAVED,
    ABTest,
    ServedList,
    UserOutcome,
    settings_from_json,
)
from reeltune.domain.errors import InputError
from reeltune.serving.answers import json_answer
from reeltune.serving.bodies import NoQuery
from reeltune.serving.parsing import faults_of, id_of, loads, query_of, read_body
from reeltune.serving.problems import ProblemError
from reeltune.serving.request_context import context_of
from reeltune.serving.service import Service

PATH = "/api/ab-tests"
_POLL_SECONDS = 1.0
_ALIVE_POLLS = 15  # after so many a comment is sent, so that a closed connection is noticed

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")


def ab_routes(service: Service) -> Sequence[BaseRoute]:
    """Return the routes; from now on the service watches running tests every hour too."""
    found = ABRoutes(service)
    service.holder.on_poll.append(HourlyWatch(found.manager).poll)
    one = PATH + "/{name}"
    return [
        Route(PATH, found.list_tests, methods=["GET"]),
        Route(PATH, found.create_test, methods=["POST"]),
        Route(one, found.show_test, methods=["GET"]),
        Route(one, found.change_test, methods=["PATCH"]),
        *(
            Route(f"{one}/{action}", partial(found.act, action=action), methods=["POST"])
            for action in TRANSITIONS
        ),
        Route(f"{one}/assignment", found.show_assignment, methods=["GET"]),
        Route(f"{one}/exposures", found.save_exposures, methods=["POST"]),
        Route(f"{one}/outcomes", found.save_outcomes, methods=["POST"]),
        Route(f"{one}/results", found.show_results, methods=["GET"]),
        Route(f"{one}/events", found.send_events, methods=["GET"]),
        Route(f"{one}/export.csv", found.export, methods=["GET"]),
    ]


class ABRoutes:
    """Handlers of the routes of A/B tests."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.manager = ABTestManager(service.store, service.database)

    async def list_tests(self, request: Request) -> Response:
        """Return all tests, the earliest first."""
        query_of(request, NoQuery)
        tests = await self._read(load_ab_tests)
        return json_answer({"ab_tests": [ab_document(test) for test in tests]})

    async def create_test(self, request: Request) -> Response:
        """Create a draft."""
        settings = settings_from_json(await _document(request))
        caller = self._caller(request, "by HTTP")
        test = await self.service.in_thread(lambda: self.manager.create(settings, caller))
        return _test_answer(test, 201)

    async def show_test(self, request: Request) -> Response:
        """Return a test."""
        query_of(request, NoQuery)
        return _test_answer(await self._test(request))

    async def change_test(self, request: Request) -> Response:
        """Change the settings that are named, and only these."""
        changes = await _document(request)
        test = await self._matching(request)
        caller = self._caller(request, "by HTTP")
        changed = await self.service.in_thread(
            lambda: self.manager.change(test.name, changes, caller)
        )
        return _test_answer(changed)

    async def act(self, request: Request, action: ABAction) -> Response:
        """Start, pause, resume, stop, roll back or promote; a second time changes nothing."""
        body = await read_body(request, ActionBody, may_be_empty=True)
        if body.version is not None and action != "promote":
            raise ProblemError(422, "version: only promote takes one")
        test = await self._matching(request)
        caller = self._caller(request, body.reason)
        async with self.service.change_lock:
            changed = await self.service.in_thread(
                lambda: self.manager.act(test.name, action, caller, version=body.version)
            )
        return _test_answer(changed)

    async def show_assignment(self, request: Request) -> Response:
        """Return the arm of a user, whether the test runs or not."""
        user = query_of(request, AssignmentQuery).user
        test = await self._test(request)
        arm = assigned_arm(test, user)
        if arm is None:
            return json_answer({"user": user, "state": test.state, "arm": None, "version": None})
        is_mixed = test.settings.design == "interleaving"
        document = {
            "user": user,
            "state": test.state,
            "arm": INTERLEAVED if is_mixed else arm.name,
            "version": arm.version,
        }
        if is_mixed:
            document["interleaved_with"] = test.settings.challengers[0]
        return json_answer(document)

    async def save_exposures(self, request: Request) -> Response:
        """Record lists that were served to users of the test, each once."""
        body = await read_body(request, ExposuresBody)
        test, now = await self._test(request), int(time.time())

        def served(row: ExposureRow) -> ServedList:
            return ServedList(
                request_id=row.request_id,
                user=row.user,
                happened_at=now if row.happened_at is None else row.happened_at,
                test=test.name,
                arm=row.arm,
                movies=None if row.movies is None else [self._movie(m) for m in row.movies],
                teams=row.teams,
            )

        places, rows, faults = _checked(body.exposures, ExposureRow, served)
        found = await self.service.write(
            lambda conn: record_exposures(conn, load_live_tests(conn), rows, now), len(rows) + 1
        )
        return json_answer(rows_document(found.at(places), faults))

    async def save_outcomes(self, request: Request) -> Response:
        """Record what users did with lists of a test, each thing once."""
        body = await read_body(request, OutcomesBody)
        await self._test(request)
        now = int(time.time())

        def outcome(row: OutcomeRow) -> UserOutcome:
            return UserOutcome(
                kind=row.kind,
                user=row.user,
                happened_at=now if row.happened_at is None else row.happened_at,
                movie_id=None if row.movie is None else self._movie(row.movie),
                value=row.value,
                request_id=row.request_id,
                key=None if row.outcome_id is None else f"sent:{row.outcome_id}",
            )

        places, rows, faults = _checked(body.outcomes, OutcomeRow, outcome)
        found = await self.service.write(
            lambda conn: record_outcomes(conn, load_live_tests(conn), rows, now), len(rows) + 1
        )
        return json_answer(rows_document(found.at(places), faults))

    async def show_results(self, request: Request) -> Response:
        """Return the results of now, and the path of the analyses so far."""
        query_of(request, NoQuery)
        name, now = id_of(request, "name"), int(time.time())
        await self.service.write(lambda conn: take_served_events(conn, now))

        def results(conn: Connection) -> dict[str, Any]:
            test = load_ab_test(conn, name)
            figures = ab_figures(conn, test, now, earlier=load_last_figures(conn, test))
            return results_document(conn, test, figures)

        return json_answer(await self._read(results))

    async def send_events(self, request: Request) -> Response:
        """Send the events of a test as they come (server-sent events)."""
        query = query_of(request, EventsQuery)
        test = await self._test(request)
        last = request.headers.get("last-event-id", "")
        after = int(last) if last.isascii() and last.isdigit() and len(last) < 18 else query.after
        stream = self._events(request, test, after, follow=query.follow)
        return StreamingResponse(stream, media_type="text/event-stream")

    async def export(self, request: Request) -> Response:
        """Return a table as CSV: the analyses, or the users' totals."""
        query = query_of(request, ExportQuery)
        test = await self._test(request)
        rows = path_csv if query.table == "analyses" else users_csv
        conn = await self.service.in_thread(self.service.store.reader)
        headers = {
            "content-disposition": f'attachment; filename="{test.name}-{query.table}.csv"',
        }
        return StreamingResponse(
            _closing(conn, rows(conn, test)), media_type="text/csv; charset=utf-8", headers=headers
        )

    async def _events(
        self, request: Request, test: ABTest, after: int, *, follow: bool
    ) -> AsyncIterator[bytes]:
        names, quiet = {test.test_id: test.name}, 0
        while True:
            found = await self._read(
                partial(load_ab_events, test_id=test.test_id, after=after, limit=500)
            )
            for event in found:
                after = event.event_id
                data = orjson.dumps(event_document(event, names))
                yield b"id: %d\nevent: %s\ndata: %s\n\n" % (after, event.kind.encode(), data)
            if len(found) == 500:
                continue
            if not follow or await request.is_disconnected():
                return
            quiet = 0 if found else quiet + 1
            if quiet % _ALIVE_POLLS == _ALIVE_POLLS - 1:
                yield b": alive\n\n"
            await asyncio.sleep(_POLL_SECONDS)

    async def _read(self, run: Callable[[Connection], T]) -> T:
        def within() -> T:
            with closing(self.service.store.reader()) as conn:
                return run(conn)

        return await self.service.in_thread(within)

    async def _test(self, request: Request) -> ABTest:
        name = id_of(request, "name")
        return await self._read(lambda conn: load_ab_test(conn, name))

    async def _matching(self, request: Request) -> ABTest:
        """Return the test, where it is as the client has seen it: `If-Match` of the last event."""
        test = await self._test(request)
        given = request.headers.get("if-match", "").strip('"')
        if given and given != str(test.last_event):
            raise ProblemError(
                412, f"the test has changed: its last event is {test.last_event}, look again"
            )
        return test

    def _caller(self, request: Request, reason: str) -> Caller:
        key = request.headers.get("idempotency-key")
        given = request.headers.get("if-match", "").strip('"')
        return Caller(
            actor=context_of(request).who,
            reason=" ".join(reason.split()),
            request_key=None if key is None else f"{request.url.path} {key[:100]}",
            expected_event=int(given) if given.isascii() and given.isdigit() else None,
        )

    def _movie(self, movie: str) -> int:
        number = self.service.state.current.movie_number(movie)
        if number is None:
            raise InputError(f"there is no movie {movie!r}")
        return number


async def _document(request: Request) -> dict[str, Any]:
    query_of(request, NoQuery)
    found = loads(await request.body())
    if not isinstance(found, dict):
        raise ProblemError(422, "the body is a JSON object of settings")
    return found


def _checked(
    rows: Sequence[Any], kind: type[M], converted: Callable[[M], T]
) -> tuple[list[int], list[T], list[dict[str, Any]]]:
    """Return the places and values of good rows, and what is wrong with the others."""
    places, good, faults = [], [], []
    for place, row in enumerate(rows):
        try:
            good.append(converted(kind.model_validate(row)))
            places.append(place)
        except ValidationError as error:
            first = faults_of(error)[0]
            faults.append({"row": place, "reason": f"{first['where']}: {first['what']}"[:300]})
        except InputError as error:
            faults.append({"row": place, "reason": str(error)})
    return places, good, faults


def _test_answer(test: ABTest, status: int = 200) -> Response:
    answer = json_answer(ab_document(test), status)
    answer.headers["etag"] = f'"{test.last_event}"'
    return answer


def _closing(conn: Connection, lines: Iterable[str]) -> Iterator[str]:
    with closing(conn):
        yield from lines
