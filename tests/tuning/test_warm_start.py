from typing import Any

import numpy as np
import pytest

from reeltune.domain.experiment import TuningRun
from reeltune.domain.space import Configuration, Fixed, Hyperparameter, Single, Space
from reeltune.domain.warm_start import Gain, WarmStartSource
from reeltune.ratings.meta_features import SCALES
from reeltune.tuning.warm_start import (
    MAX_GAINS,
    MAX_STARTS,
    MIN_SUCCESS_RATE,
    NEXT_BEST,
    OTHER_OBJECTIVE,
    OTHER_SPLIT,
    TRIED,
    MetaFeatures,
    WarmStartCandidate,
    carried_over,
    distinct,
    is_reliable,
    max_starts,
    source_of,
    success_rate,
    warm_start_candidates,
)
from tests.tuning.experiments import experiment, run_of


def knob(name: str, **values: Any) -> Hyperparameter:
    usual: dict[str, Any] = {"default": 0.5, "low": 0.0, "high": 1.0, "meaning": name}
    return Hyperparameter(name=name, **usual | values)


SPACE = Space((Single(knob("x")), Single(knob("y")), Fixed(knob("z", searched=False))))
CURRENT = SPACE.defaults()
SAME_DATA = dict.fromkeys(SCALES, 1.0)


def data_at(distance: float) -> dict[str, float]:
    """Figures of data whose similarity to `SAME_DATA` is e to the minus `distance`."""
    return {name: 1.0 + distance * scale for name, scale in SCALES.items()}


def at(x: float, y: float = 0.5) -> Configuration:
    return {**CURRENT, "x": x, "y": y}


def source(*best: Configuration, **values: Any) -> WarmStartSource:
    usual: dict[str, Any] = {
        "pattern_id": 1,
        "tuning_run_id": "earlier",
        "created_at": "2026-11-19T21:00:00Z",
        "model": "hand-weighted",
        "objective": "accuracy",
        "split": "user-time",
        "space_fingerprint": SPACE.fingerprint,
        "profile": SAME_DATA,
        "best": tuple(Gain(gain=0.1, hyperparameters=each) for each in best),
    }
    return WarmStartSource(**usual | values)


def found(
    *sources: WarmStartSource,
    run: TuningRun | None = None,
    tried: tuple[Configuration, ...] = (),
) -> list[WarmStartCandidate]:
    chosen = run or run_of(n_configs=100)
    return warm_start_candidates(
        sources, chosen, MetaFeatures(SAME_DATA, SCALES), SPACE, CURRENT, tried
    )


def xs(some: list[WarmStartCandidate]) -> list[float]:
    return [float(candidate.hyperparameters["x"]) for candidate in some]


def test_a_finished_run_teaches_its_surest_gains() -> None:
    unsure = experiment(4, 0.9, improvement_from_baseline=0.4, improvement_error=0.3)
    stored = [
        experiment(0, 0.5, improvement_from_baseline=0.0),
        experiment(1, 0.6, improvement_from_baseline=0.1),
        experiment(2, 0.4, improvement_from_baseline=-0.1),
        experiment(3, 0.7, improvement_from_baseline=0.2),
        unsure,
        experiment(5, 0.7, improvement_from_baseline=0.2),
        experiment(6, status="failed", error="no"),
        experiment(7, 0.61, improvement_from_baseline=0.11),
    ]
    run = run_of(objective="mrr", split="calendar", model="mine:Own")
    lesson = source_of(run, SAME_DATA, stored)
    assert [gain.hyperparameters for gain in lesson.best] == [{"number": n} for n in (3, 5, 7)]
    assert [gain.gain for gain in lesson.best] == [0.2, 0.2, 0.11]
    assert len(lesson.best) == MAX_GAINS
    assert (lesson.objective, lesson.split, lesson.model) == ("mrr", "calendar", "mine:Own")
    assert (lesson.tuning_run_id, lesson.profile) == (run.tuning_run_id, SAME_DATA)


def test_a_run_in_which_nothing_gained_teaches_that() -> None:
    lucky_baseline = experiment(0, 0.5, improvement_from_baseline=0.1)
    same = experiment(1, 0.5, improvement_from_baseline=0.0)
    assert source_of(run_of(), SAME_DATA, [lucky_baseline, same]).best == ()


