"""Processor time of the dashboard's pages at very many experiments, sizes, and live watchers.

    python -m benchmarks.dashboard --db movies.db [--experiments 100000] [--watchers 300]
                                   [--json dashboard.json]

All is done on a copy of a database that has a completed run: its experiments are copied as other
runs, of 500 each, the last of a fifth of all. Processor time is that of the server's process.
"""

import argparse
import gzip
import http.client
import json
import re
import select
import socket
import sqlite3
import statistics
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.serving import Service, copied, serving
from benchmarks.serving_load import cpu_seconds, machine, request
from reeltune.dashboard.assets import load_assets
from reeltune.db.connection import connection

LOOPBACK = "127.0.0.1"
RUN_SIZE = 500
REPEATS = 15
WATCHED_SECONDS = 15
_RUNS = """
    INSERT INTO hp_tuning_runs ({columns})
    WITH RECURSIVE runs(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM runs WHERE k < :n - 1)
    SELECT {values} FROM runs, hp_tuning_runs AS r WHERE r.tuning_run_id = :run
"""
_EXPERIMENTS = """
    INSERT INTO hp_experiments ({columns})
    WITH RECURSIVE numbers(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM numbers WHERE k < :n - 1)
    SELECT {values} FROM numbers, hp_experiments AS e
     WHERE e.experiment_id = (SELECT experiment_id FROM hp_experiments
            WHERE tuning_run_id = :run AND status = 'completed' ORDER BY number DESC LIMIT 1)
"""


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--db", type=Path, default=Path("movies.db"))
    parser.add_argument("--experiments", type=int, default=100_000)
    parser.add_argument("--watchers", type=int, default=300)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with TemporaryDirectory(prefix="reeltune-dashboard-") as directory:
        database = copied(options.db, Path(directory))
        large = add_experiments(database, options.experiments)
        with serving(database) as service:
            found = measure(service, large, options.watchers)
    print(json.dumps(found, indent=2))
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=2), encoding="utf-8")


