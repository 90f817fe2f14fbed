from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from reeltune.components.hyperparameters import SPACE
from reeltune.db import dataset
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.domain.arrays import AnyArray, Ints
from reeltune.domain.study import StudyConfig
from reeltune.engine.index_cache import CacheKey, flattened, restored
from reeltune.executors import make_executor
from reeltune.ratings.dataset import INDEX_KIND, Dataset
from reeltune.storage.array_cache import ArrayCache
from reeltune.tasks.ratings import RatingsEvaluator
from reeltune.tuning.measuring import Measurer
from tests.engine.test_engine import needs_engine


class Inner(NamedTuple):
    some: Ints


class Outer(NamedTuple):
    n: int
    inner: Inner
    scale: float


@pytest.fixture
def data(world: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    monkeypatch.setattr(dataset, "WORTH_KEEPING", 1)
    with connection(world) as conn:
        return load_dataset(conn)


def none_made(*_: object) -> None:
    raise AssertionError("made anew")


def test_a_record_of_arrays_numbers_and_records_comes_back() -> None:
    record = Outer(n=3, inner=Inner(np.arange(4)), scale=0.5)
    arrays = dict(flattened(record))
    assert arrays.keys() == {"n", "inner.some", "scale"}
    found = restored(Outer, arrays)
    assert (found.n, found.scale) == (3, 0.5)
    assert found.inner.some.tolist() == [0, 1, 2, 3]


def test_a_cached_index_measures_the_same_and_is_not_made_again(
    data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    default = SPACE.defaults()
    plain = RatingsEvaluator.of(replace(data, cache=None), StudyConfig()).evaluate(default)
    RatingsEvaluator.of(data, StudyConfig()).prepare()
    monkeypatch.setattr("reeltune.engine.index._fitted", none_made)
    kept = RatingsEvaluator.of(data, StudyConfig()).evaluate(default)
    assert kept.values == plain.values
    for name, values in plain.per_unit.items():
        assert np.array_equal(kept.per_unit[name], values, equal_nan=True)


@needs_engine
def test_each_split_has_an_index_of_its_own_and_the_test_part_has_none_cached(
    data: Dataset,
) -> None:
    for split in ("user-time", "calendar"):
        RatingsEvaluator.of(data, StudyConfig(split=split)).prepare()
        RatingsEvaluator.of(data, StudyConfig(split=split), "test").prepare()
    assert isinstance(data.cache, ArrayCache)
    assert sum(name.startswith(f"{INDEX_KIND}-") for name in data.cache.names()) == 2


def test_other_data_or_another_program_have_another_key(
    data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = {CacheKey.of(data, "user-time"), CacheKey.of(data, "user-time")}
    assert len(places) == 1
    places.add(CacheKey.of(replace(data, known_fingerprint="0" * 64), "user-time"))
    monkeypatch.setattr("reeltune.engine.index_cache.program_version", lambda: "another")
    places.add(CacheKey.of(data, "user-time"))
    assert len(places) == 3


@needs_engine
def test_workers_find_the_index_cached(data: Dataset) -> None:
    trainer = RatingsEvaluator.of(data, StudyConfig())
    trainer.prepare()
    assert isinstance(data.cache, ArrayCache)
    before = {name: data.cache.path(name).stat().st_ino for name in data.cache.names()}
    with make_executor(2, partial(Measurer, trainer, "accuracy")) as executor:
        executor.submit(1, SPACE.defaults())
        (outcome,) = executor.finished()
    assert outcome.result is not None
    assert outcome.result.metrics == Measurer(trainer, "accuracy")(SPACE.defaults()).metrics
    assert {name: data.cache.path(name).stat().st_ino for name in before} == before


def test_where_nothing_can_be_cached_the_index_is_made_all_the_same(
    data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unkept(_cache: ArrayCache, _name: str, _arrays: dict[str, AnyArray]) -> None:
        return

    monkeypatch.setattr(ArrayCache, "save", unkept)
    assert RatingsEvaluator.of(data, StudyConfig()).evaluate(SPACE.defaults()).n_units > 0
