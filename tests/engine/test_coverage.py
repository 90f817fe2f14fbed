"""What the engine does not cover is measured by the reference, and the log says so once."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from reeltune.components import COMPONENTS
from reeltune.components.hyperparameters import SPACE
from reeltune.components.rating import Rating
from reeltune.domain.arrays import Floats
from reeltune.domain.evaluation import Evaluation
from reeltune.domain.experiment import Measurement
from reeltune.domain.space import Configuration
from reeltune.engine import coverage as covered
from reeltune.engine.coverage import (
    COVERED_COMPONENTS,
    COVERED_METRICS,
    component_gaps,
    uncovered_metrics,
)
from reeltune.engine.engine import applies
from reeltune.metrics.ranking_metrics import METRICS, Outcome, RankingMetric, mrr
from reeltune.tasks.ratings import RatingsEvaluator
from reeltune.tuning.measuring import Measurer
from reeltune.tuning.pruning import Pruner
from reeltune.tuning.pruning_rules import EvaluationRequest
from tests.engine.test_engine import (
    assert_same,
    configuration_of,
    engine_of,
    needs_engine,
    some_trainer,
)

pytestmark = needs_engine
CONFIGURATIONS = [configuration_of(np.random.default_rng(seed)) for seed in range(4)]


def sure_hits(outcome: Outcome) -> Floats:
    """Sum a user's scores of liked movies that come first: by ranks, scores and truth alike."""
    worth = outcome.ranking.held_out_scores / outcome.ranking.held_out_ranks
    found = outcome.total(worth * outcome.relevant)
    return np.where(outcome.n_relevant > 0, found, np.nan)


class Parity(Rating):
    """A component that says: movies at odd places are better."""

    name: ClassVar[str] = "parity"

    def score(self, users: np.ndarray, values: Configuration) -> Floats:
        odd: Floats = (np.arange(len(self.means)) % 2).astype(np.float64)[None, :]
        return odd


@pytest.fixture(autouse=True)
def _all_is_covered_and_nothing_was_said(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in uncovered_metrics():
        monkeypatch.delitem(METRICS, name)
    covered._say_once.cache_clear()
    yield
    covered._say_once.cache_clear()


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.WARNING, "reeltune.engine.coverage")
    return caplog


def register(patch: pytest.MonkeyPatch, name: str, **changes: object) -> None:
    new = RankingMetric(name, name, higher_is_better=True, per_unit=True, measure=sure_hits)
    patch.setitem(METRICS, name, replace(new, **changes))  # type: ignore[arg-type]


def assert_as_by_reference(
    trainer: RatingsEvaluator, configurations: Sequence[Configuration]
) -> None:
    found = trainer.evaluate_many(configurations)
    for evaluation, configuration in zip(found, configurations, strict=True):
        assert_same(evaluation, trainer.evaluate_by_reference(configuration))


def test_what_is_covered_is_registered_and_is_what_the_engine_computes() -> None:
    assert COVERED_METRICS.items() <= {n: m.measure for n, m in METRICS.items()}.items()
    ((_, found),) = engine_of(some_trainer()).evaluate([SPACE.defaults()])
    assert found.values.keys() == COVERED_METRICS.keys()
    assert found.per_unit.keys() == {n for n in COVERED_METRICS if METRICS[n].per_unit}
    assert [kind.name for kind in COVERED_COMPONENTS] == list(COMPONENTS)


