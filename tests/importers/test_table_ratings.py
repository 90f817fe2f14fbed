from pathlib import Path

import numpy as np
import pytest

from reeltune.importers.table_ratings import event_stars
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
