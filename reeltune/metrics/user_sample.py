"""User sample: a fixed part of the users, for measuring where all of them take too long."""

import numpy as np

from reeltune.metrics.ranking import tie_order
from reeltune.ratings.table import RatingTable


def sample_users(held_out: RatingTable, n_users: int) -> RatingTable:
    """Return the ratings of `n_users` of those with any in `held_out`; of all, if they are fewer.

    Who is in the sample depends on the ids of those users alone, mixed so that no order of ids is
    favoured. So it is the same for every configuration, in every run on the same data; and a new
    user either replaces one in the sample or changes nothing.
    """
    users = np.flatnonzero(np.diff(held_out.starts))
    on_panel = np.zeros(held_out.n_users, dtype=np.bool_)
    on_panel[users[tie_order(held_out.user_ids[users]) < n_users]] = True
    return held_out.where(on_panel[held_out.users])
