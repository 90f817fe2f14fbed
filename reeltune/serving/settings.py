"""Settings of the service, as its command gives them to every worker."""

from dataclasses import dataclass, field
from pathlib import Path

from reeltune.serving.tokens import Tokens

MAX_K = 100  # movies of one list
MAX_ROWS = 1_000  # ratings or events of one request
MAX_BODY_BYTES = 2**20
MAX_HEAD_BYTES = 2**14  # of a request's line and headers
MAX_NAME_CHARACTERS = 200
MAX_EXCLUDED = 1_000
REQUEST_SECONDS = 15.0  # for a body to come and to be worked on
CHANGE_SECONDS = 900.0  # for the gate to measure before it changes production
HEAD_SECONDS = 10.0  # for a request's line and headers to come
KEEP_ALIVE_SECONDS = 30
MAX_CONNECTIONS = 1_000  # of one worker
SHUTDOWN_SECONDS = 10
POLL_SECONDS = 0.1  # between looks at the database
MAX_FAILED_TOKENS = 10  # of one address in a minute
SESSION_SECONDS = 12 * 3_600
KEPT_USERS = 20_000  # whose lists are kept for each version
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeSettings:
    """Settings of the service; they can be sent to another process."""

    database: Path
    tokens: Tokens
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    allowed_hosts: frozenset[str] = field(default=frozenset(LOOPBACK))
    metrics_directory: Path | None = None  # where workers leave their figures for each other
    parent: int | None = None  # process that starts workers: they end when it does


def is_loopback(host: str) -> bool:
    """Tell whether an address can be reached from this machine alone.

    >>> is_loopback("127.0.0.2"), is_loopback("0.0.0.0"), is_loopback("example.org")
    (True, False, False)
    """
    return host in LOOPBACK or (host.startswith("127.") and host.replace(".", "").isdigit())
