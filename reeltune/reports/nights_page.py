"""Page of the nights of some days: each command, decision, and what was in production."""

from datetime import datetime

from reeltune.domain.clock import stamp
from reeltune.metrics.ranking_metrics import METRICS
from reeltune.reports.figure import DataTable, Figure, Section
from reeltune.reports.html_page import Page, Tile, Tone
from reeltune.reports.svg import WIDE, Scale, diamond, drawing, line, mark, path, text, y_axis
from reeltune.views.nights_report import NightsReport

_KINDS = {"promote": "ok", "cannot tell": "unsure-mark", "refused": "loss"}


def nights_page(report: NightsReport) -> Page:
    """Return the page of the nights since a moment."""
    tone: Tone = "bad" if report.n_failed else "good" if report.commands else "plain"
    figures = [_production(report), _decisions(report), _commands(report), _verdicts(report)]
    known = tuple(figure for figure in figures if figure is not None)
    production = report.production
    return Page(
        kind="Nights",
        title=f"{report.since[:10]} to {report.until[:10]}",
        verdict=report.verdict,
        tone=tone,
        remarks=(f"Error budget: {report.budget}.",) if report.budget else (),
        tiles=_tiles(report),
        sections=(Section(name="nights", title="What happened", figures=known),) if known else (),
        made_at=stamp(),
        facts=()
        if production is None
        else (
            ("in production", f"version {production.version}"),
            ("model", production.training.model),
            ("data", production.training.data_fingerprint[:16]),
        ),
    )


def _tiles(report: NightsReport) -> tuple[Tile, ...]:
    production, verdicts = report.production, report.verdicts
    in_production = "none" if production is None else f"version {production.version}"
    since = "" if production is None else production.created_at[:16].replace("T", " ")
    return (
        Tile(label="In production", value=in_production, note=since),
        Tile(label="Promotions", value=str(report.n_promoted)),
        Tile(
            label="Not let through",
            value=str(verdicts.get("refused", 0) + verdicts.get("cannot tell", 0)),
            note=f"of {sum(verdicts.values())} evaluations on the test set",
        ),
        Tile(label="Commands", value=str(len(report.commands)), note=f"{report.n_failed} failed"),
    )


def _time_axis(report: NightsReport, y: float) -> tuple[Scale, str]:
    ends = [datetime.fromisoformat(each).timestamp() for each in (report.since, report.until)]
    x = Scale(ends[0], max(ends[1], ends[0] + 1), 66, 966)
    n = 6
    parts = [line(x.start, y, x.end, y, "axis")]
    for k in range(n + 1):
        at = x.low + (x.high - x.low) * k / n
        day = stamp(datetime.fromtimestamp(at, tz=datetime.fromisoformat(report.until).tzinfo))
        anchor = "start" if k == 0 else "end" if k == n else "middle"
        parts.append(text(x.at(at), y + 18, day[5:10], anchor))
    return x, "".join(parts)


def _at(x: Scale, moment: str) -> float:
    return x.at(datetime.fromisoformat(moment).timestamp())


def _production(report: NightsReport) -> Figure | None:
    """Return the test value of each version, and which of them went into production."""
    known = [
        (v, value)
        for v in report.versions
        for value in [v.training.test_metrics.get("accuracy")]
        if value is not None
    ]
    if not known:
        return None
    x, axis = _time_axis(report, 290)
    y = Scale.around([value for _, value in known], 290, 34)
    promoted = [e for e in report.events if e.event == "promoted"]
    value_of = {v.version: value for v, value in known}
    steps = [
        (_at(x, e.happened_at), y.at(value_of[e.version]))
        for e in promoted
        if e.version in value_of
    ]
    stairs = [(at, height) for at, height in steps[:1]]
    for at, height in steps[1:]:
        stairs += [(at, stairs[-1][1]), (at, height)]
    if stairs:
        stairs.append((x.end, stairs[-1][1]))
    marks = [
        mark(_at(x, v.created_at), y.at(value), _status_kind(v.status), _title(v.version, value))
        for v, value in known
    ]
    return Figure(
        name="production",
        title="Versions",
        size="wide",
        drawings=(
            drawing(
                WIDE,
                f"{METRICS['accuracy'].title} on the test set of {len(known)} versions",
                axis,
                y_axis(y, 66, "accuracy on the test set", right=966),
                path(stairs, "best"),
                *marks,
            ),
        ),
        note="Line: what was in production. Red: refused; pale: stayed a candidate.",
        table=DataTable.of(
            ("version", "when", "status", "accuracy", "experiment"),
            [
                (v.version, v.created_at, v.status, value, v.training.experiment_id)
                for v, value in reversed(known)
            ],
        ),
    )


def _status_kind(status: str) -> str:
    return {"refused": "loss", "candidate": "ok pale"}.get(status, "ok")


def _title(version: int, value: float) -> str:
    return f"version {version}: {value:.4f}"


def _decisions(report: NightsReport) -> Figure | None:
    """Return the gain of each change that was evaluated on the test set."""
    known = [e for e in report.evaluations if e.difference is not None]
    if not known:
        return None
    x, axis = _time_axis(report, 290)
    y = Scale.around([0.0, *(e.difference for e in known if e.difference is not None)], 290, 34)
    marks = []
    for each in known:
        at, height = _at(x, each.looked_at), y.at(each.difference or 0.0)
        kind, title = _KINDS.get(each.verdict, "ok"), f"{each.verdict}: {each.difference:+.4f}"
        draw = diamond if each.verdict == "promote" else mark
        marks.append(draw(at, height, kind, title))
    return Figure(
        name="decisions",
        title="Evaluations on the test set",
        size="wide",
        drawings=(
            drawing(
                WIDE,
                f"gain of {len(known)} changes over what was deployed",
                axis,
                y_axis(y, 66, "gain over what was deployed", right=966),
                line(x.start, y.at(0), x.end, y.at(0)),
                *marks,
            ),
        ),
        note="Diamonds were promoted; of the others it could not be told, or they were refused.",
        table=DataTable.of(
            ("when", "decision", "gain", "p-value", "spent", "verdict"),
            [
                (e.looked_at, e.decision, e.difference, e.p_value, e.level, e.verdict)
                for e in reversed(known)
            ],
        ),
    )


def _commands(report: NightsReport) -> Figure | None:
    if not report.commands:
        return None
    rows = [
        (
            each.started_at,
            each.command,
            each.exit_code,
            _seconds(each.started_at, each.ended_at),
            each.said,
        )
        for each in reversed(report.commands)
    ]
    return Figure(
        name="commands",
        title="Commands",
        size="wide",
        drawings=(),
        note="Status 0: done; 3: the gate refused; anything else did not do its work.",
        table=DataTable.of(("began", "command", "status", "seconds", "said"), rows),
    )


def _seconds(began: str, ended: str) -> float:
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds()


def _verdicts(report: NightsReport) -> Figure | None:
    if not report.events:
        return None
    return Figure(
        name="events",
        title="Events of versions",
        size="wide",
        drawings=(),
        table=DataTable.of(
            ("when", "version", "event", "why"),
            [(e.happened_at, e.version, e.event, e.reason) for e in reversed(report.events)],
        ),
    )
