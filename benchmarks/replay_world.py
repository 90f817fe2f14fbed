"""World of the replay: all ratings in the order of time, and what is known at each night."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reeltune.db.connection import connection, transaction
from reeltune.db.dataset import load_dataset
from reeltune.db.ratings import save_ratings
from reeltune.domain.arrays import Ints
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.dataset import Dataset
from reeltune.ratings.table import RatingTable


@dataclass(frozen=True, eq=False)
class World:
    """Ratings in the order of time, cut where nights are; night 0 is the start."""

    db_path: Path  # a database that has them all
    ratings: RatingTable
    catalogue: Catalogue
    by_time: Ints  # (N,) rows of `ratings`, the oldest first
    cuts: Ints  # (nights + 2,) how many ratings are known at each night, and at the end

    @classmethod
    def of(cls, db_path: Path, share: float, nights: int) -> "World":
        """Cut all ratings of a database; see `cut`."""
        with connection(db_path) as conn:
            return cls.cut(db_path, load_dataset(conn), share, nights)

    @classmethod
    def cut(cls, db_path: Path, data: Dataset, share: float, nights: int) -> "World":
        """Cut what comes after the first `share` of the ratings into parts of equal size.

        There is one part more than nights. Ratings of one second are never parted.
        """
        by_time = np.argsort(data.ratings.rated_at, kind="stable")
        times, n = data.ratings.rated_at[by_time], len(by_time)
        wanted = np.linspace(share * n, n, nights + 2).astype(np.int64)
        cuts = np.searchsorted(times, times[wanted - 1], side="right")
        return cls(db_path, data.ratings, data.catalogue, by_time, cuts)

    def before(self, night: int) -> RatingTable:
        """Return what is known at a night."""
        return self._part(0, int(self.cuts[night]))

    def after(self, night: int) -> RatingTable:
        """Return what comes after a night and before the next one."""
        return self._part(int(self.cuts[night]), int(self.cuts[night + 1]))

    def begin(self, path: Path) -> None:
        """Make a database at `path` that has the whole catalogue, and the ratings of the start."""
        shutil.copy(self.db_path, path)
        last = int(self.ratings.rated_at[self.by_time[self.cuts[0] - 1]])
        with connection(path) as conn, transaction(conn):
            conn.execute("DELETE FROM ratings WHERE rated_at > :last", {"last": last})

    def add(self, path: Path, night: int) -> None:
        """Add to a database the ratings that came since the night before `night`."""
        new = self.after(night - 1)
        users, movies = new.user_ids[new.users], new.movie_ids[new.movies]
        with connection(path) as conn, transaction(conn):
            save_ratings(conn, users, movies, new.ratings, new.rated_at)

    def _part(self, start: int, end: int) -> RatingTable:
        chosen = np.zeros(len(self.ratings), dtype=np.bool_)
        chosen[self.by_time[start:end]] = True
        return self.ratings.where(chosen)
