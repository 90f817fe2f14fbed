"""Page of one version: the gate's rules, both sides, segments, and the error budget."""

from collections.abc import Mapping, Sequence

from reeltune.domain.clock import stamp
from reeltune.domain.version import Version
from reeltune.metrics.ranking_metrics import METRICS
from reeltune.reports.figure import DataTable, Figure, Section
from reeltune.reports.html_page import Page, Tile, Tone
from reeltune.reports.svg import SignedPercentScale, drawing, line, mark, rect, text, x_axis
from reeltune.reports.svg_axes import shown
from reeltune.reports.svg_trust import interval_text, whisker
from reeltune.views.version_report import WHOLE, RuleRow, VersionReport

_ROW = 40
_TONES: dict[str, Tone] = {"refused": "bad", "candidate": "unsure"}


def version_page(report: VersionReport) -> Page:
    """Return the page of a version."""
    version = report.version
    parts = (
        (
            "gate",
            "What the gate asked",
            (_rules(report, whole=True), _both_sides(report), _rules(report, whole=False)),
        ),
        ("changes", "What changed, and what it was made of", (_changes(report), _lineage(version))),
        ("history", "Decisions and events", (_budget(report), _events(report))),
    )
    sections = [
        Section(name=name, title=title, figures=tuple(f for f in figures if f is not None))
        for name, title, figures in parts
    ]
    against = report.decision.evidence.get("terms", {}).get("against")
    return Page(
        kind="Retraining",
        title=f"Version {version.version}" + (f" against {against}" if against else ""),
        verdict=report.verdict,
        tone=_TONES.get(version.status, "good"),
        remarks=(f"Trained because: {report.decision.reason}.",),
        tiles=_tiles(report),
        sections=tuple(section for section in sections if section.figures),
        made_at=stamp(),
        facts=(
            ("model", version.training.model),
            ("data", version.training.data_fingerprint[:16]),
            ("program", version.training.code_version),
            ("artifact", (version.artifact_sha256 or "none")[:16]),
        ),
    )


def _tiles(report: VersionReport) -> tuple[Tile, ...]:
    version, terms = report.version, report.decision.evidence.get("terms", {})
    objective = str(terms.get("objective", "accuracy"))
    value = version.training.test_metrics.get(objective)
    tiles = [
        Tile(label="Status", value=version.status, note=version.created_at[:16].replace("T", " "))
    ]
    if value is not None:
        title = METRICS[objective].title if objective in METRICS else objective
        tiles.append(Tile(label=f"{title} on the test set", value=f"{value:.4f}"))
    gain = next((r for r in report.rules if r.name == "not worse than deployed"), None)
    if gain is not None and gain.figure is not None and gain.low is not None:
        note = f"95\u00a0% interval {interval_text(gain.low, gain.high)}"
        tiles.append(Tile(label="Gain", value=f"{gain.figure:+.4f}", note=note))
    p_value = report.decision.evidence.get("p_value")
    if isinstance(p_value, float):
        level = terms.get("level")
        note = f"may spend {level:.2g}" if isinstance(level, float) else ""
        tiles.append(Tile(label="p-value", value=f"{p_value:.2g}", note=note))
    n_asked = sum(rule.binding for rule in report.rules)
    failed = sum(rule.binding and rule.verdict != "passed" for rule in report.rules)
    tiles.append(Tile(label="Rules asked", value=str(n_asked), note=f"{failed} not passed"))
    ratings = f"{version.training.n_ratings:,}"
    tiles.append(Tile(label="Ratings", value=ratings, note=version.training.split))
    return tuple(tiles)


def _rules(report: VersionReport, *, whole: bool) -> Figure | None:
    rules = [
        rule
        for rule in report.rules
        if (rule.segment == WHOLE) == whole and rule.figure is not None and rule.is_difference
    ]
    others = (
        [r for r in report.rules if r.segment == WHOLE and not r.is_difference] if whole else []
    )
    if not rules and not others:
        return None
    title = "The gate's rules" if whole else "Gain in each segment"
    return Figure(
        name="rules" if whole else "segments-of-users",
        title=title,
        drawings=(_interval_plot(rules, title),) if rules else (),
        note=(
            "Gain over what was deployed, on the test set, with its 95 % interval; the dotted line "
            "is the least that the rule allows. Pale: looked at, not asked of this decision."
        ),
        table=DataTable.of(
            ("rule", "verdict", "figure", "95 % interval", "threshold", "asked"),
            [
                (
                    rule.name,
                    rule.verdict,
                    rule.figure,
                    interval_text(rule.low, rule.high),
                    rule.threshold,
                    rule.asks if rule.binding else "not asked",
                )
                for rule in (*others, *rules)
            ],
        ),
        open_table=whole,
    )


