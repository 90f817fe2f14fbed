"""Guards in front of all routes: host, token, origin, size, time, headers, errors, figures."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reeltune.domain.errors import ReelTuneError
from reeltune.serving.access import Access, RequestHeaders
from reeltune.serving.metrics import Metrics
from reeltune.serving.problems import PROBLEM_TYPE, ProblemError, problem_body, problem_of
from reeltune.serving.request_context import CONTEXT_KEY, RequestContext, new_context
from reeltune.serving.settings import CHANGE_SECONDS, MAX_BODY_BYTES, REQUEST_SECONDS, ServeSettings

SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        b" connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),  # the last: an answer may have its own
)
# These may measure before they change, or wait for a process to begin or to end.
CHANGE_PATHS = ("/promote", "/rollback", "/start", "/stop", "/resume", "/api/runs")
SAFE_METHODS = frozenset(("GET", "HEAD"))
_LOG = logging.getLogger("reeltune.serving")

Audit = Callable[[RequestContext, str, str, int], None]  # action, path, status


class Guards:
    """Guards around an application: what they let through is answered, whatever happens."""

    def __init__(
        self, app: ASGIApp, settings: ServeSettings, metrics: Metrics, audit: Audit
    ) -> None:
        self.app, self.metrics, self.audit = app, metrics, audit
        self.access = Access(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        headers = RequestHeaders(scope["headers"])
        context = new_context(scope, headers.request_id)
        scope[CONTEXT_KEY], scope["app"] = context, self
        answer = _Answer(send, context.request_id)
        try:
            context.client = self.access.check(scope, headers, context.address)
            await self._run(scope, receive, answer)
        except ProblemError as problem:
            await answer.send_problem(problem)
        except ReelTuneError as error:
            await answer.send_problem(problem_of(error))
        except HTTPException as error:  # of the router: unknown path or method
            await answer.send_problem(_routing_problem(error, scope))
        except TimeoutError:
            await answer.send_problem(ProblemError(504, "it took too long: see what became of it"))
        except ClientDisconnect:
            pass
        except Exception:
            _LOG.exception("request %s failed", context.request_id)
            detail = "an error of the service, which its log has under this request's id"
            await answer.send_problem(ProblemError(500, detail))
        self.metrics.count(scope, answer.status, time.perf_counter() - began)
        if scope["method"] not in SAFE_METHODS and context.client and not context.is_audited:
            self.audit(context, scope["method"], scope["path"], answer.status)

    async def _run(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        if scope["method"] in SAFE_METHODS:
            await self.app(scope, receive, answer)
            return
        is_change = scope["path"].endswith(CHANGE_PATHS)
        async with asyncio.timeout(CHANGE_SECONDS if is_change else REQUEST_SECONDS):
            await self.app(scope, _limited(receive), answer)


class _Answer:
    """Sender that adds the headers of every answer, and knows how far the answer is."""

    __slots__ = ("request_id", "send", "status")

    def __init__(self, send: Send, request_id: str) -> None:
        self.send, self.request_id = send, request_id
        self.status = 0  # 0: nothing is sent yet

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own = (b"x-request-id", self.request_id.encode())
            given = message["headers"]
            has_own = any(name == b"cache-control" for name, _ in given)
            kept = SECURITY_HEADERS[:-1] if has_own else SECURITY_HEADERS
            message["headers"] = [*given, *kept, own]
        await self.send(message)

    async def send_problem(self, problem: ProblemError) -> None:
        """Send a problem, unless an answer was begun; then the connection is closed."""
        if self.status:
            return
        body = problem_body(problem, self.request_id)
        headers = [
            (b"content-type", PROBLEM_TYPE),
            (b"content-length", str(len(body)).encode()),
            *((name.encode(), value.encode()) for name, value in problem.headers.items()),
        ]
        start = {"type": "http.response.start", "status": problem.status, "headers": headers}
        await self(start)
        await self.send({"type": "http.response.body", "body": body})


def _limited(receive: Receive) -> Callable[[], Awaitable[Message]]:
    """Return a receiver that counts the bytes of the body, whatever its headers say."""
    n_bytes = 0

    async def counted() -> Message:
        nonlocal n_bytes
        message = await receive()
        n_bytes += len(message.get("body", b""))
        if n_bytes > MAX_BODY_BYTES:
            limit = f"a body has at most {MAX_BODY_BYTES:,} bytes: send several requests"
            raise ProblemError(413, limit, {"connection": "close"})
        return message

    return counted


def _routing_problem(error: HTTPException, scope: Scope) -> ProblemError:
    headers = dict(error.headers or {})
    if error.status_code == 404:
        return ProblemError(404, f"nothing is at {scope['path'][:200]!r}: see /api/openapi.json")
    if error.status_code == 405:
        detail = f"{scope['method']} is not for this path, {headers.get('Allow', 'GET')} is"
        return ProblemError(405, detail, {"allow": headers.get("Allow", "GET")})
    return ProblemError(error.status_code, str(error.detail), headers)
