"""Similar movies: by the genres, the people and the collection that two movies have in common."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reeltune.components.cast import roles
from reeltune.components.genre import genres_of
from reeltune.components.hyperparameters import SPACE
from reeltune.domain.arrays import Floats, Ints32
from reeltune.domain.space import Configuration
from reeltune.ratings.catalogue import Catalogue

COMPONENTS_IN_COMMON = ("franchise", "genre", "cast")


@dataclass(frozen=True, eq=False)
class Similarity:
    """Cosine of two movies' genres and of their casts by role, and 1 for the same collection.

    Weighted as the version weighs these components, so that the weights add up to 1.
    """

    weights: dict[str, float]
    genres: NDArray[np.float64]  # (M, G) of length 1, or 0 for a movie without genres
    catalogue: Catalogue
    billed: Floats  # (E,) weight of each entry of the cast lists, of length 1 for each movie
    person_starts: NDArray[np.int64]  # (P + 1,)
    by_person: NDArray[np.int64]  # (E,) entries of the cast lists, by person
    movie_of: Ints32  # (E,) movie of each entry

    @classmethod
    def of(cls, catalogue: Catalogue, values: Configuration) -> "Similarity":
        """Return the similarity of the movies of a catalogue.

        `values` are the hyperparameters of a version; without those of the hand-weighted model, or
        where none of the three components counts for it, the defaults of that model are used.
        """
        is_hand_weighted = values.keys() >= SPACE.hyperparameters.keys()
        used = values if is_hand_weighted and _weight(values) > 0 else SPACE.defaults()
        total = _weight(used)
        genres = genres_of(catalogue).astype(np.float64)
        norms = np.sqrt(genres.sum(axis=1, keepdims=True))
        n_cast = np.diff(catalogue.cast_starts)
        movie_of = np.repeat(np.arange(catalogue.n_movies, dtype=np.int32), n_cast)
        billed = _billed(catalogue, used)
        lengths = np.sqrt(np.bincount(movie_of, billed**2, minlength=catalogue.n_movies))
        n_people = len(catalogue.person_ids)
        n_movies_of = np.bincount(catalogue.cast, minlength=n_people)
        return cls(
            weights={n: used[f"{n}_weight"] / total for n in COMPONENTS_IN_COMMON},
            genres=genres / np.maximum(norms, 1),
            catalogue=catalogue,
            billed=billed / np.where(lengths > 0, lengths, 1)[movie_of],
            person_starts=np.concatenate([[0], np.cumsum(n_movies_of)]).astype(np.int64),
            by_person=np.argsort(catalogue.cast, kind="stable"),
            movie_of=movie_of,
        )

    def parts(self, movie: int) -> dict[str, Floats]:
        """Return what each component adds to the similarity of all movies to one, (M,) each."""
        collections = self.catalogue.collections
        same = (collections == collections[movie]) & (collections[movie] >= 0)
        found = {
            "franchise": same.astype(np.float64),
            "genre": self._genres_in_common(movie),
            "cast": self._cast_in_common(movie),
        }
        return {name: self.weights[name] * part for name, part in found.items()}

    def _genres_in_common(self, movie: int) -> Floats:
        mine = np.flatnonzero(self.genres[movie])
        return np.asarray(self.genres[:, mine].sum(axis=1) / np.sqrt(max(1, len(mine))))

    def _cast_in_common(self, movie: int) -> Floats:
        found = np.zeros(self.catalogue.n_movies)
        starts = self.catalogue.cast_starts
        for entry in range(starts[movie], starts[movie + 1]):
            person = self.catalogue.cast[entry]
            theirs = self.by_person[self.person_starts[person] : self.person_starts[person + 1]]
            np.add.at(found, self.movie_of[theirs], self.billed[entry] * self.billed[theirs])
        return found


def _weight(values: Configuration) -> float:
    """Return the sum of the weights of the components."""
    return float(sum(values[f"{name}_weight"] for name in COMPONENTS_IN_COMMON))


def _billed(catalogue: Catalogue, values: Configuration) -> Floats:
    found = roles(catalogue.billing, values)
    weights: dict[str, Any] = {role: values[f"cast_{role}_weight"] for role in found}
    return np.asarray(sum(weights[role] * chosen for role, chosen in found.items()), dtype=float)
