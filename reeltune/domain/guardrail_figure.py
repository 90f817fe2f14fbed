"""Figure of an experiment that a guardrail looks at, and whether it keeps within it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardrailFigure:
    """Figure of one guardrail on the validation set, against the baseline of the same run."""

    figure: float  # as its metric states it
    error: float | None  # standard error of its gain over the baseline; None: the figure decides
    bound: float  # the worst that the guardrail allows
    constraint: float  # loss beyond the margin, as a share of the baseline's: at most 0 if kept

    @property
    def is_kept(self) -> bool:
        """True if the experiment keeps within the guardrail."""
        return self.constraint <= 0
