"""Report of one version: why it was promoted or refused, and what both sides were worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reeltune.db.columns import snapshot
from reeltune.db.connection import Connection
from reeltune.db.test_evaluations import GateEvaluation, load_test_evaluations
from reeltune.db.versions import load_events, load_version
from reeltune.domain.space import Space
from reeltune.domain.version import Version, VersionEvent
from reeltune.views.changes import Change, changes
from reeltune.views.json_ready import json_ready

WHOLE = "all users"  # the segment that is none


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    """One rule of the gate, as it was applied. Differences are gains; above 0: better."""

    name: str
    verdict: str
    figure: float | None
    threshold: float | None
    low: float | None
    high: float | None
    binding: bool  # this decision asked it
    segment: str
    figures: str  # in words
    protects: str
    asks: str

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "RuleRow":
        """Return the rule that the evidence of a decision holds; earlier programs told less."""
        return cls(
            name=str(stored.get("name", "")),
            verdict=str(stored.get("verdict", "")),
            figure=stored.get("figure"),
            threshold=stored.get("threshold"),
            low=stored.get("low"),
            high=stored.get("high"),
            binding=bool(stored.get("binding", True)),
            segment=str(stored.get("segment", WHOLE)),
            figures=str(stored.get("figures", "")),
            protects=str(stored.get("protects", "")),
            asks=str(stored.get("asks", "")),
        )

    @property
    def is_difference(self) -> bool:
        """True where its figure is a gain, not a value."""
        return self.asks != "value" or (self.threshold is not None and self.threshold < 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionReport:
    """Report of one version."""

    version: Version
    parent: Version | None  # in production when it was trained
    decision: VersionEvent  # of the gate, with its evidence
    events: tuple[VersionEvent, ...]
    rules: tuple[RuleRow, ...]
    changed: tuple[Change, ...]  # of its hyperparameters against the parent's
    test_evaluations: tuple[GateEvaluation, ...]  # of the database, up to this one
    budget: str | None = None  # what is left of the error budget, in words

    @property
    def is_promoted(self) -> bool:
        """True where the gate let it into production."""
        return self.version.status not in ("refused", "candidate")

    @property
    def deciding(self) -> tuple[RuleRow, ...]:
        """Rules that kept it out of production; those asked of it where none did."""
        failed = tuple(rule for rule in self.rules if rule.binding and rule.verdict != "passed")
        return failed or tuple(rule for rule in self.rules if rule.binding)

    @property
    def verdict(self) -> str:
        """Verdict in one sentence, with what decided."""
        words = {
            "refused": "was refused",
            "candidate": "stays a candidate",
            "production": "was promoted and is in production",
            "archived": "was promoted, and has been replaced since",
        }
        because = "; ".join(rule.figures for rule in self.deciding if rule.figures)
        said = f"Version {self.version.version} {words[self.version.status]}"
        return f"{said}: {because}." if because else f"{said}."

    def as_dict(self) -> dict[str, Any]:
        """Return what `--format json` prints, without NaN."""
        return json_ready(self) | {"verdict": self.verdict}


def report_version(
    conn: Connection, number: int, *, space: Space, budget: str | None = None
) -> VersionReport:
    """Return the report of a version.

    Args:
        conn: the database.
        number: of the version.
        space: of its model, by which changes are put in order.
        budget: what is left of the error budget, in words.

    Raises:
        NotFoundError: there is no such version.
    """
    with snapshot(conn):
        version = load_version(conn, number)
        parent = None
        if version.parent_version is not None:
            parent = load_version(conn, version.parent_version)
        events = tuple(load_events(conn, number))
        evaluations = load_test_evaluations(conn)
    decision = _decision(events)
    before = None if parent is None else parent.training.hyperparameters
    number_of = decision.evidence.get("look")
    n = number_of if isinstance(number_of, int) else len(evaluations)
    return VersionReport(
        version=version,
        parent=parent,
        decision=decision,
        events=events,
        rules=tuple(RuleRow.of(rule) for rule in decision.evidence.get("rules") or ()),
        changed=changes(before, version.training.hyperparameters, space),
        test_evaluations=tuple(evaluations[:n]),
        budget=budget,
    )


def _decision(events: Sequence[VersionEvent]) -> VersionEvent:
    """Return the event with the gate's rules; the first where there is none."""
    with_rules = [event for event in events if event.evidence.get("rules")]
    return (with_rules or list(events))[0]
