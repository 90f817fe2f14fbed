"""Movies of a version as they are shown: titles, what is hidden, what is popular or new."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

import numpy as np

from reeltune.components.genre import genres_of
from reeltune.domain.arrays import Bools, Floats, Ints, Ints32
from reeltune.domain.errors import InputError
from reeltune.domain.recommendation import RecommendedMovie, ShownId
from reeltune.engine.arrays import Bytes
from reeltune.metrics.ranking import tie_order
from reeltune.rating_models.popular import popular_scores
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.table import RatingTable
from reeltune.serving.current_data import CurrentData
from reeltune.serving.reasons import reasons_of
from reeltune.serving.similarity import Similarity
from reeltune.serving.user_ratings import position
from reeltune.versioning.contents import LoadedModel


@dataclass(frozen=True, eq=False)
class VersionMovies:
    """Movies of a version, at its positions, with what is known of them now."""

    loaded: LoadedModel
    current: CurrentData
    ratings: RatingTable  # of now, over these movies
    catalogue: Catalogue  # of now, over these movies

    @cached_property
    def places(self) -> Ints:
        """Order of movies with equal scores, (M,)."""
        return tie_order(self.loaded.movie_ids)

    @cached_property
    def hidden(self) -> Bytes:
        """Movies that are withdrawn, (M,)."""
        return np.isin(self.loaded.movie_ids, self.current.withdrawn).astype(np.uint8)

    @cached_property
    def popular(self) -> Floats:
        """Scores by which those are served of whom nothing is known, (M,)."""
        return popular_scores(self.ratings, self.catalogue)

    @cached_property
    def latest(self) -> int:
        """Time of the latest rating, Unix seconds; 0 where there is none."""
        return int(self.ratings.rated_at.max(initial=0))

    @cached_property
    def newest(self) -> list[tuple[int, int]]:
        """Id and day of release, YYYYMMDD, of all movies that are out, the latest first.

        Of the whole catalogue of now; of one day, the movie with the most ratings comes first.
        """
        data, days = self.current.data, self.current.release_days
        n_ratings = np.bincount(data.ratings.movies, minlength=len(days))
        today = int(f"{datetime.now(UTC):%Y%m%d}")
        is_shown = (days > 0) & (days <= today)
        is_shown &= ~np.isin(data.catalogue.movie_ids, self.current.withdrawn)
        order = np.lexsort((tie_order(data.catalogue.movie_ids), -n_ratings, -days))
        order = order[is_shown[order]]
        return list(
            zip(data.catalogue.movie_ids[order].tolist(), days[order].tolist(), strict=True)
        )

    @cached_property
    def similarity(self) -> Similarity:
        """Similarity of movies, by the weights of the version."""
        return Similarity.of(self.catalogue, self.loaded.version.training.hyperparameters)

    @cached_property
    def _genres(self) -> Bools:
        return genres_of(self.catalogue)

    def find(self, movie: ShownId) -> int | None:
        """Return the position of a movie; None where the version does not know it."""
        number = self.current.movie_number(movie)
        return None if number is None else position(self.loaded.movie_ids, number)

    def left_out(self, rated: Ints32, exclude: Iterable[ShownId], genre: str | None) -> Bytes:
        """Return 1 for movies that may not be shown, (M,).

        Those are hidden, rated (positions), excluded, or not of the genre.

        Raises:
            InputError: no movie has that genre.
        """
        found = self.hidden.copy()
        found[rated] = 1
        for movie in exclude:
            place = self.find(movie)
            if place is not None:
                found[place] = 1
        if genre is not None:
            found[~self._genres[:, self._genre(genre)]] = 1
        return found

    def item(self, place: int, score: float, rank: int) -> RecommendedMovie:
        """Return the movie at a position as an item of a list."""
        number = int(self.loaded.movie_ids[place])
        return self.titled(number, score, rank)

    def titled(self, number: int, score: float, rank: int) -> RecommendedMovie:
        """Return a movie of the catalogue by our id as an item of a list."""
        shown = self.current.shown_movie(number)
        title = self.current.titles.get(number, f"movie {shown}")
        return RecommendedMovie(shown, title, score, rank)

    def reasons(self, place: int, parts: Mapping[str, float]) -> tuple[str, ...]:
        """Return in words what speaks for the movie at a position, by the parts of its score."""
        catalogue = self.catalogue
        genres = catalogue.genres[catalogue.genre_starts[place] : catalogue.genre_starts[place + 1]]
        names = [catalogue.genre_names[genre] for genre in genres]
        return reasons_of(parts, self.loaded.version.training.hyperparameters, names)

    def _genre(self, name: str) -> int:
        by_name = {known.casefold(): n for n, known in enumerate(self.catalogue.genre_names)}
        found = by_name.get(name.casefold())
        if found is None:
            known = ", ".join(self.catalogue.genre_names)
            raise InputError(f"no movie has the genre {name!r}: there are {known or 'none'}")
        return found