def test_a_metric_that_is_not_covered_is_measured_by_the_reference_and_no_other(
    monkeypatch: pytest.MonkeyPatch, said: pytest.LogCaptureFixture
) -> None:
    trainer, asked = some_trainer(), []
    before = trainer.evaluate_many(CONFIGURATIONS)
    register(monkeypatch, "sure hits")
    reference = RatingsEvaluator.evaluate_by_reference

    def watched(*arguments: object) -> Evaluation:
        asked.append(arguments[2:])
        return reference(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(RatingsEvaluator, "evaluate_by_reference", watched)
    found = trainer.evaluate_many(CONFIGURATIONS)
    assert asked == [(["sure hits"], None)] * len(CONFIGURATIONS)
    for old, new, configuration in zip(before, found, CONFIGURATIONS, strict=True):
        assert_same(new, reference(trainer, configuration))
        assert old.values.items() <= new.values.items()
    assert len({evaluation.values["sure hits"] for evaluation in found}) > 1
    assert [record.message for record in said.records] == [
        "the compiled engine does not compute 'sure hits': the slower reference does"
    ]
    assert not trainer.is_batched


def test_another_definition_under_a_covered_name_is_not_covered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert COVERED_METRICS["mrr"] is mrr
    register(monkeypatch, "mrr")
    assert uncovered_metrics() == ["mrr"]
    trainer = some_trainer()
    assert_as_by_reference(trainer, CONFIGURATIONS)
    assert trainer.evaluate(CONFIGURATIONS[0]).values["mrr"] != 0.0


def test_a_metric_that_is_no_longer_registered_is_not_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(METRICS, "diversity")
    trainer = some_trainer()
    assert trainer.is_batched
    assert_as_by_reference(trainer, CONFIGURATIONS)


@pytest.mark.parametrize("per_unit", [True, False])
def test_a_metric_for_all_users_together_may_be_uncovered_too(
    monkeypatch: pytest.MonkeyPatch, per_unit: bool
) -> None:
    measure = (
        sure_hits if per_unit else lambda outcome: np.nanmax(sure_hits(outcome), keepdims=True)
    )
    register(monkeypatch, "most sure", per_unit=per_unit, measure=measure)
    assert_as_by_reference(some_trainer(), CONFIGURATIONS)


def test_pruning_by_a_metric_that_is_not_covered_sees_its_values(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    register(monkeypatch, "sure hits")
    trainer = some_trainer()
    for objective in ("sure hits", "accuracy"):
        pruner = Pruner(trainer, objective, seed=0)
        everybody = trainer.evaluate_by_reference(CONFIGURATIONS[0]).per_unit[objective]
        users = np.flatnonzero(np.isfinite(everybody))[::2]
        (found,) = trainer.evaluate_many(CONFIGURATIONS[:1], users, objective)
        assert np.array_equal(found.per_unit[objective][users], everybody[users])
        measured = pruner(EvaluationRequest(CONFIGURATIONS[0]))
        assert isinstance(measured, Measurement)
        assert measured.metrics == Measurer(trainer, "accuracy")(CONFIGURATIONS[0]).metrics
        assert list(measured.metrics) == list(METRICS)


def test_a_component_that_is_not_covered_leaves_all_to_the_reference(
    monkeypatch: pytest.MonkeyPatch, said: pytest.LogCaptureFixture
) -> None:
    trainer = some_trainer()
    without = trainer.evaluate(SPACE.defaults())
    monkeypatch.setitem(COMPONENTS, "parity", Parity)
    trainer = some_trainer()  # other tables: what is fitted is remembered
    configurations = [{**each, "parity_weight": 0.5} for each in CONFIGURATIONS]
    assert trainer.engine is None
    assert_as_by_reference(trainer, configurations)
    assert trainer.evaluate({**SPACE.defaults(), "parity_weight": 0.5}).values != without.values
    assert [record.message for record in said.records] == [
        "the compiled engine does not apply, for it does not cover the component 'parity': "
        "the slower reference measures"
    ]


def test_other_hyperparameters_another_class_another_order_and_fewer_are_gaps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Rating, "hyperparameters", ("genre_boost_high",))
        assert "'rating' reads other hyperparameters" in component_gaps()[0]
        assert some_trainer().engine is None
    with monkeypatch.context() as patch:
        patch.setitem(COMPONENTS, "rating", Parity)
        assert component_gaps() == ["it does not cover the component 'rating'"]
    with monkeypatch.context() as patch:
        patch.setitem(COMPONENTS, "rating", COMPONENTS["rating"])
        rating = COMPONENTS.pop("rating")
        assert component_gaps() == ["the component 'rating' is not there"]
        COMPONENTS["rating"] = rating  # now the last
        assert component_gaps() == ["the components are added up in another order"]
        for kind in list(COVERED_COMPONENTS)[1:]:
            COMPONENTS[kind.name] = COMPONENTS.pop(kind.name)
    assert component_gaps() == []


def test_where_a_weight_may_be_negative_the_reference_measures() -> None:
    """Single precision is as exact as it has to be for weights of 0 or more only."""
    assert applies(SPACE.defaults())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reeltune.engine.engine.SPACE", type("Any", (), {"hyperparameters": {}}))
        assert not applies({**SPACE.defaults(), "rating_weight": -0.1})
        assert applies(SPACE.defaults())
