"""Feature blocks of categories and texts: levels as flags, by their targets, words by hashes."""

import re
import zlib
from dataclasses import dataclass, field

import numpy as np

from reeltune.domain.arrays import Bools, Floats, Ints
from reeltune.tabular.columns import MISSING, DataColumn, DataTable

MAX_FLAGS = 10  # levels that have a flag each; more are encoded by their targets
SMOOTHING = 10.0  # rows of the mean of all that are added to each level
INNER_FOLDS = 5  # within the rows of a fit, for the encoding of its own rows
MAX_ENCODED_CLASSES = 12
_MAX_WORDS = 200  # of a text
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownLevels:
    """Levels that were there when a block was fitted; all others are missing values."""

    column: str
    levels: tuple[str, ...]

    @classmethod
    def fit(cls, column: DataColumn) -> "KnownLevels":
        """Return the levels of the rows, the most frequent first."""
        if column.codes is None:
            return cls(column=column.name, levels=())
        counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.levels))
        order = np.argsort(-counts, kind="stable")
        found = tuple(column.levels[code] for code in order.tolist() if counts[code])
        return cls(column=column.name, levels=found)

    def codes(self, table: DataTable) -> Ints:
        """Return which level (N,) each row has; MISSING where it is not known."""
        column = table.columns[self.column]
        if column.codes is None:
            return np.full(table.n_rows, MISSING)
        place = {level: n for n, level in enumerate(self.levels)}
        of_level = np.array([*(place.get(level, MISSING) for level in column.levels), MISSING])
        return of_level[column.codes].astype(np.int64)

    def are_unknown(self, table: DataTable) -> Bools:
        """Return True (N,) where a row has a level that was not there."""
        column = table.columns[self.column]
        if column.codes is None:
            return np.zeros(table.n_rows, dtype=np.bool_)
        found: Bools = (self.codes(table) == MISSING) & ~column.is_missing
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagsBlock:
    """Flags, one for each level; of two levels without gaps one flag for both."""

    known: KnownLevels
    n_flags: int

    @classmethod
    def fit(cls, column: DataColumn, most: int = MAX_FLAGS) -> "FlagsBlock":
        """Return the block fitted on the rows of a column, with `most` flags."""
        known = KnownLevels.fit(column)
        n = min(len(known.levels), most)
        has_gaps = bool(column.is_missing.any())
        return cls(known=known, n_flags=1 if n == 2 and not has_gaps else n)

    @property
    def names(self) -> list[str]:
        """Names of the features."""
        return [f"{self.known.column} is {level}" for level in self.known.levels[: self.n_flags]]

    def transform(self, table: DataTable) -> Floats:
        """Return the features (N, n_flags), 0 or 1."""
        codes = self.known.codes(table)
        found: Floats = (codes[:, None] == np.arange(self.n_flags)).astype(np.float64)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetsBlock:
    """Mean target of a level, drawn to the mean of all, and how frequent it is.

    Rows of the fit itself are encoded by the others alone, or their own targets would tell.

    Source: Micci-Barreca 2001, "A preprocessing scheme for high-cardinality categorical
    attributes", equation 3; cross-fitted as scikit-learn's TargetEncoder does.
    """

    known: KnownLevels
    means: tuple[tuple[float, ...], ...]  # (L + 1, T), the last of missing values
    frequencies: tuple[float, ...]  # (L + 1,) logarithms of the number of rows

    @classmethod
    def fit(cls, table: DataTable, name: str, targets: Floats) -> tuple["TargetsBlock", Floats]:
        """Return the block, and the features (N, T + 1) of the rows that it is fitted on.

        Args:
            table: the rows.
            name: of the column.
            targets: (N, T) numbers, or 1 for the class of a row and 0 for the others.
        """
        known = KnownLevels.fit(table.columns[name])
        codes, n = known.codes(table), len(known.levels) + 1
        codes = np.where(codes < 0, n - 1, codes)
        counts = np.log1p(np.bincount(codes, minlength=n).astype(np.float64))
        block = cls(
            known=known,
            means=tuple(map(tuple, _means(codes, targets, n).tolist())),
            frequencies=tuple(counts.tolist()),
        )
        inner = np.random.default_rng(len(codes)).permutation(len(codes)) % INNER_FOLDS
        own = np.zeros((len(codes), targets.shape[1]))
        for fold in range(INNER_FOLDS):
            others = inner != fold
            own[~others] = _means(codes[others], targets[others], n)[codes[~others]]
        return block, np.column_stack([own, counts[codes]])

    @property
    def names(self) -> list[str]:
        """Names of the features."""
        n = len(self.means[0])
        means = [f"{self.known.column}: mean target{f' {t}' if n > 1 else ''}" for t in range(n)]
        return [*means, f"{self.known.column}: frequency"]

    def transform(self, table: DataTable) -> Floats:
        """Return the features (N, T + 1)."""
        codes = self.known.codes(table)
        codes = np.where(codes < 0, len(self.means) - 1, codes)
        return np.column_stack([np.array(self.means)[codes], np.array(self.frequencies)[codes]])


