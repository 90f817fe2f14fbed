"""Side-by-side evaluation of two configurations, under both splits: what a decision rests on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from reeltune.domain.arrays import Floats
from reeltune.domain.evaluation import Evaluation, Part
from reeltune.domain.space import Configuration
from reeltune.domain.study import BUILT_IN, StudyConfig
from reeltune.gate.comparisons import MetricComparison, SegmentedEvaluation, compare_models
from reeltune.metrics.evaluate import evaluate
from reeltune.metrics.objectives import direction_of
from reeltune.metrics.ranking_metrics import METRICS
from reeltune.metrics.segments import (
    HeldOutScores,
    held_out_scores,
    held_out_scores_at,
    movie_accuracies,
    user_segments,
)
from reeltune.rating_models.hand_weighted import HandWeighted
from reeltune.rating_models.popular import POPULARITY
from reeltune.rating_models.registry import model_class
from reeltune.ratings.calls import fit_recommender
from reeltune.ratings.dataset import Dataset
from reeltune.ratings.recommender import Recommender
from reeltune.ratings.splits import SPLITS, guarding_split
from reeltune.stats.paired_tests import (
    QUICK_EFFORT,
    Comparison,
    known_differences,
    paired_difference,
)
from reeltune.tasks.ratings import RatingsEvaluator


@dataclass(frozen=True, eq=False)
class ConfiguredModel:
    """Model and hyperparameters that are compared with others."""

    model: str
    hyperparameters: Configuration

    def is_same(self, other: "ConfiguredModel") -> bool:
        """Return whether both would be fitted to the same model."""
        return self.model == other.model and dict(self.hyperparameters) == dict(
            other.hyperparameters
        )


POPULAR_MODEL = ConfiguredModel(BUILT_IN, POPULARITY)


@dataclass(frozen=True, eq=False)
class Evidence:
    """Evaluations of what is deployed and of a candidate, on one held-out part of each split."""

    study: StudyConfig
    deployed: Mapping[str, SegmentedEvaluation]  # by split
    candidate: Mapping[str, SegmentedEvaluation]
    are_same: bool
    popular: Floats | None = None  # (U,) the objective of popularity's lists, where they are asked

    @property
    def over_popularity(self) -> Comparison | None:
        """Gain of the candidate over the lists of the most popular movies; None if not asked."""
        if self.popular is None:
            return None
        upwards = direction_of(self.study.objective).upwards
        own = self.candidate[self.study.split].evaluation.per_unit[self.study.objective]
        return paired_difference(upwards(own), upwards(self.popular), effort=QUICK_EFFORT)

    @property
    def comparisons(self) -> list[MetricComparison]:
        """All figures side by side; the study's split first."""
        splits = sorted(self.candidate, key=lambda split: split != self.study.split)
        return [
            comparison
            for split in splits
            for comparison in compare_models(
                split, self.deployed[split], self.candidate[split], self.study.objective
            )
        ]

    @property
    def gains(self) -> Floats | None:
        """Per-user gains of the candidate in the objective; None where both are the same."""
        if self.are_same:
            return None
        a, b = (
            direction_of(self.study.objective).upwards(
                side[self.study.split].evaluation.per_unit[self.study.objective]
            )
            for side in (self.candidate, self.deployed)
        )
        return known_differences(a, b)


def gather(
    data: Dataset,
    study: StudyConfig,
    part: Part,
    deployed: ConfiguredModel,
    candidate: ConfiguredModel,
    n_users: int | None = None,
) -> Evidence:
    """Measure both models on `part` of two splits; where they are the same, one only.

    With `n_users`, on a fixed sample of so many users.
    """
    are_same = deployed.is_same(candidate)
    was, now, popular = {}, {}, None
    for split in splits_measured(study.split):
        trainer = RatingsEvaluator.of(data, replace(study, split=split), part).on_sample(n_users)
        measured = measure_models(trainer, [candidate] if are_same else [candidate, deployed])
        now[split], was[split] = measured[0], measured[-1]
        if split == study.split and METRICS[study.objective].finds_liked:
            popular = measure_metrics(trainer, POPULAR_MODEL).per_unit[study.objective]
    return Evidence(study, was, now, are_same, popular)


def splits_measured(split: str) -> tuple[str, ...]:
    """Return the split of a study and the one that it is guarded by, in the registry's order.

    >>> splits_measured("user-time"), splits_measured("calendar")
    (('user-time', 'calendar'), ('user-time', 'calendar'))
    """
    return tuple(name for name in SPLITS if name in (split, guarding_split(split)))


def measure_models(
    trainer: RatingsEvaluator, models: Sequence[ConfiguredModel]
) -> list[SegmentedEvaluation]:
    """Fit each model, and measure it as a whole and in segments.

    Those of the built-in model are measured in one pass over the users.
    """
    built_in = [each.hyperparameters for each in models if each.model == BUILT_IN]
    pipeline = replace(trainer, model=BUILT_IN)
    evaluations = iter(pipeline.evaluate_many(built_in) if built_in else [])
    found = []
    for configured in models:
        known = next(evaluations) if configured.model == BUILT_IN else None
        found.append(_measured(trainer, configured, known))
    return found


def _measured(
    trainer: RatingsEvaluator, configured: ConfiguredModel, known: Evaluation | None
) -> SegmentedEvaluation:
    fitting, held_out, catalogue = trainer.fitting, trainer.held_out, trainer.catalogue
    model: Recommender
    if configured.model == BUILT_IN:
        model = HandWeighted(configured.hyperparameters).fit(fitting, catalogue, held_out)
    else:
        unfitted = model_class(configured.model)(configured.hyperparameters)
        model = fit_recommender(unfitted, fitting, catalogue, held_out)
    return SegmentedEvaluation(
        evaluation=known or evaluate(model.score, fitting, held_out, catalogue),
        by_users=user_segments(fitting, held_out),
        by_movies=movie_accuracies(_scores_of(model), fitting, held_out, catalogue),
    )


def measure_metrics(trainer: RatingsEvaluator, configured: ConfiguredModel) -> Evaluation:
    """Return every metric of one model."""
    return replace(trainer, model=configured.model).evaluate(configured.hyperparameters)


def _scores_of(model: Recommender) -> HeldOutScores:
    if isinstance(model, HandWeighted):
        return partial(held_out_scores_at, model.score_at)
    return partial(held_out_scores, model.score)
