"""Health of a database, for a monitoring program: production is sound and runs succeed."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from reeltune.db.command_runs import load_last_command_run
from reeltune.db.connection import Connection
from reeltune.db.deployed import check_export, check_production
from reeltune.db.versions import check_version, load_production
from reeltune.domain.clock import stamp

MAX_AGE_HOURS = 36.0

HealthVerdict = Literal["healthy", "production is not sound", "no recent run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Health of production and of the nightly runs."""

    verdict: HealthVerdict
    wrong: tuple[str, ...]
    production: int | None
    last_run: str | None  # when the last command ended that did what it is for
    age_hours: float | None  # of that

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for `--json`."""
        return asdict(self)


def health(conn: Connection, max_age_hours: float = MAX_AGE_HOURS) -> Health:
    """Check production and the nightly runs."""
    production = load_production(conn)
    unsound = [f"{f.subject}: {f.what}" for f in check_production(conn) + check_export(conn)]
    if production is None:
        unsound.append("no version is in production: run `retrain_model.py`")
    else:
        unsound += [f"{f.subject}: {f.what}" for f in check_version(conn, production)]
    good, last = load_last_command_run(conn, successful=True), load_last_command_run(conn)
    age = None if good is None else _hours_since(good.ended_at)
    late = []
    if age is None or not -max_age_hours <= age <= max_age_hours:
        since = "ever" if good is None else f"since {good.ended_at}"
        ahead = ", which lies in the future: that clock was wrong" if (age or 0) < 0 else ""
        late.append(f"no tuning or retraining ended well {since}{ahead}")
        if last is not None and last != good:
            late.append(f"the last one ended with {last.exit_code}: {last.said}")
    return Health(
        verdict="production is not sound" if unsound else "no recent run" if late else "healthy",
        wrong=(*unsound, *late),
        production=None if production is None else production.version,
        last_run=None if good is None else good.ended_at,
        age_hours=None if age is None else round(max(0.0, age), 2),
    )


def _hours_since(moment: str) -> float:
    """Return the hours from `moment` to now; less than 0 where the clock was set back since."""
    passed = datetime.fromisoformat(stamp()) - datetime.fromisoformat(moment).astimezone(UTC)
    return passed / timedelta(hours=1)
