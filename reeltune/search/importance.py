"""Importance of hyperparameters: the share of the objective's variance that each explains.

The variance is that over the whole space, as its own sampler draws from it, under a Gaussian
process of the results. Given the value of a share of 1, or of one number of several in order, the
others are drawn as the space draws them with it: no configuration is asked about that is not valid.
Shares of hyperparameters that do not depend on each other sum to 1 or less: the rest is what they
do together.
Source: Hutter, Hoos and Leyton-Brown 2014, "An efficient approach for assessing hyperparameter
importance", with conditional draws and a Gaussian process instead of a forest.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reeltune.domain.arrays import Bools, Floats
from reeltune.domain.space import Configuration, Hyperparameter, Space
from reeltune.search.feature_map import Features
from reeltune.search.gp_model import GaussianProcess, Prior, condition, fit
from reeltune.search.posterior_paths import PosteriorPaths, left_out_fit
from reeltune.search.single_thread import one_thread
from reeltune.stats.variance_shares import Bins, bins_of, explained_shares

MIN_RESULTS = 10  # fewer say nothing of a space
MAX_FITTED, MAX_KNOWN = 400, 1500  # results that lengths are fitted on, and that the model knows
PRIOR_SPREAD = 1.0  # of the prior of lengths, so that those of axes that do nothing may be long
N_DRAWS = 16_384
N_PATHS, N_SPREAD = 16, 256  # functions drawn from the posterior, and further points of theirs
N_BINS, N_PAIR_BINS = 32, 14
MIN_IN_CELL = 4  # draws; a mean of fewer is not shown
INTERVAL = (0.05, 0.95)  # quantiles over the functions drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Effect of one hyperparameter on the objective, all else drawn from the space."""

    name: str
    share: float  # of the variance, 0 to 1
    low: float  # ends of its 90 % interval under the model
    high: float
    values: tuple[float, ...]  # means of the bins, of a category the positions of its choices
    means: tuple[float, ...]  # of the objective in each bin, in its own units
    deviations: tuple[float, ...]  # of those means under the model


@dataclass(frozen=True, slots=True, kw_only=True)
class PairEffect:
    """Effect of two hyperparameters together, on a grid of bins."""

    names: tuple[str, str]
    share: float  # of the variance that both explain together
    more: float  # than the one of them that explains more
    x: tuple[float, ...]  # middles of the cells of the first, of equal width on its axis
    y: tuple[float, ...]  # and of the second
    means: tuple[tuple[float | None, ...], ...]  # by y, then by x; None where next to nothing is


@dataclass(frozen=True, slots=True, kw_only=True)
class Importance:
    """Importance of all hyperparameters that were searched."""

    effects: tuple[Effect, ...]  # the most important first
    pairs: tuple[PairEffect, ...]  # that explain most beyond the better of the two
    n_results: int  # that the model knows
    fit: float  # share of the results' variance that it predicts of each without it


@dataclass(frozen=True, eq=False)
class _Draws:
    """Draws from the space, and what the model says of them."""

    space: Space
    values: Floats  # (M, H) of each hyperparameter
    active: Bools  # (M, H) whether it applies
    outputs: Floats  # (M, 1 + P) the mean, then each function drawn, in units of the objective


def importance(
    space: Space,
    configurations: Sequence[Configuration],
    values: Floats,
    *,
    seed: int = 0,
    n_pairs: int = 6,
) -> Importance | None:
    """Return the importance of what `space` searches, from results; None where too few vary.

    Args:
        space: where the configurations are from.
        configurations: N valid ones.
        values: (N,) the objective of each.
        seed: of the draws: the same results have the same importance.
        n_pairs: how many pairs to describe.
    """
    features = Features(space)
    chosen = np.flatnonzero(np.isfinite(values))
    if len(chosen) < MIN_RESULTS or not features.n_axes or np.ptp(values[chosen]) <= 0:
        return None
    rng = np.random.default_rng(seed)
    if len(chosen) > MAX_KNOWN:
        chosen = np.sort(rng.choice(chosen, MAX_KNOWN, replace=False))
    with one_thread():
        points = features.of_configurations([configurations[int(k)] for k in chosen])
        centre, scale = float(values[chosen].mean()), float(values[chosen].std())
        standard = (values[chosen] - centre) / scale
        model = _model(features, points, standard, rng)
        draws = _draws(features, model, standard, rng)
        found = _Draws(space, draws.values, draws.active, centre + scale * draws.outputs)
        return Importance(
            effects=tuple(sorted(_effects(found), key=lambda each: -each.share)),
            pairs=_pairs(found, n_pairs),
            n_results=len(chosen),
            fit=max(0.0, left_out_fit(model, standard)),
        )


def _model(
    features: Features, points: Floats, values: Floats, rng: np.random.Generator
) -> GaussianProcess:
    prior = Prior.of(features.n_axes, PRIOR_SPREAD, features.widths, len(features.columns))
    some = rng.permutation(len(values))[:MAX_FITTED]
    return condition(points, values, fit(points[some], values[some], prior))


