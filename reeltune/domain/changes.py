"""Changes of the data since a moment."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Changes:
    """Ratings that were inserted, changed and deleted, and movies of which something was."""

    inserted: int
    changed: int
    deleted: int
    movies: int

    @property
    def n_ratings(self) -> int:
        """Number of ratings that are not as they were."""
        return self.inserted + self.changed + self.deleted

    @property
    def total(self) -> int:
        """Number of changed ratings and movies together."""
        return self.n_ratings + self.movies

    def __str__(self) -> str:
        """Say it in words.

        >>> print(Changes(3, 0, 0, 0)), print(Changes(3, 1, 0, 2)) and None
        3 new ratings
        4 new ratings (3 added, 1 changed, 0 deleted) and 2 changed movies
        (None, None)
        """
        parts = ""
        if self.changed or self.deleted:
            parts = f" ({self.inserted} added, {self.changed} changed, {self.deleted} deleted)"
        movies = f" and {self.movies} changed movies" if self.movies else ""
        return f"{self.n_ratings} new ratings{parts}{movies}"
