import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reeltune.executors.sharing import Mapped, Shared


class _Here:
    """Stands for the file descriptor as it arrives in a worker: here, in this process."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    def detach(self) -> int:

        return os.dup(self._shared._file.fileno())


def there_and_back(value: object) -> Any:
    shared = Shared(value)
    try:
        return Mapped(_Here(shared), shared._spans).load()
    finally:
        shared.close()


@pytest.mark.parametrize(
    "array",
    [
        np.arange(7.0),
        np.zeros((0, 3)),
        np.arange(12.0).reshape(3, 4).T,
        np.arange(20)[::3],
        np.array([True, False]),
        np.array(["a", "bc"]),
        np.array([{"any": "thing"}], dtype=object),
        np.float32(3.5) * np.ones((2, 2, 2), np.float32),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_arrays_arrive_as_they_were(array: np.ndarray[Any, Any]) -> None:
    found = there_and_back({"array": array})["array"]
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype


@pytest.mark.parametrize("stride", [1, 2])
def test_numeric_arrays_arrive_unwritable_and_as_views(stride: int) -> None:
    found = there_and_back(np.arange(100.0)[::stride])
    assert not found.flags.writeable
    assert not found.flags.owndata


def test_a_memory_map_is_written_once_and_not_pickled(tmp_path: Path) -> None:
    mapped = np.memmap(tmp_path / "array", np.float64, mode="w+", shape=(100,))
    mapped[:] = 3.0
    found = there_and_back(mapped)
    assert type(found) is np.ndarray
    assert not found.flags.owndata
    assert found.sum() == 300.0


def test_one_array_in_two_places_is_one_array_there() -> None:
    array = np.arange(5.0)
    first, second = there_and_back((array, array))
    assert first is second


def test_no_file_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    shared = Shared(np.arange(5.0))
    assert list(tmp_path.iterdir()) == []
    shared.close()


def test_what_cannot_be_pickled_is_refused_at_once() -> None:
    with pytest.raises((AttributeError, TypeError)):
        Shared(lambda: None)
