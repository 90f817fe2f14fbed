"""Current data: what serving knows of users and movies as of one moment, read from the database."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reeltune.db.catalogue import load_release_days, load_titles
from reeltune.db.columns import snapshot
from reeltune.db.connection import Connection
from reeltune.db.data_version import ensure_data_version
from reeltune.db.dataset import load_dataset, read_dataset
from reeltune.db.erasures import load_tombstones
from reeltune.db.external_ids import load_external_ids
from reeltune.db.ratings import has_ratings
from reeltune.db.withdrawals import load_withdrawn
from reeltune.domain.arrays import Ints
from reeltune.domain.erasure import Tombstones
from reeltune.domain.external_ids import plain_number
from reeltune.domain.recommendation import ShownId
from reeltune.ratings.dataset import Dataset


@dataclass(frozen=True, eq=False)
class CurrentData:
    """Ratings, catalogue, ids as shown, titles, withdrawn movies and erased users."""

    data: Dataset
    titles: Mapping[int, str]
    users: Mapping[str, int]  # our id by theirs, of those that are not plain numbers
    movies: Mapping[str, int]
    withdrawn: Ints  # (W,) ids, ascending
    tombstones: Tombstones
    release_days: Ints  # (M,) YYYYMMDD of each movie of the catalogue; 0 = not known

    @cached_property
    def movie_names(self) -> dict[int, str]:
        """Ids as shown by ours, of movies whose id is not a plain number."""
        return {number: name for name, number in self.movies.items()}

    def user_number(self, user: ShownId) -> int | None:
        """Return our id of a user; None for a text that the data do not have."""
        return user if isinstance(user, int) else self.users.get(user, plain_number(user))

    def movie_number(self, movie: ShownId) -> int | None:
        """Return our id of a movie; None for a text that the data do not have."""
        return movie if isinstance(movie, int) else self.movies.get(movie, plain_number(movie))

    def shown_movie(self, movie_id: int) -> ShownId:
        """Return the id of a movie as its source writes it."""
        return self.movie_names.get(movie_id, movie_id)

    def is_erased(self, user: ShownId) -> bool:
        """Return True if the user was erased for good, and not readmitted."""
        return bool(self.tombstones) and self.tombstones.cutoff(str(user).strip()) == np.inf


def load_current_data(conn: Connection) -> CurrentData:
    """Load what is known now; ratings and catalogue from the cache where there is one."""
    ensure_data_version(conn)
    with snapshot(conn):
        data = load_dataset(conn) if has_ratings(conn, 1) else read_dataset(conn)
        return CurrentData(
            data=data,
            titles=load_titles(conn),
            users=load_external_ids(conn, "user"),
            movies=load_external_ids(conn, "movie"),
            withdrawn=np.array(sorted(load_withdrawn(conn)), dtype=np.int64),
            tombstones=load_tombstones(conn),
            release_days=load_release_days(conn)[1],
        )
