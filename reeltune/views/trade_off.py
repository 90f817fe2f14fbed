"""Trade-off of a run: what would gain in the objective, and the guardrail that it violates."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reeltune.domain.experiment import BASELINE, Experiment
from reeltune.stats.pareto import front


@dataclass(frozen=True, slots=True, kw_only=True)
class TradePoint:
    """Experiment on the front of the objective against a guardrail's figure."""

    number: int
    experiment_id: str
    value: float  # the objective
    improvement: float | None  # over the baseline; above 0: better
    figure: float  # what the guardrail looks at
    is_feasible: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeOff:
    """Front of the objective against the guardrail that keeps better candidates out."""

    guardrail: str  # that most of them violate; of equals, by the most
    bound: float  # the worst that it allows
    n_better: int  # candidates that are surely better, and violate some guardrail
    points: tuple[TradePoint, ...]  # best by the objective first

    @property
    def sentence(self) -> str:
        """Trade-off in one sentence."""
        what = f"the {self.n_better:,} that are better violate one, mostly"
        if self.n_better == 1:
            what = "the one that is better violates"
        kept_out = f"nothing within the guardrails is better than what is deployed: {what}"
        return f"{kept_out} {self.guardrail}"


def infeasible_gains(experiments: Sequence[Experiment]) -> list[Experiment]:
    """Return what has a higher lower bound than the baseline but violates a guardrail, by number.

    None where something within the guardrails is better as well.
    """
    completed = [e for e in experiments if e.status == "completed"]
    baseline = next((e for e in completed if e.number == BASELINE), None)
    if baseline is None or baseline.worth is None:
        return []
    better = [e for e in completed if e.worth is not None and e.worth > baseline.worth]
    return [] if any(e.is_feasible for e in better) else better


def trade_off(experiments: Sequence[Experiment]) -> TradeOff | None:
    """Return the trade-off of a run; None unless guardrails keep all out that is better."""
    better = infeasible_gains(experiments)
    if not better:
        return None
    name = _binding(better)
    known = [
        e for e in experiments if e.objective_value is not None and name in e.guardrails
    ]  # the baseline is one of them
    values = np.array(
        [[e.direction.upwards(e.objective_value or 0.0), -_constraint(e, name)] for e in known]
    )
    chosen = [e for e, is_on in zip(known, front(values), strict=True) if is_on]
    points = [
        TradePoint(
            number=e.number,
            experiment_id=e.experiment_id,
            value=e.objective_value or 0.0,
            improvement=e.improvement_from_baseline,
            figure=e.guardrails[name].figure,
            is_feasible=e.is_feasible,
        )
        for e in sorted(chosen, key=lambda e: (-(e.worth or 0.0), e.number))
    ]
    return TradeOff(
        guardrail=name,
        bound=better[0].guardrails[name].bound,
        n_better=len(better),
        points=tuple(points),
    )


def _binding(better: Sequence[Experiment]) -> str:
    """Return the guardrail that most experiments violate; of equals, by the most in total."""
    violated = [
        (name, figure.constraint)
        for e in better
        for name, figure in e.guardrails.items()
        if not figure.is_kept
    ]
    times = Counter(name for name, _ in violated)
    total = {name: sum(each for other, each in violated if other == name) for name in times}
    return max(times, key=lambda name: (times[name], total[name], name))


def _constraint(experiment: Experiment, name: str) -> float:
    return experiment.guardrails[name].constraint
