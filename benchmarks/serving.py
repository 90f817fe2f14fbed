"""Processor time, memory and faults of the HTTP service, by clients on loopback.

    python -m benchmarks.serving --db movies.db [--requests 20000] [--endurance 200000]
                                 [--changes 100] [--parts one two] [--json serving.json]

All is done on a copy of the database. What an answer costs is processor time of the server's
process, beside that of a bare Starlette route with an answer of the same size in the same run.
Requests only go to 127.0.0.1, and their number is bounded.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from benchmarks.rollback import promote_many
from benchmarks.serving_load import (
    Client,
    Load,
    cpu_seconds,
    load,
    machine,
    private_mb,
    request,
    resident_mb,
)
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.versioning.registry import promote

ROOT = Path(__file__).resolve().parent.parent
BARE = """
import sys, orjson, uvicorn
from starlette.responses import Response
from starlette.routing import Route, Router
items = [{"rank": n, "movie_id": n, "title": "A Film of Some Length (1999)", "score": 0.7217877 / n}
         for n in range(1, 11)]
async def answer(request):
    document = {"items": items, "version": 1, "user": request.path_params["user"]}
    return Response(orjson.dumps(document), media_type="application/json")
app = Router([Route("/api/users/{user}/recommendations", answer)])
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), loop="uvloop", http="httptools",
            access_log=False, log_level="error", lifespan="off")
