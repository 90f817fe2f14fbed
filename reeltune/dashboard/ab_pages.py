"""Pages of A/B tests: the list, and one with its interval's path, split, guardrails, actions."""

import time
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from reeltune.ab_tests.documents import load_path
from reeltune.ab_tests.figures import ABFigures, ArmComparison
from reeltune.ab_tests.results import ab_figures, load_last_figures
from reeltune.ab_tests.states import TRANSITIONS, shown_state
from reeltune.dashboard.ab_figure import path_figure
from reeltune.dashboard.pages import Pages
from reeltune.dashboard.tables import (
    Badge,
    PageCell,
    PageLink,
    PageTable,
    moment,
    page_table,
    path_of,
)
from reeltune.db.ab_tests import load_ab_events, load_ab_test, load_ab_tests
from reeltune.db.connection import Connection
from reeltune.domain.ab_tests import AB_METRICS, N_BUCKETS, ABEvent, ABTest
from reeltune.domain.clock import duration, stamp_of
from reeltune.reports.figure import Section
from reeltune.reports.html_page import Tile, Tone
from reeltune.serving.parsing import id_of

_STATE_TONES: dict[str, Tone] = {"running": "good", "paused": "unsure", "rolled_back": "bad"}
_TONES: dict[str, Tone] = {"better": "good", "worse": "bad", "cannot tell": "unsure"}
_WORDS = {
    "start": ("Start", "From now on users of its share are assigned to arms.", ""),
    "pause": ("Pause", "Its users get the version in production until it is resumed.", ""),
    "resume": ("Resume", "Its users get the arms that they had.", ""),
    "stop": ("Stop", "The test ends for good; production stays as it is.", "stop"),
    "rollback": ("Roll back", "The test ends, and its champion is in production.", "roll back"),
    "promote": (
        "Promote the challenger",
        "A challenger that is shown to be better goes into production, through the gate.",
        "promote",
    ),
}
_N_EVENTS = 12


