"""Overview: what is in production, whether it is still good, and what runs now."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from reeltune.dashboard.pages import Pages
from reeltune.dashboard.shown_runs import RUN_HEADINGS, run_cells
from reeltune.dashboard.tables import (
    Badge,
    PageCell,
    PageLink,
    PageTable,
    moment,
    page_table,
    path_of,
)
from reeltune.db.command_runs import load_command_runs
from reeltune.db.connection import Connection
from reeltune.db.run_pages import RunRow, load_run_rows
from reeltune.db.versions import load_events, load_version
from reeltune.domain.clock import duration, stamp
from reeltune.domain.errors import ReelTuneError
from reeltune.domain.version import Version, VersionEvent
from reeltune.monitoring.health import Health, health
from reeltune.reports.html_page import Tile, Tone
from reeltune.storage.run_lock import lock_holder

NIGHT_DAYS = 14
_HOUR = 3600.0
_EXIT_TONES: dict[int, Tone] = {0: "good", 3: "unsure"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Figures and tables of the overview, as of one moment."""

    health: Health | None
    fault: str  # why the health is not known
    production: Version | None
    promoted: VersionEvent | None
    running: tuple[RunRow, ...]
    holder: int | None  # process that holds the database for a run
    nights: PageTable
    events: PageTable
    runs: PageTable


def load_overview(conn: Connection, database: Path) -> Overview:
    """Return how things stand."""
    found, fault = None, ""
    try:
        found = health(conn)
    except ReelTuneError as error:
        fault = str(error)
    number = None if found is None else found.production
    events = load_events(conn)
    promoted = [e for e in events if e.version == number and e.event in ("promoted", "rolled back")]
    return Overview(
        health=found,
        fault=fault,
        production=None if number is None else load_version(conn, number),
        promoted=promoted[-1] if promoted else None,
        running=tuple(load_run_rows(conn, status="running", limit=10)),
        holder=lock_holder(database),
        nights=_nights(conn),
        events=_events(events),
        runs=page_table(
            "Latest runs", RUN_HEADINGS, [run_cells(r) for r in load_run_rows(conn, limit=5)]
        ),
    )


class OverviewPage:
    """PageHandler of the overview."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    async def show(self, request: Request) -> Response:
        """Return the overview."""
        database = self.pages.service.database
        found = await self.pages.read(lambda conn: load_overview(conn, database))
        return self.pages.answer(
            request, "overview.html.j2", live="overview", **overview_context(found)
        )


def overview_context(found: Overview) -> dict[str, Any]:
    """Return what the template of the overview needs."""
    verdict, tone = _verdict(found)
    production = found.production
    return {
        "kind": "Overview",
        "title": "Nothing is in production"
        if production is None
        else f"Version {production.version} is in production",
        "verdict": verdict,
        "tone": tone,
        "remarks": found.health.wrong if found.health is not None else (),
        "tiles": tuple(_tiles(found)),
        "found": found,
        "running": page_table("Running now", RUN_HEADINGS, [run_cells(r) for r in found.running]),
    }


def _verdict(found: Overview) -> tuple[str, Tone]:
    if found.health is None:
        return found.fault, "bad"
    if found.production is None:
        return "Retrain and promote a first version: `reeltune retrain`.", "unsure"
    if found.health.verdict == "healthy":
        return "All is well: production is sound, and the nightly runs succeed.", "good"
    return f"{found.health.verdict[:1].upper()}{found.health.verdict[1:]}.", "bad"


def _tiles(found: Overview) -> list[Tile]:
    tiles = []
    if found.production is not None:
        since = (
            found.production.created_at if found.promoted is None else found.promoted.happened_at
        )
        model = found.production.training.model
        tiles.append(Tile(label="In production since", value=moment(since)[:10], note=model))
        value = found.production.training.test_metrics.get("accuracy")
        if value is not None:
            note = "on the test set, when it was made"
            tiles.append(Tile(label="Accuracy", value=f"{value:.4f}", note=note))
    if found.health is not None:
        backlog = found.health.backlog
        if backlog is not None:
            nights = f"{backlog.nights_behind} nights behind"
            tiles.append(
                Tile(label="Ratings not seen", value=f"{backlog.ratings_behind:,}", note=nights)
            )
            refused = f"{backlog.renewals_refused} renewals"
            tiles.append(
                Tile(
                    label="Changes refused in a row",
                    value=str(backlog.changes_refused),
                    note=refused,
                )
            )
        age = found.health.age_hours
        value_text = "never" if age is None else f"{duration(age * _HOUR)} ago"
        tiles.append(
            Tile(label="Last good run", value=value_text, note=moment(found.health.last_run))
        )
        left = f"{found.health.budget.left:.2g} left"
        tiles.append(
            Tile(
                label="Error budget",
                value=left,
                note=f"of {found.health.budget.most_a_year:g} a year",
            )
        )
    return tiles


def _nights(conn: Connection) -> PageTable:
    since = stamp(datetime.now(UTC) - timedelta(days=NIGHT_DAYS))
    commands = load_command_runs(conn, since)[-12:]
    rows: list[tuple[PageCell, ...]] = [
        (
            moment(each.started_at),
            each.command,
            Badge(_ended(each.exit_code), _EXIT_TONES.get(each.exit_code, "bad")),
            each.said,
        )
        for each in reversed(commands)
    ]
    return page_table(
        "Last nights and commands",
        ("began", "command", "ended", "what it said"),
        rows,
        empty=f"No command was run in the last {NIGHT_DAYS} days.",
    )


def _ended(code: int) -> str:
    return {0: "well", 3: "not let through"}.get(code, f"status {code}")


def _events(events: list[VersionEvent]) -> PageTable:
    return page_table(
        "Latest decisions",
        ("when", "version", "event", "why"),
        [
            (
                moment(each.happened_at),
                PageLink(str(each.version), path_of("versions", each.version)),
                each.event,
                each.reason,
            )
            for each in events[:-9:-1]
        ],
    )
