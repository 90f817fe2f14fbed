import shutil
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reeltune.db import dataset
from reeltune.db.aside import Aside
from reeltune.db.backup import save_backup
from reeltune.db.connection import Connection, connect, connection
from reeltune.db.dataset import check_cache, load_dataset, read_dataset
from reeltune.db.doctor import examine
from reeltune.db.restore import restore_backup
from reeltune.ratings.dataset import Dataset
from reeltune.storage.array_cache import ArrayCache


@pytest.fixture(autouse=True)
def kept_however_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "WORTH_KEEPING", 1)


def same(a: Dataset, b: Dataset) -> bool:
    return (
        (a.ratings.fingerprint, a.catalogue.fingerprint)
        == (b.ratings.fingerprint, b.catalogue.fingerprint)
        and a.fingerprint == b.fingerprint
        and a.catalogue.genre_names == b.catalogue.genre_names
    )


def unread(_conn: Connection) -> Dataset:
    raise AssertionError("read from the database")


def test_a_second_start_does_not_read_the_ratings(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connection(world) as conn:
        first = load_dataset(conn)
    monkeypatch.setattr(dataset, "read_dataset", unread)
    with connection(world) as conn:
        assert same(load_dataset(conn), first)


def test_few_ratings_are_not_kept(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "WORTH_KEEPING", 4_001)
    with connection(world) as conn:
        assert load_dataset(conn).cache is None
    assert not ArrayCache.beside(world).directory.exists()


def test_a_damaged_file_is_read_anew_and_replaced(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ArrayCache.beside(world)
    with connection(world) as conn:
        first = load_dataset(conn)
        (name,) = cache.names()
        content = bytearray(cache.path(name).read_bytes())
        content[len(content) // 2] ^= 1
        cache.path(name).write_bytes(content)
        assert same(load_dataset(conn), first)
        monkeypatch.setattr(dataset, "read_dataset", unread)
        assert same(load_dataset(conn), first)


def test_a_copy_by_another_program_with_other_fields_is_not_used(world: Path) -> None:
    cache = ArrayCache.beside(world)
    with connection(world) as conn:
        first = load_dataset(conn)
        (name,) = cache.names()
        arrays = cache.load(name)
        assert arrays is not None
        cache.save(name, {**arrays, "ratings.stars": np.zeros(3)})
        assert same(load_dataset(conn), first)


def test_the_doctor_finds_a_copy_that_is_not_the_database_and_one_that_is_damaged(
    world: Path,
) -> None:
    cache = ArrayCache.beside(world)
    with connection(world) as conn:
        load_dataset(conn)
        assert list(check_cache(conn)) == []
        (name,) = cache.names()
        arrays = dict(cache.load(name) or {})
        cache.save(name, {**arrays, "ratings.rated_at": arrays["ratings.rated_at"][::-1]})
        cache.save("world-1", {"a": np.zeros(3)})
        cache.path("world-1").write_bytes(b"?")
        assert [(path.name[:5], said) for path, said in check_cache(conn)] == [
            ("data-", "is not what is in the database"),
            ("world", "is damaged, and so not used"),
        ]
        for finding in examine(conn, idle=True):
            assert finding.mend is not None
            finding.mend(Aside.of(world))
        assert examine(conn, idle=True) == []
    assert cache.names() == []


def test_only_the_latest_data_are_kept(world: Path) -> None:
    with connection(world) as conn:
        load_dataset(conn)
        conn.execute("DELETE FROM ratings WHERE user_id = 1")
        load_dataset(conn)
    assert len(ArrayCache.beside(world).names()) == 1


CHANGES = (
    "UPDATE ratings SET rating = 5.5 - rating WHERE user_id = (SELECT min(user_id) FROM ratings)",
    "UPDATE ratings SET rated_at = rated_at + 1 WHERE movie_id % 7 = 0",
    "DELETE FROM ratings WHERE user_id = (SELECT max(user_id) FROM ratings)",
    "INSERT INTO ratings VALUES ((SELECT max(user_id) + 1 FROM ratings), 5, 4.0, 9)",
    "UPDATE movies SET collection_id = NULL WHERE movie_id % 2 = 0",
    "DELETE FROM cast_members WHERE movie_id % 3 = 0",
    "UPDATE genres SET name = name || '!' WHERE genre_id = 1",
)
some_steps = st.lists(
    st.sampled_from([*CHANGES, "load", "back up", "restore", "copy", "merge the log", "vacuum"]),
    max_size=12,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=some_steps)
def test_whatever_happens_to_the_database_what_is_loaded_is_what_is_in_it(
    small_world: Path, tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    home = tmp_path_factory.mktemp("home")
    path = Path(shutil.copy(small_world, home / "movies.db"))
    backup = home / "backup"
    for step in steps:
        match step:
            case "back up":
                shutil.rmtree(backup, ignore_errors=True)
                save_backup(path, backup)
            case "restore" if backup.exists():
                restore_backup(backup, path, force=True)
            case "copy":  # an older copy put back by hand
                with closing(connect(path)) as conn:
                    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                shutil.copy(path, home / "older.db")
            case "load" | "restore":
                pass
            case _:
                sql = {"merge the log": "PRAGMA wal_checkpoint(TRUNCATE)", "vacuum": "VACUUM"}
                with closing(connect(path)) as conn:
                    conn.execute(sql.get(step, step))
        with closing(connect(path)) as conn:
            assert same(load_dataset(conn), read_dataset(conn))
    if (home / "older.db").exists():
        for beside in home.glob("movies.db-*"):
            beside.unlink()
        shutil.copy(home / "older.db", path)
        with closing(connect(path)) as conn:
            assert same(load_dataset(conn), read_dataset(conn))


def test_kept_arrays_are_as_the_program_makes_them(world: Path) -> None:
    with connection(world) as conn:
        made, kept = load_dataset(conn), load_dataset(conn)
    for a, b in ((made.ratings, kept.ratings), (made.catalogue, kept.catalogue)):
        for name, value in vars(a).items():
            if isinstance(value, np.ndarray):
                found = getattr(b, name)
                assert (found.dtype, found.flags.c_contiguous) == (value.dtype, True)