def test_trust_is_even_at_first_and_follows_what_happened() -> None:
    assert success_rate(source()) == 0.5
    assert success_rate(source(n_used=4, n_helped=4)) == pytest.approx(5 / 6)
    assert success_rate(source(n_used=4, n_helped=0)) == pytest.approx(1 / 6)


def test_what_did_not_help_a_few_times_is_not_trusted_again() -> None:
    assert all(is_reliable(source(n_used=n)) for n in range(TRIED))
    assert not is_reliable(source(n_used=TRIED))
    assert is_reliable(source(n_used=8, n_helped=2))  # exactly at the limit
    assert success_rate(source(n_used=8, n_helped=2)) == MIN_SUCCESS_RATE
    assert found(source(at(0.9), n_used=TRIED)) == []


def test_a_start_says_why_it_was_chosen() -> None:
    earlier = source(at(0.9), at(0.1), n_used=2, n_helped=2, profile=data_at(0.5))
    first, second = found(earlier)
    assert (first.source, xs([first, second])) == (earlier, [0.9, 0.1])
    assert first.similarity == pytest.approx(np.exp(-0.5))
    assert first.success_rate == pytest.approx(0.75)
    assert first.worth == pytest.approx(0.75 * np.exp(-0.5))
    assert second.worth == pytest.approx(first.worth * NEXT_BEST)


def test_other_objectives_and_splits_are_worth_less() -> None:
    same, objective, split = (
        source(at(0.9)),
        source(at(0.1), objective="mrr"),
        source(at(0.3), split="calendar"),
    )
    some = found(objective, split, same)
    assert xs(some) == [0.9, 0.3, 0.1]
    assert [candidate.worth for candidate in some] == pytest.approx(
        [0.5, 0.5 * OTHER_SPLIT, 0.5 * OTHER_OBJECTIVE]
    )


def test_another_model_and_data_unlike_these_give_nothing() -> None:
    assert found(source(at(0.9), model="mine:Own")) == []
    assert found(source(at(0.9), profile=data_at(1.7))) == []  # e^-1.7 < 0.2
    assert len(found(source(at(0.9), profile=data_at(1.5)))) == 1  # e^-1.5 > 0.2


def test_of_equals_the_later_run_comes_first() -> None:
    assert xs(found(source(at(0.9)), source(at(0.1), pattern_id=2))) == [0.1, 0.9]


def test_a_start_repeats_neither_what_is_deployed_nor_what_was_tried() -> None:
    some = source(at(0.51), at(0.9), at(0.1))
    assert xs(found(some)) == [0.9, 0.1]
    assert xs(found(some, tried=(at(0.89),))) == [0.1]


def test_a_quarter_of_a_run_may_be_starts_and_five_at_most() -> None:
    assert [max_starts(run_of(n_configs=n)) for n in (3, 4, 19, 20, 400)] == [0, 1, 4, 5, 5]
    many = [source(at(0.05 + k / 10, 0.1), pattern_id=k) for k in range(9)]
    assert len(found(*many)) == MAX_STARTS
    assert xs(found(*many, run=run_of(n_configs=8))) == pytest.approx([0.85, 0.75])


def test_near_is_less_than_a_fiftieth_per_root_dimension() -> None:
    step = 0.02 * np.sqrt(len(SPACE.dimensions))
    configurations = [at(0.1), at(0.1 + 0.9 * step), at(0.1 + 1.1 * step), at(0.5)]
    assert distinct(SPACE, configurations, [at(0.5)]) == [configurations[0], configurations[2]]
    assert distinct(SPACE, [], []) == []


def test_of_another_space_what_both_know_is_taken_within_the_bounds() -> None:
    current = {"x": 0.4, "y": 0.3, "z": 0.2}
    assert carried_over(SPACE, current, {"x": 7.0, "w": 0.1}) == {"x": 1.0, "y": 0.3, "z": 0.2}
    assert carried_over(SPACE, current, {"y": -7, "z": 0.9}) == {"x": 0.4, "y": 0.0, "z": 0.2}
