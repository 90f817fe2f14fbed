"""Models of the replay: what each of them says at a night of all movies to the users after it."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are imported when first used
from scipy.sparse import csr_matrix

from benchmarks.replay_world import World
from reeltune.components.hyperparameters import SPACE
from reeltune.domain.arrays import Bools, Floats, Ints
from reeltune.rating_models.hand_weighted import HandWeighted
from reeltune.rating_models.hybrid import Hybrid
from reeltune.versioning.contents import LoadedModel
from reeltune.versioning.positions import over_movies
from reeltune.versioning.profiles import score_users

FEW_RATINGS = 5  # of a user; below, the models of others' ratings show what is popular
EASE_REGULARIZATION = 500.0
ALS_FACTORS, ALS_ITERATIONS = 64, 15
Score = Callable[[Ints], Floats]  # (U, M) of users by position


@dataclass(frozen=True, eq=False)
class Offer:
    """Scores at one night, and the users whose own ratings are in them."""

    score: Score
    personal: Bools  # (U,)


Model = Callable[[World, int], Offer]


def renewed(world: World, night: int) -> Offer:
    """Score by the defaults, fitted at a night."""
    known = world.before(night)
    model = HandWeighted(SPACE.defaults()).fit(known, world.catalogue)
    return Offer(model.score, np.diff(known.starts) > 0)


def hybrid(world: World, night: int) -> Offer:
    """Score by the hybrid with its defaults, fitted at a night."""
    known = world.before(night)
    model = Hybrid(Hybrid.space.defaults()).fit(known, world.catalogue)
    return Offer(model.score, np.diff(known.starts) > 0)


def popularity(world: World, night: int) -> Offer:
    """Score by the number of ratings."""
    known = world.before(night)
    counts = np.bincount(known.movies, minlength=known.n_movies).astype(np.float64)
    nobody = np.zeros(known.n_users, dtype=np.bool_)
    return Offer(lambda users: np.tile(counts, (len(users), 1)), nobody)


def ease(world: World, night: int) -> Offer:
    """Score by EASE on what was rated, by way of the users' Gram matrix.

    Source: Steck 2019, "Embarrassingly shallow autoencoders for sparse data"; the inverse by the
    identity of Woodbury 1950.
    """
    known = world.before(night)
    rated = np.zeros((known.n_users, known.n_movies))
    rated[known.users, known.movies] = 1.0
    gram = rated @ rated.T + EASE_REGULARIZATION * np.eye(known.n_users)
    solved = scipy.linalg.solve(gram, rated, assume_a="pos")  # (U, M)
    diagonal = (1 - (rated * solved).sum(axis=0)) / EASE_REGULARIZATION
    scores = rated - solved / diagonal
    return _with_popularity(world, night, lambda users: scores[users])


def als(world: World, night: int) -> Offer:
    """Score by implicit's alternating least squares."""
    from implicit.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits  # comes with it, and is asked for by it

    known = world.before(night)
    matrix = csr_matrix(
        (known.ratings, (known.users, known.movies)), (known.n_users, known.n_movies)
    )
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            factors=ALS_FACTORS, iterations=ALS_ITERATIONS, num_threads=1, random_state=1
        )
        model.fit(matrix, show_progress=False)
    factors, movies = np.asarray(model.user_factors), np.asarray(model.item_factors)
    return _with_popularity(
        world, night, lambda users: (factors[users] @ movies.T).astype(np.float64)
    )


def served(world: World, night: int, loaded: LoadedModel) -> Offer:
    """Score as the version in production is served with all that is known at the night."""
    known = world.before(night)
    has_rated = np.diff(known.starts) > 0
    now = over_movies(known, loaded.movie_ids)
    folds_in = hasattr(loaded.model, "fold_in")
    personal = has_rated & (folds_in | np.isin(known.user_ids, loaded.user_ids))

    def score(users: Ints) -> Floats:
        return score_users(loaded, now, world.catalogue, known.user_ids[users])

    return Offer(score, personal)


def installed_models() -> dict[str, Model]:
    """Return the models that the tool is compared with, by name; those that are installed."""
    found: dict[str, Model] = {
        "defaults, never renewed": lambda world, _: renewed(world, 0),
        "defaults, renewed": renewed,
        "hybrid, renewed": hybrid,
        "popularity": popularity,
        "EASE": ease,
    }
    return found | ({"implicit ALS": als} if importlib.util.find_spec("implicit") else {})


def _with_popularity(world: World, night: int, score: Score) -> Offer:
    n = np.diff(world.before(night).starts)
    popular = popularity(world, night)

    def both(users: Ints) -> Floats:
        return np.where((n[users] < FEW_RATINGS)[:, None], popular.score(users), score(users))

    return Offer(both, np.asarray(n >= FEW_RATINGS))
