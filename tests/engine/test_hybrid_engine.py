"""Engine of the hybrid against the reference: every metric, every user, to the last bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reeltune.domain.errors import InputError
from reeltune.domain.space import Configuration
from reeltune.domain.study import HYBRID
from reeltune.engine import hybrid_engine
from reeltune.engine.hybrid_engine import HybridEngine
from reeltune.rating_models.hybrid import Hybrid
from reeltune.tasks.ratings import RatingsEvaluator
from tests.engine.test_engine import assert_same, catalogue_of, parts_of

RATINGS = ([4.0], [2.0, 4.5], [0.5, 2.0, 3.0, 3.5, 4.0, 5.0])


def evaluator_of(seed: int, n_movies: int, n_users: int) -> RatingsEvaluator:
    rng = np.random.default_rng(seed)
    catalogue = catalogue_of(rng, n_movies, 0.7)
    fitting, held_out = parts_of(rng, n_users, n_movies, list(RATINGS[seed % len(RATINGS)]))
    return RatingsEvaluator(HYBRID, fitting, held_out, catalogue)


def configurations_of(seed: int) -> list[Configuration]:
    """Return some that differ in everything, and some in the weights' hyperparameters alone."""
    rng = np.random.default_rng(seed)
    first, second = (Hybrid.space.decode(rng.random(len(Hybrid.space.dimensions))) for _ in "12")
    return [first, second, {**first, "tau": 0.0}, {**first, "weight_penalty": 0.1}, first]


@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 15, 70, 300]), st.integers(1, 9))
@settings(max_examples=12, deadline=None)
def test_it_measures_what_the_reference_does(seed: int, n_movies: int, n_users: int) -> None:
    evaluator, configurations = evaluator_of(seed, n_movies, n_users), configurations_of(seed)
    found = evaluator.evaluate_many(configurations)
    for each, evaluation in zip(configurations, found, strict=True):
        assert_same(evaluation, evaluator.evaluate_by_reference(each))


def test_pieces_of_users_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluator, (configuration, *_) = evaluator_of(7, 70, 9), configurations_of(7)
    expected = evaluator.evaluate(configuration)
    monkeypatch.setattr(hybrid_engine, "SCORE_BYTES", 1)
    assert_same(evaluator.evaluate(configuration), expected)


def test_it_measures_on_some_users_as_the_reference_does() -> None:
    evaluator, configurations = evaluator_of(8, 70, 9), configurations_of(8)[:1]
    users = np.flatnonzero(np.diff(evaluator.held_out.starts))[::2]
    (found,) = evaluator.evaluate_many(configurations, units=users)
    assert_same(found, evaluator.evaluate_by_reference(configurations[0], units=users))
    assert found.n_units == len(users) > 0


def test_a_rating_in_both_parts_is_left_to_the_reference_which_refuses_it() -> None:
    evaluator = evaluator_of(9, 70, 9)
    parts = (evaluator.held_out, evaluator.held_out, evaluator.catalogue)
    assert not HybridEngine(*parts).applies()
    assert HybridEngine(evaluator.fitting, evaluator.held_out, evaluator.catalogue).applies()
    with pytest.raises(InputError, match="not in both"):
        RatingsEvaluator(HYBRID, *parts).evaluate(configurations_of(9)[0])
