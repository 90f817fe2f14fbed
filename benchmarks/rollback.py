"""Duration of a rollback, from the command line to production being what it was.

    python -m benchmarks.rollback --db movies.db [--versions 20] [--json rollback.json]

On a copy of the database, with as many versions of its model promoted one after the other: then
each of them is gone back to, by `python model_versioning.py rollback --to N`, a process of its own.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from reeltune.components.hyperparameters import SPACE
from reeltune.db.backup import save_backup
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.db.restore import restore_backup
from reeltune.db.versions import load_versions
from reeltune.domain.clock import stamp
from reeltune.domain.study import BUILT_IN
from reeltune.domain.version import TrainingRun
from reeltune.rating_models.hand_weighted import HandWeighted
from reeltune.tracking.lineage import code_version, environment
from reeltune.versioning.registry import promote, register

ROOT = Path(__file__).resolve().parent.parent


def promote_many(path: Path, n: int) -> list[int]:
    """Promote `n` versions of the built-in model, each fitted to all ratings; their numbers."""
    made = []
    with connection(path) as conn:
        data = load_dataset(conn)
        for k in range(n):
            values = SPACE.merged(SPACE.defaults(), {"genre_boost_high": 0.1 + 0.001 * k})
            training = TrainingRun(
                created_at=stamp(),
                experiment_id=None,
                model=BUILT_IN,
                hyperparameters=values,
                split="user-time",
                data_fingerprint=data.fingerprint,
                n_ratings=len(data.ratings),
                code_version=code_version(BUILT_IN),
                seed=0,
                environment=environment(),
                test_metrics={},
                duration_seconds=0.0,
            )
            model = HandWeighted(values).fit(data.ratings, data.catalogue)
            version = register(conn, training, model, data.ratings, {}, "benchmark")
            promote(conn, version, "benchmark")
            made.append(version)
    return made


def rolled_back(path: Path, version: int) -> tuple[float, float]:
    """Seconds on the wall and of the processor until the command has ended."""
    words = ["model_versioning.py", "rollback", "--to", str(version), "--quiet", "--db", str(path)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    subprocess.run([sys.executable, *words], cwd=ROOT, check=True)
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    with connection(path) as conn:
        assert [v.version for v in load_versions(conn) if v.status == "production"] == [version]
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--db", type=Path, default=Path("movies.db"))
    parser.add_argument("--versions", type=int, default=20)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with TemporaryDirectory() as directory:
        save_backup(given.db, Path(directory) / "saved")
        path = Path(directory) / "copy.db"
        restore_backup(Path(directory) / "saved", path)
        versions = promote_many(path, given.versions)
        size = sum(p.stat().st_size for p in path.with_name("copy.versions").rglob("*.*"))
        took = np.array([rolled_back(path, version) for version in versions[:-1]])  # (V, 2)
    found: dict[str, Any] = {
        "rollbacks": len(took),
        "artifact_megabytes": round(size / len(versions) / 1e6, 1),
        "median_seconds": round(float(np.median(took[:, 0])), 3),
        "longest_seconds": round(float(took[:, 0].max()), 3),
        "median_cpu_seconds": round(float(np.median(took[:, 1])), 3),
    }
    for name, value in found.items():
        print(f"{name.replace('_', ' '):24}{value:>10}")
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
