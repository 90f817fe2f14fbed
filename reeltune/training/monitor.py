"""Monitor of a training: rules on its figures, which change rate, penalty and clipping.

It knows numbers alone, so that each rule can be checked without a model.
"""

import math
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from reeltune.domain.direction import Direction

PLATEAU: Final = "plateau: rate halved"
OVER_FITTING: Final = "over-fitting: penalty doubled"
VANISHING: Final = "vanishing gradients: rate doubled"
EXPLODING: Final = "exploding gradients: clipped"
DIVERGED: Final = "not finite: last good state restored, rate halved"
OUT_OF_MEMORY: Final = "out of memory: fewer examples at a time"

_RECENT = 50  # steps whose gradient norms tell what is usual
_MIN_RECENT = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorSettings:
    """Thresholds of the rules."""

    patience: int = 3  # epochs without a gain after which rate or penalty changes
    stop_patience: int = 10  # epochs without a gain after which training stops
    min_gain: float = 1e-4  # share of the best value by which a better one must gain
    vanishing_norm: float = 1e-6  # a median gradient norm below it is too small to learn by
    max_rate_factor: float = 16.0  # most by which vanishing gradients raise the first rate
    exploding_factor: float = 100.0  # times the usual norm of the latest steps
    clip_factor: float = 2.0  # times the usual norm: what is clipped to
    first_l2: float = 1e-6  # what "doubled" makes of a penalty of 0
    max_restores: int = 5  # training that diverges more often stops


@dataclass(slots=True)
class MonitorState:
    """State of a monitor: all that has to be known for it to go on after a kill."""

    learning_rate: float
    l2: float
    first_rate: float
    clip_norm: float | None = None
    best: float = math.nan
    best_epoch: int = 0  # 0: none yet
    best_loss: float = math.nan  # of training, in the best epoch
    waited: int = 0  # epochs since the best one, or since rate or penalty last changed
    n_restores: int = 0
    norms: list[float] = field(default_factory=list)  # of the latest steps, up to 50


class Monitor:
    """Monitor of one training."""

    def __init__(
        self, settings: MonitorSettings, state: MonitorState, direction: Direction
    ) -> None:
        self.settings = settings
        self.state = state
        self.direction = direction

    def clip_for(self, norm: float) -> float | None:
        """Return the norm to clip a step's gradient to, None for none; it is told before the step.

        Clipping begins when a norm exceeds the usual one by far, and goes on from then. Source:
        Pascanu et al. 2013, "On the difficulty of training recurrent neural networks".
        """
        state = self.state
        if len(state.norms) >= _MIN_RECENT:
            usual = median(state.norms)
            if norm > self.settings.exploding_factor * usual > 0:
                state.clip_norm = self.settings.clip_factor * usual
        clipped = norm if state.clip_norm is None else min(norm, state.clip_norm)
        state.norms = [*state.norms, clipped][-_RECENT:]
        return state.clip_norm if clipped < norm else None

    def observe(
        self, number: int, loss: float, validation: float, gradient_norm: float
    ) -> tuple[bool, tuple[str, ...]]:
        """Return if an epoch is the best so far, and the rules that applied after it."""
        state = self.state
        is_best = state.best_epoch == 0 or self._gains(validation)
        if is_best:
            state.best, state.best_epoch, state.best_loss = validation, number, loss
            state.waited = 0
        else:
            state.waited += 1
        if gradient_norm < self.settings.vanishing_norm:
            return is_best, self._vanishing()
        if state.waited < self.settings.patience:
            return is_best, ()
        state.waited = 0
        return is_best, (self._over_fitting(loss) or self._plateau(),)

    def diverged(self) -> bool:
        """Halve the rate after figures that are not finite; return if training may go on."""
        self.state.n_restores += 1
        self.state.learning_rate /= 2
        self.state.norms = []
        return self.state.n_restores <= self.settings.max_restores

    def stops(self, number: int) -> bool:
        """Return if no epoch has been better for so long that training stops."""
        return number - self.state.best_epoch >= self.settings.stop_patience

    def _gains(self, validation: float) -> bool:
        gain = self.direction.upwards(validation) - self.direction.upwards(self.state.best)
        return gain > self.settings.min_gain * abs(self.state.best)

    def _vanishing(self) -> tuple[str, ...]:
        state, most = self.state, self.settings.max_rate_factor * self.state.first_rate
        if 2 * state.learning_rate > most:
            return ()
        state.learning_rate *= 2
        state.waited = 0
        return (VANISHING,)

    def _over_fitting(self, loss: float) -> str | None:
        """Double the penalty where training got better since the best epoch, validation not."""
        state = self.state
        if not loss < state.best_loss - self.settings.min_gain * abs(state.best_loss):
            return None
        state.l2 = max(2 * state.l2, self.settings.first_l2)
        return OVER_FITTING

    def _plateau(self) -> str:
        self.state.learning_rate /= 2
        return PLATEAU
