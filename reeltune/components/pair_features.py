"""Features of a user and a movie, for regressions on ratings: components and what a movie is."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Self

import numpy as np

from reeltune.components.biased_means import BIAS_PRIOR, Biases
from reeltune.components.cast import Cast
from reeltune.components.component import Component
from reeltune.components.damped_mean import damped_mean, totals
from reeltune.components.franchise import Franchise
from reeltune.components.genre import Genre, genres_of
from reeltune.components.hand_set import PLAIN
from reeltune.components.learned_component import History
from reeltune.components.rating_predictor import folds_of
from reeltune.domain.arrays import AnyArray, Floats, Floats32, Ints
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.table import RatingTable

N_PAIR_FOLDS = 5
MATCHES: tuple[type[Component], ...] = (Genre, Cast, Franchise)
OF_PAIRS = 2 + 2 * 3 + len(MATCHES)  # features beside those of the movie alone
PAIRS_AT_A_TIME = 500_000


@dataclass(frozen=True, eq=False)
class PairFeatures:
    """Features fitted to ratings: biases, numbers and spread of ratings, matches, and the movie."""

    mean: float
    of_users: Floats  # (U, 3) bias, logarithm of the number of ratings, their spread
    of_movies: Floats  # (M, 3) the same
    matches: tuple[Component, ...]
    movie: Floats32  # (M, F) release year, and genres

    @classmethod
    def fit(cls, history: History) -> Self:
        """Fit to `history` alone."""
        table = history.ratings
        biases = Biases.of(table, BIAS_PRIOR, BIAS_PRIOR)
        squares = _squares(biases, table)
        return cls(
            mean=biases.mean,
            of_users=_figures(biases.users, table.users, squares, table.n_users),
            of_movies=_figures(biases.movies, table.movies, squares, table.n_movies),
            matches=tuple(kind.fit(history.centred, history.catalogue) for kind in MATCHES),
            movie=movie_features(history.catalogue),
        )

    def fold_in(self, history: History) -> Self:
        """Return the features of the users of `history`; those of movies stay."""
        table = history.ratings
        known = Biases(self.mean, self.of_users[:, 0], self.of_movies[:, 0])
        biases = replace(known, users=known.of_users(table, BIAS_PRIOR))
        squares = _squares(biases, table)
        return replace(
            self,
            of_users=_figures(biases.users, table.users, squares, table.n_users),
            matches=tuple(
                type(part).fit(history.centred, history.catalogue) if part.is_personal else part
                for part in self.matches
            ),
        )

    def at(self, users: Ints, movies: Ints) -> Floats32:
        """Return the features of pairs, (N, F)."""
        u, m = self.of_users[users], self.of_movies[movies]
        matches = [part.score_at(users, movies, PLAIN) for part in self.matches]
        return self._assembled(u, m, np.stack(matches, axis=1), movies)

    def of_everything(self, users: Ints) -> Floats32:
        """Return the features of users with all movies, (U * M, F), a user's in one piece."""
        n_movies = len(self.of_movies)
        movies = np.tile(np.arange(n_movies), len(users))
        u = np.repeat(self.of_users[users], n_movies, axis=0)
        planes = [part.score(users, PLAIN).reshape(-1) for part in self.matches]
        return self._assembled(u, self.of_movies[movies], np.stack(planes, axis=1), movies)

    def _assembled(self, u: Floats, m: Floats, matches: Floats, movies: Ints) -> Floats32:
        both = (self.mean + u[:, 0] + m[:, 0])[:, None]
        level = np.full_like(both, self.mean) + u[:, :1]
        found: Floats32 = np.hstack(
            [each.astype(np.float32) for each in (both, level, u, m, matches, self.movie[movies])]
        )
        return found

    def with_numbers_of(self, whole: "PairFeatures") -> "PairFeatures":
        """Return these features with the numbers of ratings of another fit."""
        of_users, of_movies = self.of_users.copy(), self.of_movies.copy()
        of_users[:, 1], of_movies[:, 1] = whole.of_users[:, 1], whole.of_movies[:, 1]
        return replace(self, of_users=of_users, of_movies=of_movies)

    def arrays(self) -> dict[str, AnyArray]:
        """Return all that was fitted."""
        found: dict[str, AnyArray] = {
            "mean": np.array([self.mean]),
            "of_users": self.of_users,
            "of_movies": self.of_movies,
            "movie": self.movie,
        }
        for part in self.matches:
            found |= {f"{part.name}.{each.name}": getattr(part, each.name) for each in fields(part)}
        return found

    @classmethod
    def load(cls, arrays: Mapping[str, AnyArray]) -> Self:
        """Return the features that `arrays` are of."""
        matches = tuple(
            kind(**{each.name: arrays[f"{kind.name}.{each.name}"] for each in fields(kind)})
            for kind in MATCHES
        )
        return cls(
            mean=float(np.asarray(arrays["mean"], dtype=np.float64)[0]),
            of_users=np.asarray(arrays["of_users"], dtype=np.float64),
            of_movies=np.asarray(arrays["of_movies"], dtype=np.float64),
            matches=matches,
            movie=np.asarray(arrays["movie"], dtype=np.float32),
        )


@lru_cache(maxsize=2)
def fitted_features(history: History) -> tuple[PairFeatures, Floats32, Ints]:
    """Return the features, and what `cross_fitted` makes of them: once for a history."""
    whole = PairFeatures.fit(history)
    return whole, *cross_fitted(history, whole)


def cross_fitted(history: History, whole: PairFeatures) -> tuple[Floats32, Ints]:
    """Return the features of all ratings (N, F), and their folds (N,).

    Features of a rating are of a fit without it and the others of its fold, so that they do not
    know what is to be predicted by them.
    """
    table = history.ratings
    folds = folds_of(table, N_PAIR_FOLDS)
    n_features = OF_PAIRS + whole.movie.shape[1]
    found = np.empty((len(table), n_features), dtype=np.float32)
    for fold in range(N_PAIR_FOLDS):
        others = History(table.where(folds != fold), history.catalogue)
        fitted = PairFeatures.fit(others).with_numbers_of(whole)
        rows = np.flatnonzero(folds == fold)
        found[rows] = fitted.at(*pairs_of(table, rows))
    return found, folds


def pairs_of(table: RatingTable, rows: Ints) -> tuple[Ints, Ints]:
    """Return users and movies of some ratings, (n,) each."""
    return table.users[rows].astype(np.int64), table.movies[rows].astype(np.int64)


def movie_features(catalogue: Catalogue) -> Floats32:
    """Return release year in decades from 2000, 0 where not known, and genres as 0 or 1: (M, F)."""
    years = catalogue.release_years
    decades = np.where(years > 0, (years - 2000) / 10, 0.0)
    return np.column_stack([decades, genres_of(catalogue)]).astype(np.float32)


def _squares(biases: Biases, table: RatingTable) -> Floats:
    """Return the squared errors (N,) of biases."""
    errors = table.ratings.astype(np.float64) - biases.mean - biases.users[table.users]
    squares: Floats = (errors - biases.movies[table.movies]) ** 2
    return squares


def _figures(biases: Floats, groups: AnyArray, squares: Floats, n_groups: int) -> Floats:
    total, count = totals(np.asarray(groups, dtype=np.int32), squares, n_groups)
    usual = float(squares.mean()) if len(squares) else 1.0
    spread = np.sqrt(usual + damped_mean(total - usual * count, count))
    return np.column_stack([biases, np.log1p(count), spread])
