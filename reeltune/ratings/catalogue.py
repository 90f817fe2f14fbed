"""Catalogue of movies as arrays: genres, cast by billing order, collections."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reeltune.domain.arrays import Ints, Ints32, content_hash


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
