"""Bayesian search: a Gaussian process of the objective, and where it expects to improve."""

import warnings
from typing import Any

import numpy as np
from scipy.stats import norm, qmc

from domain.arrays import Floats
from search.strategy import Problem, Proposal

N_INITIAL = 8  # results before the model is asked
N_SPREAD = 1024  # candidates all over the cube
N_NEAR = 512  # candidates near the best known points
N_SNAPPED = 16  # of these, how many are moved to valid configurations and compared again
MOST_RESULTS = 300  # the model's cost grows with their cube
NEAR = 0.15  # distance per root dimension from the best point below which a proposal exploits


class Bayesian:
    """Expected improvement under a Gaussian process on the unit cube.

    Without history it starts with a scrambled Sobol' design. Configurations being tried count
    with the value the model expects of them, so that a batch spreads out; the value to improve
    on is the model's own mean at the best point tried, so that a lucky result does not lead astray.

    Source: Jones, Schonlau and Welch 1998, "Efficient global optimization of expensive black-box
    functions"; Ginsbourger, Le Riche and Carraro 2010 for the batch ("kriging believer").
    """

    name = "bayesian"
    looks_back = True

    def propose(self, problem: Problem) -> Proposal:
        """The valid configuration with the highest expected improvement."""
        from threadpoolctl import threadpool_limits

        encode = problem.space.encode
        finished = [t for t in problem.trials if t.value is not None][-MOST_RESULTS:]
        if len(finished) < N_INITIAL or not problem.space.dimensions:
            return _initial(problem)
        points = np.array([encode(t.configuration) for t in finished])
        values = np.array([t.value for t in finished], dtype=np.float64)
        open_trials = [t for t in problem.trials if t.value is None]
        pending = np.array([encode(t.configuration) for t in open_trials])
        with threadpool_limits(limits=1):  # the number of threads changes the last bits
            return _improve(problem, points, values, pending)


def _initial(problem: Problem) -> Proposal:
    """The design's point for this number."""
    n_dimensions = len(problem.space.dimensions)
    if problem.attempt:  # far places of the design, at equal strides, would miss part of the cube
        return Proposal(problem.space.decode(problem.generator().random(n_dimensions)), "initial")
    design = qmc.Sobol(max(1, n_dimensions), rng=np.random.default_rng(problem.seed))
    point = np.asarray(design.fast_forward(problem.number).random(1), dtype=np.float64)[0]
    return Proposal(problem.space.decode(point[:n_dimensions]), "initial")


def _improve(problem: Problem, points: Floats, values: Floats, pending: Floats) -> Proposal:
    rng = problem.generator()
    model = _fitted(points, values, int(rng.integers(2**31)))
    if len(pending):
        believed = model.predict(pending)
        model = _refitted(model, np.vstack([points, pending]), np.append(values, believed))
    best = points[np.argmax(model.predict(points))]
    target = float(model.predict(best[None])[0])
    chosen = _most_improving(model, target, _candidates(points, values, rng))
    snapped = [problem.space.decode(point) for point in chosen]
    exact = np.array([problem.space.encode(configuration) for configuration in snapped])
    order = np.argsort(-_expected_improvement(model, target, exact), kind="stable")
    place = int(order[min(problem.attempt, len(order) - 1)])
    if problem.attempt >= len(order):
        return Proposal(problem.space.decode(rng.random((points.shape[1],))), "explore")
    near = np.linalg.norm(exact[place] - best) < NEAR * np.sqrt(len(best))
    return Proposal(snapped[place], "exploit" if near else "explore")


def _fitted(points: Floats, values: Floats, seed: int) -> Any:
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    n_dimensions = points.shape[1]
    kernel = ConstantKernel(1.0, (1e-2, 1e2)) * Matern(
        np.full(n_dimensions, 1.0), (0.05, 20.0), nu=2.5
    ) + WhiteKernel(1e-2, (1e-6, 1.0))
    model = GaussianProcessRegressor(
        kernel, normalize_y=True, n_restarts_optimizer=1, random_state=seed
    )
    with warnings.catch_warnings():  # a length at its bound means: this axis does not matter
        warnings.simplefilter("ignore")
        return model.fit(points, values)


def _refitted(model: Any, points: Floats, values: Floats) -> Any:
    from sklearn.gaussian_process import GaussianProcessRegressor

    same = GaussianProcessRegressor(model.kernel_, optimizer=None, normalize_y=True)
    return same.fit(points, values)


def _candidates(points: Floats, values: Floats, rng: np.random.Generator) -> Floats:
    """Points all over the cube, and points near the five best."""
    n_dimensions = points.shape[1]
    spread = rng.random((N_SPREAD, n_dimensions))
    leaders = points[np.argsort(-values, kind="stable")[:5]]
    centres = leaders[rng.integers(len(leaders), size=N_NEAR)]
    sizes = rng.choice([0.02, 0.05, 0.1, 0.2], size=(N_NEAR, 1))
    moved = rng.random((N_NEAR, n_dimensions)) < rng.choice([0.2, 0.5, 1.0], size=(N_NEAR, 1))
    near = centres + moved * sizes * rng.standard_normal((N_NEAR, n_dimensions))
    return np.vstack([spread, np.clip(near, 0, 1)])


def _most_improving(model: Any, target: float, candidates: Floats) -> Floats:
    gains = _expected_improvement(model, target, candidates)
    return candidates[np.argsort(-gains, kind="stable")[:N_SNAPPED]]


def _expected_improvement(model: Any, target: float, points: Floats) -> Floats:
    """(N,) expected excess over `target`; Jones, Schonlau and Welch 1998, equation 15."""
    mean, deviation = model.predict(points, return_std=True)
    deviation = np.maximum(deviation, 1e-12)
    excess = (mean - target) / deviation
    gain: Floats = (mean - target) * norm.cdf(excess) + deviation * norm.pdf(excess)
    return gain
