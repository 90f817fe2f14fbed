"""Meta-features of a data set: a few figures by which data sets are compared."""

import math

import numpy as np

from reeltune.domain.arrays import Floats, Ints
from reeltune.ratings.dataset import Dataset
from reeltune.ratings.splits import SECONDS_PER_DAY

# By how much a figure must differ to make two data sets as unlike as e^-1 were all to differ so.
SCALES = {
    "log10_users": 0.5,
    "log10_movies": 0.5,
    "log10_ratings": 0.5,
    "log10_density": 0.5,
    "long_tail_gini": 0.15,
    "rating_mean": 0.3,
    "rating_spread": 0.2,
    "genre_entropy": 0.2,
    "cast_coverage": 0.3,
    "franchise_coverage": 0.2,
    "log10_days": 0.5,
}


def compute_meta_features(data: Dataset) -> dict[str, float]:
    """Compute the figures of `SCALES` for a data set with ratings."""
    table, catalogue = data.ratings, data.catalogue
    n_users, n_movies, n = table.n_users, max(1, table.n_movies), len(table)
    counts = np.bincount(table.movies, minlength=n_movies)
    days = (int(table.rated_at.max()) - int(table.rated_at.min())) / SECONDS_PER_DAY
    has_cast = np.diff(catalogue.cast_starts) > 0
    return {
        "log10_users": math.log10(max(1, n_users)),
        "log10_movies": math.log10(n_movies),
        "log10_ratings": math.log10(max(1, n)),
        "log10_density": math.log10(max(1, n) / (max(1, n_users) * n_movies)),
        "long_tail_gini": gini(counts.astype(np.float64)),
        "rating_mean": float(table.ratings.mean(dtype=np.float64)),
        "rating_spread": float(table.ratings.std(dtype=np.float64)),
        "genre_entropy": _entropy(
            np.bincount(catalogue.genres, minlength=len(catalogue.genre_names))
        ),
        "cast_coverage": float(has_cast.mean()) if len(has_cast) else 0.0,
        "franchise_coverage": (
            float((catalogue.collections >= 0).mean()) if catalogue.n_movies else 0.0
        ),
        "log10_days": math.log10(max(1.0, days)),
    }


def gini(values: Floats) -> float:
    """Compute the Gini coefficient of `values` (N,), 0 or more: 0 all equal, towards 1 one has all.

    Source: Dixon et al. 1987, "Bootstrapping the Gini coefficient of inequality", equation 1.

    >>> gini(np.array([1.0, 1.0, 1.0])), gini(np.array([0.0, 0.0, 3.0]))
    (0.0, 0.6666666666666666)
    """
    ascending, n = np.sort(values), len(values)
    total = float(ascending.sum())
    if n == 0 or total == 0:
        return 0.0
    ranks = np.arange(1, n + 1)
    return float((2 * ranks - n - 1) @ ascending / (n * total))


def _entropy(counts: Ints) -> float:
    """Compute the entropy of the shares of `counts`, divided by the greatest possible, 0 to 1."""
    shares = counts[counts > 0] / max(1, counts.sum())
    if len(counts) < 2 or len(shares) < 2:
        return 0.0
    return float(-(shares * np.log(shares)).sum() / math.log(len(counts)))
