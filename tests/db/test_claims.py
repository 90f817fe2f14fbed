import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from reeltune.commands.database import db as command
from reeltune.db.connection import Connection, connection
from reeltune.db.doctor import examine, verify_versions
from reeltune.db.versions import load_version
from reeltune.versioning.registry import load_model
from reeltune.versioning.retention import remove_old
from tests.versioning.versions import artifact, produced


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "movies.db"


@pytest.fixture
def conn(path: Path) -> Iterator[Connection]:
    with connection(path, create=True) as found:
        produced(found, 3)
        yield found


def fix(path: Path) -> str:
    result = CliRunner().invoke(command, ["doctor", "--fix", "--db", str(path)])
    assert result.exit_code == 0, result.output
    return result.output


def renamed(path: Path, stem: str) -> Path:
    path.with_name("movies.versions").rename(path.with_name(f"{stem}.versions"))
    path.with_name("hyperparameters.json").rename(path.with_name(f"{stem}.hyperparameters.json"))
    return path.rename(path.with_name(f"{stem}.db"))


def test_after_a_rename_all_models_are_found_and_kept(path: Path, conn: Connection) -> None:
    conn.close()
    real = renamed(path, "real")
    assert fix(real) == "nothing is wrong\n"
    with connection(real) as found:
        assert verify_versions(found) == []
        assert [load_model(found, n).version.version for n in (1, 2, 3)] == [1, 2, 3]
        produced(found)  # beside those that were made under the old name
        assert verify_versions(found) == []
        assert remove_old(found, keep=0).versions == (1, 2)
        assert verify_versions(found) == []


def test_after_a_rename_a_backup_is_whole(path: Path, conn: Connection, tmp_path: Path) -> None:
    conn.close()
    real, saved, other = renamed(path, "real"), tmp_path / "saved", tmp_path / "new" / "other.db"
    other.parent.mkdir()
    for words in (["backup", saved, "--db", real], ["restore", saved, "--db", other]):
        result = CliRunner().invoke(command, list(map(str, words)))
        assert result.exit_code == 0, result.output
    shutil.rmtree(real.with_name("real.versions"))
    with connection(other) as found:
        assert verify_versions(found) == []
        assert load_version(found, 1).artifact == f"other.versions/{artifact(found, 1).name}"


def test_where_an_older_database_was_put_back_the_newer_one_keeps_its_models(
    path: Path, conn: Connection, tmp_path: Path
) -> None:
    older = tmp_path / "older"
    with connection(older, create=True) as target:
        conn.backup(target)
    produced(conn, 2)
    conn.close()
    newer = path.rename(path.with_name("movies.db.newer"))
    older.rename(path)
    fix(path)
    with connection(path) as found:
        remove_old(found, keep=0)
    newer.rename(path)
    with connection(path) as found:
        assert [fault.subject for fault in verify_versions(found)] == ["hyperparameters.json"]
        assert [load_model(found, n).version.version for n in range(1, 6)] == [1, 2, 3, 4, 5]


def test_two_databases_of_one_stem_leave_each_other_alone(path: Path, conn: Connection) -> None:
    twin = path.with_suffix(".sqlite")
    with connection(twin, create=True) as other:
        produced(other, 5)
        for each in (conn, other):
            assert verify_versions(each) == []
            assert examine(each, idle=True) == []
            remove_old(each, keep=0)
        assert verify_versions(conn) == verify_versions(other) == []


def test_a_directory_that_two_databases_share_by_a_link_keeps_what_either_needs(
    path: Path, conn: Connection, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "deep" / "down" / "movies.db"
    elsewhere.parent.mkdir(parents=True)
    elsewhere.with_name("movies.versions").symlink_to(path.with_name("movies.versions"))
    with connection(elsewhere, create=True) as other:
        produced(other, 6)
        assert verify_versions(other) == []  # also tells the first that it is there
        fix(path)
        fix(elsewhere)
        assert verify_versions(conn) == verify_versions(other) == []
    renamed = elsewhere.rename(elsewhere.with_name("renamed.db"))  # found by what it is
    remove_old(conn, keep=0)
    with connection(renamed) as other:
        assert [f.subject for f in verify_versions(other)] == ["renamed.hyperparameters.json"]
    hidden = renamed.rename(tmp_path / "deep" / "hidden")
    produced(conn, 2)
    orphan = artifact(conn, 5).with_name("0123456789abcdef")
    orphan.mkdir()
    assert "is not there" in CliRunner().invoke(command, ["doctor", "--db", str(path)]).output
    assert remove_old(conn, keep=0).versions == ()
    hidden.rename(renamed)
    with connection(renamed) as other:
        assert [load_model(other, n).version.version for n in range(1, 7)] == [*range(1, 7)]


def test_as_long_as_a_database_that_may_name_it_cannot_be_read_nothing_goes(
    path: Path, conn: Connection
) -> None:
    damaged = path.with_name("damaged.db")
    with connection(damaged, create=True) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with damaged.open("rb+") as file:
        file.seek(100)
        file.write(b"?" * 2000)
    orphan = artifact(conn, 1).with_name("0123456789abcdef")
    orphan.mkdir()
    found = list(examine(conn, idle=True))
    assert [finding.mend for finding in found] == [None]
    assert "damaged.db" in found[0].fault.what
    assert remove_old(conn, keep=0).stays_for
    damaged.unlink()
    assert "nothing else is wrong" in fix(path)
    assert not orphan.exists()