def _means(codes: Ints, targets: Floats, n_levels: int) -> Floats:
    """Return (L, T) smoothed means of targets by level."""
    counts = np.bincount(codes, minlength=n_levels)[:, None]
    prior = targets.mean(axis=0) if len(targets) else np.zeros(targets.shape[1])
    sums = np.column_stack([np.bincount(codes, each, minlength=n_levels) for each in targets.T])
    found: Floats = (sums + SMOOTHING * prior) / (counts + SMOOTHING)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsBlock:
    """Words of a text, hashed into so many places, weighted by how rare they are (TF-IDF).

    Source: Weinberger et al. 2009, "Feature hashing for large scale multitask learning"; weights
    (1 + log tf) * log((1 + N) / (1 + df)) + 1, rows of length 1, as scikit-learn's TfidfVectorizer.
    """

    column: str
    weights: tuple[float, ...] = field(repr=False)  # (P,) of each place

    @classmethod
    def fit(cls, table: DataTable, name: str, n_places: int) -> "WordsBlock":
        """Return the block fitted on the rows of a column."""
        column = table.columns[name]
        counts = _word_counts(column, n_places)
        there = np.zeros(n_places)
        for level, n_rows in enumerate(_rows_of_levels(column).tolist()):
            there += n_rows * (counts[level] > 0)
        weights = np.log((1 + len(column)) / (1 + there)) + 1
        return cls(column=name, weights=tuple(weights.tolist()))

    @property
    def names(self) -> list[str]:
        """Names of the features."""
        return [f"{self.column}: words {n}" for n in range(len(self.weights))]

    def transform(self, table: DataTable) -> Floats:
        """Return the features (N, P); 0 where there is no text."""
        column = table.columns[self.column]
        if column.codes is None:
            return np.zeros((table.n_rows, len(self.weights)))
        counts = _word_counts(column, len(self.weights))
        weighted = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0.0) * self.weights
        lengths = np.linalg.norm(weighted, axis=1, keepdims=True)
        of_level = np.vstack([weighted / np.maximum(lengths, 1e-12), np.zeros(len(self.weights))])
        found: Floats = of_level[column.codes]
        return found


def _rows_of_levels(column: DataColumn) -> Ints:
    """Return how many rows each level (L,) has."""
    if column.codes is None:
        return np.zeros(0, dtype=np.int64)
    return np.bincount(column.codes[column.codes >= 0], minlength=len(column.levels))


def _word_counts(column: DataColumn, n_places: int) -> Floats:
    """Return (L, P) how often words of each place are in each level that a row has."""
    counts = np.zeros((len(column.levels), n_places), dtype=np.float64)
    rows = _rows_of_levels(column)
    places: dict[str, int] = {}
    for level, text in enumerate(column.levels):
        if not rows[level]:
            continue
        for word in _WORD.findall(text.lower())[:_MAX_WORDS]:
            place = places.get(word)
            if place is None:
                place = places[word] = zlib.crc32(word.encode()) % n_places
            counts[level, place] += 1
    return counts
