"""One file under several names, databases that were renamed or put back, models that are shared."""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from reeltune.commands.database import db as command
from reeltune.db.connection import connection
from reeltune.db.deployed import export_deployed
from reeltune.db.doctor import verify_versions
from reeltune.db.versions import load_versions
from reeltune.versioning.registry import load_model
from reeltune.versioning.retention import remove_old
from tests.torture.nursery import Nursery
from tests.torture.scale import note, times
from tests.torture.slow_model import PACE
from tests.versioning.versions import produced

pytestmark = pytest.mark.slow
SLOW = ("--model", "tests.torture.slow_model:Slow", "--method", "random", "--configs", "5")
TUNE = ("tune_orchestrator.py", *SLOW, "--jobs", "1", "--quiet", "--db")


def symbolic(path: Path, other: Path) -> Path:
    other.symlink_to(path)
    return other


def through_a_directory(path: Path, other: Path) -> Path:
    place = other.with_name("place")
    place.symlink_to(path.parent)
    return place / path.name


def hard(path: Path, other: Path) -> Path:
    os.link(path, other)
    return other


@pytest.mark.parametrize("make", [symbolic, through_a_directory, hard])
def test_by_another_name_the_run_that_is_alive_is_found_or_the_name_refused(
    nursery: Nursery, world: Path, tmp_path: Path, make: Callable[[Path, Path], Path]
) -> None:
    (tmp_path / "b").mkdir()
    with connection(world) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    n = times(1, 10)
    for trial in range(n):
        alive = nursery.start(*TUNE, world, said=tmp_path / "alive", env={PACE: "0.5"})
        while not world.with_name("movies.db.lock.json").exists():
            assert alive.poll() is None, alive.stderr
        place = tmp_path / "b" / str(trial)
        place.mkdir()
        other = make(world, place / "other.db")
        for words in (TUNE, ("-m", "db", "doctor", "--fix", "--db"), ("retrain_model.py", "--db")):
            second = nursery.run(*words, other, said=tmp_path / "second")
            assert second.returncode == (1 if make is hard else 4), second.stderr
            assert second.stderr.count("\n") == 1
        if make is hard:
            other.unlink()
        assert alive.wait() == 0, alive.stderr
    assert CliRunner().invoke(command, ["check", "--db", str(world)]).exit_code == 0
    note(fault="two names for one file", tried=n, wrong=0)


class Yard:
    """A directory where databases are renamed, copied and put back, and clean-up runs between."""

    def __init__(self, root: Path, dice: random.Random) -> None:
        self.root, self.dice, self.n = root, dice, 0
        self.databases: list[Path] = []

    def new(self, *, shared: Path | None = None) -> None:
        self.n += 1
        path = self.root / (f"d{self.n}" if shared else ".") / f"movies{self.n}.db"
        path.parent.mkdir(exist_ok=True)
        if shared is not None:
            path.with_suffix(".versions").symlink_to(shared)
        with connection(path, create=True) as conn:
            produced(conn, 2)
            verify_versions(conn)
        self.databases.append(path)

    def rename(self) -> None:
        path = self.dice.choice(self.databases)
        self.n += 1
        to = path.with_name(f"movies{self.n}{self.dice.choice(('.db', '.sqlite', '.old', ''))}")
        models = path.with_name(f"{path.stem}.versions")
        path.rename(to)
        self.databases[self.databases.index(path)] = to
        target = to.with_name(f"{to.stem}.versions")
        is_shared = models == self.root / "movies1.versions"  # a link to it would lead nowhere
        if not is_shared and self.dice.random() < 0.5 and models.exists() and not target.exists():
            models.rename(target)

    def put_back(self) -> None:
        """An older copy takes the name; what was there goes on under another one."""
        path = self.dice.choice(self.databases)
        self.n += 1
        newer = path.with_name(f"newer{self.n}.bak")
        copy = Path(shutil.copy(path, path.with_name("copy")))
        with connection(path) as conn:
            produced(conn)
            conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        path.rename(newer)
        copy.rename(path)
        self.databases.append(newer)

    def grow(self) -> None:
        with connection(self.dice.choice(self.databases)) as conn:
            produced(conn)

    def clean(self) -> None:
        path = self.dice.choice(self.databases)
        if self.dice.random() < 0.5:
            CliRunner().invoke(command, ["doctor", "--fix", "--db", str(path)])
        else:
            with connection(path) as conn:
                remove_old(conn, keep=self.dice.randrange(3))

    def lost(self) -> list[str]:
        """Models that a version names and that cannot be loaded."""
        found = []
        for path in self.databases:
            with connection(path) as conn:
                export_deployed(conn)
                for version in load_versions(conn):
                    if version.artifact and not version.removed_at:
                        load_model(conn, version.version)
                found += [
                    f"{path}: {f.subject}"
                    for f in verify_versions(conn)
                    if f.subject.startswith("version ")
                ]
        return found


def test_no_clean_up_ever_removes_what_a_version_of_any_database_names(tmp_path: Path) -> None:
    n = times(4, 150)
    for trial in range(n):
        root = tmp_path / str(trial)
        root.mkdir()
        yard = Yard(root, random.Random(trial))
        yard.new()
        yard.new(shared=(root / "movies1.versions"))
        for _ in range(12):
            yard.dice.choice((yard.rename, yard.put_back, yard.grow, yard.clean, yard.clean))()
        assert yard.lost() == [], trial
        shutil.rmtree(root)
    note(fault="renamed, put back, shared", tried=n, wrong=0)
