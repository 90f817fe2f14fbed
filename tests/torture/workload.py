"""What is done while the disk fails, and what must hold whatever came of it.

`prepare` makes a directory; `work` changes it, and calls `acknowledge` with what it has been told
is done; `faults` is what is wrong afterwards, in a directory that may have been cut short anywhere,
once `acknowledged` was said. It also goes on with the work and looks whether it comes out as if
nothing had happened.
"""

import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from rich.progress import Progress

from reeltune.db.connection import connection
from reeltune.importers.demo import import_demo
from reeltune.importers.demo_settings import DemoSettings
from reeltune.versioning.verification import verify

Acknowledge = Callable[[str], None]
TINY = DemoSettings(users=30, movies=60, ratings=800, seed=3)


HALVES = """
    SELECT (SELECT count(*) FROM training_runs
             WHERE training_run_id NOT IN (SELECT training_run_id FROM model_versions))
         + (SELECT count(*) FROM model_versions
             WHERE version NOT IN (SELECT version FROM version_events))
"""


class Workload(ABC):
    """One kind of work."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.base = scratch / "base"
        self.base.mkdir(parents=True)
        self.prepare(self.base)

    def prepare(self, directory: Path) -> None:
        """Make what the work starts from."""
        tiny(directory)

    @abstractmethod
    def work(self, directory: Path, acknowledge: Acknowledge) -> None:
        """Do it; also goes on with what was cut short."""

    @abstractmethod
    def outcome(self, directory: Path) -> Any:
        """What the work comes to, without moments and durations."""

    def promises(self, directory: Path, acknowledged: Sequence[str]) -> list[str]:
        """What of the acknowledged is not so."""
        return []

    @cached_property
    def unbroken(self) -> Any:
        """The outcome where nothing fails."""
        directory = self.copy("unbroken")
        self.work(directory, lambda _: None)
        return self.outcome(directory)

    def copy(self, name: str) -> Path:
        """A fresh directory to work in."""
        target = self.scratch / name
        shutil.rmtree(target, ignore_errors=True)
        return Path(shutil.copytree(self.base, target))

    def faults(self, directory: Path, acknowledged: Sequence[str]) -> list[str]:
        """What is wrong; empty if all that must hold does."""
        found = self.wholeness(directory) + self.promises(directory, acknowledged)
        if found:
            return found
        self.work(directory, lambda _: None)
        found = self.wholeness(directory)
        if not found and self.outcome(directory) != self.unbroken:
            found = ["going on does not lead to what an unbroken one leads to"]
        return found

    def wholeness(self, directory: Path) -> list[str]:
        """What is wrong with the database as such; what is under way goes on with the work."""
        path = directory / "movies.db"
        if not path.exists():
            return []
        with connection(path, create=True) as conn:
            wrong = [
                f"{fault.subject}: {fault.what}"
                for fault in verify(conn)
                if fault.subject != "hyperparameters.json"
                and ".versions/" not in fault.subject
                and not fault.subject.startswith("erasure ")
            ]
            (halves,) = conn.execute(HALVES).fetchone()
        return [*wrong, "half a version is there"] if halves else wrong


def tiny(directory: Path) -> None:
    """A database with a very small world."""
    with connection(directory / "movies.db", create=True) as conn:
        import_demo(conn, TINY, Progress(disable=True))
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
