"""Pages as they are sent, before any script runs."""

import gzip
import re
import sqlite3
from pathlib import Path

import pytest

from reeltune.db.connection import connection
from reeltune.db.run_pages import (
    load_best_rows,
    load_experiment_rows,
    load_history_points,
    load_run_row,
    load_run_rows,
)
from reeltune.db.tuning_runs import load_run_totals
from tests.dashboard.signed_in import Session, pages_of, session_of
from tests.reports.reported import HOSTILE, RUN, write_run
from tests.serving.running import Service


@pytest.fixture(scope="module")
def session(dashboard: Service) -> Session:
    return session_of(dashboard)


def text_of(html: bytes) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html.decode()).split())


def test_every_page_is_there_and_says_what_it_is(dashboard: Service, session: Session) -> None:
    wanted = {
        "overview": "Version 3 is in production",
        "run": "Best against deployed: better",
        "report": "What each hyperparameter does",
        "experiment": "Hyperparameters",
        "version": "promoted and is in production",
        "refused": "was refused",
        "test": "clicks per list",
        "draft": "It has not been started",
        "user": "7 movies for user 5",
        "nobody": "10 movies for user nobody at all",
        "data": "4,000",
        "compared": "Side by side",
    }
    pages = pages_of(dashboard)
    assert wanted.keys() <= pages.keys()
    for name, path in pages.items():
        answer = session.get(path)
        assert answer.status == 200, (name, answer.content)
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert wanted.get(name, "") in text_of(answer.content), name


def test_pages_hold_nothing_that_their_policy_forbids(dashboard: Service, session: Session) -> None:
    for path in pages_of(dashboard).values():
        html = session.get(path).content.decode()
        assert "default-src 'none'" in session.get(path).headers["content-security-policy"]
        assert not re.search(
            r"<style|\sstyle=|\son\w+=|<script(?![^>]* src=)|https?://(?!www.w3)", html
        )


def test_what_comes_from_outside_is_escaped(dashboard: Service, session: Session) -> None:
    assert "<script>" in HOSTILE
    for path in (f"/runs/{RUN}", f"/runs/{RUN}/report", "/users?user=%3Cscript%3E"):
        assert b"<script>" not in session.get(path).content


def test_pages_are_compressed_for_who_reads_that(session: Session) -> None:
    plain = session.get(f"/runs/{RUN}")
    packed = session.get(f"/runs/{RUN}", **{"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content
    assert len(packed.content) < len(plain.content) / 4


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/runs/none", 404),
        ("/runs/none/report", 404),
        ("/experiments/none", 404),
        ("/versions/99", 404),
        ("/versions/x", 422),
        ("/ab-tests/none", 404),
        ("/runs?before=x", 422),
        ("/runs?state=odd", 422),
        ("/users?k=1000", 422),
        ("/compare?run=none&other=nothing", 404),
    ],
)
def test_what_is_not_there_is_said_on_a_page(session: Session, path: str, status: int) -> None:
    answer = session.get(path)
    assert answer.status == status
    assert answer.headers["content-type"].startswith("text/html")
    assert b'class="verdict bad"' in answer.content


def test_a_reader_is_offered_no_action(dashboard: Service, session: Session) -> None:
    reader = session_of(dashboard, "read")
    for path in ("/runs", "/versions", "/versions/1", "/ab-tests/trial"):
        assert b'data-url="/api' in session.get(path).content
        assert b'data-url="/api' not in reader.get(path).content


def test_a_state_in_the_address_is_what_is_shown(session: Session) -> None:
    assert RUN.encode() in session.get("/runs?state=completed").content
    assert RUN.encode() not in session.get("/runs?state=failed").content


def test_the_points_of_a_chart_are_those_of_the_table(session: Session) -> None:
    found = session.get(f"/runs/{RUN}/points").json
    assert found["number"] == list(range(120))
    assert all(
        (a is None) != (b is None) for a, b in zip(found["kept"], found["violated"], strict=True)
    )
    assert found["best"][-1] in found["kept"]


def test_every_run_and_experiment_is_on_exactly_one_page(world: Path) -> None:
    with connection(world) as conn:
        for n in range(7):
            write_run(conn, 4 + n, f"random_2026112{n}_000000", seed=n)
        seen, before = [], None
        while rows := load_run_rows(conn, before=before, limit=3):
            seen += [row.tuning_run_id for row in rows]
            before = rows[-1].place
        assert seen == [f"random_2026112{n}_000000" for n in range(6, -1, -1)]
        numbers, after = [], -1
        while experiments := load_experiment_rows(conn, seen[0], after=after, limit=3):
            numbers += [row.number for row in experiments]
            after = experiments[-1].number
        assert numbers == list(range(11))


def test_a_row_has_the_figures_of_the_command_line(lived_in: Path) -> None:
    with connection(lived_in) as conn:
        totals = load_run_totals(conn)
        rows = load_run_rows(conn)
        assert {row.tuning_run_id for row in rows} == totals.keys()
        for row in rows:
            wanted = totals[row.tuning_run_id]
            assert row.best_experiment_id == wanted.best_experiment_id
            assert (row.best_value, row.baseline_value) == (
                wanted.best_value,
                wanted.baseline_value,
            )
            assert row.n_completed == wanted.n_by_status.get("completed", 0)
            assert row.n_failed == wanted.n_by_status.get("failed", 0)
            assert row == load_run_row(conn, row.tuning_run_id)
            best = load_best_rows(conn, row.tuning_run_id, 1)[0]
            assert best.experiment_id == wanted.best_experiment_id
            points = load_history_points(conn, row.tuning_run_id)
            assert points[-1].best == wanted.best_value


def test_the_pages_read_and_never_write(dashboard: Service, session: Session) -> None:
    def dump() -> list[str]:
        with sqlite3.connect(dashboard.database) as conn:
            return list(conn.iterdump())

    before = dump()
    for path in pages_of(dashboard).values():
        session.get(path)
    assert dump() == before
