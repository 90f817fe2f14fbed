"""Health of a database, for a monitoring program: production is sound and runs succeed."""

from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from reeltune.db.command_runs import CommandRun, load_last_command_run
from reeltune.db.connection import Connection
from reeltune.db.deployed import check_export, check_production
from reeltune.db.versions import check_version, load_production
from reeltune.domain.clock import stamp
from reeltune.domain.version import Version
from reeltune.gate.error_budget import BudgetState, budget_state
from reeltune.monitoring.backlog import Backlog, measure_backlog

MAX_AGE_HOURS = 36.0
MAX_NIGHTS_BEHIND = 2
MAX_REFUSALS = 7  # in a row

HealthVerdict = Literal[
    "healthy", "production is not sound", "no recent run", "behind", "refused in a row"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthLimits:
    """Limits beyond which a database is not healthy."""

    age_hours: float = MAX_AGE_HOURS  # of the last run that ended well
    nights_behind: int = MAX_NIGHTS_BEHIND
    refusals: int = MAX_REFUSALS  # in a row


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Health of production and of the nightly runs."""

    verdict: HealthVerdict
    wrong: tuple[str, ...]
    production: int | None
    last_run: str | None  # when the last command ended that did what it is for
    age_hours: float | None  # of that
    backlog: Backlog | None  # None where nothing is in production
    budget: BudgetState  # error budget of nightly changes

    @property
    def summary(self) -> str:
        """State in one line: what is wrong, or how things stand."""
        if self.wrong or self.backlog is None:
            return f"{self.verdict}: {'; '.join(self.wrong)}"
        return (
            f"{self.verdict}: version {self.production}, last run {self.last_run}, "
            f"{self.backlog.message}, error budget {self.budget.state}"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for `--json`; those of the backlog beside the others."""
        found = asdict(self) | {"budget": asdict(self.budget) | {"left": self.budget.left}}
        names = [each.name for each in fields(Backlog)]
        return found | (found.pop("backlog") or dict.fromkeys(names))


DEFAULT_LIMITS = HealthLimits()


def health(conn: Connection, limits: HealthLimits = DEFAULT_LIMITS) -> Health:
    """Check production and the nightly runs."""
    production = load_production(conn)
    good = load_last_command_run(conn, successful=True)
    age = None if good is None else _hours_since(good.ended_at)
    backlog = None if production is None else measure_backlog(conn, production)
    wrong: dict[HealthVerdict, list[str]] = {
        "production is not sound": _unsound(conn, production),
        "no recent run": _late(conn, good, age, limits.age_hours),
        "behind": [] if backlog is None else _behind(backlog, limits),
        "refused in a row": [] if backlog is None else _refused(backlog, limits),
    }
    return Health(
        verdict=next((verdict for verdict, found in wrong.items() if found), "healthy"),
        wrong=tuple(each for found in wrong.values() for each in found),
        production=None if production is None else production.version,
        last_run=None if good is None else good.ended_at,
        age_hours=None if age is None else round(max(0.0, age), 2),
        backlog=backlog,
        budget=budget_state(conn, stamp()),
    )


def _unsound(conn: Connection, production: Version | None) -> list[str]:
    unsound = [f"{f.subject}: {f.what}" for f in check_production(conn) + check_export(conn)]
    if production is None:
        return [*unsound, "no version is in production: run `retrain_model.py`"]
    return unsound + [f"{f.subject}: {f.what}" for f in check_version(conn, production)]


def _late(
    conn: Connection, good: CommandRun | None, age: float | None, max_age: float
) -> list[str]:
    if age is not None and -max_age <= age <= max_age:
        return []
    since = "ever" if good is None else f"since {good.ended_at}"
    ahead = ", which lies in the future: that clock was wrong" if (age or 0) < 0 else ""
    late = [f"no tuning or retraining ended well {since}{ahead}"]
    last = load_last_command_run(conn)
    if last is not None and last != good:
        late.append(f"the last one ended with {last.exit_code}: {last.said}")
    return late


def _behind(backlog: Backlog, limits: HealthLimits) -> list[str]:
    if backlog.nights_behind <= limits.nights_behind:
        return []
    return [
        f"production has not seen {backlog.ratings_behind:,} ratings, for {backlog.nights_behind}"
        " nights: `retrain_model.py` says why"
    ]


def _refused(backlog: Backlog, limits: HealthLimits) -> list[str]:
    found = []
    if backlog.renewals_refused >= limits.refusals:
        found.append(f"the gate refused the last {backlog.renewals_refused} renewals")
    if backlog.changes_refused >= limits.refusals:
        found.append(
            f"the gate refused the last {backlog.changes_refused} changes of configuration:"
            " `model_versioning.py list` names them, `show N` the rules"
        )
    return found


def _hours_since(moment: str) -> float:
    """Return the hours from `moment` to now; less than 0 where the clock was set back since."""
    passed = datetime.fromisoformat(stamp()) - datetime.fromisoformat(moment).astimezone(UTC)
    return passed / timedelta(hours=1)
