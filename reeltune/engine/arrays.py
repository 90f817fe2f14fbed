"""Arrays of the compiled engine: the index, the configurations, the results.

Rows of all movies are in single precision and padded to whole blocks of LANES. Where it cannot
decide, the exact scores of the few movies concerned do.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reeltune.domain.arrays import Bools, Floats, Ints, Ints32

Bytes = NDArray[np.uint8]
Singles = NDArray[np.float32]
Words = NDArray[np.uint64]

LANES = 64  # movies in a block; rows are padded to whole blocks
TOP = 20  # length of the top lists: as many as any metric needs
MAX_FOUND = 4 * LANES  # movies to choose a list from at a time
SHOWN = 10  # length of the lists that the other metrics are of
COUNT_BITS = 24  # evidence is packed: steps of deviation above these bits, number of ratings below
N_METRICS = 6  # of users; the columns of `Results.values`
ACCURACY, NDCG, RECALL, MRR, NOVELTY, DIVERSITY = range(N_METRICS)
N_COMPONENTS = 5  # the columns of `Batch.weights`, in the order in which scores are added up
RATING, POPULARITY, FRANCHISE, GENRE, CAST = range(N_COMPONENTS)


# Data of a movie that every score and list needs: side by side, so that they are fetched at once.
MOVIE = np.dtype(
    [
        ("rating", np.float64),
        ("popularity_mean", np.float64),
        ("popularity_count", np.float64),
        ("collection", np.int32),  # C where there is none
        ("genres", np.int32),  # set of genres
        ("place", np.int32),  # of equal scores, the lower place comes first
    ]
)
Records = NDArray[np.void]


class EngineIndex(NamedTuple):
    """Data that no hyperparameter changes: M movies, U users, E of them measured, S genre sets."""

    movies: Records  # (M,) of type MOVIE
    bits: Floats  # (M,) self-information
    set_of: Ints32  # (M,) set of genres, again
    set_starts: Ints  # (S + 1,)
    set_genres: Ints32
    set_shares: Floats  # (S,) of one genre in the unit vector of its set
    cast_starts: Ints  # (M + 1,)
    cast: Ints32  # (L,) people, by billing within a movie
    billing: Ints32  # (L,) and their billing
    n_people: int  # P
    collection_starts: Ints  # (C + 1,)
    collection_movies: Ints32
    # users
    rated_starts: Ints  # (U + 1,)
    rated: Ints32  # movies rated in the fitting part
    seen_starts: Ints  # (U + 1,)
    seen: Ints32  # those of them with a cast
    evidence: Ints  # and each one's packed deviation
    user_profile: Floats  # (U, G)
    known: Bools  # (U, G)
    franchise_starts: Ints  # (U + 1,)
    franchises: Ints32  # collections the user has rated
    franchise_preferences: Floats
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

    weights: Floats  # (N, N_COMPONENTS)
    popularity: Floats  # (N, 2) mean, count
    genre_of: Ints  # (N,) row of `genre`
    genre: Floats  # (n, 6) boost high, medium, low; threshold high, medium, low
    cast_of: Ints  # (N,) row of `cast`
    cast: Floats  # (n, 3) weight of lead, supporting, background
    n_lead: Ints32  # (n, M) leads of each movie
    n_early: Ints32  # (n, M) leads and supporting players


class Results(NamedTuple):
    """Results of a batch."""

    values: Floats  # (N, N_METRICS, E)
    shown: Bytes  # (N, M) 1 for movies in anyone's list
    top: Ints32  # (N, E, TOP), or (0, 0, TOP) where not asked for; -1 beyond the last


class Rows(NamedTuple):
    """Data of the G users that are measured at a time."""

    genre: Singles  # (G, M padded) boosted match; NaN for movies that cannot be shown
    cast: Singles  # (G, M padded) preferences
    boosted: Floats  # (G, S) the match exactly
    preferences: Floats  # (G, M + 1) of the touched movies' casts exactly, after 0.5 for all others
    slots: Ints32  # (G, M) where each movie's is
    franchise_preferences: Floats  # (G, C + 1) 0.5 where nothing is known, as in the last
    match: Floats  # (G, S) before boosts
    known: Bools  # (G, S)
    # evidence on casts
    touched: Ints32  # (G, M) movies with any, ascending
    n_touched: Ints  # (G,)
    totals: Ints  # (G, L + 1) running totals over all cast lists
    # franchises
    listed: Ints32  # (G, most) movies of those that the user knows
    listed_preferences: Singles  # (G, most)
    n_listed: Ints  # (G,)


class Scratch(NamedTuple):
    """Working memory of one thread."""

    rating: Singles  # (M padded,) the rows of the movies
    popularity_mean: Singles
    popularity_count: Singles
    common: Singles  # (M padded,) what all users' scores have in common
    base: Singles  # (M padded,) with a franchise
    row: Singles  # (M padded,) all scores of one user
    highest: Singles  # (LANES,) of them
    close: Words  # (blocks,)
    met: Ints  # (P,) 0 between users
    people: Ints32  # (P,)
    parts: Ints  # (3, M)
    by_set: Singles  # (S,)
    found: Ints32  # (MOST_FOUND,) movies that may be among the best
    found_scores: Floats  # (MOST_FOUND,)
    found_places: Floats  # (MOST_FOUND,)
    top: Ints32  # (TOP,) the best of them
    top_scores: Floats  # (TOP,)
    top_places: Floats  # (TOP,)
    held_scores: Floats  # (most held,)
    good: Floats  # (most held,)
    bad: Floats  # (most held,)
    rank_of: Ints32  # (M,) 0 between users
    lengths: Floats  # (genres,)
