import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reeltune.db.backup import save_backup
from reeltune.db.connection import Connection, connect, connection, open_unchanged
from reeltune.db.doctor import verify_versions
from reeltune.db.restore import restore_backup
from reeltune.domain.errors import BusyError, StorageError
from reeltune.storage.identity import is_mount_point
from reeltune.storage.run_lock import holder_path, lock_holder, run_lock
from tests.versioning.versions import artifact, produced


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    return tmp_path / "a" / "movies.db"


@pytest.fixture
def conn(path: Path) -> Iterator[Connection]:
    with connection(path, create=True) as found:
        produced(found, 2)
        yield found


@pytest.fixture
def link(path: Path, conn: Connection, tmp_path: Path) -> Path:
    """Another name of the database, in another directory."""
    found = tmp_path / "b" / "linked.db"
    found.symlink_to(path)
    return found


def test_through_a_link_it_is_held_by_the_same_run(path: Path, link: Path) -> None:
    with run_lock(path):
        assert lock_holder(link) == os.getpid()
        with pytest.raises(BusyError, match="is in use by process"), run_lock(link):
            pass
    with run_lock(link):
        assert lock_holder(path) == os.getpid()
    assert list(link.parent.iterdir()) == [link]


def test_through_a_link_models_are_found_made_and_saved_where_the_file_lies(
    path: Path, link: Path, tmp_path: Path
) -> None:
    with connection(link) as linked:
        produced(linked)
        assert artifact(linked, 3).parent == path.parent / "movies.versions"
        assert verify_versions(linked) == []
    save_backup(link, tmp_path / "saved")
    restore_backup(tmp_path / "saved", link, force=True)
    assert link.is_symlink()
    with connection(path) as restored:
        assert verify_versions(restored) == []
    assert list(link.parent.iterdir()) == [link]


def test_a_second_hard_link_is_refused_by_either_name_until_one_is_gone(
    path: Path, conn: Connection
) -> None:
    other = path.with_name("other.db")
    os.link(path, other)
    for name in (path, other):
        with pytest.raises(StorageError, match=r"has 2 names \(hard links\)"):
            connect(name)
        with pytest.raises(StorageError, match=r"has 2 names \(hard links\)"):
            open_unchanged(name)
    other.unlink()
    connect(path).close()


def test_a_backup_with_hard_links_is_read_for_it_has_no_log(
    path: Path, conn: Connection, tmp_path: Path
) -> None:
    save_backup(path, tmp_path / "saved")
    os.link(tmp_path / "saved" / "movies.db", tmp_path / "kept.db")
    restore_backup(tmp_path / "saved", tmp_path / "new.db")


def test_a_file_that_is_mounted_alone_is_refused(path: Path, conn: Connection) -> None:
    conn.close()
    alone = path.parents[1] / "b" / "movies.db"
    alone.touch()
    if (
        os.geteuid()
        or subprocess.run(["mount", "--bind", path, alone], capture_output=True).returncode
    ):
        pytest.skip("needs root, and to be allowed to mount")
    try:
        assert is_mount_point(alone)
        with pytest.raises(StorageError, match="mount its directory"):
            connect(alone)
        connect(path).close()
    finally:
        subprocess.run(["umount", alone], check=True)
    assert not is_mount_point(alone)


def test_a_run_that_began_before_the_file_was_renamed_still_holds_it(
    path: Path, conn: Connection
) -> None:
    hold = "import sys, time; from pathlib import Path\n"
    hold += "from reeltune.storage.run_lock import run_lock\n"
    hold += "with run_lock(Path(sys.argv[1])): print('held', flush=True); time.sleep(600)"
    with subprocess.Popen(
        [sys.executable, "-c", hold, path], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        renamed = path.rename(path.with_name("renamed.db"))
        try:
            with (
                pytest.raises(BusyError, match=f"in use by process {other.pid}"),
                run_lock(renamed),
            ):
                pass
        finally:
            other.kill()
    with run_lock(renamed):
        assert holder_path(path).exists()  # what the dead one said holds nobody up
