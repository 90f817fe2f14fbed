"""Catalogue of movies as arrays: genres, cast by billing order, collections."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from reeltune.domain.arrays import Bools, Ints, Ints32, content_hash


@dataclass(frozen=True, eq=False)
class Catalogue:
    """M movies. Genres and cast are in compressed rows: movie m's are `starts[m]` to `starts[m+1]`.

    A movie may have no genre, no cast and no collection.
    """

    movie_ids: Ints  # (M,) ascending
    genre_names: tuple[str, ...]  # (G,)
    genre_starts: Ints  # (M + 1,)
    genres: Ints32  # positions in genre_names
    person_ids: Ints  # (P,) ascending
    cast_starts: Ints  # (M + 1,)
    cast: Ints32  # positions in person_ids, by billing order within a movie
    billing: Ints32  # billing order of each entry of `cast`, 0 = top
    collections: Ints32  # (M,) position of the movie's collection in collection_ids, -1 = none
    collection_ids: Ints  # (C,) ascending
    release_years: Ints32  # (M,) 0 = not known; in no fingerprint, as earlier programs had none

    @property
    def n_movies(self) -> int:
        """Number of movies: M."""
        return len(self.movie_ids)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all data of the catalogue that models are fitted to, 64 hex digits."""
        names = np.frombuffer("\n".join(self.genre_names).encode(), dtype=np.uint8)
        return content_hash(
            [
                self.movie_ids,
                names,
                self.genre_starts,
                self.genres,
                self.person_ids,
                self.cast_starts,
                self.cast,
                self.billing,
                self.collections,
                self.collection_ids,
            ]
        )

    def of_movies(self, movie_ids: Ints) -> "Catalogue":
        """Return what is known of some movies, (M',) ascending ids; of one not in it, nothing."""
        if np.array_equal(movie_ids, self.movie_ids):
            return self
        places = np.minimum(np.searchsorted(self.movie_ids, movie_ids), max(0, self.n_movies - 1))
        known = np.isin(movie_ids, self.movie_ids)
        genre_starts, genres = _rows(self.genre_starts, places, known)
        cast_starts, cast = _rows(self.cast_starts, places, known)
        collections = np.full(len(movie_ids), -1, dtype=np.int32)
        collections[known] = self.collections[places[known]]
        release_years = np.zeros(len(movie_ids), dtype=np.int32)
        release_years[known] = self.release_years[places[known]]
        return replace(
            self,
            movie_ids=movie_ids,
            genre_starts=genre_starts,
            genres=self.genres[genres],
            cast_starts=cast_starts,
            cast=self.cast[cast],
            billing=self.billing[cast],
            collections=collections,
            release_years=release_years,
        )


def _rows(starts: Ints, places: Ints, known: Bools) -> tuple[Ints, Ints]:
    """Return the starts and the entries of some of the rows; those not known are empty."""
    n = np.zeros(len(places), dtype=np.int64)
    n[known] = np.diff(starts)[places[known]]
    new = np.concatenate([[0], np.cumsum(n)])
    first = np.zeros(len(places), dtype=np.int64)
    first[known] = starts[places[known]]
    return new, np.arange(new[-1]) + np.repeat(first - new[:-1], n)