def add_experiments(database: Path, n: int) -> str:
    """Add generated runs with `n` experiments in all; return the id of the largest."""
    sizes = [RUN_SIZE] * (n * 4 // 5 // RUN_SIZE)
    sizes.append(n - sum(sizes))
    with connection(database) as conn:
        run = conn.execute(
            "SELECT tuning_run_id FROM hp_experiments WHERE status = 'completed' LIMIT 1"
        ).fetchone()[0]
        conn.execute("BEGIN")
        _insert(conn, _RUNS, "hp_tuning_runs", _of_run(), {"run": run, "n": len(sizes)})
        for k, size in enumerate(sizes):
            name = f"made_{k:05d}"
            _insert(
                conn, _EXPERIMENTS, "hp_experiments", _of_experiment(name), {"run": run, "n": size}
            )
        conn.execute("COMMIT")
        conn.execute("ANALYZE")
    return f"made_{len(sizes) - 1:05d}"


def _of_run() -> dict[str, str]:
    return {"tuning_run_id": "printf('made_%05d', k)", "n_configs": str(RUN_SIZE)}


def _of_experiment(run: str) -> dict[str, str]:
    value = "0.6 + 0.1 * ((k * 7919) % 1000) / 1000.0"
    return {
        "id": "NULL",
        "experiment_id": f"'{run}_' || k",
        "tuning_run_id": f"'{run}'",
        "number": "k",
        "completion_number": "(SELECT max(completion_number) FROM hp_experiments) + 1 + k",
        "objective_value": value,
        "improvement_from_baseline": f"{value} - 0.6",
        "improvement_error": "0.01",
    }


def _insert(
    conn: Any, statement: str, table: str, changed: Mapping[str, str], values: Mapping[str, Any]
) -> None:
    rows = conn.execute(f"PRAGMA table_xinfo({table})").fetchall()
    names = [row["name"] for row in rows if row["hidden"] == 0]
    letter = "r" if table == "hp_tuning_runs" else "e"
    chosen = [changed.get(name, f"{letter}.{name}") for name in names]
    conn.execute(statement.format(columns=", ".join(names), values=", ".join(chosen)), values)


def measure(service: Service, large: str, n_watchers: int) -> dict[str, Any]:
    """Return what each page costs and weighs, and what watchers cost."""
    pages = {
        "overview": "/",
        "runs": "/runs",
        "runs, a later page": "/runs?before=100",
        "runs, by state": "/runs?state=failed",
        "run of 500": "/runs/made_00003",
        "points of 500": "/runs/made_00003/points",
        "largest run": f"/runs/{large}",
        "largest run, a later page": f"/runs/{large}?after=15000",
        "points of the largest": f"/runs/{large}/points",
        "experiment": f"/experiments/{large}_77",
        "versions": "/versions",
        "a user": "/users?user=5",
        "data": "/data",
        "A/B tests": "/ab-tests",
        "compare": "/compare",
        "full report of 500, first": "/runs/made_00004/report",
        "full report of 500, kept": "/runs/made_00004/report",
    }
    found: dict[str, Any] = {"machine": machine(), "pages": {}}
    for name, path in pages.items():
        found["pages"][name] = page_figures(service, path, 1 if name.endswith("first") else REPEATS)
    found["watchers"] = watch(service, "made_00003", n_watchers)
    return found


def page_figures(service: Service, path: str, repeats: int) -> dict[str, float]:
    """Return processor time in ms (median), and bytes as they are sent, alone and with assets."""
    if repeats > 1:
        fetch(service, path)
    costs = []
    for _ in range(repeats):
        before = cpu_seconds(service.pids)
        content = fetch(service, path)
        costs.append(1000 * (cpu_seconds(service.pids) - before))
    html = gzip.decompress(content).decode() if content[:2] == b"\x1f\x8b" else content.decode()
    names = set(re.findall(r'"/static/([^"?]+)', html))
    names |= {"chart.js"} if names else set()
    assets = sum(len(load_assets()[name].compressed) for name in names)
    return {
        "cpu_ms": round(statistics.median(costs), 1),
        "bytes": len(content),
        "with_assets": len(content) + assets,
    }


def fetch(service: Service, path: str) -> bytes:
    """Return what is sent for a path."""
    conn = http.client.HTTPConnection(LOOPBACK, service.port, timeout=60)
    conn.request(
        "GET", path, headers={"Authorization": f"Bearer {service.token}", "Accept-Encoding": "gzip"}
    )
    answer = conn.getresponse()
    content = answer.read()
    conn.close()
    assert answer.status == 200, (path, answer.status, content[:300])
    return content


def watch(service: Service, run: str, n: int) -> dict[str, float]:
    """Return the share of a core that `n` watchers of a run take, one result a second."""
    asked = request(f"/live?topic=run:{run}", service.token)
    socks = []
    for _ in range(n):
        sock = socket.create_connection((LOOPBACK, service.port), 60)
        sock.sendall(asked)
        socks.append(sock)
    drain(socks, 5.0)
    before, messages, delays = cpu_seconds(service.pids), 0, []
    for k in range(WATCHED_SECONDS):
        with sqlite3.connect(service.database) as conn:
            conn.execute(
                "UPDATE hp_tuning_runs SET n_configs = ? WHERE tuning_run_id = ?", (10**6 + k, run)
            )
        began = time.monotonic()
        found, first = drain(socks, 1.0)
        messages += found
        if first is not None:
            delays.append(first - began)
    spent = cpu_seconds(service.pids) - before
    for sock in socks:
        sock.close()
    return {
        "watchers": n,
        "messages": messages,
        "share_of_a_core": round(spent / WATCHED_SECONDS, 4),
        "first_after_seconds": round(statistics.median(delays), 3),
    }


def drain(socks: list[socket.socket], seconds: float) -> tuple[int, float | None]:
    """Return how many messages came within some seconds, and when the first did."""
    until, n, first = time.monotonic() + seconds, 0, None
    waiting = select.poll()
    by_number = {sock.fileno(): sock for sock in socks}
    for number in by_number:
        waiting.register(number, select.POLLIN)
    while (left := until - time.monotonic()) > 0:
        for number, _ in waiting.poll(left * 1000):
            text = by_number[number].recv(262_144)
            if b"data: " in text:
                n, first = n + text.count(b"data: "), first or time.monotonic()
    return n, first


if __name__ == "__main__":
    main()
