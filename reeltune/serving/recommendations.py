"""Recommendations of one version, from memory: an immutable object that any thread may ask."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np

from reeltune.db.columns import snapshot
from reeltune.db.connection import connection
from reeltune.domain.arrays import Floats, Ints32
from reeltune.domain.errors import InputError, NotFoundError
from reeltune.domain.recommendation import ListSource, RecommendationList, ShownId
from reeltune.engine.arrays import Bytes
from reeltune.ratings.table import HIGHEST_RATING, LOWEST_RATING
from reeltune.serving.compiled_kernel import best_of_scores
from reeltune.serving.current_data import CurrentData, load_current_data
from reeltune.serving.folding import OwnRatings
from reeltune.serving.scorers import Scorer, Selection, make_scorer
from reeltune.serving.user_ratings import UserRatings, position
from reeltune.serving.version_movies import VersionMovies
from reeltune.versioning.contents import LoadedModel
from reeltune.versioning.positions import over_movies
from reeltune.versioning.registry import find_version, load_model

NewRating = tuple[ShownId, ShownId, float, int]  # user, movie, stars, Unix seconds
_BY_RATINGS = ("fitted", "folded in")  # sources of lists that the model makes
_TIE = 1e-6  # of similar movies that are equally so, the one that is rated better comes first


@dataclass(frozen=True, eq=False)
class Recommendations:
    """Version of the model in memory, with the ratings of now: what each user is recommended.

    Nothing of it changes, so that any number of threads may ask. Ids of users and movies are, in
    and out, as the user's data have them.
    """

    movies: VersionMovies
    ratings: UserRatings
    scorer: Scorer | None  # None once it is closed
    database: Path

    @classmethod
    def open(cls, db: Path | str, version: int | None = None) -> "Recommendations":
        """Return a version, by default the one in production, ready to be asked.

        Raises:
            InputError: the version was refused.
            NotFoundError: there is no such database or version, or none is in production.
            StorageError: its artifact cannot be trusted, or does not fit this code.
        """
        with connection(Path(db)) as conn, snapshot(conn):
            loaded, current = load_model(conn, version), load_current_data(conn)
        return cls.of(loaded, current, Path(db))

    @classmethod
    def of(cls, loaded: LoadedModel, current: CurrentData, db: Path) -> "Recommendations":
        """Return a loaded version with what is known now; all that is compiled has run once."""
        ratings = over_movies(current.data.ratings, loaded.movie_ids)
        catalogue = current.data.catalogue.of_movies(loaded.movie_ids)
        movies = VersionMovies(loaded, current, ratings, catalogue)
        scorer = make_scorer(loaded.model, ratings, catalogue)
        made = cls(movies, UserRatings(ratings), scorer, db)
        if len(loaded.user_ids):
            scorer.best_of_fitted(0, movies.hidden, 1, explain=False)
        made.popular(1)
        return made

    @property
    def version(self) -> int:
        """Number of the version."""
        return self.movies.loaded.version.version

    def for_user(
        self,
        user_id: ShownId,
        k: int = 10,
        *,
        exclude: Iterable[ShownId] = (),
        genre: str | None = None,
        explain: bool = False,
    ) -> RecommendationList:
        """Return the `k` best movies for a user, without those that the user has rated.

        A user of the fit is served by the profile of then; who came since is folded in from the
        ratings of now; of whom there are none, by what is popular and varied, and `because` says
        so.

        Args:
            user_id: any; nobody is refused but who was erased.
            k: length of the list; shorter where there are not as many movies.
            exclude: movies to leave out beside; those that the version does not know are ignored.
            genre: only movies that have it; upper and lower case are one.
            explain: give also what each score is made of.

        Raises:
            InputError: `k` is below 1, or no movie has that genre.
            NotFoundError: the user was erased.
        """
        user = self._user(user_id)
        own = self.ratings.of(user)
        left_out = self.movies.left_out(own.movies, exclude, genre)
        fitted = self._position(user) if len(own) else None
        if fitted is not None:
            found = self._check_open().best_of_fitted(fitted, left_out, self._k(k), explain=explain)
            return self._list(found, "fitted", "")
        return self._not_fitted(own, left_out, k, self._why_folded(), explain=explain)

    def for_ratings(
        self,
        ratings: Iterable[tuple[ShownId, float]],
        k: int = 10,
        *,
        exclude: Iterable[ShownId] = (),
        genre: str | None = None,
        explain: bool = False,
    ) -> RecommendationList:
        """Return the `k` best movies for somebody new, by ratings (movie, stars) given here.

        The last one given counts as the latest.

        Raises:
            InputError: a movie is not known, or a rating is none; or as `for_user`.
        """
        own = self._given(list(ratings))
        left_out = self.movies.left_out(own.movies, exclude, genre)
        return self._not_fitted(own, left_out, k, "by the ratings given", explain=explain)

    def similar(self, movie_id: ShownId, k: int = 10) -> RecommendationList:
        """Return the `k` movies that have most in common with one: genres, cast, collection.

        The score is from 0, nothing in common, to 1; its parts say what is.

        Raises:
            InputError: `k` is below 1.
            NotFoundError: the version does not know the movie.
        """
        place = self._movie(movie_id)
        parts = self.movies.similarity.parts(place)
        scores: Floats = np.sum(list(parts.values()), axis=0)
        left_out = self.movies.left_out(np.array([place], dtype=np.int32), (), None)
        left_out[scores <= 0] = 1
        ranked = scores + _TIE * self.movies.popular
        best, _ = best_of_scores(ranked, self.movies.places, left_out, self._k(k))
        found = Selection(best, scores[best], {name: part[best] for name, part in parts.items()})
        return self._list(found, "similar", f"in common with {self.movies.item(place, 0, 0).title}")

    def popular(self, k: int = 10) -> RecommendationList:
        """Return the `k` movies that are shown to users of whom nothing is known.

        Raises:
            InputError: `k` is below 1.
        """
        return self._popular(self.movies.hidden, k, "popular and varied", explain=False)

    def new(self, k: int = 10) -> RecommendationList:
        """Return the `k` movies of the catalogue that were released last; the score is the year.

        Also those that came after the version was fitted. Raises InputError where `k` is below 1.
        """
        newest = self.movies.newest[: self._k(k, len(self.movies.newest))]
        items = tuple(
            self.movies.titled(int(number), float(day // 10_000), rank)
            for rank, (number, day) in enumerate(newest, 1)
        )
        return RecommendationList(items, self.version, "new", "released last")

    def with_ratings(self, newer: Iterable[NewRating]) -> "Recommendations":
        """Return the same version knowing newer ratings: user, movie, stars, Unix seconds.

        What they rate is left out at once, and who had no ratings is folded in. Little is copied.
        Ratings of movies that the version does not know are passed over.

        Raises:
            InputError: a rating is none.
        """
        rows = list(newer)
        _check_stars([(movie, stars) for _, movie, stars, _ in rows])
        placed = (
            (self._user_key(user), self.movies.find(movie), stars, rated_at)
            for user, movie, stars, rated_at in rows
        )
        known = [(user, at, stars, when) for user, at, stars, when in placed if at is not None]
        return replace(self, ratings=self.ratings.with_newer(known))

    def refreshed(self) -> "Recommendations":
        """Return the same version with all that the database holds now.

        Ratings given by `with_ratings` are known no longer, unless they are there by now. The model
        is read again only where it was changed, as when a user was erased.

        Raises:
            NotFoundError: the version is gone.
            StorageError: its artifact cannot be trusted.
        """
        loaded = self.movies.loaded
        with connection(self.database) as conn, snapshot(conn):
            found = find_version(conn, self.version)
            if found.artifact_sha256 != loaded.version.artifact_sha256:
                loaded = load_model(conn, self.version)
            current = load_current_data(conn)
        return self.of(loaded, current, self.database)

    def close(self) -> None:
        """Let go of the model and of all working memory; the object cannot be asked any more."""
        object.__setattr__(self, "scorer", None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def has_ratings(self, user_id: ShownId) -> bool:
        """Return True if the user has rated a movie that the version knows.

        Raises:
            NotFoundError: the user was erased.
        """
        return len(self.ratings.of(self._user(user_id))) > 0

    def _not_fitted(
        self, own: OwnRatings, left_out: Bytes, k: int, because: str, *, explain: bool
    ) -> RecommendationList:
        """Return the list of who was not in the fit."""
        if not len(own):
            return self._popular(left_out, k, "no ratings yet: popular and varied", explain=explain)
        if not self._check_open().can_fold_in:
            why = f"version {self.version} knows no user who came after it was fitted"
            return self._popular(left_out, k, f"{why}: popular and varied", explain=explain)
        found = self._check_open().best_of_folded(own, left_out, self._k(k), explain=explain)
        return self._list(found, "folded in", because)

    def _popular(
        self, left_out: Bytes, k: int, because: str, *, explain: bool
    ) -> RecommendationList:
        scores = self.movies.popular
        best, values = best_of_scores(scores, self.movies.places, left_out, self._k(k))
        parts = {"popular": values} if explain else {}
        return self._list(Selection(best, values, parts), "popular", because)

    def _list(self, found: Selection, source: ListSource, because: str) -> RecommendationList:
        items = []
        for n, place in enumerate(found.movies.tolist()):
            item = self.movies.item(place, float(found.scores[n]), n + 1)
            parts = {name: float(part[n]) for name, part in found.parts.items()}
            if parts:
                reasons = self.movies.reasons(place, parts) if source in _BY_RATINGS else ()
                item = replace(item, parts=parts, reasons=reasons)
            items.append(item)
        return RecommendationList(tuple(items), self.version, source, because)

    def _user(self, user_id: ShownId) -> ShownId:
        """Return a user as `UserRatings` knows them.

        Raises:
            NotFoundError: the user was erased.
        """
        if self.movies.current.is_erased(user_id):
            raise NotFoundError(
                f"user {user_id} was erased: nothing is recommended, `reeltune erase readmit"
                f" {user_id}` lets them come back"
            )
        return self._user_key(user_id)

    def _user_key(self, user_id: ShownId) -> ShownId:
        number = self.movies.current.user_number(user_id)
        return user_id if number is None else number

    def _position(self, user: ShownId) -> int | None:
        """Return the position of a user of the fit; None for anybody else."""
        return position(self.movies.loaded.user_ids, user) if isinstance(user, int) else None

    def _movie(self, movie_id: ShownId) -> int:
        place = self.movies.find(movie_id)
        if place is None:
            raise NotFoundError(f"version {self.version} knows no movie {movie_id!r}")
        return place

    def _given(self, ratings: list[tuple[ShownId, float]]) -> OwnRatings:
        """Return ratings of somebody new; of two of one movie the later."""
        _check_stars(ratings)
        places: dict[int, float] = {}
        for movie, given in ratings:
            places.pop(self._movie(movie), None)  # so that it comes last
            places[self._movie(movie)] = given
        movies: Ints32 = np.fromiter(places, np.int32, len(places))
        stars = np.array(list(places.values()), dtype=np.float32)
        after = self.movies.latest + 1
        return OwnRatings(movies, stars, np.arange(after, after + len(places)))

    def _check_open(self) -> Scorer:
        """Return the scorer.

        Raises:
            InputError: the object was closed.
        """
        if self.scorer is None:
            raise InputError(f"version {self.version} was closed: open it again")
        return self.scorer

    def _k(self, k: int, most: int | None = None) -> int:
        """Return the length of a list of `most` movies at most; default: all of the version."""
        self._check_open()
        if k < 1:
            raise InputError(f"k must be 1 or more, got {k}")
        return min(k, len(self.movies.loaded.movie_ids) if most is None else most)

    def _why_folded(self) -> str:
        return f"by ratings that came after version {self.version} was fitted"


def _check_stars(ratings: Iterable[tuple[ShownId, float]]) -> None:
    """Refuse what is no rating.

    Raises:
        InputError: a number of stars is out of range.
    """
    wrong = [
        f"movie {movie!r}: {stars!r}"
        for movie, stars in ratings
        if not LOWEST_RATING <= stars <= HIGHEST_RATING
    ]
    if wrong:
        raise InputError(
            f"a rating is {LOWEST_RATING} to {HIGHEST_RATING} stars, got {'; '.join(wrong[:5])}"
        )
