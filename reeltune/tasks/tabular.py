"""Tabular task: models of one table, of any family, tuned like all else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from reeltune.domain.arrays import AnyArray, Bools, Floats, Ints, content_hash
from reeltune.domain.evaluation import Evaluation, Part
from reeltune.domain.experiment import TaskKey
from reeltune.domain.metric import Metric
from reeltune.domain.space import Configuration, Space
from reeltune.domain.study import TABULAR
from reeltune.table_models.families import family_of, table_space
from reeltune.table_models.family import FitSize
from reeltune.table_models.folds import Folds, make_folds
from reeltune.table_models.losses import TABLE_METRICS, TableMetric
from reeltune.table_models.portfolio import portfolio
from reeltune.table_models.search_data import SearchData
from reeltune.tabular.columns import DataTable
from reeltune.tabular.dna import data_dna
from reeltune.tabular.target import Target
from reeltune.tasks.tabular_source import TabularSource
from reeltune.tracking.lineage import code_version, equal_versions

_SCALES = {  # of meta-features: by how much tables differ that are unlike
    "log_instances": 2.0,
    "log_features": 1.5,
    "missing_ratio": 0.2,
    "sparsity": 0.3,
    "categorical_share": 0.5,
    "max_correlation": 0.5,
    "normalized_entropy": 0.3,
    "is_regression": 0.5,
}


@dataclass(frozen=True, eq=False)
class TabularEvaluator:
    """Evaluator that fits a model on each fold; units are the rows held out, fold by fold."""

    data: SearchData
    n_measured: int | None = None  # units measured; None: all
    is_batched = False

    def prepare(self) -> None:
        """Make nothing: what fits share is made where they run."""

    def on_threads(self, n_threads: int) -> "TabularEvaluator":
        """Return the same: a fit uses one thread, so that it is the same on any machine."""
        return self

    @property
    def metrics(self) -> Mapping[str, TableMetric]:
        """Metrics by name."""
        return TABLE_METRICS[self.data.target.prediction]

    def evaluate_many(
        self,
        configurations: Sequence[Configuration],
        units: Ints | None = None,
        metric: str | None = None,
    ) -> list[Evaluation]:
        """Evaluate each configuration by every metric.

        Args:
            configurations: valid in the task's space.
            units: (u,) positions of the units to measure: folds without any are not fitted.
            metric: the only one that is needed; all come along.
        """
        asked = self._asked(units)
        return [self._evaluated(each, asked) for each in configurations]

    def _asked(self, units: Ints | None) -> Ints:
        """Return (u,) positions to measure, ascending: of the sample, or of all."""
        n = self.data.folds.n_units
        asked: Ints = np.arange(n)
        if self.n_measured is not None and self.n_measured < n:
            asked = np.sort(np.random.default_rng(0).permutation(n)[: self.n_measured])
        return asked if units is None else np.intersect1d(asked, units)

    def _evaluated(self, configuration: Configuration, asked: Ints) -> Evaluation:
        predicted = self._predicted(configuration, asked)
        truth, n = self.data.truth[asked], self.data.folds.n_units
        values, per_unit = {}, {}
        for name, metric in self.metrics.items():
            if metric.per_unit:
                own = metric.values_of(truth, predicted)
                per_unit[name] = np.full(n, np.nan)
                per_unit[name][asked] = own
                values[name] = float(own.mean()) if len(own) else np.nan
            else:
                values[name] = metric.value_of(truth, predicted)
        return Evaluation(values=values, per_unit=per_unit, n_units=len(asked))

    def _predicted(self, configuration: Configuration, asked: Ints) -> Floats:
        """Return predictions (u, K) of the units asked for."""
        starts = self.data.folds.starts
        parts = []
        for fold, (start, end) in enumerate(pairwise(starts.tolist())):
            own = asked[(asked >= start) & (asked < end)] - start
            if len(own):
                parts.append(self.data.outcome(configuration, fold).held_out[own])
        return np.concatenate(parts).astype(np.float64)

    @property
    def first_units(self) -> Ints | None:
        """Units (u,) of the first fold, which are cheap alone; None where there is no other."""
        starts = self.data.folds.starts
        return np.arange(starts[1]) if len(starts) > 2 else None


@dataclass(frozen=True, eq=False)
class TabularTask:
    """Table that is tuned for: its features, its target, its folds."""

    source: TabularSource
    table: DataTable
    target: Target
    folds: Folds
    name = TABULAR
    has_units = True

    @classmethod
    def of(cls, model: str) -> "TabularTask":
        """Return the task of that name, with its table read.

        Raises:
            InputError: the table cannot be read, or has no such target.
            NotFoundError: it is not there.
        """
        source = TabularSource.from_name(model)
        return cls.from_table(source, *source.load())

    @classmethod
    def from_table(cls, source: TabularSource, table: DataTable, target: Target) -> "TabularTask":
        """Return the task of a table that was read."""
        return cls(source, table, target, make_folds(table, target, with_test=source.has_test))

    @property
    def model(self) -> str:
        """Name of what is tuned: the table, and how it is read."""
        return self.source.name

    @property
    def split(self) -> str:
        """Name of the way in which rows are held out."""
        return self.folds.kind

    @property
    def space(self) -> Space:
        """Hyperparameters of all families that predict such a target."""
        return table_space(self.target.prediction)

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Metrics by name; the first is the default objective."""
        return TABLE_METRICS[self.target.prediction]

    @property
    def meta_feature_scales(self) -> Mapping[str, float]:
        """Scale of each meta-feature."""
        return _SCALES

    @cached_property
    def data(self) -> SearchData:
        """Data of the search, which remembers what was fitted."""
        return SearchData(self.table, self.target, self.folds, self.source.seconds)

    def key(self, objective: str) -> TaskKey:
        """Return what makes results comparable: the table's content, folds, and program."""
        return TaskKey(
            data_fingerprint=self._fingerprint,
            split=self.split,
            model=self.model,
            space_fingerprint=self.space.fingerprint,
            objective=objective,
            code_versions=equal_versions(code_version(self.model, self.name)),
        )

    def evaluator(self, part: Part = "validation", n_units: int | None = None) -> TabularEvaluator:
        """Return what fits and measures on the folds; the test part is measured at the end only."""
        return TabularEvaluator(self.data, n_units)

    def unmeasurable(self, objective: str) -> str | None:
        """Return None: whatever has a target can be measured."""
        return None

    def initial_configurations(
        self, space: Space, objective: str, seed: int, current: Configuration
    ) -> Sequence[Configuration]:
        """Return the portfolio: a linear model first; none that takes longer than a fit may."""
        whole = portfolio(self.space, self.target.prediction)
        return [each for each in whole if not self._takes_too_long(each)]

    def _takes_too_long(self, configuration: Configuration) -> bool:
        family, values = family_of(configuration)
        size = FitSize(self.table.n_rows, len(self.table.columns), max(1, self.target.n_classes))
        seconds = self.source.seconds
        return seconds is not None and family.cost(size, values) > 2 * seconds

    def meta_features(self) -> Mapping[str, float]:
        """Return figures of the table, for warm starts from similar ones."""
        return self._meta_features

    @cached_property
    def _meta_features(self) -> Mapping[str, float]:
        dna = data_dna(self.table, self.target)
        return {
            "log_instances": float(np.log10(dna.n_instances)),
            "log_features": float(np.log10(dna.n_features)),
            "missing_ratio": dna.missing_ratio,
            "sparsity": dna.sparsity,
            "categorical_share": dna.n_categorical / dna.n_features,
            "max_correlation": dna.max_correlation,
            "normalized_entropy": dna.normalized_entropy,
            "is_regression": float(not self.target.classes),
        }

    def segments(self, part: Part) -> Mapping[str, Bools]:
        """Return (U,) which units of a part are of each class, or have missing values."""
        rows = self.folds.test if part == "test" else self._unit_rows
        gaps = np.zeros(self.table.n_rows, dtype=np.bool_)
        for column in self.table.columns.values():
            gaps |= column.is_missing
        found = {"rows with missing values": gaps[rows], "complete rows": ~gaps[rows]}
        for code, name in enumerate(self.target.classes):
            found[f"class {name}"] = (self.target.values == code)[rows]
        return {name: members for name, members in found.items() if members.any()}

    @property
    def _unit_rows(self) -> Ints:
        return np.concatenate([fold.held_out for fold in self.folds.folds])

    @cached_property
    def _fingerprint(self) -> str:
        """Hash of the features, the target and the folds."""
        parts: list[AnyArray] = [np.asarray(self.target.values)]
        for column in self.table.columns.values():
            described = "\0".join((column.name, column.kind, *column.levels))
            parts += [np.frombuffer(described.encode(), np.uint8), np.asarray(column.values)]
        parts += [array for fold in self.folds.folds for array in (fold.fitting, fold.held_out)]
        return content_hash([*parts, self.folds.test])
