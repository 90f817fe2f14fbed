import subprocess
from pathlib import Path

import pytest

from reeltune.db import dataset
from reeltune.db.connection import connection, transaction
from reeltune.db.dataset import load_dataset
from reeltune.db.external_ids import find_id
from reeltune.db.imports import RejectedRow, save_rejected_rows, start_batch
from reeltune.db.sources import save_source
from reeltune.domain.study import StudyConfig
from reeltune.tuning.ratings import TuningOrchestrator
from reeltune.versioning.request import RetrainingRequest
from reeltune.versioning.retraining import retrain
from tests.versioning.erased import ANNA, bring_in, other_hyperparameters


@pytest.fixture(scope="session")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with a run, two versions, a copy of the data, and a rejected row of Anna's."""
    path = tmp_path_factory.mktemp("lived_in") / "movies.db"
    with pytest.MonkeyPatch.context() as patch, connection(path, create=True) as conn:
        patch.setattr(dataset, "WORTH_KEEPING", 1)
        bring_in(conn)
        study = StudyConfig(seed=1)
        TuningOrchestrator(conn, load_dataset(conn), study).run_full_tuning("random", 3)
        for values in (None, other_hyperparameters()):
            request = RetrainingRequest(
                study=study, hyperparameters=values, force=True, accuracy_threshold=0.0
            )
            assert retrain(conn, load_dataset(conn), request).verdict == "promoted"
        with transaction(conn):
            batch = start_batch(conn, "table", "late.csv", "0" * 64)
            said = f"user {ANNA}, movie m-77, rating 3 at 5"
            save_rejected_rows(conn, batch, [RejectedRow(3, "no such movie", said)])
            save_source(conn, "hers", "/x", {"ratings": [{"one_user": ANNA}]}, 0.1)
            save_source(conn, "all", "/y", {"ratings": [{"user": "user"}]}, 0.1)
            number = find_id(conn, "user", ANNA)
            conn.execute(f"UPDATE ratings SET rating = 3.5 WHERE user_id = {number}")
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture
def path(lived_in: Path, tmp_path: Path) -> Path:
    """A copy of it, with all that lies beside it."""
    subprocess.run(["cp", "-a", f"{lived_in.parent}/.", tmp_path], check=True)
    return tmp_path / "movies.db"
