"""Covariates of users for CUPED: how much of what they rated before the test they liked."""

import numpy as np

from reeltune.db.connection import Connection
from reeltune.db.external_ids import load_external_names
from reeltune.db.ratings import load_ratings
from reeltune.ratings.table import RELEVANT_RATING

_DAMPING = 5.0  # ratings at the mean, so that users with few of them are not extreme


def past_liking(conn: Connection) -> dict[str, float]:
    """Return each user's share of ratings of 4 and more, damped, less the users' mean.

    By the user's id as its source writes it. Users without ratings, who are not named, have the
    mean, which is 0.
    """
    table = load_ratings(conn)
    if len(table) == 0:
        return {}
    liked = (table.ratings >= RELEVANT_RATING).astype(np.float64)
    n_ratings = np.diff(table.starts).astype(np.float64)
    n_liked = np.bincount(table.users, weights=liked, minlength=table.n_users)
    shares = (n_liked + _DAMPING * liked.mean()) / (n_ratings + _DAMPING)
    centred = shares - shares.mean()
    names = load_external_names(conn, "user")
    ids = table.user_ids.tolist()
    return {
        names.get(user, str(user)): value for user, value in zip(ids, centred.tolist(), strict=True)
    }
