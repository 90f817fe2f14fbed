"""Load client on loopback: counted requests over a few connections that stay open."""

import os
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LOOPBACK = "127.0.0.1"


@dataclass
class Load:
    """Result of a load: answers by status, seconds of each, and processor time of the server."""

    statuses: dict[int, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0

    @property
    def n(self) -> int:
        """Number of answers."""
        return sum(self.statuses.values())

    @property
    def microseconds(self) -> float:
        """Processor time of the server for an answer."""
        return self.cpu_seconds / max(1, self.n) * 1e6

    def percentile(self, share: float) -> float:
        """Milliseconds that a share of the answers took at most."""
        every = sorted(self.seconds)
        return every[min(len(every) - 1, int(share * len(every)))] * 1000


def request(path: str, token: str, body: bytes | None = None) -> bytes:
    """Return the bytes of a request."""
    head = f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: {LOOPBACK}\r\n"
    head += f"Authorization: Bearer {token}\r\n"
    if body is not None:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return (head + "\r\n").encode() + (body or b"")


class Client:
    """Connection that stays open; bound to loopback."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.sock = self._connected()

    def send(self, content: bytes) -> None:
        """Send a request."""
        self.sock.sendall(content)

    def receive(self) -> tuple[int, bytes]:
        """Return status and body of the next answer.

        Raises:
            ConnectionError: the server closed the connection.
        """
        content = self.sock.recv(65_536)
        while b"\r\n\r\n" not in content:
            content += self._more()
        head, _, body = content.partition(b"\r\n\r\n")
        lower = head.lower()
        place = lower.index(b"content-length:") + 15
        length = int(
            lower[place : lower.find(b"\r\n", place) if b"\r\n" in lower[place:] else None]
        )
        while len(body) < length:
            body += self._more()
        return int(head[9:12]), body

    def ask(self, content: bytes) -> tuple[int, bytes]:
        """Send a request and return the answer."""
        self.send(content)
        return self.receive()

    def close(self) -> None:
        """Close the connection."""
        self.sock.close()

    def _more(self) -> bytes:
        found = self.sock.recv(65_536)
        if not found:
            raise ConnectionError("the server closed the connection")
        return found

    def _connected(self) -> socket.socket:
        sock = socket.create_connection((LOOPBACK, self.port), timeout=60)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock


def load(port: int, pids: Sequence[int], requests: Iterator[bytes], n: int, width: int) -> Load:
    """Send `n` requests over `width` connections, each of which waits for its answer."""
    clients = [Client(port) for _ in range(width)]
    found = Load()
    before = cpu_seconds(pids)
    left = n
    while left > 0:
        wave = clients[: min(width, left)]
        sent = []
        for client in wave:
            client.send(next(requests))
            sent.append(time.perf_counter())
        for client, began in zip(wave, sent, strict=True):
            status, _ = client.receive()
            found.seconds.append(time.perf_counter() - began)
            found.statuses[status] = found.statuses.get(status, 0) + 1
        left -= len(wave)
    found.cpu_seconds = cpu_seconds(pids) - before
    for client in clients:
        client.close()
    return found


def cpu_seconds(pids: Sequence[int]) -> float:
    """Return processor time of all threads of processes, to the microsecond."""
    total = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def resident_mb(pid: int, name: str = "Rss") -> float:
    """Return resident memory of a process in MB; `Pss` counts shared pages by their share."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    wanted = (line for line in lines if line.startswith(f"{name}:"))
    return int(next(wanted).split()[1]) / 1024


def private_mb(pid: int) -> float:
    """Return what memory a process shares with no other, in MB."""
    return resident_mb(pid, "Private_Dirty") + resident_mb(pid, "Private_Clean")


def machine() -> str:
    """Return the load of the machine, which all durations depend on."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
