"""Report of the nights of some days: what was decided, and how production has fared."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from reeltune.db.columns import snapshot
from reeltune.db.command_runs import CommandRun, load_command_runs
from reeltune.db.connection import Connection
from reeltune.db.test_evaluations import GateEvaluation, load_test_evaluations
from reeltune.db.versions import load_events, load_versions
from reeltune.domain.clock import stamp
from reeltune.domain.version import Version, VersionEvent
from reeltune.views.json_ready import json_ready


@dataclass(frozen=True, slots=True, kw_only=True)
class NightsReport:
    """Commands, decisions and versions since a moment."""

    since: str
    until: str
    commands: tuple[CommandRun, ...]
    evaluations: tuple[GateEvaluation, ...]
    versions: tuple[Version, ...]
    events: tuple[VersionEvent, ...]
    production: Version | None
    budget: str | None = None  # what is left of the error budget, in words

    @property
    def n_promoted(self) -> int:
        """Number of promotions, renewals with them."""
        return sum(event.event == "promoted" for event in self.events)

    @property
    def n_failed(self) -> int:
        """Number of commands that did not do their work; a gate that refuses has done its own."""
        return sum(each.exit_code not in (0, 3) for each in self.commands)

    @property
    def verdicts(self) -> dict[str, int]:
        """Return how many test-set evaluations ended in which verdict."""
        return dict(Counter(each.verdict for each in self.evaluations))

    @property
    def verdict(self) -> str:
        """Verdict in one sentence."""
        if not self.commands and not self.events:
            return f"Nothing was run since {self.since[:10]}."
        parts = [_count(len(self.commands), "command"), _count(self.n_promoted, "promotion")]
        n_refused = self.verdicts.get("refused", 0) + self.verdicts.get("cannot tell", 0)
        parts.append(f"{_count(n_refused, 'change')} not let through")
        parts.append("no failure" if not self.n_failed else _count(self.n_failed, "failure"))
        return f"Since {self.since[:10]}: {', '.join(parts)}."

    def as_dict(self) -> dict[str, Any]:
        """Return what `--format json` prints, without NaN."""
        return json_ready(self) | {"verdict": self.verdict, "verdicts": self.verdicts}


def report_nights(
    conn: Connection, days: int, *, now: str | None = None, budget: str | None = None
) -> NightsReport:
    """Return what happened in the last `days` days."""
    until = now or stamp()
    since = stamp(datetime.fromisoformat(until).astimezone(UTC) - timedelta(days=days))
    with snapshot(conn):
        versions = load_versions(conn)
        return NightsReport(
            since=since,
            until=until,
            commands=tuple(load_command_runs(conn, since)),
            evaluations=_since(load_test_evaluations(conn), since),
            versions=tuple(v for v in versions if v.created_at >= since),
            events=tuple(e for e in load_events(conn) if e.happened_at >= since),
            production=next((v for v in versions if v.status == "production"), None),
            budget=budget,
        )


def _since(found: Sequence[GateEvaluation], since: str) -> tuple[GateEvaluation, ...]:
    return tuple(each for each in found if each.looked_at >= since)


def _count(n: int, name: str) -> str:
    return f"{n:,} {name}{'' if n == 1 else 's'}"
