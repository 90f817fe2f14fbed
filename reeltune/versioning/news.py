"""Says how much of the data is new to a version of the model."""

import numpy as np

from reeltune.db.changes import count_changes, is_logged_since
from reeltune.db.connection import Connection
from reeltune.db.test_evaluations import load_watched
from reeltune.domain.changes import Changes
from reeltune.domain.clock import latest_believable
from reeltune.domain.version import TrainingRun
from reeltune.ratings.dataset import Dataset


def changes_since(
    conn: Connection, version: int, training: TrainingRun, data: Dataset
) -> Changes | None:
    """Return what of `data` a version has not seen; None if that cannot be told.

    By the log of changes. Where that does not reach back, as for a version of an earlier program,
    by the number of ratings and their times, as far as these tell.
    """
    since, until = training.last_change, data.last_change
    if since is not None and until is not None and is_logged_since(conn, since):
        found = count_changes(conn, since, until)
        if training.n_ratings + found.inserted - found.deleted == len(data.ratings):
            return found
    if training.data_fingerprint == data.fingerprint:
        return Changes(0, 0, 0, 0)
    more = len(data.ratings) - training.n_ratings
    watched = load_watched(conn, version)
    newer = 0
    if watched is not None:
        rated_at = data.ratings.rated_at
        is_newer = (rated_at > watched[1].newest_rated_at) & (rated_at <= latest_believable())
        newer = int(np.count_nonzero(is_newer))
    inserted, deleted = max(more, 0), max(-more, 0)
    found = Changes(inserted, max(0, newer - inserted), deleted, 0)
    return found if found.total else None
