"""Server: binds the address, starts the workers, and starts another where one has died."""

import logging
import os
import socket
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from reeltune.domain.errors import InputError
from reeltune.serving.protocol import BoundedProtocol
from reeltune.serving.settings import (
    KEEP_ALIVE_SECONDS,
    MAX_CONNECTIONS,
    SHUTDOWN_SECONDS,
    ServeSettings,
)

MakeApp = Callable[[ServeSettings], ASGIApp]


@dataclass(frozen=True, slots=True)
class AppFactory:
    """Maker of a worker's application, which is sent to the worker's process."""

    make: MakeApp
    settings: ServeSettings

    def __call__(self) -> ASGIApp:
        """Make the application."""
        return self.make(self.settings)


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address; port 0 is any that is free.

    Raises:
        InputError: the address cannot be bound.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        found = socket.socket(family, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(2_048)
    except OSError as error:
        raise InputError(
            f"{host}:{port} cannot be bound: {error.strerror or error}: choose another --port"
        ) from None
    found.set_inheritable(True)
    return found


def url_of(bound: socket.socket) -> str:
    """Return where a socket is reached."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve_forever(settings: ServeSettings, bound: socket.socket, make: MakeApp) -> int:
    """Serve until a signal ends it; return the exit status.

    With several workers each is a process that maps the same files; one that dies is replaced.
    """
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s: %(message)s")
    with tempfile.TemporaryDirectory(prefix="reeltune-metrics-") as directory:
        if settings.workers > 1:
            settings = replace(settings, metrics_directory=Path(directory), parent=os.getpid())
        config = _config(AppFactory(make, settings), settings)
        if settings.workers > 1:
            from uvicorn.supervisors import Multiprocess  # it imports a watcher of files

            Multiprocess(config, sockets=[bound]).run()
            return 0
        server = uvicorn.Server(config)
        server.run(sockets=[bound])
        return 0 if server.started else 1


def _config(factory: AppFactory, settings: ServeSettings) -> uvicorn.Config:
    return uvicorn.Config(
        factory,
        factory=True,
        workers=settings.workers,
        loop="uvloop",
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        interface="asgi3",
        access_log=False,
        log_config=None,
        log_level="error",  # a stranger must not fill the log,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