def _interval_plot(rules: Sequence[RuleRow], title: str) -> str:
    ends = [v for r in rules for v in (r.figure, r.low, r.high, r.threshold) if v is not None]
    x = Differences.around([0.0, *ends], 18, 456)
    height = 36 + _ROW * len(rules)
    parts = [x_axis(x, height - 26, top=4), line(x.at(0), 4, x.at(0), height - 26)]
    for k, rule in enumerate(rules):
        y, figure = 4 + _ROW * k, rule.figure or 0.0
        kind = "ok" if rule.verdict == "passed" else "loss"
        parts.append(text(18, y + 12, rule.name))
        parts.append(text(456, y + 12, f"{figure:+.4f}", "end", "number"))
        if rule.threshold is not None:
            parts.append(line(x.at(rule.threshold), y + 15, x.at(rule.threshold), y + 31, "limit"))
        if rule.low is not None and rule.high is not None:
            parts.append(whisker(x, rule.low, rule.high, y + 23))
        pale = "" if rule.binding else " pale"
        parts.append(mark(x.at(figure), y + 23, f"{kind}{pale}", f"{rule.name}: {rule.verdict}"))
    n_failed = sum(rule.verdict != "passed" for rule in rules)
    return drawing((480, height), f"{title}: {len(rules)}, of which {n_failed} not passed", *parts)


class Differences(SignedPercentScale):
    """Axis of differences, as they are."""

    def label(self, tick: float) -> str:
        """Return the tick with its sign."""
        return f"{tick:+.3g}" if tick else "0"


def _both_sides(report: VersionReport) -> Figure | None:
    """Return the metrics on the test set of both sides, each as each was when it was made."""
    now = report.version.training.test_metrics
    if not now:
        return None
    before = {} if report.parent is None else report.parent.training.test_metrics
    names = [name for name, value in now.items() if value is not None]
    rows = [
        (METRICS[n].title if n in METRICS else n, before.get(n), now[n], _gain(n, before, now))
        for n in names
    ]
    known = [(row[0], row[1], row[3]) for row in rows if row[1] and row[3] is not None]
    return Figure(
        name="both-sides",
        title="Both sides on the test set",
        drawings=(_bars([(t, g / abs(b)) for t, b, g in known if g is not None]),) if known else (),
        note=(
            "Each version as it was measured when it was made; where ratings came in between, the "
            "rules' figures are the fair comparison."
        ),
        table=DataTable.of(("metric", "before", "this version", "gain"), rows),
    )


def _gain(
    name: str, before: Mapping[str, float | None], now: Mapping[str, float | None]
) -> float | None:
    a, b = before.get(name), now.get(name)
    if a is None or b is None:
        return None
    return METRICS[name].direction.gain(b, a) if name in METRICS else b - a


def _bars(gains: Sequence[tuple[str, float]]) -> str:
    x = SignedPercentScale.around([0.0, *(gain for _, gain in gains)], 18, 456)
    height = 36 + _ROW * len(gains)
    parts = [x_axis(x, height - 26, top=4), line(x.at(0), 4, x.at(0), height - 26)]
    for k, (title, gain) in enumerate(gains):
        y = 4 + _ROW * k
        a, b = sorted((x.at(0), x.at(gain)))
        parts.append(text(18, y + 12, title))
        parts.append(text(456, y + 12, f"{100 * gain:+.3g}\u00a0%", "end", "number"))
        parts.append(rect(a, y + 18, max(1.5, b - a), 10, "gain" if gain >= 0 else "loss"))
    return drawing((480, height), f"relative gain in {len(gains)} metrics", *parts)


def _changes(report: VersionReport) -> Figure | None:
    if not report.changed:
        return None
    before = "before" if report.parent is None else f"version {report.parent.version}"
    return Figure(
        name="changed",
        title=f"Changed hyperparameters ({before})",
        drawings=(),
        table=DataTable.of(
            ("hyperparameter", before, "now", "change"),
            [(c.name, shown(c.deployed), shown(c.value), c.delta) for c in report.changed],
        ),
    )


def _budget(report: VersionReport) -> Figure | None:
    rows = [
        (e.looked_at, e.decision, e.difference, e.p_value, e.level, e.verdict)
        for e in report.test_evaluations
    ]
    if not rows:
        return None
    return Figure(
        name="budget",
        title="Evaluations on the test set, and what they spent",
        size="wide",
        drawings=(),
        note=f"Error budget: {report.budget}." if report.budget else "",
        table=DataTable.of(
            ("when", "decision", "difference", "p-value", "spent", "verdict"), rows[::-1]
        ),
    )


def _lineage(version: Version) -> Figure:
    training = version.training
    rows = [
        ("version", str(version.version)),
        ("experiment", training.experiment_id),
        ("run", training.tuning_run_id),
        ("model", training.model),
        ("split", training.split),
        ("ratings", f"{training.n_ratings:,}"),
        ("data", training.data_fingerprint),
        ("program", training.code_version),
        ("seed", str(training.seed)),
        ("artifact", version.artifact),
        ("SHA-256 of the artifact", version.artifact_sha256),
        ("trained", f"{training.created_at}, in {training.duration_seconds:.1f} s"),
        *((name, value) for name, value in training.environment.items()),
    ]
    return Figure(
        name="lineage-table",
        title="What it was made of",
        drawings=(),
        table=DataTable.of(("what", "value"), rows),
    )


def _events(report: VersionReport) -> Figure:
    return Figure(
        name="events",
        title="What happened to it",
        size="wide",
        drawings=(),
        table=DataTable.of(
            ("when", "event", "why"), [(e.happened_at, e.event, e.reason) for e in report.events]
        ),
    )
