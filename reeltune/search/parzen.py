"""Densities around points: of numbers by a kernel at each, of categories by how often each occurs.

A hyperparameter that does not always apply has a density of its own, of the points where it does.
Source: Bergstra et al. 2011, "Algorithms for hyper-parameter optimization", section 4.
"""

from collections.abc import Sequence

import numpy as np

from reeltune.domain.arrays import Bools, Floats
from reeltune.domain.space import Configuration, Space

MAX_NARROWED = 30  # kernels at n points are at least 1 / (1 + n) wide, up to this n


def draw_candidates(
    space: Space, good: Sequence[Configuration], n: int, rng: np.random.Generator
) -> Floats:
    """Return draws (n, D) on the cube: each axis from a kernel at any of the good points.

    Of a category, one draw in G + 1 is any choice at all; the others are as at one of the G points.
    """
    centres = np.array([space.encode(configuration) for configuration in good])  # (G, D)
    n_good, n_axes = centres.shape
    chosen = centres[rng.integers(n_good, size=(n, n_axes)), np.arange(n_axes)]  # (n, D)
    drawn = _reflected(chosen + _widths(centres) * rng.standard_normal(chosen.shape))
    is_category = space.n_choices > 0
    if is_category.any():
        anew = rng.random(drawn.shape) < 1 / (n_good + 1)
        drawn = np.where(is_category, np.where(anew, rng.random(drawn.shape), chosen), drawn)
    if space.is_conditional:
        active = np.array([space.active_axes(configuration) for configuration in good])  # (G, D)
        for axis in np.flatnonzero(~active.all(axis=0)):
            drawn[:, axis] = _draw_axis(centres[active[:, axis], axis], is_category[axis], n, rng)
    return drawn


def _draw_axis(centres: Floats, is_category: bool, n: int, rng: np.random.Generator) -> Floats:
    """Return draws (n,) of one axis, from the points (G,) where it means something."""
    uniform = rng.random(n)
    if not len(centres):
        return uniform
    chosen = centres[rng.integers(len(centres), size=n)]
    steps = _widths(centres[:, None]) * rng.standard_normal(n)
    if is_category:
        return np.where(rng.random(n) < 1 / (len(centres) + 1), uniform, chosen)
    return _reflected(chosen + steps)


def _reflected(drawn: Floats) -> Floats:
    """Return `drawn`, reflected at the bounds of the cube."""
    reflected: Floats = 1 - np.abs(1 - np.abs(drawn) % 2)
    return reflected


def log_density(
    points: Floats,
    centres: Floats,
    categories: Sequence[slice],
    active: tuple[Bools, Bools] | None,
) -> Floats:
    """Return (N,) the sum of the log densities of all features, against a uniform one.

    Args:
        points: (N, F) where.
        centres: (M, F) what the density is of.
        categories: the columns of each category; all columns before are of numbers.
        active: (N, F) and (M, F) which features mean something; None: all.
    """
    n_numbers = categories[0].start if categories else points.shape[1]
    if active is None:
        density: Floats = log_kernels(points[:, :n_numbers], centres[:, :n_numbers]).sum(axis=1)
        for columns in categories:
            density = density + log_shares(points[:, columns], centres[:, columns])
        return density
    at, of = active
    density = np.zeros(len(points))
    for k in range(n_numbers):
        column = log_kernels(points[:, [k]], centres[of[:, k]][:, [k]])[:, 0]
        density += np.where(at[:, k], column, 0.0)
    for columns in categories:
        k = columns.start
        column = log_shares(points[:, columns], centres[of[:, k], columns])
        density += np.where(at[:, k], column, 0.0)
    return density


def log_kernels(points: Floats, centres: Floats) -> Floats:
    """Return (N, F) the log of a mixture of kernels at `centres` (M, F) and a uniform density.

    The uniform part keeps a feature that was seen in few places from deciding alone.
    """
    n = len(centres)
    if n == 0:
        return np.zeros(points.shape)
    widths = _widths(centres)
    z = (points[:, None] - centres) / widths  # (N, M, F)
    kernels = np.exp(-0.5 * z * z).sum(axis=1) / (widths * np.sqrt(2 * np.pi))  # (N, F)
    density: Floats = np.log((kernels + 1) / (n + 1))
    return density


def log_shares(points: Floats, centres: Floats) -> Floats:
    """Return (N,) the log of how often each point's choice is at the centres, by even chance.

    Points (N, C) and centres (M, C) have a column for each of C choices. As if each choice had been
    there 1 / C times more.
    """
    counts = (centres > 0).sum(axis=0)  # (C,)
    shares = (counts * points.shape[1] + 1) / (len(centres) + 1)
    found: Floats = np.log(shares)[np.argmax(points, axis=1)]
    return found


def _widths(centres: Floats) -> Floats:
    """Return (F,) width of the kernels at `centres` (M, F): Scott's rule, with a least width.

    Source: Scott 1992, "Multivariate density estimation", equation 6.42; Bergstra et al. 2011,
    section 4, for the least width.
    """
    n = len(centres)
    widths: Floats = np.maximum(centres.std(axis=0) * n**-0.2, 1 / (1 + min(n, MAX_NARROWED)))
    return widths
