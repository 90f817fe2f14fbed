"""Ratings task: a recommender, fitted with a configuration and measured on held-out ratings."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from reeltune.domain.arrays import Bools, Ints
from reeltune.domain.evaluation import Evaluation, Part
from reeltune.domain.experiment import TaskKey
from reeltune.domain.space import Configuration, Space
from reeltune.domain.study import BUILT_IN, RATINGS, StudyConfig
from reeltune.engine.coverage import uncovered_metrics
from reeltune.engine.engine import Engine, applies
from reeltune.engine.index_cache import CacheKey
from reeltune.engine.registry import ModelEngine, engine_class
from reeltune.metrics.evaluate import evaluate
from reeltune.metrics.measurable import nobody
from reeltune.metrics.ranking_metrics import EVENTS_OBJECTIVE, METRICS, RankingMetric
from reeltune.metrics.segments import user_segments
from reeltune.metrics.user_sample import sample_users
from reeltune.rating_models.registry import model_class
from reeltune.ratings.calls import fit_recommender
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.dataset import Dataset
from reeltune.ratings.meta_features import SCALES, compute_meta_features
from reeltune.ratings.recommender import Recommender
from reeltune.ratings.shared_fits import SharedFits
from reeltune.ratings.splits import SPLITS, Split, ties_decide
from reeltune.ratings.table import RatingTable
from reeltune.tasks.initial_guesses import Surrogate
from reeltune.tracking.lineage import code_version, equal_versions


@dataclass(frozen=True, eq=False)
class RatingsEvaluator:
    """Retraining pipeline of one model on one held-out part: configuration in, values out.

    It may be sent to another process.
    """

    model: str
    fitting: RatingTable
    held_out: RatingTable
    catalogue: Catalogue
    cache_key: CacheKey | None = None  # where what the engine stands on is kept
    threads: int | None = None  # at most so many; None: as many as there are cores for
    _parts: dict[bytes, Engine] = field(default_factory=dict, init=False, repr=False)  # by users
    _latest: list[tuple[Configuration, Recommender]] = field(
        default_factory=list, init=False, repr=False
    )
    _shared: SharedFits = field(default_factory=SharedFits, init=False, repr=False)

    @classmethod
    def of(cls, data: Dataset, study: StudyConfig, part: Part = "validation") -> "RatingsEvaluator":
        """Return what fits before `part` of the study's split and measures on it."""
        return RatingsTask.of(data, study).evaluator(part)

    def on_sample(self, n_users: int | None) -> "RatingsEvaluator":
        """Return the same, measured on a fixed sample of the users; with None, on all of them."""
        if n_users is None:
            return self
        cache_key = None if self.cache_key is None else self.cache_key.part(f"panel {n_users}")
        return replace(self, held_out=sample_users(self.held_out, n_users), cache_key=cache_key)

    def on_threads(self, n_threads: int) -> "RatingsEvaluator":
        """Return the same evaluator, using at most so many threads."""
        return replace(self, threads=n_threads)

    @property
    def engine(self) -> Engine | None:
        """Engine of the built-in recommender; None where there is none for this data."""
        if self.model != BUILT_IN:
            return None
        return Engine.of(self.fitting, self.held_out, self.catalogue, self.cache_key)

    def prepare(self) -> None:
        """Make what all experiments share; it is remembered, and kept where there is a place."""
        _ = self.is_batched

    @property
    def is_batched(self) -> bool:
        """True if the engine measures by all metrics."""
        return self.engine is not None and not uncovered_metrics()

    def evaluate(self, hyperparameters: Configuration) -> Evaluation:
        """Fit with `hyperparameters` and measure by every metric."""
        return self.evaluate_many([hyperparameters])[0]

    def evaluate_many(
        self,
        configurations: Sequence[Configuration],
        units: Ints | None = None,
        metric: str | None = None,
    ) -> list[Evaluation]:
        """Evaluate each configuration; for the built-in recommender much faster than one by one.

        Args:
            configurations: valid in the model's space.
            units: (u,) positions of the users to measure; None: all.
            metric: the only one that is needed, where the others would take longer; None: all.
        """
        if self._model_engine is not None:
            return self._model_engine.evaluate(configurations, units)
        missing = uncovered_metrics()
        engine = self.engine if all(map(applies, configurations)) else None
        if engine is None or metric in missing:
            return [self.evaluate_by_reference(c, units=units) for c in configurations]
        engine = engine if units is None else self._part(engine, units)
        found = dict(engine.evaluate(configurations, self.threads))
        if metric is None:
            found = {n: self._completed(configurations[n], e, units) for n, e in found.items()}
        return [found[n] for n in range(len(configurations))]

    def evaluate_by_reference(
        self,
        hyperparameters: Configuration,
        metrics: Iterable[str] | None = None,
        units: Ints | None = None,
    ) -> Evaluation:
        """Evaluate by the definitions alone: what every faster way must agree with.

        By the metrics of these names, on these users; None: all.
        """
        score, held_out = self._fitted(hyperparameters).score, self.held_out
        if units is not None:
            held_out = held_out.where(np.isin(held_out.users, units))
        return evaluate(score, self.fitting, held_out, self.catalogue, metrics=metrics)

    def _completed(
        self, hyperparameters: Configuration, covered: Evaluation, units: Ints | None
    ) -> Evaluation:
        """Return what the engine measured, and by the reference what it does not cover."""
        missing = uncovered_metrics()
        rest = self.evaluate_by_reference(hyperparameters, missing, units) if missing else covered
        parts = {name: rest if name in missing else covered for name in METRICS}
        return Evaluation(
            values={name: part.values[name] for name, part in parts.items()},
            per_unit={n: part.per_unit[n] for n, part in parts.items() if METRICS[n].per_unit},
            n_units=covered.n_units,
        )

    @cached_property
    def _model_engine(self) -> ModelEngine | None:
        """Engine of another recommender than the built-in; None where the reference measures."""
        kind = engine_class(self.model)
        engine = None if kind is None else kind(self.fitting, self.held_out, self.catalogue)
        return engine if engine is not None and engine.applies() else None

    def _part(self, whole: Engine, users: Ints) -> Engine:
        """Return the engine for some of the users, made once."""
        key = users.tobytes()
        if key not in self._parts:
            self._parts[key] = whole.among(users)
        return self._parts[key]

    def _fitted(self, configuration: Configuration) -> Recommender:
        """Return the model with this configuration; the latest is remembered."""
        if not self._latest or self._latest[0][0] != configuration:
            model = model_class(self.model)(configuration)
            fitted = fit_recommender(
                model, self.fitting, self.catalogue, self.held_out, self._shared
            )
            self._latest[:] = [(configuration, fitted)]
        return self._latest[0][1]


