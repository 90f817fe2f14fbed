"""Figures of a test's results: what is stored of every analysis, and shown."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

ABVerdict = Literal["better", "worse", "cannot tell", "no data"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmFigures:
    """Arm so far: users, lists, and the primary metric."""

    arm: str
    version: int
    users: int
    lists: int
    value: float | None  # of the primary metric, over all lists so far


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmComparison:
    """Primary metric of a challenger against the champion's."""

    arm: str
    metric: str
    users: int  # of both arms, whose values are compared
    champion: float | None
    difference: float | None
    low: float | None  # interval at this analysis
    high: float | None
    low_so_far: float | None  # what all intervals so far have in common
    high_so_far: float | None
    standard_error: float | None
    p_value: float  # the least so far
    variance_left: float  # by CUPED
    verdict: ABVerdict
    more_users: int | None = None  # to find a difference like this one; None: no number would
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardrailFigures:
    """Guardrail of a challenger: breached where its upper bound is below 0."""

    arm: str
    metric: str
    margin: float
    difference: float | None  # from the least value that the guardrail allows
    high: float | None  # upper bound of the difference; None without data
    breached: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitFigures:
    """Check of the users' shares by arm."""

    users: Mapping[str, int]
    planned: Mapping[str, float]
    log_e_value: float
    max_log_e_value: float
    p_value: float  # always valid
    alarm: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ABFigures:
    """Results of a test at a moment."""

    at: int
    phase: int
    hours: float  # since the phase began
    arms: tuple[ArmFigures, ...]
    comparisons: tuple[ArmComparison, ...]
    guardrails: tuple[GuardrailFigures, ...]
    split: SplitFigures
    gaps: tuple[str, ...] = ()  # data that are missing: then this analysis decides nothing
    planned: tuple[float, ...] = ()  # shares of the users at the planned analyses so far
    detectable: Mapping[str, float] = field(default_factory=dict)  # relative, by horizon

    def as_json(self) -> dict[str, Any]:
        """Return the figures for JSON."""
        return asdict(self)


def figures_from_json(document: Mapping[str, Any]) -> ABFigures:
    """Return the figures that were stored of an analysis."""
    values = dict(document)
    values["arms"] = tuple(ArmFigures(**each) for each in values["arms"])
    values["comparisons"] = tuple(ArmComparison(**each) for each in values["comparisons"])
    values["guardrails"] = tuple(GuardrailFigures(**each) for each in values["guardrails"])
    values["split"] = SplitFigures(**values["split"])
    values["gaps"], values["planned"] = tuple(values["gaps"]), tuple(values["planned"])
    return ABFigures(**values)
