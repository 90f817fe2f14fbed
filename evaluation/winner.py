"""What a gain is worth that was picked as the largest of many."""

import numpy as np

from domain.arrays import Floats

DRAWS = 2_000
MOST_RIVALS = 1_000  # the others practically never win


def corrected_gain(gains: Floats, standard_error: float, *, seed: int = 0) -> float:
    """The largest of `gains` (N,) less what picking it out of N has added to it on average.

    Each gain over the same baseline is a true one plus noise of `standard_error`. The true ones
    are estimated by drawing the N gains together until they spread as true gains would; from
    these, the whole picking is repeated with fresh noise, and the mean excess of the picked
    gain over its true one is taken off. Noise is taken as independent between configurations; they
    are measured on the same users, so that the correction is rather too large than too small.

    NaN where nothing can be told: no gains, or no standard error.

    Source: Efron 2011, "Tweedie's formula and selection bias", for the problem; Louis 1984,
    "Estimating a population of parameter values using Bayes and empirical Bayes methods", for
    estimates that spread as the true values do; Efron and Tibshirani 1993, "An introduction to the
    bootstrap", chapter 10, for taking off the bias that the parametric bootstrap shows.
    """
    gains = gains[np.isfinite(gains)]
    if not len(gains) or not np.isfinite(standard_error):
        return float("nan")
    best = float(gains.max())
    if len(gains) == 1 or standard_error == 0:
        return best
    true = _spread_as_true(np.sort(gains)[::-1], standard_error)[:MOST_RIVALS]
    rng = np.random.default_rng(seed)
    excess = np.empty(DRAWS)
    for draw in range(DRAWS):
        noise = standard_error * rng.standard_normal(len(true))
        excess[draw] = noise[np.argmax(true + noise)]
    return best - float(excess.mean())


def _spread_as_true(gains: Floats, standard_error: float) -> Floats:
    """`gains` drawn towards their mean until their variance is short of the noise's."""
    variance = gains.var(ddof=1)
    if variance == 0:
        return gains
    kept = np.sqrt(max(0.0, variance - standard_error**2) / variance)
    return np.asarray(gains.mean() + kept * (gains - gains.mean()))
