"""Documents: what the command line's --json and the HTTP routes say of tests."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from reeltune.ab_tests.figures import ABFigures, figures_from_json
from reeltune.db.ab_activity import load_user_rows
from reeltune.db.ab_tests import load_ab_events
from reeltune.db.connection import Connection
from reeltune.domain.ab_tests import N_BUCKETS, ABEvent, ABTest, RecordedRows
from reeltune.domain.clock import stamp_of

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_PATH_COLUMNS = (
    "at",
    "phase",
    "arm",
    "metric",
    "users",
    "champion",
    "difference",
    "low",
    "high",
    "low_so_far",
    "high_so_far",
    "p_value",
    "verdict",
    "split_p_value",
    "gaps",
)


def ab_document(test: ABTest) -> dict[str, Any]:
    """Return a test."""
    phase = test.phase
    return {
        "name": test.name,
        "test_id": test.test_id,
        "state": test.state,
        "created_at": stamp_of(test.created_at),
        "last_event": test.last_event,
        "share": (test.share_high - test.share_low) / N_BUCKETS,
        "phase": None
        if phase is None
        else {
            "number": phase.number,
            "started_at": stamp_of(phase.started_at),
            "alpha": phase.alpha,
            "arms": [
                {"arm": arm.name, "version": arm.version, "share": arm.share} for arm in phase.arms
            ],
        },
        "settings": test.settings.as_json(),
    }


def event_document(event: ABEvent, names: dict[int, str]) -> dict[str, Any]:
    """Return an event; `names` of the tests by their numbers."""
    return {
        "event": event.event_id,
        "test": names.get(event.test_id, str(event.test_id)),
        "kind": event.kind,
        "state": event.state,
        "at": stamp_of(event.happened_at),
        "by": event.actor,
        "reason": event.reason,
        "details": event.details,
    }


def results_document(conn: Connection, test: ABTest, now_figures: ABFigures) -> dict[str, Any]:
    """Return the results of now and the path of all analyses of the phase."""
    return {
        "test": test.name,
        "state": test.state,
        "results": now_figures.as_json(),
        "path": [
            {
                "at": figures.at,
                "comparisons": [
                    {
                        "arm": each.arm,
                        "users": each.users,
                        "difference": each.difference,
                        "low": each.low,
                        "high": each.high,
                        "p_value": each.p_value,
                        "verdict": each.verdict,
                    }
                    for each in figures.comparisons
                ],
                "gaps": list(figures.gaps),
            }
            for figures in load_path(conn, test)
        ],
    }


def rows_document(found: RecordedRows, faults: Iterable[dict[str, Any]] = ()) -> dict[str, Any]:
    """Return what became of a batch of rows."""
    rejected = [{"row": place, "reason": reason} for place, reason in found.rejected]
    return {
        "counted": found.counted,
        "duplicates": found.duplicates,
        "waiting": found.waiting,
        "rejected": sorted([*rejected, *faults], key=lambda each: each["row"]),
    }


def load_path(conn: Connection, test: ABTest, phase: int | None = None) -> list[ABFigures]:
    """Return the analyses of a phase in order, by default of the current one."""
    wanted = phase or (test.phase.number if test.phase else 0)
    events = load_ab_events(conn, test.test_id, kinds=["analysed"])
    return [figures_from_json(e.details) for e in events if e.details["phase"] == wanted]


def path_csv(conn: Connection, test: ABTest) -> Iterator[str]:
    """Yield the lines of a table of all analyses, one row per challenger."""
    yield _line(_PATH_COLUMNS)
    for event in load_ab_events(conn, test.test_id, kinds=["analysed"]):
        figures = figures_from_json(event.details)
        for each in figures.comparisons:
            values = each.__class__.__dataclass_fields__
            row = {name: getattr(each, name) for name in values} | {
                "at": stamp_of(figures.at),
                "phase": figures.phase,
                "split_p_value": figures.split.p_value,
                "gaps": "; ".join(figures.gaps),
            }
            yield _line([row[name] for name in _PATH_COLUMNS])


def users_csv(conn: Connection, test: ABTest) -> Iterator[str]:
    """Yield the lines of a table of all users' totals."""
    header: list[str] = []
    for row in load_user_rows(conn, test.test_id):
        if not header:
            header = list(row)
            yield _line(header)
        yield _line(list(row.values()))


def _line(values: Iterable[Any]) -> str:
    """Return a line of CSV; text that a spreadsheet would run as a formula is quoted."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow([_cell(value) for value in values])
    return buffer.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value
