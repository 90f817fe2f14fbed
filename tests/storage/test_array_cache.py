import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as some_numpy

from reeltune.domain.arrays import AnyArray
from reeltune.storage import array_cache
from reeltune.storage.array_cache import MAX_FILES, ArrayCache

ARRAYS: dict[str, AnyArray] = {"a": np.arange(300), "b": np.array([[True, False]])}

some_arrays = st.dictionaries(
    st.text("ab.", min_size=1, max_size=3),
    some_numpy.arrays(
        st.sampled_from([np.int64, np.int32, np.float64, np.bool_, np.uint8]),
        some_numpy.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=4),
    ),
    max_size=4,
)


@pytest.fixture
def cache(tmp_path: Path) -> ArrayCache:
    kept = ArrayCache.beside(tmp_path / "movies.db")
    kept.save("data-1", ARRAYS)
    return kept


def same(found: Any, expected: dict[str, AnyArray]) -> bool:
    return found.keys() == expected.keys() and all(
        found[name].dtype == array.dtype and np.array_equal(found[name], array, equal_nan=True)
        if array.dtype.kind == "f"
        else found[name].dtype == array.dtype and np.array_equal(found[name], array)
        for name, array in expected.items()
    )


@given(arrays=some_arrays)
def test_what_is_saved_is_loaded(
    tmp_path_factory: pytest.TempPathFactory, arrays: dict[str, AnyArray]
) -> None:
    cache = ArrayCache(tmp_path_factory.mktemp("cache"))
    cache.save("data-1", arrays)
    assert same(cache.load("data-1"), arrays)


def test_what_was_never_saved_is_not_there(cache: ArrayCache) -> None:
    assert cache.load("data-2") is None
    assert ArrayCache(cache.directory / "none").load("data-1") is None


@given(where=st.floats(0, 1, exclude_max=True), mask=st.integers(1, 255))
def test_a_file_with_any_byte_changed_is_as_good_as_none(
    tmp_path_factory: pytest.TempPathFactory, where: float, mask: int
) -> None:
    cache = ArrayCache(tmp_path_factory.mktemp("cache"))
    cache.save("data-1", ARRAYS)
    content = bytearray(cache.path("data-1").read_bytes())
    content[int(where * len(content))] ^= mask
    cache.path("data-1").write_bytes(content)
    assert cache.load("data-1") is None


@given(share=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_short_is_as_good_as_none(
    tmp_path_factory: pytest.TempPathFactory, share: float
) -> None:
    cache = ArrayCache(tmp_path_factory.mktemp("cache"))
    cache.save("data-1", ARRAYS)
    content = cache.path("data-1").read_bytes()
    cache.path("data-1").write_bytes(content[: int(share * len(content))])
    assert cache.load("data-1") is None


def test_what_is_written_to_a_loaded_array_is_nobody_elses(cache: ArrayCache) -> None:
    found = cache.load("data-1")
    assert found is not None
    mine: Any = found["a"]
    mine[:] = 7
    assert same(cache.load("data-1"), ARRAYS)


def test_nothing_is_kept_on_a_disk_that_is_nearly_full(
    cache: ArrayCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        free = 3 * sum(array.nbytes for array in ARRAYS.values())

    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage)
    cache.save("data-2", ARRAYS)
    assert cache.names() == ["data-1"]


def test_a_write_that_fails_leaves_what_was_there_and_stops_nobody(
    cache: ArrayCache, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(array_cache, "_write", full)
    cache.save("data-1", {"a": np.zeros(9)})
    assert same(cache.load("data-1"), ARRAYS)
    assert cache.drafts() == []
    assert "No space left" in caplog.text


def test_where_no_directory_can_be_made_nothing_is_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "movies.cache").write_text("a file")
    cache = ArrayCache.beside(tmp_path / "movies.db")
    cache.save("data-1", ARRAYS)
    assert cache.load("data-1") is None
    assert "nothing is kept" in caplog.text


def test_of_one_kind_the_least_recently_used_go(cache: ArrayCache) -> None:
    cache.save("world-x", ARRAYS)
    for n in range(2, MAX_FILES + 2):
        for k, name in enumerate(cache.names()):
            os.utime(cache.path(name), ns=(k, k))
        os.utime(cache.path("data-1"), ns=(99, 99))
        cache.save(f"data-{n}", ARRAYS)
    assert cache.names() == ["data-1", "data-3", "data-4", "data-5", "world-x"]


def test_what_does_not_belong_is_removed(cache: ArrayCache) -> None:
    cache.save("data-2", ARRAYS)
    cache.save("world-1", ARRAYS)
    cache.remove_all_but("data", "2")
    assert cache.names() == ["data-2", "world-1"]


def test_what_a_process_that_was_killed_was_writing_is_no_file_and_goes_with_the_next(
    cache: ArrayCache,
) -> None:
    code = (
        "import os, sys, pathlib, numpy; from reeltune.storage import array_cache\n"
        "array_cache._header = lambda arrays: os.kill(os.getpid(), 9)\n"
        "cache = array_cache.ArrayCache(pathlib.Path(sys.argv[1]))\n"
        "cache.save('data-2', {'a': numpy.zeros(9)})"
    )
    done = subprocess.run([sys.executable, "-c", code, str(cache.directory)], check=False)
    assert done.returncode == -9
    assert len(cache.drafts()) == 1
    assert cache.names() == ["data-1"]
    mine = cache.directory / f".data-9.{os.getpid()}.unfinished"
    mine.touch()
    cache.save("data-3", ARRAYS)
    assert cache.drafts() == [mine]
