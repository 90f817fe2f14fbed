"""Comparison of a renewed model with the one in production, on the newest ratings."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from reeltune.db.changes import is_logged_since, load_changed_ratings
from reeltune.db.connection import Connection
from reeltune.db.test_evaluations import load_reference
from reeltune.domain.arrays import Bools, Floats, Ints
from reeltune.domain.clock import latest_believable
from reeltune.domain.study import BUILT_IN
from reeltune.domain.version import Version
from reeltune.metrics.evaluate import evaluate
from reeltune.metrics.objectives import direction_of
from reeltune.metrics.user_sample import sample_users
from reeltune.rating_models.hand_weighted import HandWeighted
from reeltune.rating_models.registry import model_class
from reeltune.ratings.calls import fit_recommender
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.dataset import Dataset
from reeltune.ratings.recommender import Recommender
from reeltune.ratings.table import RatingTable
from reeltune.stats.paired_tests import Comparison, paired_difference
from reeltune.tasks.evidence import ConfiguredModel

MAX_CHECKED_USERS = 500
_CHUNK = 50  # users scored at a time


@dataclass(frozen=True, eq=False)
class RenewalParts:
    """Parts of the ratings by which a renewal is compared with the version in production."""

    seen: RatingTable  # what production was fitted to
    newer: RatingTable  # that, and the earlier half of what is new
    held_out: RatingTable  # the later half, of users whom production knows


def split_newest(
    conn: Connection, production: Version, data: Dataset, panel: int | None = None
) -> RenewalParts | None:
    """Cut what is new to `production` in two halves by time; None where it cannot be cut.

    New are the ratings that the log of changes has after the version, changed ones included: what
    they were before is not known. Where the log does not reach back, those given after the newest
    that the version was fitted to. A rating whose time lies in the future is never held out. With
    a `panel`, a fixed sample of so many users is held out.
    """
    ratings = data.ratings
    is_new = _new(conn, production, data)
    if is_new is None:
        return None
    is_believed = is_new & (ratings.rated_at <= latest_believable())
    times = np.sort(ratings.rated_at[is_believed])
    if not len(times):
        return None
    cut = times[(len(times) - 1) // 2]
    is_later = is_believed & (ratings.rated_at > cut)
    seen = ratings.where(~is_new)
    is_known = np.diff(seen.starts) > 0  # (U,)
    held_out = ratings.where(is_later & is_known[ratings.users])
    if panel is not None:
        held_out = sample_users(held_out, panel)
    return RenewalParts(seen, ratings.where(~is_later), held_out)


def compare_renewal(
    parts: RenewalParts, side: ConfiguredModel, catalogue: Catalogue, objective: str
) -> Comparison:
    """Return the gain of a configuration fitted to the newer ratings over the same as it was.

    Both rank the same movies: those that a user had not rated before the held-out ratings.
    """
    newer, seen = (
        _per_user(parts, fitting, side, catalogue, objective)
        for fitting in (parts.newer, parts.seen)
    )
    return paired_difference(newer, seen)


def unservable(model: Recommender, ratings: RatingTable) -> str | None:
    """Return why a model fitted to `ratings` cannot serve their users; None if it can.

    Of many users, `MAX_CHECKED_USERS` are checked, evenly spaced.
    """
    n_users, n_movies = ratings.n_users, ratings.n_movies
    if not n_users or not n_movies:
        return "there are no users or no movies to recommend"
    users = np.unique(np.linspace(0, n_users - 1, MAX_CHECKED_USERS).astype(np.int64))
    for some in _chunks(users):
        scores = np.asarray(model.score(some))
        if scores.shape != (len(some), n_movies):
            return f"scores of {len(some)} users must be {(len(some), n_movies)}: {scores.shape}"
        bad = ~np.isfinite(scores).all(axis=1)
        if bad.any():
            user = ratings.user_ids[some[int(np.argmax(bad))]]
            return f"a score of user {user} is NaN or infinite: no list can be made of it"
    return None


def _new(conn: Connection, production: Version, data: Dataset) -> Bools | None:
    """Return (N,) which ratings are new to a version; None where that is not known."""
    ratings, since, until = data.ratings, production.training.last_change, data.last_change
    if since is not None and until is not None and is_logged_since(conn, since):
        users, movies = load_changed_ratings(conn, since, until)
        is_new = _is_among(ratings, users, movies)
        if production.training.n_ratings >= len(ratings) - int(np.count_nonzero(is_new)):
            return is_new
    reference = load_reference(conn, production.version, "accuracy")
    return None if reference is None else ratings.rated_at > reference.newest_rated_at


def _is_among(ratings: RatingTable, users: Ints, movies: Ints) -> Bools:
    """Return (N,) which ratings are by one of `users` (C,), of the movie beside it."""
    known = np.isin(users, ratings.user_ids) & np.isin(movies, ratings.movie_ids)
    rows = np.searchsorted(ratings.user_ids, users[known]) * ratings.n_movies
    keys = rows + np.searchsorted(ratings.movie_ids, movies[known])
    return np.isin(ratings.users.astype(np.int64) * ratings.n_movies + ratings.movies, keys)


def _per_user(
    parts: RenewalParts,
    fitting: RatingTable,
    side: ConfiguredModel,
    catalogue: Catalogue,
    objective: str,
) -> Floats:
    """Return (E,) the objective of the users held out, so that more is better."""
    model: Recommender
    if side.model == BUILT_IN:
        model = HandWeighted(side.hyperparameters).fit(fitting, catalogue, parts.held_out)
    else:
        unfitted = model_class(side.model)(side.hyperparameters)
        model = fit_recommender(unfitted, fitting, catalogue, parts.held_out)
    found = evaluate(model.score, parts.newer, parts.held_out, catalogue, metrics=[objective])
    return direction_of(objective).upwards(found.per_unit[objective])


def _chunks(users: Ints) -> Iterable[Ints]:
    for start in range(0, len(users), _CHUNK):
        yield users[start : start + _CHUNK]
