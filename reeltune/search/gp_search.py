"""Bayesian optimisation: propose where the acquisition is highest under a Gaussian process."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.experiment import Phase
from reeltune.domain.space import Configuration, Space
from reeltune.search.acquisition import Acquisition, ConstraintModel
from reeltune.search.choices import redrawn
from reeltune.search.feasibility import best_first
from reeltune.search.feature_map import Features
from reeltune.search.gp_model import GaussianProcess, Prior, condition, fit
from reeltune.search.single_thread import one_thread
from reeltune.search.sobol import sobol_point
from reeltune.search.strategy import Problem, Proposal, Trial

N_PLACES = 4  # results that lie apart before the model is asked,
MAX_INITIAL = 12  # or so many, wherever they lie
MAX_FITTED = 120  # results that lengths are fitted on, and
MAX_KNOWN = 240  # results that the model knows: its cost grows with their cube
SPREADS = (0.5, 1.0)  # of the prior of lengths: by turns, so that one misfit does not rule
N_SPREAD, N_NEAR, N_LEADERS = 200, 600, 3  # first candidates: everywhere, and near the best known
N_ROUNDS, N_MOVED, N_KEPT = 6, 200, 6  # then the best few are moved, by less each round
FIRST_STEP, SHRINK = 0.1, 0.7
SAME_PLACE = (
    0.15  # distance per root dimension below which points are one place: to try there exploits
)


@dataclass(frozen=True)
class GaussianProcessSearch:
    """Candidate of highest acquisition under a Gaussian process of the values.

    The acquisition is by turns the logarithm of the expected improvement on the model's own mean at
    the best point tried (so that a lucky result does not lead astray) and mean plus two deviations;
    each constraint has a model of its own.
    Configurations being tried count with the value the model expects of them, so that a batch
    spreads out. The first proposal is the middle of the space; a scrambled Sobol' design follows
    until there are enough results in different places: what a run begins with, be it the best of
    an earlier run or a guess, may be all in one, and then says little of the rest.

    Source: `reeltune.search.acquisition`; Ginsbourger, Le Riche and Carraro 2010 for the batch
    ("kriging believer").
    """

    name: str = "gp"
    is_adaptive: bool = True

    def propose(self, problem: Problem) -> Proposal | None:
        """Return the valid configuration of highest acquisition that was not tried."""
        if not problem.space.dimensions:
            return None
        finished = problem.results()
        if (
            problem.attempt
            or not Features(problem.space).n_axes
            or _n_places(problem, finished) < N_PLACES
        ):
            return _initial(problem)
        with one_thread():
            return _highest_acquisition(problem, _subsample(finished))


def _n_places(problem: Problem, finished: list[Trial]) -> int:
    """Return how many of these results lie apart; enough where there are many."""
    if len(finished) >= MAX_INITIAL:
        return N_PLACES
    places: list[Floats] = []
    for trial in finished:
        point = problem.space.encode(trial.configuration)
        if not _is_near(problem.space, point, places):
            places.append(point)
    return len(places)


def _is_near(space: Space, point: Floats, others: Iterable[Floats]) -> bool:
    """Return if `point` (D,) is in the same place as one of the others."""
    near = SAME_PLACE * np.sqrt(len(point))
    return any(space.distance(point, other) < near for other in others)


def _initial(problem: Problem) -> Proposal:
    """Return the middle, if nothing was tried there; else the design's point for this number.

    Where that was tried before, any point.
    """
    space = problem.space
    n_axes = len(space.dimensions)
    if problem.attempt:
        return Proposal(space.decode(problem.generator().random(n_axes)), "initial")
    middle = np.full(n_axes, 0.5)
    early = problem.trials[:MAX_INITIAL]
    if not _is_near(space, middle, [space.encode(trial.configuration) for trial in early]):
        return Proposal(space.decode(middle), "initial")
    point = sobol_point(n_axes, problem.seed, max(0, problem.number - 1))
    return Proposal(space.decode(point), "initial")


def _subsample(finished: list[Trial]) -> list[Trial]:
    """Return the results a model knows, in order: the best, and of the others as many, evenly."""
    if len(finished) <= MAX_KNOWN:
        return finished
    order = best_first(finished)
    best, others = order[: MAX_KNOWN // 2], np.sort(order[MAX_KNOWN // 2 :])
    evenly = others[np.linspace(0, len(others) - 1, MAX_KNOWN - len(best)).astype(int)]
    return [finished[k] for k in sorted({*best.tolist(), *evenly.tolist()})]


def _highest_acquisition(problem: Problem, known: list[Trial]) -> Proposal:
    space, features = problem.space, Features(problem.space)
    rng = problem.generator()
    models = _Models.of(problem, features, known)
    means = models.objective.predict_mean(features.of_configurations(_configurations(known)))
    leaders = best_first(known, means)[:N_LEADERS]
    cubes = np.array([space.encode(known[k].configuration) for k in leaders])
    acquisition = Acquisition(
        models.objective,
        models.constraints,
        target=float(means[leaders[0]]) if known[leaders[0]].is_feasible else None,
        by_improvement=problem.number % 2 == 1,
    )
    move = Moves(space.n_choices, rng)
    found = _maximised(
        lambda candidates: acquisition(features.of_points(candidates)),
        _candidates(cubes, move),
        move,
    )
    for point in found:
        configuration = problem.complete(space.decode(point))
        if problem.is_new(configuration):
            phase: Phase = "exploit" if _is_near(space, point, cubes[:1]) else "explore"
            return Proposal(configuration, phase)
    return Proposal(space.decode(rng.random(len(space.dimensions))), "explore")


@dataclass(frozen=True, eq=False)
class _Models:
    """Models of the objective and of each constraint that was not the same everywhere."""

    objective: GaussianProcess
    constraints: list[ConstraintModel]

    @classmethod
    def of(cls, problem: Problem, features: Features, known: list[Trial]) -> "_Models":
        """Return the models after the `known` results, with what is expected of open trials."""
        spread = SPREADS[problem.number % 2]
        prior = Prior.of(features.n_axes, spread, features.widths, len(features.columns))
        pending = _configurations(problem.open_trials()[-MAX_FITTED:])
        open_points = features.of_configurations(pending) if pending else None
        values = np.array([t.value for t in known], dtype=np.float64)
        points = features.of_configurations(_configurations(known))
        objective = _model(points, values, prior, open_points)
        if not any(trial.constraints for trial in known):
            return cls(objective, [])
        n_constraints = next(len(t.constraints) for t in reversed(known) if t.constraints)
        has = [
            k
            for k, trial in enumerate(known)
            if len(trial.constraints) == n_constraints and np.all(np.isfinite(trial.constraints))
        ]
        seen = np.array([known[k].constraints for k in has], dtype=np.float64)  # (N, C)
        if not has:
            return cls(objective, [])
        models = [
            ConstraintModel(
                _model(points[has], column, prior, open_points),
                limit=-float(column.mean() / column.std()),
            )
            for column in seen.T
            if column.std() > 0
        ]
        return cls(objective, models)


def _configurations(trials: list[Trial]) -> list[Configuration]:
    return [trial.configuration for trial in trials]


def _model(
    points: Floats, values: Floats, prior: Prior, open_points: Floats | None
) -> GaussianProcess:
    """Return the process of standardised `values` (N,); it believes its mean at open points."""
    standard = _standardised(values)
    model = _fitted(points, standard, prior)
    if open_points is None:
        return model
    believed = np.append(standard, model.predict_mean(open_points))
    return condition(np.vstack([points, open_points]), believed, model.fitted)


def _standardised(values: Floats) -> Floats:
    """Return `values` with mean 0 and, unless they are all equal, deviation 1."""
    spread = values.std()
    standard: Floats = (values - values.mean()) / (spread if spread > 0 else 1.0)
    return standard


def _fitted(points: Floats, values: Floats, prior: Prior) -> GaussianProcess:
    chosen = np.arange(len(values))
    if len(values) > MAX_FITTED:  # the best half, and of the others as many, evenly
        order = np.argsort(-values, kind="stable")
        rest = np.linspace(MAX_FITTED // 2, len(values) - 1, MAX_FITTED // 2).astype(int)
        chosen = np.sort(np.append(order[: MAX_FITTED // 2], order[rest]))
    return condition(points, values, fit(points[chosen], values[chosen], prior))


@dataclass(frozen=True)
class Moves:
    """Moves of candidates: numbers by steps, and a choice that is moved is drawn anew."""

    n_choices: Ints  # (D,) of each axis; 0 for numbers
    rng: np.random.Generator

    def moved(self, centres: Floats, steps: Floats) -> Floats:
        """Return each centre (N, D) moved along one axis, a third of them, or all.

        Few axes at once find better points in many dimensions. Source: Regis and Shoemaker 2013,
        "Combining radial basis function surrogates and dynamic coordinate search".
        """
        n, n_axes = centres.shape
        rng = self.rng
        mask = rng.random((n, n_axes)) < rng.choice([1.5 / n_axes, 0.3, 1.0], size=(n, 1))
        mask[np.arange(n), rng.integers(n_axes, size=n)] = True
        moved = np.clip(centres + mask * steps * rng.standard_normal((n, n_axes)), 0, 1)
        return redrawn(moved, centres, mask, self.n_choices, rng)


def _candidates(leaders: Floats, moves: Moves) -> Floats:
    """Return points (N, D) all over the cube, and points near the leaders (L, D)."""
    rng = moves.rng
    centres = leaders[rng.integers(len(leaders), size=N_NEAR)]
    steps = rng.choice([0.02, 0.05, 0.1, 0.2], size=(N_NEAR, 1))
    return np.vstack([rng.random((N_SPREAD, leaders.shape[1])), moves.moved(centres, steps)])


def _maximised(acquisition: Any, points: Floats, moves: Moves) -> Floats:
    """Return points of the last round of a search for high acquisition, the best first."""
    worth, step, rng = acquisition(points), FIRST_STEP, moves.rng
    for _ in range(N_ROUNDS):
        best = np.argsort(-worth, kind="stable")[:N_KEPT]
        points, worth = points[best], worth[best]
        centres = points[rng.integers(len(points), size=N_MOVED)]
        moved = moves.moved(centres, step * np.exp(rng.normal(0, 0.5, (N_MOVED, 1))))
        points, worth = np.vstack([points, moved]), np.append(worth, acquisition(moved))
        step *= SHRINK
    order: Floats = points[np.argsort(-worth, kind="stable")]
    return order