"""
WIDTH = 8  # connections


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """Amounts of what is asked, and which parts are measured."""

    requests: int
    endurance: int
    changes: int
    changing_requests: int
    parts: tuple[str, ...]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--db", type=Path, default=Path("movies.db"))
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--endurance", type=int, default=200_000)
    parser.add_argument("--changes", type=int, default=100)
    parser.add_argument("--changing-requests", type=int, default=100_000)
    parser.add_argument("--parts", nargs="*", default=["one", "two"], choices=["one", "two"])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with TemporaryDirectory(prefix="reeltune-serving-") as directory:
        amounts = Amounts(
            requests=options.requests,
            endurance=options.endurance,
            changes=options.changes,
            changing_requests=options.changing_requests,
            parts=tuple(options.parts),
        )
        found = measure(copied(options.db, Path(directory)), amounts)
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=2), encoding="utf-8")


def measure(database: Path, amounts: Amounts) -> dict[str, Any]:
    """Measure one after the other; each figure is printed as it is known."""
    found: dict[str, Any] = {}

    def tell(name: str, value: Any) -> None:
        found[name] = value
        print(f"{name}: {value}  ({machine()})", flush=True)

    versions = promote_many(database, 2)
    with connection(database) as conn:
        users = load_dataset(conn).ratings.user_ids.tolist()
    if "one" in amounts.parts:
        one_worker(database, users, amounts, tell)
    if "two" in amounts.parts:
        with serving(database, "--workers", "2") as service:
            several(service, versions, users, amounts, tell)
    return found


def one_worker(
    database: Path, users: list[int], amounts: Amounts, tell: Callable[[str, Any], None]
) -> None:
    """Measure one worker between two measurements of a bare route."""
    with bare() as (port, pid):
        tell("bare route, us CPU", round(bare_load(port, pid, amounts.requests).microseconds, 1))
        with serving(database) as service:
            single(service, users, amounts, tell)
        again = bare_load(port, pid, amounts.requests)
        tell("bare route again, us CPU", round(again.microseconds, 1))


def single(
    service: "Service",
    users: list[int],
    amounts: Amounts,
    tell: Callable[[str, Any], None],
) -> None:
    """Measure one worker: getting ready, memory, lists, endurance."""
    pid = service.pids[0]
    ready = round(service.ready_seconds, 2), round(service.ready_cpu_seconds, 2)
    tell("ready, s: clock, CPU", ready)
    tell("resident MB: all, own", (round(resident_mb(pid)), round(private_mb(pid))))
    path = "/api/users/{}/recommendations"
    first = load(service.port, [pid], service.asked(path, users), len(users), 1)
    tell("first list of each user, us CPU", summary(first))
    for query in ("", "?k=10"):
        kept = load(
            service.port, [pid], service.asked(path + query, users), amounts.requests, WIDTH
        )
        tell(f"kept list{query}, us CPU", summary(kept))
    alone = load(service.port, [pid], service.asked(path, users), amounts.requests // 4, 1)
    tell("kept list, one connection", summary(alone))
    fresh = load(
        service.port, [pid], service.asked(path + "?exclude=1", users), amounts.requests // 10, 1
    )
    tell("fresh list, us CPU", summary(fresh))
    crowded = load(
        service.port,
        [pid],
        service.asked(path + "?exclude=1", users),
        amounts.requests // 10,
        WIDTH,
    )
    tell("fresh list at 8 connections, us CPU", summary(crowded))
    tell("new user with 50 ratings, us CPU", summary(newcomers(service, amounts.requests // 10)))
    tell("ratings sent one by one, us CPU", summary(raters(service, users, amounts.requests // 10)))
    endurance(service, users, amounts.endurance, tell)


def newcomers(service: "Service", n: int) -> Load:
    """Ask for lists by 50 ratings in the body."""
    popular = service.get("/api/popular?k=100")["items"]
    ids = [movie["movie_id"] for movie in popular]

    def bodies() -> Iterator[bytes]:
        for k in count():
            rated = [
                {"movie": ids[(k * 7 + m) % 100], "rating": 1 + (m + k) % 5} for m in range(50)
            ]
            body = json.dumps({"ratings": rated}).encode()
            yield request("/api/recommendations", service.token, body)

    return load(service.port, service.pids, bodies(), n, 1)


def raters(service: "Service", users: list[int], n: int) -> Load:
    """Send ratings, each a request of its own, over eight connections."""
    movies = [movie["movie_id"] for movie in service.get("/api/popular?k=100")["items"]]

    def bodies() -> Iterator[bytes]:
        for k in count():
            row = {"user": users[k % len(users)], "movie": movies[k % 100], "rating": 4}
            row["rated_at"] = 1_700_000_000 + k
            yield request("/api/ratings", service.token, json.dumps({"ratings": [row]}).encode())

    return load(service.port, service.pids, bodies(), n, WIDTH)


def endurance(
    service: "Service", users: list[int], n: int, tell: Callable[[str, Any], None]
) -> None:
    """Compare memory after a tenth of the requests with memory after all of them."""
    pid = service.pids[0]
    parts = cycle(users)
    path = "/api/users/{}/recommendations"

    def mixed() -> Iterator[bytes]:
        for k, user in enumerate(parts):
            query = "?exclude=1" if k % 50 == 0 else ""
            yield request(path.format(user if k % 20 else f"guest-{k}") + query, service.token)

    asked = mixed()
    load(service.port, [pid], asked, n // 10, WIDTH)
    before = resident_mb(pid)
    rest = load(service.port, [pid], asked, n - n // 10, WIDTH)
    grown = resident_mb(pid) - before
    tell(f"memory after {n:,} requests, MB more than after a tenth", round(grown, 1))
    tell("their answers", rest.statuses)


def several(
    service: "Service",
    versions: list[int],
    users: list[int],
    amounts: Amounts,
    tell: Callable[[str, Any], None],
) -> None:
    """Measure two workers while versions change: how soon all serve the new one, and faults."""
    tell(
        "resident MB of two workers: all, own",
        [(round(resident_mb(pid)), round(private_mb(pid))) for pid in service.pids],
    )
    seconds = [seen_after(service, versions[n % 2]) for n in range(20)]
    tell(
        "promotion served by all workers, s: median, worst",
        (round(statistics.median(seconds), 2), round(max(seconds), 2)),
    )
    tell("while versions change", changing(service, versions, users, amounts))


def seen_after(service: "Service", version: int) -> float:
    """Return the seconds from a promotion's commit to the last answer by the old version."""
    clients = service.one_for_each_worker()
    with connection(service.database) as conn:
        promote(conn, version, "benchmark")
    began = time.perf_counter()
    asked = request("/health/ready", service.token)
    waiting = list(clients)
    while waiting:
        waiting = [c for c in waiting if json.loads(c.ask(asked)[1])["version"] != version]
        time.sleep(0.002)
        assert time.perf_counter() - began < 30
    seconds = time.perf_counter() - began
    for client in clients:
        client.close()
    return seconds


def changing(
    service: "Service", versions: list[int], users: list[int], amounts: Amounts
) -> dict[str, int]:
    """Change versions as often as asked while requests run; count what failed or was mixed."""
    expected = {}
    for version in versions:
        seen_after(service, version)
        for user in users:
            found = service.get(f"/api/users/{user}/recommendations")
            assert found["version"] == version
            expected[version, user] = [(m["movie_id"], m["score"]) for m in found["items"]]
    ends = threading.Event()
    changes = [0]

    def change() -> None:
        while changes[0] < amounts.changes and not ends.is_set():
            with connection(service.database) as conn:
                promote(conn, versions[changes[0] % 2], "benchmark")
            changes[0] += 1
            ends.wait(pause)

    pause = amounts.changing_requests / 4_000 / max(1, amounts.changes)  # at most 4,000 a second
    changer = threading.Thread(target=change)
    changer.start()
    counts = {"requests": 0, "failed": 0, "mixed": 0}
    clients = [Client(service.port) for _ in range(WIDTH)]
    users_in_turn = cycle(users)
    while counts["requests"] < amounts.changing_requests or changer.is_alive():
        asked = [next(users_in_turn) for _ in clients]
        for client, user in zip(clients, asked, strict=True):
            client.send(request(f"/api/users/{user}/recommendations", service.token))
        for client, user in zip(clients, asked, strict=True):
            status, body = client.receive()
            counts["requests"] += 1
            if status != 200:
                counts["failed"] += 1
                continue
            document = json.loads(body)
            listed = [(m["movie_id"], m["score"]) for m in document["items"]]
            counts["mixed"] += listed != expected[document["version"], user]
    ends.set()
    changer.join()
    for client in clients:
        client.close()
    return counts | {"changes": changes[0]}


