"""Arrays of the compiled scoring of one user: the version, the user, the working memory."""

from typing import NamedTuple

import numpy as np

from reeltune.domain.arrays import Bools, Floats, Ints, Ints32

N_ROLES = 3  # lead, supporting, background
N_PERSONAL = 3  # columns of `ServingIndex.weights` and of what explains a list
FRANCHISE, GENRE, CAST = range(N_PERSONAL)


class ServingIndex(NamedTuple):
    """Movies and hyperparameters of a version: M movies, S genre sets, P people, C collections."""

    common: Floats  # (M,) sum of what every user's score has in common
    collections: Ints32  # (M,) C where there is none
    set_of: Ints32  # (M,) set of genres
    set_starts: Ints  # (S + 1,)
    set_genres: Ints32
    places: Ints  # (M,) of equal scores, the lower place comes first
    cast_starts: Ints  # (M + 1,)
    cast: Ints32  # (E,) people, by movie
    lead_ends: Ints  # (M,) end of each movie's leads among these, of whom they are the first
    supporting_ends: Ints  # (M,) and of its supporting players, who follow
    weights: Floats  # (N_PERSONAL,) of the components
    boosts: Floats  # (6,) boost high, medium, low; threshold high, medium, low
    role_weights: Floats  # (N_ROLES,)
    n_collections: int  # C
    n_people: int  # P


class UserProfile(NamedTuple):
    """Profile of one user, in the positions of a `ServingIndex`."""

    rated: Ints32  # (n,) movies that say whom of a cast the user likes
    steps: Ints  # (n,) deviation of each rating, in steps of the grid
    genres: Floats  # (G,) stars above the user's mean, by genre
    known_genres: Bools  # (G,) has the user rated a movie of this genre?
    franchises: Ints32  # (f,) collections of which the user has rated a movie
    franchise_preferences: Floats  # (f,)


class Workspace(NamedTuple):
    """Working memory of one thread; between users all is as it was made."""

    franchise: Floats  # (C + 1,) preferences, 0.5 where nothing is known
    match: Floats  # (S,) boosted match
    cast: Floats  # (M,) preferences
    met: Ints  # (P, 2) sum of steps and number of ratings, 0 between users
    people: Ints32  # (P,)


def make_workspace(index: ServingIndex) -> Workspace:
    """Allocate the working memory of one thread."""
    return Workspace(
        franchise=np.full(index.n_collections + 1, 0.5),
        match=np.zeros(len(index.set_starts) - 1),
        cast=np.zeros(len(index.common)),
        met=np.zeros((index.n_people, 2), dtype=np.int64),
        people=np.zeros(index.n_people, dtype=np.int32),
    )
