"""A service that runs as users run it: a real process on 127.0.0.1, at a port that was free."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.running import ROOT, environment

PATIENCE_SECONDS = 60.0  # on a busy machine


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


@dataclass
class Service:
    """A running service, and how to ask it."""

    process: subprocess.Popen[str]
    url: str
    tokens: Mapping[str, str]
    database: Path
    log: Path
    connections: list[http.client.HTTPConnection] = field(default_factory=list)

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port

    def connect(self) -> http.client.HTTPConnection:
        found = http.client.HTTPConnection(*self.address, timeout=PATIENCE_SECONDS)
        self.connections.append(found)
        return found

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = "write",
        headers: Mapping[str, str] | None = None,
        connection: http.client.HTTPConnection | None = None,
    ) -> Answer:
        """Send a request; `token` is a role, a token itself, or None for no token."""
        sent = dict(headers or {})
        if token is not None:
            sent.setdefault("Authorization", f"Bearer {self.tokens.get(token, token)}")
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if content is not None:
            sent.setdefault("Content-Type", "application/json")
        own = connection or self.connect()
        own.request(method, path, content, sent)
        response = own.getresponse()
        answer = Answer(
            response.status,
            {name.lower(): value for name, value in response.getheaders()},
            response.read(),
        )
        if connection is None:
            own.close()
        return answer

    def get(self, path: str, **how: Any) -> Answer:
        return self.ask("GET", path, **how)

    def post(self, path: str, body: Any = None, **how: Any) -> Answer:
        return self.ask("POST", path, body, **how)

    def items(self, user: object, query: str = "") -> list[Any]:
        answer = self.get(f"/api/users/{user}/recommendations{query}")
        assert answer.status == 200, answer.content
        found: list[Any] = answer.json["items"]
        return found

    def health(self) -> Any:
        return self.get("/health/ready", token=None).json

    def wait_until(self, is_true: Callable[[], bool], what: str) -> None:
        """Wait for a condition, for as long as a busy machine may need."""
        until = time.monotonic() + PATIENCE_SECONDS
        while not is_true():
            assert time.monotonic() < until, f"{what}\n{self.errors()}"
            assert self.process.poll() is None, self.errors()
            time.sleep(0.02)

    def errors(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def workers(self) -> list[int]:
        """The processes that answer, where there are several."""
        found = []
        for directory in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((directory / "stat").read_text().rpartition(")")[2].split()[1])
                command = (directory / "cmdline").read_bytes()
            except OSError:
                continue  # it has just ended
            if parent == self.process.pid and b"spawn_main" in command:
                found.append(int(directory.name))
        return found

    def stop(self) -> int:
        for each in self.connections:
            each.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)


def start(database: Path, *options: str | Path, ready: bool = True) -> Service:
    """Start a service and wait until it answers, and is ready."""
    log = database.with_name(f"{database.stem}.{time.monotonic_ns()}.log")
    command = [sys.executable, "-m", "reeltune", "serve", "--db", str(database), "--port", "0"]
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [*command, "--json", *map(str, options)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment() | {"PYTHONUNBUFFERED": "1"},
        )
    assert process.stdout is not None
    with process.stdout as output:
        text = ""
        while not text.endswith("\n}\n"):
            line = output.readline()
            assert line, f"{process.wait()}: " + log.read_text(encoding="utf-8")
            text += line
    facts = json.loads(text)
    service = Service(process, facts["url"], facts["tokens"], database, log)
    wanted = ("ready", "degraded") if ready else ("ready", "degraded", "not ready")
    try:
        service.wait_until(lambda: answers(service) in wanted, "it did not become ready")
    except BaseException:
        service.stop()
        raise
    return service


def answers(service: Service) -> str | None:
    """The state that a service says it is in; None while it does not answer."""
    try:
        status: str = service.health()["status"]
    except OSError:
        return None
    return status


@contextmanager
def running(database: Path, *options: str | Path, ready: bool = True) -> Iterator[Service]:
    """A service for the `with` block, which ends it; its log must be free of tracebacks."""
    service = start(database, *options, ready=ready)
    try:
        yield service
    finally:
        service.stop()
    assert "Traceback" not in service.errors(), service.errors()


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