def _draws(
    features: Features, model: GaussianProcess, values: Floats, rng: np.random.Generator
) -> _Draws:
    n_axes = len(features.space.dimensions)
    spread = features.of_points(rng.random((N_SPREAD, n_axes)))
    paths = PosteriorPaths.of(model, values, spread, N_PATHS, rng)
    cube = latin_hypercube(N_DRAWS, n_axes, rng)
    drawn, active = features.values_at(cube)
    return _Draws(features.space, drawn, active, paths.at(features.of_points(cube)))


def latin_hypercube(n: int, n_axes: int, rng: np.random.Generator) -> Floats:
    """Return (n, n_axes) points of which each axis has one in each of n equal cells."""
    places = np.argsort(rng.random((n, n_axes)), axis=0)
    found: Floats = (places + rng.random((n, n_axes))) / n
    return found


def _searched(draws: _Draws) -> list[int]:
    """Return the positions of the hyperparameters that vary where they apply."""
    return [k for k in range(draws.values.shape[1]) if np.ptp(_column(draws, k)) > 0]


def _column(draws: _Draws, k: int) -> Floats:
    column = draws.values[draws.active[:, k], k]
    return column if len(column) else np.zeros(1)


def _effects(draws: _Draws) -> list[Effect]:
    names = list(draws.space.hyperparameters)
    return [_effect(draws, k, names[k]) for k in _searched(draws)]


def _effect(draws: _Draws, k: int, name: str) -> Effect:
    active = draws.active[:, k]
    column, outputs = draws.values[active, k], draws.outputs[active]
    bins = bins_of(column, N_BINS)
    # of a conditional one the variance where it applies, as part of all variance
    weight = active.mean() * outputs.var(axis=0) / np.maximum(draws.outputs.var(axis=0), 1e-300)
    shares = np.clip(explained_shares(bins, outputs) * weight, 0.0, 1.0)
    means = bins.means(outputs)
    low, high = np.quantile(shares[1:], INTERVAL)
    return Effect(
        name=name,
        share=float(shares[0]),
        low=float(min(low, shares[0])),
        high=float(max(high, shares[0])),
        values=tuple(bins.means(column[:, None])[:, 0].tolist()),
        means=tuple(means[:, 0].tolist()),
        deviations=tuple(means[:, 1:].std(axis=1).tolist()),
    )


def _pairs(draws: _Draws, n_pairs: int) -> tuple[PairEffect, ...]:
    """Return the pairs that always apply and explain most beyond the better of the two."""
    searched = [k for k in _searched(draws) if draws.active[:, k].all()]
    mean = draws.outputs[:, :1]
    bins = {k: bins_of(draws.values[:, k], N_PAIR_BINS) for k in searched}
    alone = {k: float(explained_shares(bins[k], mean)[0]) for k in searched}
    found: list[tuple[float, float, int, int]] = []
    for place, a in enumerate(searched):
        for b in searched[place + 1 :]:
            share = float(explained_shares(bins[a].crossed(bins[b]), mean)[0])
            found.append((share - max(alone[a], alone[b]), share, a, b))
    found.sort(key=lambda each: -each[0])
    return tuple(
        _pair(draws, a, b, share, more) for more, share, a, b in found[:n_pairs] if more > 0
    )


def _pair(draws: _Draws, a: int, b: int, share: float, more: float) -> PairEffect:
    names = list(draws.space.hyperparameters)
    x, y = (_grid_bins(draws, k) for k in (a, b))
    crossed = y.bins.crossed(x.bins)
    grid = crossed.means(draws.outputs[:, :1])[:, 0]
    grid[crossed.counts() < MIN_IN_CELL] = np.nan
    rows = grid.reshape(y.bins.n, x.bins.n).tolist()
    return PairEffect(
        names=(names[a], names[b]),
        share=share,
        more=more,
        x=x.centres,
        y=y.centres,
        means=tuple(tuple(None if v != v else v for v in row) for row in rows),
    )


@dataclass(frozen=True, eq=False)
class _GridBins:
    bins: Bins
    centres: tuple[float, ...]


def _grid_bins(draws: _Draws, k: int) -> _GridBins:
    """Return bins of equal width along the axis; of few values, one for each."""
    column = draws.values[:, k]
    values, places = np.unique(column, return_inverse=True)
    if len(values) <= N_PAIR_BINS:
        return _GridBins(Bins(places.astype(np.int64), len(values)), tuple(values.tolist()))
    member = list(draws.space.hyperparameters.values())[k]
    is_log = isinstance(member, Hyperparameter) and member.has_log_axis
    along = np.log(column) if is_log else column
    edges = np.linspace(along.min(), along.max(), N_PAIR_BINS + 1)
    cells = np.clip(np.searchsorted(edges, along, "right") - 1, 0, N_PAIR_BINS - 1)
    centres = (edges[1:] + edges[:-1]) / 2
    return _GridBins(
        Bins(cells.astype(np.int64), N_PAIR_BINS),
        tuple((np.exp(centres) if is_log else centres).tolist()),
    )
