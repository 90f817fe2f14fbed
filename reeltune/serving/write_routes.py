"""Routes that write what clients report: ratings and events, in batches, each row by itself."""

import hashlib
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from reeltune.db.connection import Connection
from reeltune.db.serving_rows import (
    ServedRating,
    ServingEvent,
    load_known_answer,
    save_audit_line,
    save_known_answer,
    save_served_ratings,
    save_serving_events,
)
from reeltune.serving.answers import with_request_id
from reeltune.serving.bodies import EventRow, EventsBody, NoQuery, RatingRow, RatingsBody
from reeltune.serving.parsing import faults_of, query_of, read_body
from reeltune.serving.problems import ProblemError
from reeltune.serving.request_context import RequestContext, context_of
from reeltune.serving.rows import RowError, rating_and_event, row_event
from reeltune.serving.service import Service, audit_line

M = TypeVar("M", bound=BaseModel)
ConvertedRows = tuple[list[ServedRating], list[ServingEvent]]
_KEY = re.compile(r"[A-Za-z0-9_.:-]{1,100}")


@dataclass(frozen=True, slots=True)
class RowBatch:
    """ConvertedRows of a request that are good, and what is wrong with the others."""

    ratings: list[ServedRating]
    events: list[ServingEvent]
    n_accepted: int
    rejected: list[dict[str, Any]]


class WriteRoutes:
    """Handlers of the routes that take ratings and events."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def save_ratings(self, request: Request) -> Response:
        """Keep ratings; from now on no list has what they rate."""
        query_of(request, NoQuery)
        body = await read_body(request, RatingsBody)
        current, now = self.service.state.current, int(time.time())

        def converted(row: RatingRow) -> ConvertedRows:
            rating, event = rating_and_event(current, row, now)
            return [rating], [event]

        batch = _batch(body.ratings, RatingRow, converted)
        return await self._kept(request, "ratings", batch, now)

    async def save_events(self, request: Request) -> Response:
        """Keep what users were shown and what they did."""
        query_of(request, NoQuery)
        body = await read_body(request, EventsBody)
        current, now = self.service.state.current, int(time.time())
        batch = _batch(body.events, EventRow, lambda row: row_event(current, row, now))
        return await self._kept(request, "events", batch, now)

    async def _kept(self, request: Request, what: str, batch: RowBatch, now: int) -> Response:
        """Commit a batch with its audit line and its answer; a known request writes nothing."""
        context, key = context_of(request), _idempotency_key(request, what)
        sha256 = hashlib.sha256(await request.body()).hexdigest()
        n_rows = len(batch.ratings) + len(batch.events) + 1
        context.is_audited = True
        write = partial(_write, context=context, what=what, batch=batch)
        run = write if key is None else partial(_once, key=key, sha256=sha256, write=write, now=now)
        document = await self.service.write(run, n_rows)
        if batch.ratings:
            await self.service.in_thread(self.service.holder.catch_up)
        return with_request_id(request, document)


def _batch(rows: Sequence[Any], kind: type[M], converted: Callable[[M], ConvertedRows]) -> RowBatch:
    """Check each row by itself."""
    batch = RowBatch([], [], 0, [])
    n_accepted = 0
    for n, row in enumerate(rows):
        try:
            ratings, events = converted(kind.model_validate(row))
        except ValidationError as error:
            first = faults_of(error)[0]
            batch.rejected.append({"row": n, "reason": f"{first['where']}: {first['what']}"[:300]})
        except RowError as error:
            batch.rejected.append({"row": n, "reason": str(error)})
        else:
            batch.ratings.extend(ratings)
            batch.events.extend(events)
            n_accepted += 1
    return RowBatch(batch.ratings, batch.events, n_accepted, batch.rejected)


def _write(conn: Connection, context: RequestContext, what: str, batch: RowBatch) -> dict[str, Any]:
    n_ratings = save_served_ratings(conn, batch.ratings)
    n_events = save_serving_events(conn, batch.events)
    new = n_ratings if what == "ratings" else n_events
    outcome = f"{batch.n_accepted} accepted, {new} new, {len(batch.rejected)} rejected"
    save_audit_line(conn, audit_line(context, f"POST {what}", f"{batch.n_accepted} rows", outcome))
    return {"accepted": batch.n_accepted, "new": new, "rejected": batch.rejected}


def _once(
    conn: Connection,
    key: str,
    sha256: str,
    write: Callable[[Connection], dict[str, Any]],
    now: int,
) -> dict[str, Any]:
    """Write, unless a request of this key was answered: then return that answer.

    Raises:
        ProblemError: the key was used for another body.
    """
    known = load_known_answer(conn, key)
    if known is None:
        document = write(conn)
        save_known_answer(conn, key, sha256, document, now)
        return document
    if known.body_sha256 != sha256:
        raise ProblemError(
            422, "this Idempotency-Key was used for another body: take a new one for a new request"
        )
    answer: dict[str, Any] = known.answer
    return answer


def _idempotency_key(request: Request, what: str) -> str | None:
    """Return the key of a request within its route and client; None if it has none.

    Raises:
        ProblemError: no key looks like that.
    """
    given = request.headers.get("idempotency-key")
    if given is None:
        return None
    if _KEY.fullmatch(given) is None:
        raise ProblemError(
            422, "Idempotency-Key must be 1 to 100 letters, digits and _.:- (a UUID is fine)"
        )
    client = context_of(request).client
    return f"{what} {client.name if client else ''} {given}"
