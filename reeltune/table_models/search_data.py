"""Data of a search: fits of configurations on each fold, and what they predict."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from threadpoolctl import threadpool_limits

from reeltune.domain.arrays import Floats, Floats32, Ints
from reeltune.domain.parameters import Configuration
from reeltune.table_models.encoder import Encoding, TableEncoder
from reeltune.table_models.families import family_of
from reeltune.table_models.family import FitRequest, FittedFamily
from reeltune.table_models.folds import FEW_ROWS, Folds
from reeltune.tabular.columns import ColumnValues, DataTable
from reeltune.tabular.target import Target

MAX_KEPT_CELLS = 12_000_000  # of predictions that are kept
OutcomeKey = tuple[tuple[str, object], ...]


@dataclass(frozen=True, eq=False)
class FoldOutcome:
    """Predictions of a model that was fitted on one fold, and how it stopped."""

    held_out: Floats32  # (V, K) of the rows held out
    test: Floats32  # (T, K) of the test part, which nobody looks at before the end
    n_iterations: int

    @property
    def n_cells(self) -> int:
        """Number of predictions."""
        return self.held_out.size + self.test.size


@dataclass(frozen=True)
class TargetScale:
    """Scale of a target of numbers: models see mean 0 and deviation 1."""

    mean: float = 0.0
    deviation: float = 1.0

    @classmethod
    def of(cls, target: Target) -> "TargetScale":
        """Return the scale of a target's rows; of classes none."""
        if target.classes:
            return cls()
        values = target.values.astype(np.float64)
        return cls(float(values.mean()), float(values.std()) or 1.0)

    def scaled(self, target: Target) -> ColumnValues:
        """Return what a model is fitted to, (N,)."""
        if target.classes:
            return target.values
        return (target.values - self.mean) / self.deviation

    def restored(self, predicted: Floats) -> Floats:
        """Return predictions (N, K) in units of the target."""
        return predicted * self.deviation + self.mean


def rows_of(target: Target, rows: Ints) -> Target:
    """Return the target of some rows."""
    return replace(target, values=target.values[rows])


@dataclass(eq=False)
class PreparedRows:
    """Rows that models are fitted on, encoded once for each encoding, and rows to predict."""

    table: DataTable
    target: Target
    fitting: Ints
    others: Sequence[Ints]  # the first of them are watched
    watches: bool
    n_threads: int = 1
    seconds: float | None = None
    _encoded: dict[Encoding, tuple[TableEncoder, FitRequest, list[Floats32]]] = field(
        default_factory=dict
    )

    @cached_property
    def scale(self) -> TargetScale:
        """Scale of the target, by the rows that are fitted on."""
        return TargetScale.of(rows_of(self.target, self.fitting))

    def fit(
        self, configuration: Configuration, n_iterations: int | None = None
    ) -> tuple[FittedFamily, TableEncoder]:
        """Return the model of a configuration, and the encoder of its features."""
        family, values = family_of(configuration)
        encoder, request, _ = self.encoded(family.encoding)
        request = replace(request, n_iterations=n_iterations)
        with threadpool_limits(self.n_threads):
            return family.fit(request, values), encoder

    def predictions(self, fitted: FittedFamily, configuration: Configuration) -> list[Floats]:
        """Return what a model predicts of each of the other rows, in units of the target."""
        family, _ = family_of(configuration)
        _, _, others = self.encoded(family.encoding)
        with threadpool_limits(self.n_threads):
            return [
                self.scale.restored(fitted.predict(features))
                if len(features)
                else np.zeros((0, max(1, self.target.n_classes)))
                for features in others
            ]

    def encoded(self, encoding: Encoding) -> tuple[TableEncoder, FitRequest, list[Floats32]]:
        """Return the encoder, the request of the rows fitted on, and the others' features."""
        if encoding not in self._encoded:
            own = rows_of(self.target, self.fitting)
            encoder, features = TableEncoder.fit(self.table.take(self.fitting), own, encoding)
            others = [encoder.transform(self.table.take(rows)) for rows in self.others]
            watched = None
            if self.watches:
                first = rows_of(self.target, self.others[0])
                watched = (others[0], self.scale.scaled(first))
            request = FitRequest(
                features=features,
                targets=self.scale.scaled(own),
                n_classes=self.target.n_classes,
                watched=watched,
                n_threads=self.n_threads,
                seconds=self.seconds,
            )
            self._encoded[encoding] = encoder, request, others
        return self._encoded[encoding]


