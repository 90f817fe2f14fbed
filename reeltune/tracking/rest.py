"""JSON over HTTP with the standard library: one request, and what became of it."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

from reeltune.domain.errors import InputError
from reeltune.tracking.tracker import TrackerError

ANSWER_SECONDS = 20.0  # for one request
MAX_ERROR = 300  # characters of a message from outside


class RefusedError(TrackerError):
    """Error of a server that answered with a status that is none of success."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(status, code, message)
        self.status, self.code, self.message = status, code, message

    def __str__(self) -> str:
        return f"it answered {self.status} {self.code}: {self.message}".strip()


def checked_url(url: str) -> str:
    """Return an address without its last slash.

    Raises:
        InputError: it is no address of HTTP.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"a tracker's address is like http://127.0.0.1:5000, got {url!r}")
    return url.rstrip("/")


def request_json(
    method: str,
    url: str,
    body: Mapping[str, Any] | bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Send a request and return the JSON of the answer; empty where there is none.

    Raises:
        RefusedError: the server refuses.
        TrackerError: it cannot be reached.
    """
    kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    request = urllib.request.Request(  # noqa: S310 checked_url lets HTTP pass alone
        url, data=data, method=method, headers={"Content-Type": kind, **(headers or {})}
    )
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310
            return _parsed(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            answer = _parsed(error.read())
        message = str(answer.get("message") or error.reason)[:MAX_ERROR]
        raise RefusedError(error.code, str(answer.get("error_code", "")), message) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise TrackerError(f"{url.partition('?')[0]} cannot be reached: {reason}") from error


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text) if text.strip() else {}
    except ValueError:
        return {"message": text[:MAX_ERROR].decode(errors="replace")}
    return found if isinstance(found, dict) else {}
