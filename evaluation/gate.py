"""Whether a candidate may go into production: rules with figures, thresholds and verdicts."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from evaluation.significance import Comparison


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the gate, and what it found."""

    name: str
    passed: bool
    figures: str  # what was measured against what, for people

    def as_dict(self) -> dict[str, Any]:
        """For storage as evidence."""
        return asdict(self)


def gate(accuracy: float, threshold: float, against_deployed: Comparison | None) -> list[Rule]:
    """The rules for a candidate.

    Args:
        accuracy: of the candidate on the test part; NaN never passes.
        threshold: the least accuracy for a version.
        against_deployed: candidate minus deployed configuration, per user, on the test part; None
            where nothing is deployed that it could be compared with.
    """
    rules = [
        Rule(
            "accuracy",
            accuracy >= threshold,
            f"test accuracy {accuracy:.4f}, at least {threshold:.4f} is needed",
        )
    ]
    if against_deployed is not None:
        rules.append(_not_worse(against_deployed))
    return rules


def refusals(rules: Sequence[Rule]) -> str:
    """The figures of the rules that refused, in one line; empty if none did."""
    return "; ".join(rule.figures for rule in rules if not rule.passed)


def _not_worse(found: Comparison) -> Rule:
    """Refused if the whole 95 % interval of the difference is below 0."""
    interval = f"95 % interval {found.low:+.4f} to {found.high:+.4f}, {found.n_users} users"
    return Rule(
        "not worse than deployed",
        math.isfinite(found.difference) and not found.high < 0,
        f"accuracy {found.difference:+.4f} against the deployed configuration ({interval})",
    )
