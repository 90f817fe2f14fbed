"""Night: whether to change the configuration and whether to renew it, decided apart."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from reeltune.db.connection import Connection
from reeltune.db.versions import load_production
from reeltune.domain.clock import stamp
from reeltune.domain.errors import BusyError
from reeltune.domain.study import StudyConfig
from reeltune.gate.renewal import renewal_figures
from reeltune.monitoring.backlog import count_behind
from reeltune.monitoring.retuning import RetuningDecision
from reeltune.ratings.dataset import Dataset
from reeltune.stats.paired_tests import Comparison
from reeltune.versioning.request import Retraining, RetrainingRequest
from reeltune.versioning.retraining import is_renewal, retrain, retrain_best
from reeltune.views.json_ready import json_ready
from reeltune.views.trade_off import TradeOff

NightVerdict = Literal["changed", "renewed", "kept"]
MIN_NEW_RATINGS_AT_NIGHT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """Decisions of one night; None is one that there was no need of."""

    change: Retraining | None = None
    renewal: Retraining | None = None
    trade_off: TradeOff | None = None  # why the search offers no change, where guardrails do

    @property
    def verdict(self) -> NightVerdict:
        """Verdict on production."""
        if self.change is not None and self.change.verdict == "promoted":
            return "changed"
        if self.renewal is not None and self.renewal.verdict == "promoted":
            return "renewed"
        return "kept"

    @property
    def deciding(self) -> Retraining | None:
        """Decision that made production what it is: the renewal's if there is one."""
        return self.change if self.renewal is None else self.renewal

    @property
    def decisions(self) -> tuple[Retraining, ...]:
        """Decisions that there was need of, in their order."""
        return tuple(each for each in (self.change, self.renewal) if each is not None)

    def as_dict(self) -> dict[str, Any]:
        """Return the decisions for `--json`: `promotion` is that on the change, if there is one."""
        promotion = self.renewal if self.change is None else self.change
        return {
            "promotion": None if promotion is None else promotion.as_dict(),
            "renewal": None if self.renewal is None else self.renewal.as_dict(),
        }

    @property
    def refused(self) -> Retraining | None:
        """Refusal that leaves production as it was; None if it was renewed all the same."""
        if self.verdict != "kept":
            return None
        return next((each for each in self.decisions[::-1] if each.verdict == "refused"), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class NightReport:
    """Report of a night, as one line of the log."""

    ended_at: str
    verdict: NightVerdict
    version: int | None  # in production
    search: str | None  # how the search or the change ended; None where there was none
    gain: Comparison | None  # of what went into production over what was there
    gain_said: str | None
    ratings_behind: int | None
    seconds: float
    retuning: str | None = None  # whether it was searched, and why; None where nothing decided it
    degraded: bool = False  # what was in production before
    failed: tuple[str, ...] = ()  # steps of the night

    @property
    def outcome(self) -> str:
        """Verdict in words: the version, its gain, and how the search ended."""
        number = "nothing" if self.version is None else f"version {self.version}"
        parts = [f"{number} in production", *([self.gain_said] if self.gain_said else [])]
        return "; ".join([*parts, *(each for each in (self.retuning, self.search) if each)])

    @property
    def line(self) -> str:
        """Report in one line."""
        parts = [f"{self.ended_at[:10]} {self.verdict}: {self.outcome}"]
        if self.ratings_behind is not None:
            parts.append(f"{self.ratings_behind:,} ratings behind")
        if self.degraded:
            parts.append("what was in production had degraded")
        if self.failed:
            parts.append(f"failed: {', '.join(self.failed)}")
        return "; ".join([*parts, f"{self.seconds:.1f} s"])

    def as_dict(self) -> dict[str, Any]:
        """Return the fields and the line for `--json`, without NaN."""
        found: dict[str, Any] = json_ready(self)
        return found | {"line": self.line}


def decide_night(
    conn: Connection, data: Dataset, study: StudyConfig, changes: Sequence[RetrainingRequest]
) -> Night:
    """Change the configuration if the gate lets one pass; otherwise renew the one there is.

    A renewal is tried whenever a rating is new, whatever became of the change, also where none is
    asked for or the change ends with an error, which is raised after it.
    """
    changes = [each for each in changes if not is_renewal(conn, data, each)]
    try:
        change = retrain_best(conn, data, changes) if changes else None
    except BusyError:  # production is another one by now: whoever made it has renewed it
        raise
    except Exception:
        renew(conn, data, study)
        raise
    is_changed = change is not None and change.verdict == "promoted"
    return Night(change=change, renewal=None if is_changed else renew(conn, data, study))


def renew(conn: Connection, data: Dataset, study: StudyConfig) -> Retraining | None:
    """Fit what is in production to the newest ratings, if any is new; None if nothing is there."""
    production = load_production(conn)
    if production is None:
        return None
    request = RetrainingRequest(
        study=replace(study, model=production.training.model),
        reason=f"renewed version {production.version}",
        unattended=True,
        min_new_ratings=MIN_NEW_RATINGS_AT_NIGHT,
    )
    return retrain(conn, data, request)


def report_night(
    conn: Connection,
    night: Night,
    study: StudyConfig,
    failure: str | None,
    seconds: float,
    retuning: RetuningDecision | None = None,
) -> NightReport:
    """Return the report of a night that ends now; `failure` is why its search failed."""
    searched = retuning is None or retuning.searches
    production = load_production(conn)
    gain, said = _gain(night, study.objective)
    return NightReport(
        ended_at=stamp(),
        verdict=night.verdict,
        version=None if production is None else production.version,
        search=_search(night, failure) if searched else None,
        gain=gain,
        gain_said=said,
        ratings_behind=None if production is None else count_behind(conn, production),
        seconds=seconds,
        retuning=None if retuning is None else retuning.line,
    )


def _gain(night: Night, objective: str) -> tuple[Comparison | None, str | None]:
    if night.verdict == "changed" and night.change is not None:
        found = night.change.against_deployed
        is_known = found is not None and night.change.decision != "first"
        return (found, night.change.said) if is_known else (None, None)
    if night.renewal is not None and night.renewal.renewal is not None:
        return night.renewal.renewal, renewal_figures(night.renewal.renewal, objective)
    return None, None


def _search(night: Night, failure: str | None) -> str:
    if failure is not None:
        return f"the search failed: {failure}"
    if night.change is None:
        found = night.trade_off
        return "nothing better was found" if found is None else found.sentence
    if night.change.verdict == "promoted":
        is_first = night.change.decision == "first"
        return "the first version" if is_first else "the change was promoted"
    verdicts = {"refused": "the change was refused", "cannot tell": "no change, cannot tell"}
    return f"{verdicts.get(night.change.verdict, night.change.verdict)}: {night.change.said}"