class SearchData:
    """Data of a search: a table, its target and folds; fits are remembered, the best of them.

    Args:
        table: the features.
        target: of all rows.
        folds: how rows are held out.
        seconds: within which a fit begins its last iteration; None: there is no limit.
    """

    def __init__(
        self, table: DataTable, target: Target, folds: Folds, seconds: float | None = None
    ) -> None:
        self.table, self.target, self.folds, self.seconds = table, target, folds, seconds
        self._prepared: dict[int, PreparedRows] = {}
        self._outcomes: dict[tuple[OutcomeKey, int], FoldOutcome] = {}

    def __reduce__(self) -> tuple[object, ...]:
        return SearchData, (self.table, self.target, self.folds, self.seconds)

    def prepared(self, fold: int) -> PreparedRows:
        """Return the rows of a fold, encoded as they are needed."""
        if fold not in self._prepared:
            part = self.folds.folds[fold]
            others = [part.held_out, self.folds.test]
            seconds = None if self.seconds is None else self.seconds / len(self.folds.folds)
            self._prepared[fold] = PreparedRows(
                self.table, self.target, part.fitting, others, watches=True, seconds=seconds
            )
        return self._prepared[fold]

    def outcome(self, configuration: Configuration, fold: int) -> FoldOutcome:
        """Return what a configuration predicts when it is fitted on a fold."""
        key = (tuple(sorted(configuration.items())), fold)
        if key not in self._outcomes:
            rows = self.prepared(fold)
            fitted, _ = rows.fit(configuration)
            held_out, test = rows.predictions(fitted, configuration)
            found = FoldOutcome(
                held_out.astype(np.float32), test.astype(np.float32), fitted.n_iterations
            )
            self._outcomes[key] = found
            self._forget()
            return found
        return self._outcomes[key]

    def _forget(self) -> None:
        """Forget the oldest outcomes where they take too much memory."""
        n_cells = sum(each.n_cells for each in self._outcomes.values())
        while n_cells > MAX_KEPT_CELLS and len(self._outcomes) > len(self.folds.folds):
            first = next(iter(self._outcomes))
            n_cells -= self._outcomes.pop(first).n_cells

    @cached_property
    def truth(self) -> ColumnValues:
        """Target (U,) of the units."""
        return np.concatenate([self.target.values[each.held_out] for each in self.folds.folds])

    @property
    def test_truth(self) -> ColumnValues:
        """Target (T,) of the test part."""
        return self.target.values[self.folds.test]

    def of_units(self, configuration: Configuration) -> Floats:
        """Return predictions (U, K) of all units."""
        parts = [self.outcome(configuration, k).held_out for k in range(len(self.folds.folds))]
        return np.concatenate(parts).astype(np.float64)

    @property
    def is_small(self) -> bool:
        """True where few rows are held out at a time, and each fold's own best stop is chance."""
        return len(self.folds.search) < FEW_ROWS

    def with_common_stop(self, configuration: Configuration) -> Floats:
        """Return predictions (U, K) of all units, each fold stopped where the mean fold did.

        Stopped where the rows held out say so, a model looks better on them than it is: by as much
        as their number is small.
        """
        family, _ = family_of(configuration)
        if not family.iterates:
            return self.of_units(configuration)
        n_folds = len(self.folds.folds)
        stops = [self.outcome(configuration, k).n_iterations for k in range(n_folds)]
        common = max(1, round(float(np.mean(stops))))
        parts = []
        for fold in range(n_folds):
            rows = self.prepared(fold)
            fitted, _ = rows.fit(configuration, common)
            parts.append(rows.predictions(fitted, configuration)[0])
        return np.concatenate(parts)

    def of_test(self, configuration: Configuration) -> Floats:
        """Return predictions (T, K) of the test part: the mean over the folds' models."""
        parts = [self.outcome(configuration, k).test for k in range(len(self.folds.folds))]
        found: Floats = np.mean([part.astype(np.float64) for part in parts], axis=0)
        return found

    def iterations(self, configuration: Configuration) -> int | None:
        """Return how many iterations a fit on all rows gets; None of what has none.

        The mean over the folds, and more in proportion to the root of the number of rows.
        """
        family, _ = family_of(configuration)
        if not family.iterates:
            return None
        found = [self.outcome(configuration, k).n_iterations for k in range(len(self.folds.folds))]
        fitting = np.mean([len(each.fitting) for each in self.folds.folds])
        growth = min(1.25, float(np.sqrt(self.table.n_rows / fitting)))
        return max(1, round(float(np.mean(found)) * growth))

    @property
    def refit_share(self) -> float:
        """Rows of a fit on all of them, for each row that all folds together were fitted on."""
        return self.table.n_rows / sum(len(each.fitting) for each in self.folds.folds)

    def constant(self) -> Floats:
        """Return (T, K) what a model without features predicts of the test part."""
        known = self.target.values[self.folds.search]
        if not self.target.classes:
            row = np.array([float(known.mean())])
        else:
            counts = np.bincount(known.astype(np.int64), minlength=self.target.n_classes)
            row = (counts + 1.0) / (counts.sum() + self.target.n_classes)
        return np.tile(row, (len(self.folds.test), 1))
