"""Daily backups: which are kept, which are removed, and that nothing else is touched."""

import json
from pathlib import Path

import pytest

from reeltune.db import daily_backups
from reeltune.db.backup import CONTENTS
from reeltune.db.daily_backups import back_up_today, default_directory
from reeltune.db.restore import load_backup
from reeltune.domain.errors import InputError, StorageError


def made(directory: Path, moment: str, database: str = "movies.db") -> Path:
    path = directory / f"movies-{moment}"
    path.mkdir(parents=True)
    (path / CONTENTS).write_text(json.dumps({"database": database}))
    return path


@pytest.fixture
def today(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(daily_backups, "stamp", lambda: "2026-11-27T03:00:00Z")
    return "movies-20261127T030000Z"


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_backup_is_whole_and_named_by_its_moment(
    small_world: Path, tmp_path: Path, today: str
) -> None:
    found = back_up_today(small_world, tmp_path / "new" / "kept")
    assert found.made.directory == tmp_path / "new" / "kept" / today
    assert load_backup(found.made.directory).database == "movies.db"
    assert found.removed == []


def test_of_each_day_the_latest_is_kept_and_of_days_the_last(
    small_world: Path, tmp_path: Path, today: str
) -> None:
    for moment in (
        "20261121T030000Z",
        "20261124T030000Z",
        "20261124T050000Z",
        "20261126T030000Z",
        "20261127T010000Z",
    ):
        made(tmp_path, moment)
    found = back_up_today(small_world, tmp_path, 3)
    assert names(tmp_path) == ["movies-20261124T050000Z", "movies-20261126T030000Z", today]
    assert [path.name for path in found.removed] == [
        "movies-20261121T030000Z",
        "movies-20261124T030000Z",
        "movies-20261127T010000Z",
    ]


def test_nothing_else_is_removed(small_world: Path, tmp_path: Path, today: str) -> None:
    others = [
        made(tmp_path, "20200101T000000Z", "movies.sqlite"),  # another database of that name
        made(tmp_path, "20200102T000000Z-by-hand"),
        tmp_path / "other-20200101T000000Z",
        tmp_path / "movies-notes",
        tmp_path / ".other-20200101T000000Z.unfinished",
    ]
    for path in others:
        path.mkdir(exist_ok=True)
    broken = tmp_path / "movies-20200103T000000Z"
    broken.mkdir()
    (broken / CONTENTS).write_text("{")
    back_up_today(small_world, tmp_path, 1)
    assert names(tmp_path) == sorted([*(path.name for path in others), broken.name, today])


def test_what_a_killed_night_left_is_removed(small_world: Path, tmp_path: Path, today: str) -> None:
    half_made = tmp_path / ".movies-20261126T030000Z.unfinished"
    half_removed = tmp_path / "movies-20261120T030000Z"
    for path in (half_made, half_removed):
        path.mkdir()
        (path / "movies.db").touch()
    back_up_today(small_world, tmp_path)
    assert names(tmp_path) == [today]


def test_a_clock_set_back_does_not_remove_what_was_just_made(
    small_world: Path, tmp_path: Path, today: str
) -> None:
    made(tmp_path, "20991231T030000Z")
    back_up_today(small_world, tmp_path, 1)
    assert today in names(tmp_path)


def test_where_it_cannot_be_written_nothing_is_removed(
    world: Path, tmp_path: Path, today: str
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be written"):
        back_up_today(world, tmp_path / "file" / "kept")
    old = made(tmp_path / "kept", "20261120T030000Z")
    world.write_bytes(b"no database")
    with pytest.raises(StorageError):
        back_up_today(world, tmp_path / "kept", 1)
    assert old.exists()


def test_at_least_one_day_is_kept(small_world: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="1 or more"):
        back_up_today(small_world, tmp_path, 0)


def test_the_directory_is_named_after_the_database(tmp_path: Path) -> None:
    assert default_directory(tmp_path / "real.db") == tmp_path.resolve() / "real.backups"
