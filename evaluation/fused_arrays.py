"""What the fused engine works on, as plain arrays: the world, the configurations, the results.

Movies are in an order of their own, in which neighbours are alike (see `alike`), so that whole
blocks of LANES of them can be ruled out at once. `places` says who comes first of equal scores.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain.arrays import Bools, Floats, Ints, Ints32

Bytes = NDArray[np.uint8]

LANES = 64  # movies in a block; rows are padded to whole blocks
TOP = 20  # length of the lists kept: what the longest-looking metric looks at
SHOWN = 10  # length of the lists that the other metrics look at
COUNT_BITS = 24  # evidence is packed: steps of deviation above these bits, number of ratings below
N_METRICS = 6  # of users; the columns of `Results.values`
ACCURACY, NDCG, RECALL, MRR, NOVELTY, DIVERSITY = range(N_METRICS)


class World(NamedTuple):
    """All that no hyperparameter touches: M movies, U users, E of them measured, S genre sets."""

    n_movies: int
    # movies
    rating: Floats  # (M padded,)
    popularity_mean: Floats  # (M padded,)
    popularity_count: Floats  # (M padded,)
    places: Ints32  # (M,) of equal scores, the lower place comes first
    bits: Floats  # (M,) self-information
    set_of: Ints32  # (M,)
    set_starts: Ints  # (S + 1,)
    set_genres: Ints32
    cast_starts: Ints  # (M + 1,)
    cast: Ints32  # (L,) people, by billing within a movie
    collection_starts: Ints  # (C + 1,)
    collection_movies: Ints32
    n_people: int  # P
    # users
    rated_starts: Ints  # (U + 1,)
    rated: Ints32  # movies rated in the fitting part
    seen_starts: Ints  # (U + 1,)
    seen: Ints32  # those of them with a cast
    evidence: Ints  # and each one's packed deviation
    taste: Floats  # (U, G)
    known: Bools  # (U, G)
    franchise_starts: Ints  # (U + 1,)
    franchises: Ints32  # collections the user has rated
    franchise_likings: Floats
    # what is measured
    users: Ints  # (E,) positions of the users
    held_starts: Ints  # (E + 1,)
    held: Ints32  # (H,)
    liked: Bools  # (H,)
    # constants of components and metrics
    genre_scale: float
    cast_scale: float
    cast_prior: float
    steps_per_star: float
    discounts: Floats  # (SHOWN,) by rank
    ideal: Floats  # (SHOWN + 1,) by number of movies liked


class Batch(NamedTuple):
    """N configurations, those with the same cast and genre hyperparameters side by side."""

    weights: Floats  # (N, 5) rating, popularity, franchise, genre, cast
    popularity: Floats  # (N, 2) mean, count
    genre_of: Ints  # (N,) row of `genre`
    genre: Floats  # (n, 6) boost high, medium, low; threshold high, medium, low
    cast_of: Ints  # (N,) row of `cast`
    cast: Floats  # (n, 3) weight of lead, supporting, background
    n_lead: Ints32  # (n, M) leads of each movie
    n_early: Ints32  # (n, M) leads and supporting players


class Results(NamedTuple):
    """What a batch comes to."""

    values: Floats  # (N, N_METRICS, E)
    shown: Bytes  # (N, M) 1 for movies in anyone's list
    top: Ints32  # (N, E, TOP), or (0, 0, TOP) where nobody asks; -1 beyond the last
