"""The cloud of points that CMA-ES moves: a normal distribution, and how a generation changes it.

Source: Hansen 2016, "The CMA evolution strategy: a tutorial", with its equation numbers; Hansen
2011, "Injecting external solutions into CMA-ES", since the points of a generation are not all
drawn from one distribution here; Hamano et al. 2022, "CMA-ES with margin", for whole numbers.
"""

from dataclasses import dataclass, replace

import numpy as np
import scipy  # its parts are imported when first used

from reeltune.domain.arrays import Floats
from reeltune.domain.space import Space

LEAST_STEP = 0.005


@dataclass(frozen=True, eq=False)
class Cloud:
    """A normal distribution over the cube, and the two paths its mean has taken."""

    mean: Floats  # (D,)
    step: float  # sigma
    shape: Floats  # (D, D) covariance in units of the step
    path: Floats  # (D,) of the mean, in units of the step
    step_path: Floats  # (D,) the same where the shape is a ball
    generation: int = 0

    @classmethod
    def around(cls, mean: Floats, step: float) -> "Cloud":
        """A ball."""
        zeros = np.zeros_like(mean)
        return cls(mean, step, np.eye(len(mean)), zeros, zeros)

    def draw(self, rng: np.random.Generator) -> Floats:
        """A point (D,), not always within the cube; equations 38 to 40."""
        scales, axes = _axes(self.shape)
        drawn: Floats = self.mean + self.step * (
            axes @ (scales * rng.standard_normal(len(self.mean)))
        )
        return drawn

    def moved(self, points: Floats, values: Floats) -> "Cloud":
        """The cloud after a generation of `points` (N, D) that were worth `values` (N,)."""
        n_axes, rates = len(self.mean), Rates.of(len(points), len(self.mean))
        scales, axes = _axes(self.shape)
        steps = (points - self.mean) / self.step  # (N, D)
        round_steps = (steps @ axes / scales) @ axes.T  # in the ball
        steps, round_steps = _clipped(steps, round_steps)
        order = np.argsort(-values, kind="stable")
        good = order[: len(rates.weights)]
        move = rates.weights @ steps[good]  # (D,) equation 41
        round_move = rates.weights @ round_steps[good]

        kept = np.sqrt(rates.step_path * (2 - rates.step_path) * rates.mass)
        step_path = (1 - rates.step_path) * self.step_path + kept * round_move  # 43
        length = float(np.linalg.norm(step_path)) / rates.usual_length
        step = self.step * np.exp(rates.step_path / rates.damping * (length - 1))  # 44
        settled = np.sqrt(1 - (1 - rates.step_path) ** (2 * (self.generation + 1)))
        moves_on = float(length / settled < 1.4 + 2 / (n_axes + 1))
        kept = np.sqrt(rates.path * (2 - rates.path) * rates.mass)
        path = (1 - rates.path) * self.path + moves_on * kept * move  # 45

        spread = (rates.weights * steps[good].T) @ steps[good]  # (D, D)
        stalled = (1 - moves_on) * rates.path * (2 - rates.path)
        shape = (1 - rates.rank_one * (1 - stalled) - rates.rank_many) * self.shape  # 47
        shape = shape + rates.rank_one * np.outer(path, path) + rates.rank_many * spread
        return replace(
            self,
            mean=np.clip(self.mean + self.step * move, 0, 1),  # 42
            step=float(np.clip(step, LEAST_STEP, 1.0)),
            shape=(shape + shape.T) / 2,
            path=path,
            step_path=step_path,
            generation=self.generation + 1,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """How fast a cloud learns: the tutorial's defaults, table 1."""

    weights: Floats  # of the better half, the best first
    mass: float  # how many equal weights they are worth
    step_path: float
    damping: float
    path: float
    rank_one: float
    rank_many: float
    usual_length: float  # of a step path that says nothing

    @classmethod
    def of(cls, n: int, n_axes: int) -> "Rates":
        """For generations of `n` points in `n_axes` dimensions."""
        half = max(1, n // 2)
        raw = np.log((n + 1) / 2) - np.log(np.arange(half) + 1)
        weights = raw / raw.sum() if raw.sum() > 0 else np.ones(1)
        mass = float(1 / (weights**2).sum())
        step_path = (mass + 2) / (n_axes + mass + 5)
        rank_one = 2 / ((n_axes + 1.3) ** 2 + mass)
        return cls(
            weights=weights,
            mass=mass,
            step_path=step_path,
            damping=1 + 2 * max(0.0, np.sqrt((mass - 1) / (n_axes + 1)) - 1) + step_path,
            path=(4 + mass / n_axes) / (n_axes + 4 + 2 * mass / n_axes),
            rank_one=rank_one,
            rank_many=min(1 - rank_one, 2 * (mass - 2 + 1 / mass) / ((n_axes + 2) ** 2 + mass)),
            usual_length=float(np.sqrt(n_axes) * (1 - 1 / (4 * n_axes) + 1 / (21 * n_axes**2))),
        )


def with_margin(cloud: Cloud, space: Space, n: int, choices: Floats | None = None) -> Cloud:
    """The cloud, wide enough to leave the cell its mean lies in along every axis of cells.

    It is over the axes of numbers; those of categories, if there are any, lie at `choices`.

    Without it, an axis of whole numbers is lost as soon as a generation agrees on one. Source:
    Hamano et al. 2022, equations 5 to 13, with the widening kept in the covariance.
    """
    numbers = space.n_choices == 0
    point = np.empty(len(numbers))
    point[numbers] = cloud.mean
    point[~numbers] = 0.5 if choices is None else choices
    cells = space.cells(space.decode(point))[numbers]
    mean, scales = cloud.mean.copy(), np.ones(len(cloud.mean))
    least = 1 / (n * len(mean))  # chance of another cell, at least
    deviations = cloud.step * np.sqrt(np.diag(cloud.shape))
    for axis in np.flatnonzero(cells > 1):
        mean[axis], deviation = _widened(
            float(mean[axis]), float(deviations[axis]), int(cells[axis]), least
        )
        scales[axis] = deviation / deviations[axis]
    return replace(cloud, mean=mean, shape=cloud.shape * np.outer(scales, scales))


def _widened(mean: float, deviation: float, cells: int, least: float) -> tuple[float, float]:
    """Mean and deviation along an axis of equal cells, with a chance to leave the mean's cell."""
    cell = min(cells - 1, int(mean * cells))
    low, high = cell / cells, (cell + 1) / cells
    if cell in (0, cells - 1):
        edge = high if cell == 0 else low
        most = -float(scipy.special.ndtri(least)) * deviation  # from the edge
        return edge + float(np.clip(mean - edge, -most, most)), deviation
    below, above = (
        scipy.special.ndtr((low - mean) / deviation),
        scipy.special.ndtr((mean - high) / deviation),
    )
    inside = 1 - below - above
    at_least = [max(least / 2, chance) for chance in (below, above)]
    excess = 1 - sum(at_least) - inside
    free = sum(at_least) + inside - 3 * least / 2
    below, above = (chance + excess / free * (chance - least / 2) for chance in at_least)
    to_low, to_high = -float(scipy.special.ndtri(below)), -float(scipy.special.ndtri(above))
    deviation = (high - low) / (to_low + to_high)
    return low + to_low * deviation, deviation


def _axes(shape: Floats) -> tuple[Floats, Floats]:
    """Deviations (D,) and directions (D, D), in columns, of a covariance."""
    squares, axes = np.linalg.eigh(shape)
    return np.sqrt(np.maximum(squares, 1e-12)), axes


def _clipped(steps: Floats, round_steps: Floats) -> tuple[Floats, Floats]:
    """Both (N, D), none longer than a draw may be; Hansen 2011, equations 5 and 6."""
    n_axes = steps.shape[1]
    most = np.sqrt(n_axes) + 2 * n_axes / (n_axes + 2)
    lengths = np.linalg.norm(round_steps, axis=1, keepdims=True)
    factors = np.minimum(1.0, most / np.maximum(lengths, 1e-12))
    return steps * factors, round_steps * factors
