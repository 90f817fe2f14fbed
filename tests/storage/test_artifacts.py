import hashlib
import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from reeltune.domain.arrays import AnyArray
from reeltune.domain.errors import InputError, StorageError
from reeltune.storage.artifacts import (
    ARRAYS,
    MANIFEST,
    check_artifact,
    find_orphans,
    load_artifact,
    save_artifact,
)

SAID = {"model": "hand-weighted", "hyperparameters": {"b": 1, "a": 0.5}}
SOME = {"x": np.arange(6.0).reshape(2, 3), "known": np.array([True, False])}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "movies.db"


def saved(database: Path, arrays: dict[str, AnyArray] | None = None) -> tuple[str, str]:
    return save_artifact(database, SAID, SOME if arrays is None else arrays)


def directory(database: Path) -> Path:
    (found,) = database.with_name("movies.versions").iterdir()
    return found


some_arrays = st.dictionaries(
    st.text(min_size=1, max_size=5),
    hnp.arrays(
        st.sampled_from(["bool", "int8", "<i4", ">i4", "int64", "uint16", "float32", ">f8"]),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    ),
    max_size=4,
)


@settings(max_examples=40, deadline=None)
@given(arrays=some_arrays, turned=st.booleans())
def test_what_is_loaded_is_what_was_saved_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, arrays: dict[str, AnyArray], turned: bool
) -> None:
    database = tmp_path_factory.mktemp("artifact") / "movies.db"
    given_arrays = {name: a.T if turned else a for name, a in arrays.items()}
    manifest, loaded = load_artifact(database, *saved(database, given_arrays))
    assert manifest["hyperparameters"] == SAID["hyperparameters"]
    assert set(loaded) == set(given_arrays)
    for name, array in given_arrays.items():
        assert loaded[name].dtype == array.dtype.newbyteorder("<")
        assert loaded[name].shape == array.shape
        assert loaded[name].tobytes() == array.astype(array.dtype.newbyteorder("<")).tobytes()


def test_the_same_content_is_the_same_bytes_under_the_same_name(database: Path) -> None:
    first = saved(database)
    before = {f.name: (f.read_bytes(), f.stat().st_mtime_ns) for f in directory(database).iterdir()}
    turned = dict(reversed(SOME.items()))
    assert save_artifact(database, dict(reversed(SAID.items())), turned) == first
    after = {f.name: (f.read_bytes(), f.stat().st_mtime_ns) for f in directory(database).iterdir()}
    assert after == before  # it was reused, not written again


def test_the_name_is_the_start_of_the_manifests_hash(database: Path) -> None:
    relative, sha256 = saved(database)
    manifest = (database.parent / relative / MANIFEST).read_bytes()
    arrays = (database.parent / relative / ARRAYS).read_bytes()
    assert hashlib.sha256(manifest).hexdigest() == sha256
    assert relative == f"movies.versions/{sha256[:16]}"
    assert json.loads(manifest)["arrays_sha256"] == hashlib.sha256(arrays).hexdigest()
    assert json.loads(manifest)["arrays_bytes"] == len(arrays)


@pytest.mark.parametrize("name", [ARRAYS, MANIFEST])
@pytest.mark.parametrize("damage", ["flip", "cut", "longer", "empty", "missing", "directory"])
def test_an_artifact_that_was_changed_is_refused_and_mended_by_saving_it_again(
    database: Path, name: str, damage: str
) -> None:
    artifact = saved(database)
    path = database.parent / artifact[0] / name
    harm(path, damage)
    said = "is missing" if damage in ("missing", "directory") else "its SHA-256 differs"
    with pytest.raises(StorageError, match=f"{name}.*{said}"):
        load_artifact(database, *artifact)
    assert len(check_artifact(database, *artifact)) == 1
    if damage != "directory":
        assert saved(database) == artifact
        assert check_artifact(database, *artifact) == []


def harm(path: Path, damage: str) -> None:
    data = path.read_bytes()
    path.unlink()
    if damage == "directory":
        path.mkdir()
    elif damage != "missing":
        flipped = data[:-1] + bytes([data[-1] ^ 1])
        path.write_bytes(
            {"flip": flipped, "cut": data[:-1], "longer": data + b" ", "empty": b""}[damage]
        )


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("executed",)


@pytest.mark.parametrize("name", [ARRAYS, MANIFEST])
def test_a_pickle_in_its_place_is_refused_and_never_executed(
    database: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = saved(database)
    monkeypatch.chdir(database.parent)
    (database.parent / artifact[0] / name).write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(StorageError, match="changed"):
        load_artifact(database, *artifact)
    assert not Path("executed").exists()


@pytest.mark.parametrize(
    "content", [b"{}", b"[1]", b"\xff", b'{"format": "other"}', b'{"a":1,"a":2}']
)
def test_a_file_whose_hash_is_right_but_which_is_not_ours_is_refused(
    database: Path, content: bytes
) -> None:
    sha256 = hashlib.sha256(content).hexdigest()
    relative = f"movies.versions/{sha256[:16]}"
    (database.parent / relative).mkdir(parents=True)
    (database.parent / relative / MANIFEST).write_bytes(content)
    with pytest.raises(StorageError, match="not written by this program"):
        load_artifact(database, relative, sha256)


@pytest.mark.parametrize(
    "relative",
    [
        "",
        "{}",
        "../movies.versions/{}",
        "/etc/movies.versions/{}",
        "movies.versions/../{}",
        "movies.versions/{}/",
        "movies.versions/{}\n",
        "a/b.versions/{}",
        "movies.versions/0123456789abcdef",
    ],
)
def test_a_stored_name_that_leads_elsewhere_is_refused(database: Path, relative: str) -> None:
    _, sha256 = saved(database)
    with pytest.raises(StorageError, match="not the name of an artifact"):
        load_artifact(database, relative.format(sha256[:16]), sha256)


def test_a_pipe_in_its_place_does_not_block(database: Path) -> None:
    artifact = saved(database)
    path = database.parent / artifact[0] / ARRAYS
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(StorageError, match="missing"):
        load_artifact(database, *artifact)


def test_objects_and_text_are_refused_by_name_before_anything_is_written(database: Path) -> None:
    wrong = {"names": np.array(["a"]), "things": np.array([{}]), "fine": np.zeros(1)}
    with pytest.raises(InputError, match=r"'names' is <U1, 'things' is object"):
        saved(database, wrong)
    assert not database.with_name("movies.versions").exists()


def test_a_disk_that_takes_no_more_is_told_in_one_line_and_leaves_nothing(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    database.with_name("movies.versions").mkdir()
    with pytest.raises(StorageError, match="No space left on device"):
        saved(database)
    assert list(database.with_name("movies.versions").iterdir()) == []


def test_what_a_killed_process_left_unfinished_is_found_and_cleared_by_the_next(
    database: Path,
) -> None:
    unfinished = database.with_name("movies.versions") / ".movies.db.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / ARRAYS).write_bytes(b"half")
    assert find_orphans(database, []) == ["movies.versions/.movies.db.unfinished"]
    relative, _ = saved(database)
    assert find_orphans(database, []) == [relative]
    assert find_orphans(database, [relative]) == []
