"""Access: which host a request is for, whose token it carries, and whether that may do it."""

from collections.abc import Iterable
from typing import ClassVar
from urllib.parse import quote

from starlette.types import Scope

from reeltune.serving.failed_tokens import FailedTokens
from reeltune.serving.problems import ProblemError
from reeltune.serving.sessions import find_session, is_csrf_token, session_cookie
from reeltune.serving.settings import ServeSettings
from reeltune.serving.tokens import Client

OPEN_PATHS = frozenset(("/health/live", "/health/ready"))  # without a token
OPEN_FOLDER = "/static/"  # what pages look like is the same for all
SIGN_IN = "/sign-in"  # asks people for a token: a page that needs one leads there
_NO_PAGES = ("/api/", "/metrics", "/live")  # paths that no person opens
READING_PATHS = frozenset(("/api/recommendations", "/api/session"))  # these change no data
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"))
_WITHOUT_EFFECT = frozenset(("GET", "HEAD"))
_SAME_SITE = (b"same-origin", b"none")


class RequestHeaders:
    """Headers that decide on access; none of them may be there twice."""

    __slots__ = (
        "accept",
        "authorization",
        "cookie",
        "csrf",
        "host",
        "origin",
        "request_id",
        "site",
        "twice",
    )
    NAMES: ClassVar[dict[bytes, str]] = {
        b"accept": "accept",
        b"host": "host",
        b"authorization": "authorization",
        b"cookie": "cookie",
        b"origin": "origin",
        b"sec-fetch-site": "site",
        b"x-csrf-token": "csrf",
        b"x-request-id": "request_id",
    }

    def __init__(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self.host = self.authorization = self.cookie = self.origin = b""
        self.site = self.csrf = self.request_id = self.accept = b""
        self.twice: bytes | None = None
        names = self.NAMES
        for name, value in headers:
            if name in names:
                slot = names[name]
                if getattr(self, slot) and name != b"accept":
                    self.twice = name
                setattr(self, slot, value)

    @property
    def is_for_people(self) -> bool:
        """True where a browser asks for a page."""
        return b"text/html" in self.accept


class Access:
    """Rules of access."""

    def __init__(self, settings: ServeSettings) -> None:
        self.tokens, self.failed = settings.tokens, FailedTokens()
        self.hosts = frozenset(host.lower().encode() for host in settings.allowed_hosts)

    def check(self, scope: Scope, headers: RequestHeaders, address: str) -> Client | None:
        """Return whose request it is; None on a path that anybody may read.

        Raises:
            ProblemError: it is refused.
        """
        if headers.twice is not None:
            raise ProblemError(400, f"the header {headers.twice.decode()} is there twice")
        if _hostname(headers.host) not in self.hosts:
            raise ProblemError(
                421, "the Host header names a host that is not served: start with --allow-host"
            )
        method = scope["method"]
        if method not in _METHODS:
            raise ProblemError(405, f"{method[:20]} is not answered", {"allow": "GET, HEAD, POST"})
        if _is_open(method, scope["path"]):
            return None
        if headers.authorization:
            client = self._bearer(headers.authorization, address)
        else:
            client = self._person(scope, headers, address)
        needs_write = method not in _WITHOUT_EFFECT and scope["path"] not in READING_PATHS
        if needs_write and client.role != "write":
            raise ProblemError(403, f"{client.name!r} may read only: use a write token")
        return client

    def _bearer(self, header: bytes, address: str) -> Client:
        scheme, _, token = header.partition(b" ")
        client = None
        if scheme.lower() == b"bearer":
            client = self.tokens.find(token.strip().decode("latin-1"))
        if client is None:
            raise self._refused(address, "the token is not known")
        return client

    def _person(self, scope: Scope, headers: RequestHeaders, address: str) -> Client:
        """Return whose session it is; who has none is led from a page to where one begins."""
        try:
            return self._by_cookie(scope["method"], headers, address)
        except ProblemError as problem:
            is_page = scope["method"] in _WITHOUT_EFFECT and headers.is_for_people
            if problem.status not in (401, 429) or not is_page:
                raise
            if scope["path"].startswith(_NO_PAGES):
                raise
            wanted = quote(scope["path"] + _query(scope), safe="/")
            raise ProblemError(
                303, "sign in first", {"location": f"{SIGN_IN}?next={wanted}"}
            ) from None

    def _by_cookie(self, method: str, headers: RequestHeaders, address: str) -> Client:
        cookie = session_cookie(headers.cookie.decode("latin-1"))
        if cookie is None:
            raise _unauthorized("send a token: `Authorization: Bearer TOKEN`")
        session = find_session(self.tokens, cookie)
        if session is None:
            raise self._refused(address, "the session has ended: begin another")
        if method not in _WITHOUT_EFFECT:
            _check_same_origin(headers)
            if not is_csrf_token(session, headers.csrf.decode("latin-1")):
                raise ProblemError(403, "a write of a session needs its token in X-CSRF-Token")
        return session.client

    def _refused(self, address: str, detail: str) -> ProblemError:
        seconds = self.failed.seconds_to_wait(address)
        if seconds:
            return ProblemError(
                429, "too many failed tokens: wait a minute", {"retry-after": str(seconds)}
            )
        self.failed.note(address)
        return _unauthorized(detail)


def _is_open(method: str, path: str) -> bool:
    """Return True where nobody is asked for a token."""
    if method in _WITHOUT_EFFECT:
        return path in OPEN_PATHS or path == SIGN_IN or path.startswith(OPEN_FOLDER)
    return method == "POST" and path == SIGN_IN


def _query(scope: Scope) -> str:
    text = scope["query_string"].decode("latin-1")
    return f"?{text}" if text else ""


def _unauthorized(detail: str) -> ProblemError:
    return ProblemError(401, detail, {"www-authenticate": "Bearer"})


def _check_same_origin(headers: RequestHeaders) -> None:
    """Refuse a write that another site's page has sent.

    Raises:
        ProblemError: one has, as far as the browser says.
    """
    origin = headers.origin.partition(b"://")[2]
    if (headers.origin and origin != headers.host) or (
        headers.site and headers.site not in _SAME_SITE
    ):
        raise ProblemError(403, "a page of another site sent this write")


def _hostname(host: bytes) -> bytes:
    """Return a Host header without its port, in lower case; brackets of IPv6 taken off.

    >>> _hostname(b"[::1]:8000"), _hostname(b"LocalHost:80"), _hostname(b"127.0.0.1")
    (b'::1', b'localhost', b'127.0.0.1')
    """
    if host.startswith(b"["):
        return host[1:].partition(b"]")[0].lower()
    return host.partition(b":")[0].lower()
