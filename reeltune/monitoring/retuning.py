"""Retuning: whether tonight is worth a search, or the configuration in production is renewed."""

from dataclasses import dataclass
from typing import Literal

RetuneMode = Literal["auto", "always", "never"]

MAX_AGE_DAYS = 14.0  # of the latest search
MAX_NEW_SHARE = 0.20  # of the ratings that it knew
MIN_SHARE_TO_RETRY = 0.10  # the same, where it found a gain that could not be shown


@dataclass(frozen=True, slots=True, kw_only=True)
class RetuningFacts:
    """Facts about the latest search, and about what has come since."""

    has_production: bool
    age_days: float | None  # since the latest search; None: nothing was searched for yet
    n_known: int | None = None  # ratings that it knew; None: not known
    n_new: int = 0  # added, changed or deleted since; 0 where it is not known
    drifted: tuple[str, ...] = ()  # features of the ratings since, as `monitor` names them
    gain_open: bool = False  # it found a gain that the test part could not tell from none

    @property
    def new_share(self) -> float:
        """Share of what is new, of what the search knew."""
        return self.n_new / self.n_known if self.n_known else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RetuningDecision:
    """Decision on tonight's search, and why."""

    searches: bool
    reason: str  # in one line

    @property
    def line(self) -> str:
        """Decision and reason in words."""
        return f"{'searched' if self.searches else 'not searched'}: {self.reason}"


def decide_retuning(mode: RetuneMode, facts: RetuningFacts) -> RetuningDecision:
    """Decide whether to search tonight; what is in production is renewed in any case.

    >>> decide_retuning("auto", RetuningFacts(has_production=True, age_days=15.0)).line
    'searched: the latest search was 15 days ago, at most 14'
    """
    if mode == "always":
        return RetuningDecision(searches=True, reason="every night is asked for")
    if mode == "never":
        return RetuningDecision(searches=False, reason="no search is asked for")
    reason = _reason_to_search(facts)
    if reason is not None:
        return RetuningDecision(searches=True, reason=reason)
    return RetuningDecision(
        searches=False,
        reason=(
            f"the latest search was {_days(facts.age_days)} ago (at most {MAX_AGE_DAYS:.0f}), "
            f"{facts.n_new:,} ratings are new since ({facts.new_share:.1%}, at most "
            f"{_limit(facts):.0%}), no drift"
        ),
    )


def _reason_to_search(facts: RetuningFacts) -> str | None:
    if not facts.has_production:
        return "nothing is in production"
    if facts.age_days is None:
        return "nothing was searched for yet"
    if facts.drifted:
        return f"{' and '.join(facts.drifted)} drifted since the latest search"
    if facts.age_days > MAX_AGE_DAYS - 0.5:  # nights do not begin at the same minute
        return f"the latest search was {_days(facts.age_days)} ago, at most {MAX_AGE_DAYS:.0f}"
    if facts.new_share >= _limit(facts):
        tried = ", which found a gain that could not be shown" if facts.gain_open else ""
        return (
            f"{facts.n_new:,} ratings are new since the latest search{tried} "
            f"({facts.new_share:.1%}, at most {_limit(facts):.0%})"
        )
    return None


def _days(age: float | None) -> str:
    n = round(age or 0.0)
    return "1 day" if n == 1 else f"{n} days"


def _limit(facts: RetuningFacts) -> float:
    return MIN_SHARE_TO_RETRY if facts.gain_open else MAX_NEW_SHARE
