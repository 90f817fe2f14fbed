"""Stopping: rules that end a run by its first experiments, in the order of their numbers.

A rule never asks which experiment finished first, so a run of any number of jobs, and a resumed
one, stops at the same place. Only the time limit goes by the clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from reeltune.domain.arrays import Floats
from reeltune.domain.direction import Direction
from reeltune.domain.errors import InputError, InterruptedRunError

StoppedBy = Literal[
    "configs",
    "exhausted",
    "target",
    "patience",
    "converged",
    "timeout",
    "failures",
    "interrupted",
    "error",
]

MIN_TO_CONVERGE = 10  # completed candidates before anything is said of further improvement

Values = Sequence[float | None]
"""Worths by number, the baseline first: lower bounds, more is better; None: it has none.

Of one that violates a guardrail, minus infinity.
"""


class OutOfTimeError(InterruptedRunError):
    """Time limit of a run is reached."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Reason why a run ended: by which rule, and in words."""

    by: StoppedBy
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRules:
    """Rules that end a run before all its configurations are tried; the first that holds does."""

    timeout_seconds: float | None = None  # of work on the run, over all its sessions
    target: float | None = None  # bound of the objective that is good enough
    patience: int | None = None  # experiments without a new best
    min_experiments: int = 0  # candidates before patience and convergence count
    until_converged: bool = False

    def __post_init__(self) -> None:
        rules = {
            "timeout must be above 0": self.timeout_seconds is None or self.timeout_seconds > 0,
            "target must be a finite number": self.target is None or np.isfinite(self.target),
            "patience must be 1 or more": self.patience is None or self.patience >= 1,
            "min_experiments must be 0 or more": self.min_experiments >= 0,
        }
        wrong = [rule for rule, holds in rules.items() if not holds]
        if wrong:
            raise InputError("; ".join(wrong))

    @property
    def needs_results(self) -> bool:
        """True if any rule depends on what experiments found."""
        return self.target is not None or self.patience is not None or self.until_converged

    def stop(
        self, values: Values, noise: float | None, direction: Direction = Direction.MAXIMIZE
    ) -> Stop | None:
        """Return the rule that ends a run after experiments with these `values`, if one does.

        Args:
            values: worths of all experiments so far, by number.
            noise: standard error of the best one's gain; None where it is not known.
            direction: of the objective, in whose own figures the target is.
        """
        return (
            _at_target(values, self.target, direction)
            or _out_of_patience(values, self.patience, self.min_experiments)
            or (_converged(values, noise, self.min_experiments) if self.until_converged else None)
        )

    @classmethod
    def of(cls, settings: Mapping[str, object]) -> "StopRules":
        """Return the rules as they were stored with a run; rules that it does not name are off."""
        return cls(**{name: settings[name] for name in cls.__slots__ if name in settings})  # type: ignore[arg-type]


def best_number(values: Values) -> int | None:
    """Return the number of the best of `values`, of equals the earliest; None if there is none.

    >>> best_number([0.5, None, 0.7, 0.7])
    2
    """
    known = [(value, -number) for number, value in enumerate(values) if value is not None]
    return -max(known)[1] if known else None


def _at_target(values: Values, target: float | None, direction: Direction) -> Stop | None:
    best = best_number(values)
    if target is None or best is None:
        return None
    worth = values[best]
    assert worth is not None
    if worth < direction.upwards(target):
        return None
    bound = f"it is {direction.at_least} {direction.upwards(worth):.4f}"
    return Stop("target", f"experiment {best} reached the target of {target:g}: {bound}")


def _out_of_patience(values: Values, patience: int | None, least: int) -> Stop | None:
    best = best_number(values)
    n = len(values) - 1
    if patience is None or best is None or n < least or n - best < patience:
        return None
    return Stop("patience", f"no improvement in the last {n - best} experiments")


def _converged(values: Values, noise: float | None, least: int) -> Stop | None:
    n = sum(value is not None for value in values[1:])
    if noise is None or n < MIN_TO_CONVERGE or len(values) - 1 < least:
        return None
    gain = expected_gain(values)
    if gain >= noise:
        return None
    message = (
        f"{n // 2} more experiments would gain {gain:.2g} at most, below the noise of {noise:.2g}"
    )
    return Stop("converged", message)


def expected_gain(values: Values) -> float:
    """Return what half as many experiments again can be expected to add to the best value.

    The larger of two estimates of what the last k = n // 2 of n candidates added: what they added
    in fact, and what any k of them add on average over all orders (of a random n - k, the i-th
    best of all is the best with probability C(n - i, n - k - 1) / C(n, n - k)). For values that
    come in no particular order the expected best is a concave function of their number, so the
    next k add no more than the last k did on average; a search that is still getting better shows
    it in the first estimate. What does not exceed the deployed configuration counts as no gain.

    >>> round(expected_gain([0.5, 0.4, 0.9, 0.8, 0.3]), 6)  # two of four average 0.8 at best
    0.1
    """
    floor = -np.inf if values[0] is None else values[0]
    known = np.array([max(v, floor) for v in values[1:] if v is not None])
    n, k = len(known), len(known) // 2
    if k == 0:
        return float("inf")
    in_fact = known.max() - known[: n - k].max()
    return float(max(in_fact, known.max() - _expected_best(known, n - k)))


def _expected_best(values: Floats, m: int) -> float:
    """Return the mean over all subsets of `m` of `values` (N,) of their best."""
    descending = -np.sort(-values)
    n, chance, total = len(values), m / len(values), 0.0
    for i, value in enumerate(descending[: n - m + 1], 1):
        total += chance * value
        chance *= (n - i - m + 1) / (n - i) if n > i else 0.0
    return total
