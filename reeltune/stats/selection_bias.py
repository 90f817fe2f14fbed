"""Selection bias (winner's curse) in the gain of the best of many candidates."""

from dataclasses import dataclass

import numpy as np

from reeltune.domain.arrays import Bools, Floats
from reeltune.domain.experiment import LOWER_BOUND_ERRORS

DRAWS = 2_000
MAX_CANDIDATES = 1_000  # the others practically are never picked
MIN_PICKS = 20  # draws in which a candidate is picked; fewer are too few for a mean


@dataclass(frozen=True, slots=True)
class SelectionBias:
    """Mean selection bias in the gain of the best of N candidates."""

    of_best: float
    of_last_half: float  # by how much the last half of the candidates has raised that
    gain_of_last_half: float  # by how much the last half has raised the true gain


def estimate_selection_bias(
    gains: Floats, errors: Floats, by_group: Floats | None = None, *, seed: int = 0
) -> SelectionBias | None:
    """Estimate the selection bias in the gain of the candidate with the highest lower bound.

    Each gain over the same baseline is a true one plus noise. The true ones are estimated by
    shrinking the gains together until they spread as true gains would; from these, the selection is
    repeated with fresh noise, and the noise of the selected one is averaged. Draws in which the
    baseline would have stayed the best do not count.

    Candidates are measured on the same users, so that much of their noise is common, and the best
    has less selection bias than the best of as many that were measured on different users. Gains by
    group of users show how much; without them noise is taken as independent, which corrects too
    much.

    Args:
        gains: (N,) in the order in which they were found; not finite: left out.
        errors: (N,) standard error of each.
        by_group: (N, G) gains of G groups of users.
        seed: of the noise.

    Returns:
        None without gains.

    Source: Efron 2011, "Tweedie's formula and selection bias", for the problem; Louis 1984,
    "Estimating a population of parameter values using Bayes and empirical Bayes methods", for
    estimates that spread as the true values do; Efron and Tibshirani 1993, "An introduction to the
    bootstrap", chapter 10, for taking off the bias that the parametric bootstrap shows; van der
    Vaart and Wellner 1996, "Weak convergence and empirical processes", 2.9, for noise with the
    dependence that is there (multiplier bootstrap).
    """
    known = np.isfinite(gains) & np.isfinite(errors)
    gains, errors = gains[known], errors[known]
    if not len(gains):
        return None
    deviations = None if by_group is None else _deviations(by_group[known])
    true = _spread_as_true(gains, _own_variances(errors, deviations))
    candidates = np.sort(
        np.argsort(-(gains - LOWER_BOUND_ERRORS * errors), kind="stable")[:MAX_CANDIDATES]
    )
    first_half = candidates < len(gains) - len(gains) // 2
    true, errors = true[candidates], errors[candidates]
    noise = _noise(errors, None if deviations is None else deviations[candidates], seed)
    return _repeated(true, errors, noise, first_half)


def _repeated(true: Floats, errors: Floats, noise: Floats, first_half: Bools) -> SelectionBias:
    """Repeat the selection among R candidates with `noise` (D, R)."""
    bounds = true + noise - LOWER_BOUND_ERRORS * errors  # (D, R)
    best, rows = bounds.argmax(axis=1), np.arange(len(bounds))
    is_picked = bounds[rows, best] > 0
    if np.count_nonzero(is_picked) < MIN_PICKS:  # a gain that noise alone could hardly bring
        is_picked[:] = True
    then = _picked(true, noise, np.where(first_half, bounds, -np.inf))
    now = _picked(true, noise, bounds)
    return SelectionBias(
        of_best=float(noise[rows, best][is_picked].mean()),
        of_last_half=now[1] - then[1],
        gain_of_last_half=now[0] - then[0],
    )


def _picked(true: Floats, noise: Floats, bounds: Floats) -> tuple[float, float]:
    """Return mean true gain and mean bias of the one with the highest bound; 0 of the baseline."""
    best, rows = bounds.argmax(axis=1), np.arange(len(bounds))
    is_picked = bounds[rows, best] > 0
    return float((true[best] * is_picked).mean()), float((noise[rows, best] * is_picked).mean())


def _deviations(by_group: Floats) -> Floats:
    """Return each group's gain minus the candidate's, scaled to the noise of a mean, (N, G)."""
    n_groups = by_group.shape[1]
    from_mean = by_group - by_group.mean(axis=1, keepdims=True)
    return np.asarray(from_mean / np.sqrt(n_groups * max(1, n_groups - 1)))


def _own_variances(errors: Floats, deviations: Floats | None) -> Floats:
    """Return the variance of the noise that a candidate does not share with all others, (N,)."""
    if deviations is None:
        return errors**2
    return np.asarray(((deviations - deviations.mean(axis=0)) ** 2).sum(axis=1))


def _spread_as_true(gains: Floats, variances: Floats) -> Floats:
    """Return `gains` (N,) shrunk towards their mean, those with most noise the most."""
    if len(gains) < 2:
        return gains
    true_variance = max(0.0, float(gains.var(ddof=1) - variances.mean()))
    whole = true_variance + variances
    shrinkage = np.sqrt(np.divide(true_variance, whole, out=np.ones_like(whole), where=whole > 0))
    return np.asarray(gains.mean() + shrinkage * (gains - gains.mean()))


def _noise(errors: Floats, deviations: Floats | None, seed: int) -> Floats:
    """Return fresh noise of each gain, (DRAWS, N)."""
    rng = np.random.default_rng(seed)
    if deviations is None:
        return errors * rng.standard_normal((DRAWS, len(errors)))
    return np.asarray(rng.standard_normal((DRAWS, deviations.shape[1])) @ deviations.T)
