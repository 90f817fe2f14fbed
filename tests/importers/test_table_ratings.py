from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from reeltune.importers import counts, table_ratings
from reeltune.importers.counts import RowCounts
from reeltune.importers.mapping import RatingsMap
from reeltune.importers.rows import EMPTY
from reeltune.importers.table_ratings import event_stars, read_ratings
from reeltune.importers.tables import Chunk
from tests.importers.tables import import_text, stored, with_films

EVENTS = {"rating": None, "scale": None, "time": None, "weight": "vote", "relevant_from": 3.0}


@pytest.mark.parametrize("weight", ["-1", "1e13", "1e308", "inf", "nan", "1e999"])
def test_a_weight_that_no_count_or_time_has_costs_its_row_alone(
    tmp_path: Path, weight: str
) -> None:
    conn = with_films(tmp_path)
    rows = f"who,film,vote,when\nu,a-1,{weight},\nv,a-1,6,\n"
    report = import_text(conn, tmp_path / "events.csv", rows, **EVENTS)
    assert (report.kept, report.read) == (1, 2)
    assert [(user, stars) for user, _, stars, _ in stored(conn)] == [("v", 4.5)]


def test_stars_of_events_are_a_scale_for_any_sum_and_limit() -> None:
    for enough in (1e-300, 1.0, 1e12):
        stars = event_stars(np.array([0.0, 1e-300, 1.0, 1e12, 1e24]), enough)
        assert np.all(np.diff(stars) >= 0)
        assert stars[0] == 0.5
        assert stars[-1] <= 5.0


@pytest.fixture
def _little_hope(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "HOPELESS_ROWS", 10)
    monkeypatch.setattr(table_ratings, "HOPELESS_ROWS", 10)


class Chunks:
    """Table of twenty chunks, the first ones of which are no good."""

    name = "votes.csv"

    def __init__(self, first: Chunk) -> None:
        self.first = first
        self.notes: list[str] = []

    def columns(self) -> list[str]:
        return list(ROW)

    def chunks(self, _wanted: Sequence[str]) -> Iterator[Chunk]:
        yield from [self.first] * 19
        yield Chunk([1], {name: [value] for name, value in ROW.items()})


ROW = {"user": "u", "movie": "m", "rating": "5", "time": "2024-01-05"}
NOTHING: dict[str, list[str]] = {name: [] for name in ROW}
SAID = RatingsMap(user="user", movie="movie", rating="rating", time="time", time_format="iso")


@pytest.mark.usefixtures("_little_hope")
@pytest.mark.parametrize(
    "bad",
    [
        Chunk([], NOTHING, [(1, "wrong number of fields", "junk")]),
        Chunk([], NOTHING, [(1, EMPTY, "")]),
        Chunk([1], {name: ["soon" if name == "time" else v] for name, v in ROW.items()}),
    ],
)
def test_reading_ends_where_no_row_is_good_for_long(bad: Chunk) -> None:
    found = RowCounts("table", "votes.csv")
    assert not len(read_ratings(None, Chunks(bad), SAID, found).columns.lines)
    assert found.read == 10


@pytest.mark.usefixtures("_little_hope")
@pytest.mark.parametrize("other", ["u,a-1,,2024-01-05", "u,a-1,5,", "v,a-1,5,2024-01-05"])
def test_rows_of_no_use_are_no_reason_to_end_reading(tmp_path: Path, other: str) -> None:
    conn = with_films(tmp_path)
    rows = "who,film,vote,when\n" + f"{other}\n" * 60_000 + "u,a-1,7,2024-01-06\n"
    only = {"only": {"who": "u"}} if other.startswith("v") else {}
    report = import_text(conn, tmp_path / "votes.csv", rows, **only)
    assert report.read == 60_001
    assert (stored(conn)[-1][2:]) == (3.5, 1704499200)