def summary(found: Load) -> dict[str, Any]:
    """Return what is told of a load."""
    return {
        "us CPU": round(found.microseconds, 1),
        "p50 ms": round(found.percentile(0.5), 2),
        "p99 ms": round(found.percentile(0.99), 2),
        "statuses": found.statuses,
    }


class Service:
    """Running service."""

    def __init__(
        self, process: "subprocess.Popen[str]", facts: dict[str, Any], database: Path
    ) -> None:
        self.process, self.database = process, database
        self.port = urlsplit(facts["url"]).port or 0
        self.token: str = facts["tokens"]["write"]
        self.ready_seconds = self.ready_cpu_seconds = 0.0
        self.pids: list[int] = []

    def get(self, path: str) -> Any:
        """Return what a path answers."""
        client = Client(self.port)
        status, body = client.ask(request(path, self.token))
        client.close()
        assert status == 200, body
        return json.loads(body)

    def asked(self, path: str, users: list[int]) -> Iterator[bytes]:
        """Yield requests of one user after the other, again and again."""
        every = [request(path.format(user), self.token) for user in users]
        return cycle(every)

    def one_for_each_worker(self) -> list[Client]:
        """Return connections of which each worker has at least one, by what it says of itself."""
        clients: dict[int, Client] = {}
        until = time.perf_counter() + 60
        while len(clients) < len(self.pids):
            assert time.perf_counter() < until, "a worker takes no connection"
            client = Client(self.port)
            text = client.ask(request("/metrics", self.token))[1].decode()
            worker = int(text.partition("\nreeltune_worker_pid ")[2].split()[0])
            if worker in clients:
                client.close()
            else:
                clients[worker] = client
        return list(clients.values())


@contextmanager
def serving(database: Path, *options: str) -> Iterator[Service]:
    """Run the service for the `with` block."""
    command = [sys.executable, "-m", "reeltune", "serve", "--db", str(database), "--port", "0"]
    began = time.perf_counter()
    process = subprocess.Popen([*command, "--json", *options], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    text = ""
    while not text.endswith("\n}\n"):
        line = process.stdout.readline()
        assert line, "it did not start"
        text += line
    service = Service(process, json.loads(text), database)
    try:
        wait_until_ready(service)
        service.ready_seconds = time.perf_counter() - began
        service.ready_cpu_seconds = cpu_seconds([process.pid])
        service.pids = workers_of(process.pid) if "--workers" in options else [process.pid]
        yield service
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


def wait_until_ready(service: Service) -> None:
    """Wait for the first answer that says so."""
    until = time.perf_counter() + 120
    while True:
        try:
            if service.get("/health/ready")["status"] == "ready":
                return
        except (OSError, AssertionError, ValueError):
            assert time.perf_counter() < until, "it does not become ready"
        time.sleep(0.01)


def workers_of(parent: int) -> list[int]:
    """Return the processes that answer, once there are two."""
    until = time.perf_counter() + 120
    while True:
        found = []
        for task in Path("/proc").glob("[0-9]*"):
            try:
                fields = (task / "stat").read_text().rpartition(")")[2].split()
                if int(fields[1]) == parent and b"spawn_main" in (task / "cmdline").read_bytes():
                    found.append(int(task.name))
            except OSError:
                continue
        if len(found) == 2:
            return found
        assert time.perf_counter() < until
        time.sleep(0.05)


@contextmanager
def bare() -> Iterator[tuple[int, int]]:
    """Run a bare Starlette route for the `with` block; its port and process."""
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", BARE, str(port)])
    try:
        until = time.perf_counter() + 60
        while True:
            try:
                Client(port).close()
                break
            except OSError:
                assert time.perf_counter() < until
                time.sleep(0.05)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(60)


def bare_load(port: int, pid: int, n: int) -> Load:
    """Ask the bare route."""
    asked = cycle([request("/api/users/1/recommendations", "x")])
    load(port, [pid], asked, n // 10, WIDTH)
    return load(port, [pid], asked, n, WIDTH)


def copied(database: Path, directory: Path) -> Path:
    """Return a copy of a database with its models."""
    with connection(database) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    copy = Path(shutil.copy(database, directory / "movies.db"))
    models = database.with_name(f"{database.stem}.versions")
    if models.is_dir():
        shutil.copytree(models, directory / "movies.versions")
    return copy


if __name__ == "__main__":
    main()
