"""Nouns of A/B tests on live users: settings, state, arms, and what is recorded of them."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from itertools import pairwise
from typing import Any, Literal

from reeltune.domain.errors import InputError

ABState = Literal["draft", "running", "paused", "stopped", "rolled_back", "promoted"]
ABDesign = Literal["ab", "interleaving"]
ABAnalysis = Literal["always_valid", "planned"]
OutcomeKind = Literal["clicked", "watched", "rated"]

N_BUCKETS = 1_000_000
AB_METRICS = {
    "clicks": "clicks per list",
    "watched": "movies watched per list",
    "liked": "ratings of 4 and more per list",
    "value": "value per list",
    "lists": "lists per user",
}
INTERLEAVED = "interleaved"  # the only arm of such a test
PREFERENCE = "preference"  # of interleaving; no metric of an arm
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MAX_CHALLENGERS = 8
_MAX_GUARDRAILS = 8


@dataclass(frozen=True, slots=True)
class ABGuardrail:
    """Metric that may not fall by more than a share of the champion's value."""

    metric: str
    margin: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ABSettings:
    """Settings of an A/B test, as they are given when it is created."""

    name: str
    champion: int  # version that is in production
    challengers: tuple[int, ...]  # versions; the champion's number again makes an A/A test
    design: ABDesign = "ab"
    layer: str = "lists"  # of what is shown; tests of one layer share no user
    share: float = 1.0  # of the users, when it starts
    max_share: float = 1.0  # what is kept free for it to widen to
    ramp: tuple[float, ...] = ()  # shares that follow, one after each `ramp_hours`
    ramp_hours: float = 24.0
    weights: tuple[float, ...] = ()  # of the arms, champion first; empty: equal
    primary: str = "clicks"
    guardrails: tuple[ABGuardrail, ...] = (ABGuardrail("clicks"), ABGuardrail("lists", 0.1))
    window_hours: float = 24.0  # after a user's first list; 0: all of a user's lists so far
    analysis: ABAnalysis = "always_valid"
    n_analyses: int = 5  # of the planned analysis
    expected_users: int = 10_000  # of the champion and a challenger together
    alpha: float = 0.05  # two-sided, of all challengers together
    rollback_alpha: float = 0.03  # one-sided, of all guardrails together
    min_hours: float = 24.0  # before a challenger may be promoted
    auto_rollback: bool = True
    auto_promote: bool = False
    cuped: bool = True

    def check(self) -> "ABSettings":
        """Return the settings if they are good.

        Raises:
            InputError: they are not; the message names all that is wrong.
        """
        faults = [*self._faults_of_numbers(), *self._faults_of_arms(), *self._faults_of_metrics()]
        if faults:
            raise InputError("; ".join(faults))
        return self

    def _faults_of_numbers(self) -> list[str]:
        rules = {
            "name must be 1 to 64 of A-Z a-z 0-9 . _ - and begin with a letter or digit": bool(
                _NAME.fullmatch(self.name)
            ),
            "layer must be named like a test": bool(_NAME.fullmatch(self.layer)),
            "design must be ab or interleaving": self.design in ("ab", "interleaving"),
            "analysis must be always_valid or planned": self.analysis
            in ("always_valid", "planned"),
            "0 < share <= max_share <= 1": 0 < self.share <= self.max_share <= 1,
            "ramp must ascend from share to max_share": _ascends(
                (self.share, *self.ramp, self.max_share)
            ),
            "0 < ramp_hours <= 720": 0 < self.ramp_hours <= 720,
            "0 <= window_hours <= 720": 0 <= self.window_hours <= 720,
            "2 <= n_analyses <= 50": 2 <= self.n_analyses <= 50,
            "10 <= expected_users <= 1000000000": 10 <= self.expected_users <= 10**9,
            "0 < alpha <= 0.2": 0 < self.alpha <= 0.2,
            "0 < rollback_alpha <= 0.2": 0 < self.rollback_alpha <= 0.2,
            "24 <= min_hours <= 8760": 24 <= self.min_hours <= 8760,
        }
        return [rule for rule, holds in rules.items() if not holds]

    def _faults_of_arms(self) -> list[str]:
        found = []
        n_arms = 1 + len(self.challengers)
        if not 1 <= len(self.challengers) <= _MAX_CHALLENGERS:
            found.append(f"there must be 1 to {_MAX_CHALLENGERS} challengers")
        if self.design == "interleaving" and len(self.challengers) != 1:
            found.append("interleaving compares with one challenger")
        if len(set(self.challengers)) != len(self.challengers):
            found.append("a challenger is named twice")
        if any(version < 1 for version in (self.champion, *self.challengers)):
            found.append("versions are numbered from 1")
        bad = any(not (math.isfinite(each) and each > 0) for each in self.weights)
        if self.weights and (len(self.weights) != n_arms or bad):
            found.append(f"weights must be {n_arms} numbers above 0, the champion's first")
        elif self.weights and min(self.weights) < 0.01 * sum(self.weights):
            found.append("each weight must be at least 1 % of their sum")
        return found

    def _faults_of_metrics(self) -> list[str]:
        known = ", ".join(AB_METRICS)
        found = []
        if self.primary not in AB_METRICS:
            found.append(f"primary must be one of {known}, got {self.primary!r}")
        names = [each.metric for each in self.guardrails]
        if len(names) > _MAX_GUARDRAILS or len(set(names)) != len(names):
            found.append(f"there may be {_MAX_GUARDRAILS} guardrails, each metric once")
        found += [f"a guardrail is one of {known}, got {n!r}" for n in names if n not in AB_METRICS]
        if any(not 0 <= each.margin < 1 for each in self.guardrails):
            found.append("a guardrail's margin is a share from 0 to less than 1")
        return found

    @property
    def arm_shares(self) -> tuple[float, ...]:
        """Shares of the test's users by arm, the champion's first; their sum is 1."""
        weights = self.weights or (1.0,) * (1 + len(self.challengers))
        return tuple(weight / sum(weights) for weight in weights)

    def as_json(self) -> dict[str, Any]:
        """Return the settings for JSON."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def settings_from_json(document: Mapping[str, Any]) -> ABSettings:
    """Return the settings of a JSON document.

    Raises:
        InputError: a key is not known, one is missing, or a value is no good.
    """
    known = {field.name for field in fields(ABSettings)}
    unknown = sorted(document.keys() - known)
    if unknown:
        raise InputError(f"an A/B test has no {unknown[0]!r}: it has {', '.join(sorted(known))}")
    values = dict(document)
    missing = [name for name in ("name", "champion", "challengers") if name not in values]
    if missing:
        raise InputError(f"an A/B test needs {', '.join(missing)}")
    faults = [fault for name, value in values.items() if (fault := _type_fault(name, value))]
    if faults:
        raise InputError("; ".join(faults))
    try:
        for name in ("challengers", "weights", "ramp"):
            if name in values:
                values[name] = tuple(values[name])
        if "guardrails" in values:
            values["guardrails"] = tuple(ABGuardrail(**each) for each in values["guardrails"])
        return ABSettings(**values).check()
    except TypeError as error:
        raise InputError(f"settings of an A/B test: {error}") from error


@dataclass(frozen=True, slots=True)
class ABArm:
    """Arm of a test in one phase: a version, and the buckets whose users it gets."""

    number: int  # 0: the champion
    version: int
    low: int
    high: int

    @property
    def name(self) -> str:
        """Name: champion, or challenger with its number where there are several."""
        return "champion" if self.number == 0 else f"challenger-{self.number}"

    @property
    def share(self) -> float:
        """Share of the test's users."""
        return (self.high - self.low) / N_BUCKETS