@dataclass(frozen=True, eq=False)
class RatingsTask:
    """Recommender that is tuned for the ratings of a database."""

    data: Dataset
    model: str = BUILT_IN
    split: str = "user-time"
    name = RATINGS
    has_units = True
    meta_feature_scales = SCALES

    @classmethod
    def of(cls, data: Dataset, study: StudyConfig) -> "RatingsTask":
        """Return the task that a study of `data` tunes."""
        return cls(data, study.model, study.split)

    @property
    def space(self) -> Space:
        """Hyperparameters of the model."""
        return model_class(self.model).space

    @property
    def metrics(self) -> Mapping[str, RankingMetric]:
        """Ranking metrics."""
        return METRICS

    def key(self, objective: str) -> TaskKey:
        """Return what makes results on these ratings comparable."""
        return TaskKey(
            data_fingerprint=self.data.fingerprint,
            split=self.split,
            model=self.model,
            space_fingerprint=self.space.fingerprint,
            objective=objective,
            code_versions=equal_versions(
                code_version(self.model),
                plain=self._is_plain,
            ),
        )

    def evaluator(self, part: Part = "validation", n_units: int | None = None) -> RatingsEvaluator:
        """Return what fits before `part` and measures on it, on `n_units` users or on all."""
        cache_key = CacheKey.of(self.data, self.split) if part == "validation" else None
        whole = RatingsEvaluator(
            model=self.model,
            fitting=self._split.fitting_for(part),
            held_out=self._split.held_out_for(part),
            catalogue=self.data.catalogue,
            cache_key=cache_key,
        )
        return whole.on_sample(n_units)

    def unmeasurable(self, objective: str) -> str | None:
        """Return why nobody can be measured on the validation part, if accuracy is asked for."""
        if not METRICS[objective].needs_dislikes:
            return None
        return nobody(self._split.held_out_for("validation"), self.split, "validation")

    def initial_configurations(
        self, space: Space, objective: str, seed: int, current: Configuration
    ) -> Sequence[Configuration]:
        """Return what the pairwise surrogate of accuracy says, for the built-in recommender."""
        if self.model != BUILT_IN or objective != "accuracy":
            return []
        surrogate = Surrogate.of(self.data, self.split, seed, current)
        return [] if surrogate is None else surrogate.configurations(space)

    def meta_features(self) -> Mapping[str, float]:
        """Return figures that say what the ratings and the catalogue are like."""
        return compute_meta_features(self.data)

    def segments(self, part: Part) -> Mapping[str, Bools]:
        """Return (U,) which users belong to each segment."""
        return user_segments(self._split.fitting_for(part), self._split.held_out_for(part))

    def fit(self, configuration: Configuration) -> Recommender:
        """Fit the model to all ratings."""
        return model_class(self.model)(configuration).fit(self.data.ratings, self.data.catalogue)

    @cached_property
    def _is_plain(self) -> bool:
        """Ratings with dislikes, of which equal times decide nothing."""
        ratings = self.data.ratings
        return ratings.has_dislikes and not ties_decide(ratings, self.split)

    @cached_property
    def _split(self) -> Split:
        return SPLITS[self.split](self.data.ratings)


def suited(study: StudyConfig, data: Dataset) -> StudyConfig:
    """Return the study for data that may be events alone, of which accuracy cannot be measured.

    Accuracy is over pairs of a movie that a user likes and one that the user does not. Where nobody
    says what is not liked, `EVENTS_OBJECTIVE` decides in its place.
    """
    if data.ratings.has_dislikes or not METRICS[study.objective].needs_dislikes:
        return study
    others = tuple(name for name in study.further_objectives if name != EVENTS_OBJECTIVE)
    return replace(study, objective=EVENTS_OBJECTIVE, further_objectives=others)
