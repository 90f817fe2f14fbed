"""Sessions of people with a browser: a signed cookie, and a token that writes must carry beside it.

Nothing of a session is kept: every worker checks the signature, and what it signs ends by itself.
"""

import base64
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass

from reeltune.serving.settings import SESSION_SECONDS
from reeltune.serving.tokens import Client, Role, Tokens

COOKIE = "reeltune_session"
_MAX_COOKIE = 400


@dataclass(frozen=True, slots=True)
class Session:
    """Session that was begun, or that a cookie proves."""

    client: Client
    cookie: str
    csrf_token: str
    ends_at: int


def begin_session(tokens: Tokens, client: Client, now: float | None = None) -> Session:
    """Return a new session of a client."""
    ends_at = int(time.time() if now is None else now) + SESSION_SECONDS
    nonce = secrets.token_urlsafe(16)
    content = f"{client.role}.{_packed(client.name)}.{ends_at}.{nonce}"
    return _session(tokens, client, content, ends_at)


def find_session(tokens: Tokens, cookie: str, now: float | None = None) -> Session | None:
    """Return the session that a cookie proves; None if it is forged, or at its end."""
    if len(cookie) > _MAX_COOKIE or not cookie.isascii():
        return None
    content, _, signature = cookie.rpartition(".")
    if not hmac.compare_digest(_signed(tokens, "session", content), signature):
        return None
    role, name, ends_at, _ = content.split(".")
    if int(ends_at) <= (time.time() if now is None else now):
        return None
    kind: Role = "write" if role == "write" else "read"
    return _session(tokens, Client(_unpacked(name), kind), content, int(ends_at))


def is_csrf_token(session: Session, given: str) -> bool:
    """Tell whether what a write carries is the token of its session."""
    return hmac.compare_digest(session.csrf_token.encode(), given.encode("utf-8", "replace"))


def session_cookie(header: str) -> str | None:
    """Return the session's cookie of a Cookie header; None if there is none."""
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value
    return None


def _session(tokens: Tokens, client: Client, content: str, ends_at: int) -> Session:
    cookie = f"{content}.{_signed(tokens, 'session', content)}"
    return Session(client, cookie, _signed(tokens, "csrf", content), ends_at)


def _signed(tokens: Tokens, purpose: str, content: str) -> str:
    digest = hmac.digest(tokens.secret, f"{purpose}\n{content}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _packed(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).rstrip(b"=").decode()


def _unpacked(text: str) -> str:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