@dataclass(frozen=True, slots=True)
class ABPhase:
    """Time with one set of weights, which has statistics of its own."""

    number: int
    started_at: int
    alpha: float  # two-sided, of each challenger
    arms: tuple[ABArm, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ABTest:
    """Test with its state."""

    test_id: int
    settings: ABSettings
    salt: str
    created_at: int
    state: ABState
    last_event: int
    share_low: int
    share_high: int
    reserved_high: int
    phase: ABPhase | None  # None before it is started

    @property
    def name(self) -> str:
        """Name of the test."""
        return self.settings.name

    @property
    def has_ended(self) -> bool:
        """True if it will never run again."""
        return self.state in ("stopped", "rolled_back", "promoted")


@dataclass(frozen=True, slots=True, kw_only=True)
class ABEvent:
    """Event in the history of a test; it is never changed."""

    event_id: int
    test_id: int
    kind: str
    state: ABState
    happened_at: int
    actor: str
    reason: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedList:
    """List that was really served to a user of a test: an exposure."""

    request_id: str
    user: str
    happened_at: int
    test: str | None = None  # its name; None: the one of the layer whose user it is
    arm: str | None = None  # as the client says it; None: by the assignment
    movies: Sequence[int] | None = None  # ids in order
    teams: str | None = None  # of an interleaved list: 0 or 1 for each movie
    layer: str = "lists"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserOutcome:
    """Outcome: what a user did with a list, or after it."""

    kind: OutcomeKind
    user: str
    happened_at: int
    movie_id: int | None = None
    value: float | None = None  # of rated: stars; of others: what it is worth, 0 if not given
    request_id: str | None = None  # of the list; None: the user's last list that has the movie
    key: str | None = None  # names what happened; None: made of list, kind and movie


@dataclass(slots=True)
class UserTotals:
    """Totals of a user of a phase."""

    arm: int
    first_at: int
    lists: int = 0
    clicked: int = 0
    watched: int = 0
    liked: int = 0
    value: float = 0.0
    won: int = 0
    lost: int = 0
    window_lists: int = 0
    window_counted: float = 0.0
    covariate: float = 0.0

    def counted(self, metric: str) -> tuple[float, float]:
        """Return what was shown and what was counted for a metric; (0, 0) leaves the user out."""
        if metric == PREFERENCE:
            return float(self.won + self.lost), float(self.won - self.lost)
        if metric == "lists":
            return 1.0, float(self.lists)
        names = {"clicks": self.clicked, "watched": self.watched, "liked": self.liked}
        return float(self.lists), float(names.get(metric, self.value))


@dataclass(frozen=True, slots=True)
class RecordedRows:
    """Report of a batch: how many rows were counted, were there already, or were refused."""

    counted: int = 0
    duplicates: int = 0
    waiting: int = 0  # outcomes whose list has not come yet
    rejected: tuple[tuple[int, str], ...] = field(default=())  # place in the batch, and why

    def at(self, places: Sequence[int]) -> "RecordedRows":
        """Return the report with the places that the rows had in a larger batch."""
        return replace(self, rejected=tuple((places[n], why) for n, why in self.rejected))


def _type_fault(name: str, value: Any) -> str:
    """Return what is wrong with the type of a setting's value; empty if nothing is."""
    kind = _KINDS[name]
    if kind == "numbers":
        fits = isinstance(value, Sequence) and all(_is_number(each) for each in value)
        return "" if fits else f"{name} must be a list of numbers"
    if kind == "whole numbers":
        fits = isinstance(value, Sequence) and all(type(each) is int for each in value)
        return "" if fits else f"{name} must be a list of whole numbers"
    fits = {
        "text": isinstance(value, str),
        "yes or no": isinstance(value, bool),
        "a whole number": type(value) is int,
        "a number": _is_number(value),
        "a list of guardrails": _are_guardrails(value),
    }[kind]
    return "" if fits else f"{name} must be {kind}"


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _are_guardrails(value: Any) -> bool:
    return isinstance(value, Sequence) and all(
        isinstance(each, Mapping)
        and each.keys() <= {"metric", "margin"}
        and isinstance(each.get("metric"), str)
        and _is_number(each.get("margin", 0.0))
        for each in value
    )


_KINDS = {
    "name": "text",
    "champion": "a whole number",
    "challengers": "whole numbers",
    "design": "text",
    "layer": "text",
    "share": "a number",
    "max_share": "a number",
    "ramp": "numbers",
    "ramp_hours": "a number",
    "weights": "numbers",
    "primary": "text",
    "guardrails": "a list of guardrails",
    "window_hours": "a number",
    "analysis": "text",
    "n_analyses": "a whole number",
    "expected_users": "a whole number",
    "alpha": "a number",
    "rollback_alpha": "a number",
    "min_hours": "a number",
    "auto_rollback": "yes or no",
    "auto_promote": "yes or no",
    "cuped": "yes or no",
}


def _ascends(values: Sequence[float]) -> bool:
    return all(a <= b for a, b in pairwise(values))


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
