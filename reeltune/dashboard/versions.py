"""Versions: the list with what the gate decided, and one version with promote and roll back."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from reeltune.dashboard.pages import Pages
from reeltune.dashboard.tables import Badge, PageCell, PageLink, moment, page_table, path_of
from reeltune.db.connection import Connection
from reeltune.db.versions import load_events, load_versions
from reeltune.domain.clock import stamp
from reeltune.domain.errors import InputError
from reeltune.domain.space import Space
from reeltune.domain.study import StudyConfig
from reeltune.domain.version import Version, VersionEvent
from reeltune.gate.error_budget import budget_state
from reeltune.reports.html_page import Page, Tile, Tone
from reeltune.reports.version_page import version_page
from reeltune.serving.parsing import number_of
from reeltune.serving.problems import ProblemError
from reeltune.tasks.registry import space_of
from reeltune.views.version_report import report_version

_SHOWN = 50
_TONES: dict[str, Tone] = {"production": "good", "refused": "bad", "candidate": "unsure"}
_ROLLED_BACK = ("archived",)


class VersionPages:
    """Handlers of the pages of versions."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    async def list_versions(self, request: Request) -> Response:
        """Return a page of versions, the latest first."""
        before = _before(request)
        found = await self.pages.read(lambda conn: _list_context(conn, before))
        return self.pages.answer(request, "versions.html.j2", **found)

    async def show_version(self, request: Request) -> Response:
        """Return one version: what the gate asked and found, and what may be done."""
        number = number_of(request, "version")
        page, versions = await self.pages.read(
            lambda conn: (load_version_page(conn, number), load_versions(conn))
        )
        return self.pages.answer(
            request,
            "version.html.j2",
            kind="Version",
            title=page.title,
            verdict=page.verdict,
            tone=page.tone,
            remarks=page.remarks,
            tiles=page.tiles,
            sections=page.sections,
            **_actions(versions, number),
        )


def load_version_page(conn: Connection, number: int) -> Page:
    """Return the report of a version.

    Raises:
        NotFoundError: there is no such version.
    """
    model = next((v.training.model for v in load_versions(conn) if v.version == number), None)
    try:
        space = Space(()) if model is None else space_of(StudyConfig(model=model))
    except InputError:  # a model of the user's that is gone by now
        space = Space(())
    budget = budget_state(conn, stamp()).message
    return version_page(report_version(conn, number, space=space, budget=budget))


def _list_context(conn: Connection, before: int | None) -> dict[str, Any]:
    versions, events = load_versions(conn), load_events(conn)
    decisions = {each.version: each for each in events if each.event != "replaced"}
    production = next((v for v in versions if v.status == "production"), None)
    wanted = [v for v in reversed(versions) if before is None or v.version < before]
    rows = [_cells(each, decisions.get(each.version)) for each in wanted[:_SHOWN]]
    is_more = len(wanted) > _SHOWN
    in_production = "none" if production is None else f"version {production.version}"
    return {
        "kind": "Versions",
        "title": "Versions",
        "tiles": (
            Tile(label="In production", value=in_production),
            Tile(label="Versions", value=f"{len(versions):,}"),
            Tile(label="Refused", value=f"{sum(v.status == 'refused' for v in versions):,}"),
        ),
        "table": page_table(
            "Versions, the latest first",
            ("version", "status", "made", "accuracy", "ratings", "model", "decision", "why"),
            rows,
            empty="There is no version yet: `reeltune retrain` makes one.",
            next_href=f"/versions?before={wanted[_SHOWN - 1].version}" if is_more else None,
            first_href="/versions" if before is not None else None,
        ),
        "may_roll_back": any(v.status == "archived" for v in versions),
        "production": production,
    }


def _cells(version: Version, decision: VersionEvent | None) -> tuple[PageCell, ...]:
    return (
        PageLink(f"Version {version.version}", path_of("versions", version.version)),
        Badge(version.status, _TONES.get(version.status, "plain")),
        moment(version.created_at),
        version.training.test_metrics.get("accuracy"),
        version.training.n_ratings,
        version.training.model,
        None if decision is None else decision.event,
        None if decision is None else decision.reason,
    )


def _actions(versions: list[Version], number: int) -> dict[str, Any]:
    """Return what may be done with a version, and what it would replace."""
    version = next(each for each in versions if each.version == number)
    production = next((v for v in versions if v.status == "production"), None)
    has_model = version.artifact is not None and version.removed_at is None
    return {
        "version": version,
        "production": production,
        "may_promote": has_model and version.status == "candidate",
        "may_roll_back_to": has_model and version.status in _ROLLED_BACK,
    }


def _before(request: Request) -> int | None:
    text = request.query_params.get("before", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ProblemError(422, "before must be the number of a version")
    return int(text)
