from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reeltune.db.connection import Connection, connection
from reeltune.domain.clock import stamp
from reeltune.domain.errors import InputError, NotFoundError
from reeltune.versioning.history import production_at, read_moment
from reeltune.versioning.registry import rollback
from tests.versioning.versions import produced, registered


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[Connection]:
    with connection(tmp_path / "movies.db", create=True) as found:
        yield found


def at_day(monkeypatch: pytest.MonkeyPatch, day: int) -> None:
    monkeypatch.setattr("reeltune.db.versions.stamp", lambda: f"2026-11-{day:02d}T04:00:00Z")


def test_what_was_promoted_last_by_then_was_in_production(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in (1, 3):
        at_day(monkeypatch, day)
        produced(conn)
    at_day(monkeypatch, 4)
    registered(conn, 9)  # a candidate, never promoted
    at_day(monkeypatch, 5)
    rollback(conn, reason="bad")
    found = {d: production_at(conn, f"2026-11-{d:02d}").promoted for d in range(1, 7)}
    assert {d: event.version for d, event in found.items()} == {1: 1, 2: 1, 3: 2, 4: 2, 5: 1, 6: 1}
    assert found[5].reason == "bad"
    assert found[2].happened_at == "2026-11-01T04:00:00Z"


def test_the_moment_itself_counts_and_the_second_before_does_not(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_day(monkeypatch, 3)
    produced(conn)
    found = production_at(conn, "2026-11-03T04:00:00")
    assert (found.at, found.promoted.version) == ("2026-11-03T04:00:00Z", 1)
    with pytest.raises(NotFoundError, match="nothing was in production at 2026-11-03T03:59:59Z"):
        production_at(conn, "2026-11-03T03:59:59")


def test_events_count_in_the_order_in_which_they_happened_whatever_the_clock_said(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in (5, 3):  # the clock was put back
        at_day(monkeypatch, day)
        produced(conn)
    assert production_at(conn, "2026-11-06").promoted.version == 2


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-01", "2026-11-01T23:59:59Z"),
        ("2026-11-01T10:00", "2026-11-01T10:00:00Z"),
        ("2026-11-01T10:00:07Z", "2026-11-01T10:00:07Z"),
        ("2026-11-01T01:30+02:00", "2026-10-31T23:30:00Z"),
        ("2024-02-29", "2024-02-29T23:59:59Z"),
    ],
)
def test_a_moment_is_read_as_utc_and_a_day_means_its_end(text: str, moment: str) -> None:
    assert read_moment(text) == moment


@pytest.mark.parametrize(
    "text", ["", "today", "2026-02-30", "2026/11/01", "2026-11-01T25:00", "9999-12-31T23:00-05:00"]
)
def test_what_is_no_moment_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match=r"a moment is like 2026-11-01 or 2026-11-01T10:00"):
        read_moment(text)


@given(st.datetimes())
def test_a_written_moment_is_read_as_itself(moment: datetime) -> None:
    text = stamp(moment.replace(tzinfo=UTC))
    assert read_moment(text) == text
