"""Users are erased while others read the database, the models and the lists."""

import json
import os
import time
from contextlib import suppress
from pathlib import Path

import pytest

from reeltune.db.columns import snapshot
from reeltune.db.connection import Connection, connection
from reeltune.db.dataset import load_dataset
from reeltune.db.erasures import load_erasures
from reeltune.db.ratings import load_ratings
from reeltune.db.test_evaluations import load_reference
from reeltune.db.versions import load_versions
from reeltune.domain.errors import NotFoundError
from reeltune.domain.study import StudyConfig
from reeltune.serving import Recommendations
from reeltune.serving.current_data import load_current_data
from reeltune.storage.run_lock import run_lock
from reeltune.versioning.erasure import erase
from reeltune.versioning.registry import load_model
from reeltune.versioning.request import RetrainingRequest
from reeltune.versioning.retraining import retrain
from reeltune.versioning.verification import verify
from tests.torture.nursery import Nursery
from tests.torture.scale import note, times

pytestmark = pytest.mark.slow
READ = "import sys; from tests.torture.test_erasure import read_on; read_on(sys.argv[1])"


def read_on(db: str) -> None:
    """In another process: look at all that holds users, until told to stop; say what was seen."""
    path = Path(db)
    seen: set[int] = set()
    with connection(path) as conn:
        while not path.with_name("stop").exists():
            path.with_name(f"begun-{os.getpid()}").touch()
            with snapshot(conn):
                seen.add(len(load_erasures(conn)))
                check_one_moment(conn, len(load_erasures(conn)))
            loaded = load_model(conn)  # of whatever moment, it is a whole one
            users = loaded.user_ids.tolist()
            assert loaded.model.score(loaded.user_ids[:1] * 0).shape == (1, len(loaded.movie_ids))
            served = Recommendations.of(loaded, load_current_data(conn), path)
            with suppress(NotFoundError):  # who may have been erased meanwhile
                assert len(served.for_user(users[0])) == 10
            assert len(served.popular()) == 10
    print(json.dumps(sorted(seen)))


def check_one_moment(conn: Connection, n_erased: int) -> None:
    """Ratings, each version's model, and what it is watched against, hold the same users."""
    users = set(load_ratings(conn).user_ids.tolist())
    assert users == set(range(1 + n_erased, 81))
    for version in load_versions(conn):
        assert set(load_model(conn, version.version).user_ids.tolist()) == users
        reference = load_reference(conn, version.version, "accuracy")
        assert reference is not None
        assert set(reference.user_ids.tolist()) <= users


def test_readers_see_a_user_everywhere_or_nowhere(
    nursery: Nursery, world: Path, tmp_path: Path
) -> None:
    request = RetrainingRequest(study=StudyConfig(), force=True, accuracy_threshold=0.0)
    with connection(world) as conn:
        for _ in range(2):
            assert retrain(conn, load_dataset(conn), request).verdict == "promoted"
    readers = [nursery.start("-c", READ, world, said=tmp_path / f"r{k}") for k in range(2)]
    while len(list(tmp_path.glob("begun-*"))) < len(readers):
        assert all(reader.poll() is None for reader in readers), readers[0].stderr
        time.sleep(0.05)
    n = times(4, 60)
    with connection(world) as conn:
        for user in range(1, n + 1):
            with run_lock(world):
                assert erase(conn, str(user)).left == ()
    world.with_name("stop").touch()
    for reader in readers:
        assert reader.wait() == 0, reader.stderr
        assert len(json.loads(reader.stdout)) > 1
    with connection(world) as conn:
        assert verify(conn) == []
        assert len(load_erasures(conn)) == n
    note(fault="erasures under readers", tried=n, wrong=0)
