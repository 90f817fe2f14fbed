"""The kinds of work that are done while the disk fails."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from rich.progress import Progress

from reeltune.commands.tune import TuningOrchestrator
from reeltune.db.backup import save_backup
from reeltune.db.connection import Connection, connect, connection, newest_schema, schema_version
from reeltune.db.dataset import load_dataset
from reeltune.db.deployed import check_production
from reeltune.db.erasures import load_erasures
from reeltune.db.experiments import load_experiments
from reeltune.db.imports import load_batches
from reeltune.db.restore import load_backup, restore_backup
from reeltune.db.test_evaluations import load_reference
from reeltune.db.tuning_runs import load_progress, load_runs
from reeltune.db.versions import check_version, load_production, load_version, load_versions
from reeltune.domain.errors import ReelTuneError
from reeltune.domain.experiment import Experiment, TuningRun
from reeltune.domain.study import StudyConfig
from reeltune.importers.layouts import find_movielens
from reeltune.importers.movielens import import_movielens
from reeltune.storage.artifacts import find_orphans
from reeltune.storage.run_lock import run_lock
from reeltune.versioning.erasure import erase
from reeltune.versioning.registry import load_model, promote, rollback
from reeltune.versioning.request import RetrainingRequest
from reeltune.versioning.retention import remove_old
from reeltune.versioning.retraining import retrain
from reeltune.versioning.verification import verify
from tests.importers.imports import MOVIES, RATINGS, dump, write
from tests.torture.schemas import make_at
from tests.torture.workload import Acknowledge, Workload
from tests.versioning.versions import produced, registered

MODEL = "examples.most_popular:MostPopular"
N_CONFIGS = 4


class Tune(Workload):
    """A tuning run, resumed if it is there already."""

    study: ClassVar[StudyConfig] = StudyConfig(model=MODEL, seed=7)

    def work(self, directory: Path, acknowledge: Acknowledge) -> None:
        path = directory / "movies.db"
        with connection(path) as conn, run_lock(path):
            data = load_dataset(conn)
            orchestrator = TuningOrchestrator(conn, data, self.study, watch=Told(acknowledge))
            runs = load_runs(conn)
            if not runs:
                orchestrator.run_full_tuning("random", N_CONFIGS)
            elif runs[0].status != "completed":
                orchestrator.resume(runs[0].tuning_run_id)

    def outcome(self, directory: Path) -> Any:
        with connection(directory / "movies.db") as conn:
            (run,) = load_runs(conn)
            experiments = load_experiments(conn, run.tuning_run_id)
            progress = load_progress(conn, run.tuning_run_id)
        return (
            run.status,
            [
                (e.number, e.status, e.hyperparameters, e.objective_value, e.metrics)
                for e in experiments
            ],
            [(p.iteration, p.best_accuracy) for p in progress],
        )

    def promises(self, directory: Path, acknowledged: Sequence[str]) -> list[str]:
        """None lost; and, once it is resumed, none tried twice."""
        before = _completed(directory)
        lost = [f"experiment {n} is lost" for n in acknowledged if int(n) not in before]
        self.work(directory, lambda _: None)
        after = _completed(directory)
        again = [n for n, e in before.items() if after.get(n) != e]
        return lost + [f"experiment {n} was repeated" for n in again]


def _completed(directory: Path) -> dict[int, Experiment]:
    with connection(directory / "movies.db") as conn:
        return {
            e.number: e
            for run in load_runs(conn)
            for e in load_experiments(conn, run.tuning_run_id)
            if e.status == "completed"
        }


class Told:
    """Acknowledges each experiment that the run says is finished."""

    def __init__(self, acknowledge: Acknowledge) -> None:
        self.acknowledge = acknowledge

    def started(self, run: TuningRun, n_total: int, n_done: int) -> None:
        pass

    def finished(self, experiment: Experiment, best: Experiment | None, n_done: int) -> None:
        self.acknowledge(str(experiment.number))

    def ended(self, reason: str) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass


class Promote(Workload):
    """Two new versions are promoted, one is rolled back, a third is promoted."""

    def prepare(self, directory: Path) -> None:
        with connection(directory / "movies.db", create=True) as conn:
            produced(conn, 2)

    def work(self, directory: Path, acknowledge: Acknowledge) -> None:
        with connection(directory / "movies.db") as conn:
            acknowledge(str(produced(conn)))
            acknowledge(str(rollback(conn, reason="bad")))
            acknowledge(str(produced(conn)))

    def outcome(self, directory: Path) -> Any:
        with connection(directory / "movies.db") as conn:
            return [verify_all(conn), check_production(conn)]

    def promises(self, directory: Path, acknowledged: Sequence[str]) -> list[str]:
        """In production is what was acknowledged last, or what comes next."""
        steps = ["2", "3", "2", "4"]
        with connection(directory / "movies.db") as conn:
            production = load_production(conn)
        allowed = steps[len(acknowledged) : len(acknowledged) + 2]
        found = str(production.version) if production else None
        return [] if found in allowed else [f"version {found} is in production, not {allowed}"]


class Deploy(Workload):
    """A candidate is promoted in the place of another version."""

    def prepare(self, directory: Path) -> None:
        with connection(directory / "movies.db", create=True) as conn:
            produced(conn, 2)
            registered(conn, 3)

    def work(self, directory: Path, acknowledge: Acknowledge) -> None:
        with connection(directory / "movies.db") as conn:
            promote(conn, 3, "better")
            acknowledge("3")

    def outcome(self, directory: Path) -> Any:
        with connection(directory / "movies.db") as conn:
            return [verify_all(conn), load_production(conn) == load_version(conn, 3)]

    def promises(self, directory: Path, acknowledged: Sequence[str]) -> list[str]:
        with connection(directory / "movies.db") as conn:
            production = load_production(conn)
        allowed = (3,) if acknowledged else (2, 3)
        found = production.version if production else None
        return [] if found in allowed else [f"version {found} is in production"]


def verify_all(conn: Connection) -> list[str]:
    """What is wrong but for what the next registration or `doctor --fix` clears away."""
    return [f.subject for f in verify(conn) if ".versions/" not in f.subject]


class Retrain(Workload):
    """A retraining by force, gated, registered and promoted."""

    def work(self, directory: Path, acknowledge: Acknowledge) -> None:
        acknowledge(retrained(directory))

    def outcome(self, directory: Path) -> Any:
        with connection(directory / "movies.db") as conn:
            return verify_all(conn)

    def promises(self, directory: Path, acknowledged: Sequence[str]) -> list[str]:
        """What was promoted is in production; every version can be watched."""
        with connection(directory / "movies.db") as conn:
            production = load_production(conn)
            blind = [v.version for v in load_versions(conn) if not is_watched(conn, v.version)]
        if blind:
            return [f"versions {blind} have nothing to be watched against"]
        found = [f"promoted {production.version}"] if production else []
        return [] if not acknowledged or found == list(acknowledged) else [f"lost: {acknowledged}"]


def retrained(directory: Path) -> str:
    """Retrain by force; what came of it."""
    path = directory / "movies.db"
    with connection(path) as conn, run_lock(path):
        request = RetrainingRequest(
            study=StudyConfig(model=MODEL), force=True, accuracy_threshold=0.0
        )
        result = retrain(conn, load_dataset(conn), request)
    return f"{result.verdict} {result.version}"


def is_watched(conn: Connection, version: int) -> bool:
    return load_reference(conn, version, "accuracy") is not None


class Import(Workload):
    """Three files of MovieLens go into a database that is not there yet."""

    def prepare(self, directory: Path) -> None:
        write(
            directory / "files",
            movies_csv=MOVIES + "".join(f"{n},Movie {n},Drama\n" for n in range(1, 200)),
            ratings_csv=RATINGS
            + "".join(f"{n // 50 + 1},{n % 50 + 1},3.5,{n}\n" for n in range(2000)),
        )

    def work(self, directory: Path, acknowledge: Acknowledge) -> None:
        with connection(directory / "movies.db", create=True) as conn:
            files = find_movielens(directory / "files")
            for report in import_movielens(conn, files, Progress(disable=True)):
                acknowledge(report.file)

    def outcome(self, directory: Path) -> Any:
        with connection(directory / "movies.db") as conn:
            rows = dump(conn)
        return [r for r in rows if not r.startswith(("('migrations'", "('import_batches'"))]

    def promises(self, directory: Path, acknowledged: Sequence[str]) -> list[str]:
        if not (directory / "movies.db").exists():
            return [f"lost: {acknowledged}"] if acknowledged else []
        with connection(directory / "movies.db", create=True) as conn:
            names = {batch.file for batch in load_batches(conn)}
        return [f"{name} is lost" for name in acknowledged if name not in names]


class Migrate(Workload):
    """A database of the first schema is opened, and so brought to the newest."""

    def prepare(self, directory: Path) -> None:
        make_at(directory / "movies.db", 1)

    def work(self, directory: Path, acknowledge: Acknowledge) -> None:
        connect(directory / "movies.db").close()
        acknowledge("migrated")

    def outcome(self, directory: Path) -> Any:
        with connection(directory / "movies.db") as conn:
            rows = conn.execute("SELECT sql FROM sqlite_schema ORDER BY name").fetchall()
            return [row[0] for row in rows], schema_version(conn) == newest_schema()


class Restore(Workload):
    """A backup is made of a database, which is then changed, and restored over it."""

    def prepare(self, directory: Path) -> None:
        with connection(directory / "movies.db", create=True) as conn:
            produced(conn, 2)
        save_backup(directory / "movies.db", directory / "saved")
        with connection(directory / "movies.db", create=True) as conn:
            produced(conn, 1)

    def work(self, directory: Path, acknowledge: Acknowledge) -> None:
        restore_backup(directory / "saved", directory / "movies.db", force=True)
        acknowledge("2")

    def outcome(self, directory: Path) -> Any:
        with connection(directory / "movies.db") as conn:
            return [len(load_versions(conn)), verify_all(conn)]

    def promises(self, directory: Path, acknowledged: Sequence[str]) -> list[str]:
        with connection(directory / "movies.db") as conn:
            n = len(load_versions(conn))
        allowed = (2,) if acknowledged else (2, 3)
        return [] if n in allowed else [f"{n} versions are neither the old ones nor the new"]


class Backup(Workload):
    """A backup is made."""

    def prepare(self, directory: Path) -> None:
        with connection(directory / "movies.db", create=True) as conn:
            produced(conn, 2)

    def work(self, directory: Path, acknowledge: Acknowledge) -> None:
        if not (directory / "saved").exists():
            save_backup(directory / "movies.db", directory / "saved")
            acknowledge("saved")

    def outcome(self, directory: Path) -> Any:
        with connection(directory / "movies.db") as conn:
            orphans = find_orphans(directory / "movies.db", [])
            return [len(load_backup(directory / "saved").files), len(orphans), verify(conn)]

    def promises(self, directory: Path, acknowledged: Sequence[str]) -> list[str]:
        if not (directory / "saved").exists():
            return ["the backup is lost"] if acknowledged else []
        try:
            load_backup(directory / "saved")
        except ReelTuneError as error:
            return [f"half a backup: {error}"]
        return []


class Remove(Workload):
    """All models are removed that may be."""

    def prepare(self, directory: Path) -> None:
        with connection(directory / "movies.db", create=True) as conn:
            produced(conn, 5)

    def work(self, directory: Path, acknowledge: Acknowledge) -> None:
        path = directory / "movies.db"
        with connection(path) as conn, run_lock(path):
            acknowledge(str(len(remove_old(conn, keep=0).versions)))

    def outcome(self, directory: Path) -> Any:
        with connection(directory / "movies.db") as conn:
            return [v.version for v in load_versions(conn) if v.removed_at is None]

    def promises(self, directory: Path, acknowledged: Sequence[str]) -> list[str]:
        """Production and the one before are there, and whatever is not said to be removed."""
        with connection(directory / "movies.db") as conn:
            left = [v for v in load_versions(conn) if v.removed_at is None]
            wrong = [fault.what for v in left for fault in check_version(conn, v)]
        if acknowledged and [v.version for v in left] != [4, 5]:
            wrong.append("what was said to be removed is not")
        return wrong


class Erase(Workload):
    """A user is erased from the ratings and two models."""

    user: ClassVar[str] = "7"

    def prepare(self, directory: Path) -> None:
        super().prepare(directory)
        for _ in range(2):
            retrained(directory)

    def work(self, directory: Path, acknowledge: Acknowledge) -> None:
        path = directory / "movies.db"
        with connection(path) as conn, run_lock(path):
            acknowledge(str(len(erase(conn, self.user).versions)))

    def outcome(self, directory: Path) -> Any:
        with connection(directory / "movies.db") as conn:
            (erasure,) = load_erasures(conn)
            left = foundations(conn, self.user)
            return [verify(conn), erasure.removed["ratings"], erasure.finished_at is None, left]

    def promises(self, directory: Path, acknowledged: Sequence[str]) -> list[str]:
        """Tables and models hold the user or do not; once it is acknowledged, they do not."""
        with connection(directory / "movies.db") as conn:
            found = foundations(conn, self.user)
        if len(set(found)) > 1:
            return [f"the user is in some of the tables and models: {found}"]
        return ["the user is there still"] if acknowledged and any(found) else []


def foundations(conn: Connection, user: str) -> list[bool]:
    """Tell of the ratings and of each version's model whether a user is in it."""
    n = conn.execute("SELECT count(*) FROM ratings WHERE user_id = :user", {"user": int(user)})
    models = [int(user) in load_model(conn, v.version).user_ids for v in load_versions(conn)]
    return [n.fetchone()[0] > 0, *models]


WORKLOADS: dict[str, type[Workload]] = {
    "tune": Tune,
    "retrain": Retrain,
    "promote": Promote,
    "deploy": Deploy,
    "import": Import,
    "migrate": Migrate,
    "backup": Backup,
    "restore": Restore,
    "remove": Remove,
    "erase": Erase,
}
