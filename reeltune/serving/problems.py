"""Problems: errors as `application/problem+json` (RFC 9457), one line that says what to do."""

from collections.abc import Mapping
from typing import Any

import orjson

from reeltune.domain.errors import (
    BusyError,
    GateError,
    InputError,
    NotFoundError,
    ReelTuneError,
    StorageError,
)

PROBLEM_TYPE = b"application/problem+json"
_TITLES = {
    400: "Bad request",
    401: "A token is needed",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    412: "Changed meanwhile",
    413: "The body is too large",
    415: "The body must be JSON",
    421: "Unknown host",
    422: "Invalid content",
    429: "Too many requests",
    500: "Error of the service",
    503: "Not available now",
    504: "Took too long",
}
_STATUSES: tuple[tuple[type[ReelTuneError], int], ...] = (
    (GateError, 409),
    (BusyError, 503),
    (NotFoundError, 404),
    (InputError, 422),
    (StorageError, 503),
)


class ProblemError(Exception):
    """Error with the status that a client gets."""

    def __init__(
        self,
        status: int,
        detail: str,
        headers: Mapping[str, str] | None = None,
        **further: Any,
    ) -> None:
        super().__init__(status, detail)
        self.status, self.detail, self.headers = status, detail, dict(headers or {})
        self.further = further


def problem_of(error: ReelTuneError) -> ProblemError:
    """Return an expected error as a client gets it, its message on one line."""
    status = next((code for kind, code in _STATUSES if isinstance(error, kind)), 500)
    headers = {"retry-after": "1"} if status == 503 else {}
    return ProblemError(status, " ".join(str(error).split())[:2_000], headers)


def problem_body(problem: ProblemError, request_id: str) -> bytes:
    """Return the JSON of a problem."""
    document = {
        "type": "about:blank",
        "title": _TITLES.get(problem.status, "Error"),
        "status": problem.status,
        "detail": problem.detail,
        "instance": f"urn:request:{request_id}",
    }
    return orjson.dumps(document | problem.further)