class ABPages:
    """Handlers of the pages of A/B tests."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    async def list_tests(self, request: Request) -> Response:
        """Return all tests, the latest first."""
        table = await self.pages.read_store(_tests)
        return self.pages.answer(
            request, "ab_tests.html.j2", kind="Live users", title="A/B tests", table=table
        )

    async def show_test(self, request: Request) -> Response:
        """Return a test: verdict, path of the interval, guardrails, split, and actions."""
        name = id_of(request, "name")
        found = await self.pages.read_store(lambda conn: ab_context(conn, name))
        live = f"ab:{name}" if found["test"].state == "running" else None
        return self.pages.answer(request, "ab_test.html.j2", live=live, **found)


def ab_context(conn: Connection, name: str) -> dict[str, Any]:
    """Return what the page of a test needs.

    Raises:
        NotFoundError: there is no such test.
    """
    test = load_ab_test(conn, name)
    figures, path = None, []
    if test.phase is not None:
        now = int(time.time())
        earlier = load_last_figures(conn, test)
        path = load_path(conn, test)
        figures = earlier if test.has_ended else ab_figures(conn, test, now, earlier=earlier)
    events = load_ab_events(conn, test.test_id)
    verdict, tone = ab_verdict(figures)
    return {
        "kind": f"A/B test, {shown_state(test.state)}",
        "title": test.name,
        "verdict": verdict,
        "tone": tone,
        "remarks": () if figures is None else tuple(f"Missing: {gap}." for gap in figures.gaps),
        "tiles": tuple(_tiles(test, figures)),
        "test": test,
        "arms": None if figures is None else _arms(test, figures),
        "guardrails": None if figures is None else _guardrails(figures),
        "split": None if figures is None else _split(figures),
        "sections": _paths(test, path, figures),
        "events": _events(events),
        "settings": _settings(test),
        "actions": [
            (action, *_WORDS[action])
            for action, transition in TRANSITIONS.items()
            if test.state in transition.sources
        ],
    }


def ab_verdict(figures: ABFigures | None) -> tuple[str, Tone]:
    """Return the verdict of a test in a sentence."""
    if figures is None:
        return "It has not been started: there are no results.", "plain"
    breached = [each for each in figures.guardrails if each.breached]
    if breached:
        names = ", ".join(f"{AB_METRICS.get(e.metric, e.metric)} of {e.arm}" for e in breached)
        return f"A guardrail is breached: {names}.", "bad"
    first = next((e for e in figures.comparisons if e.verdict in ("better", "worse")), None)
    first = first or figures.comparisons[0]
    if first.verdict == "no data":
        return f"No verdict yet: {first.reason or 'too few users'}.", "unsure"
    sentence = f"{first.arm.capitalize()}: {first.verdict}, {_change(first)} in {_metric(first)}"
    if first.verdict == "cannot tell" and first.more_users:
        sentence += f"; about {first.more_users:,} more users would tell"
    return f"{sentence}.", _TONES[first.verdict]


def _change(found: ArmComparison) -> str:
    """Return the relative change with its interval."""
    if found.difference is None or not found.champion:
        return "no difference known"
    scale = abs(found.champion)
    text = f"{100 * found.difference / scale:+.1f} %"
    if found.low is None or found.high is None:
        return text
    return f"{text} ({100 * found.low / scale:+.1f} to {100 * found.high / scale:+.1f} %)"


def _metric(found: ArmComparison) -> str:
    return AB_METRICS.get(found.metric, found.metric)


def _tiles(test: ABTest, figures: ABFigures | None) -> list[Tile]:
    share = (test.share_high - test.share_low) / N_BUCKETS
    tiles = [Tile(label="State", value=shown_state(test.state))]
    if figures is None:
        return tiles
    tiles.append(Tile(label="Share of the users", value=f"{share:.0%}"))
    users = sum(arm.users for arm in figures.arms)
    ran = duration(figures.hours * 3600)
    tiles.append(Tile(label="Users", value=f"{users:,}", note=f"in {ran}"))
    first = figures.comparisons[0]
    more = "none" if first.more_users is None else f"{first.more_users:,}"
    if first.verdict in ("cannot tell", "no data") and first.more_users is None:
        more = "not known"
    tiles.append(
        Tile(label="Users still needed", value=more, note="for a difference like this one")
    )
    level = 1 - (test.phase.alpha if test.phase else test.settings.alpha)
    is_planned = test.settings.analysis == "planned"
    when = "at the planned analyses" if is_planned else "at any time"
    note = f"{level:.3g} interval, valid {when}"
    tiles.append(Tile(label="p-value", value=f"{first.p_value:.2g}", note=note))
    return tiles


def _tests(conn: Connection) -> PageTable:
    rows = []
    for test in reversed(load_ab_tests(conn)):
        figures = load_last_figures(conn, test)
        verdict, tone = ab_verdict(figures)
        rows.append(
            (
                PageLink(test.name, path_of("ab-tests", test.name)),
                Badge(shown_state(test.state), _STATE_TONES.get(test.state, "plain")),
                f"{test.settings.champion} against {_numbers(test.settings.challengers)}",
                None if figures is None else sum(arm.users for arm in figures.arms),
                Badge(verdict, tone),
                moment(stamp_of(test.created_at)),
            )
        )
    return page_table(
        "A/B tests",
        ("test", "state", "versions", "users", "verdict", "created"),
        rows,
        empty="There is no A/B test yet: `reeltune ab-tests create NAME --challenger N` makes one.",
    )


def _numbers(versions: tuple[int, ...]) -> str:
    return ", ".join(map(str, versions))


def _arms(test: ABTest, figures: ABFigures) -> PageTable:
    compared = {each.arm: each for each in figures.comparisons}
    rows: list[tuple[PageCell, ...]] = []
    for arm in figures.arms:
        found = compared.get(arm.arm)
        rows.append(
            (
                arm.arm,
                PageLink(f"Version {arm.version}", path_of("versions", arm.version)),
                arm.users,
                arm.lists,
                arm.value,
                "" if found is None else _change(found),
                "" if found is None else Badge(found.verdict, _TONES.get(found.verdict, "plain")),
            )
        )
    title = AB_METRICS.get(test.settings.primary, test.settings.primary)
    headings = ("arm", "version", "users", "lists", title, "change", "verdict")
    return page_table("Arms", headings, rows)


def _guardrails(figures: ABFigures) -> PageTable:
    rows: list[tuple[PageCell, ...]] = [
        (
            each.arm,
            AB_METRICS.get(each.metric, each.metric),
            f"{each.margin:.0%}",
            each.difference,
            each.high,
            Badge("breached", "bad") if each.breached else Badge("kept", "good"),
        )
        for each in figures.guardrails
    ]
    headings = ("arm", "metric", "may fall by", "room left", "upper bound", "verdict")
    return page_table("Guardrails", headings, rows, empty="It has no guardrails.")


def _split(figures: ABFigures) -> PageTable:
    split, total = figures.split, max(1, sum(figures.split.users.values()))
    rows: list[tuple[PageCell, ...]] = [
        (arm, users, f"{users / total:.2%}", f"{split.planned.get(arm, 0.0):.2%}")
        for arm, users in split.users.items()
    ]
    verdict = "alarm: the shares are not as planned" if split.alarm else "as planned"
    rows.append(("check", None, verdict, f"p-value {split.p_value:.2g}"))
    return page_table("Split of the users", ("arm", "users", "share", "planned"), rows)


def _paths(test: ABTest, path: list[ABFigures], figures: ABFigures | None) -> tuple[Section, ...]:
    """Return the paths of the intervals of all challengers, that of now at their end."""
    found = path if figures is None or figures in path else [*path, figures]
    arms = [] if figures is None else [each.arm for each in figures.comparisons]
    level = 1 - (test.phase.alpha if test.phase else test.settings.alpha)
    drawn = tuple(figure for arm in arms if (figure := path_figure(found, arm, level)) is not None)
    return (Section(name="path", title="Path of the interval", figures=drawn),) if drawn else ()


def _events(events: list[ABEvent]) -> PageTable:
    shown_events = [each for each in events if each.kind != "analysed"][-_N_EVENTS:]
    return page_table(
        "What happened",
        ("when", "event", "by", "why"),
        [
            (
                moment(stamp_of(each.happened_at)),
                each.kind,
                each.actor,
                each.reason or str(each.details.get("error", "")),
            )
            for each in reversed(shown_events)
        ],
    )


def _settings(test: ABTest) -> PageTable:
    rows = [(name, _shown(value)) for name, value in test.settings.as_json().items()]
    return page_table("Settings", ("setting", "value"), rows)


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_shown(each) for each in value) or "–"
    if isinstance(value, dict):
        return " ".join(str(each) for each in value.values())
    return str(value).lower() if isinstance(value, bool) else str(value)
