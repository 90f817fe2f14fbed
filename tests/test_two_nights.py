"""A retraining after some ratings came, changed or went is the one of a database without a past."""

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reeltune.db import dataset
from reeltune.db.connection import Connection, connect, transaction
from reeltune.db.dataset import load_dataset
from reeltune.db.versions import database_path, load_production
from reeltune.domain.arrays import AnyArray
from reeltune.domain.study import StudyConfig
from reeltune.domain.version import Version
from reeltune.rating_models.hand_weighted import fit_components
from reeltune.storage.artifacts import load_artifact
from reeltune.versioning.reproduction import reproduce
from reeltune.versioning.request import RetrainingRequest
from reeltune.versioning.retraining import retrain

NIGHT = RetrainingRequest(study=StudyConfig(), force=True, accuracy_threshold=0.0, panel=20)
ADD = """
    INSERT OR IGNORE INTO ratings (user_id, movie_id, rating, rated_at)
    SELECT :user, movie_id, :stars, :rated_at FROM movies LIMIT 1 OFFSET :place % 200
"""
CHANGE = """
    UPDATE ratings SET rating = :stars, rated_at = :rated_at
     WHERE (user_id, movie_id) IN (SELECT user_id, movie_id FROM ratings LIMIT 1 OFFSET :place)
"""
REMOVE = """
    DELETE FROM ratings
     WHERE (user_id, movie_id) IN (SELECT user_id, movie_id FROM ratings LIMIT 1 OFFSET :place)
"""
REMOVE_USER = "DELETE FROM ratings WHERE user_id = :user"
some_changes = st.lists(
    st.tuples(
        st.sampled_from([ADD, CHANGE, REMOVE, REMOVE_USER]),
        st.fixed_dictionaries(
            {
                "user": st.integers(1, 90),
                "stars": st.integers(1, 10).map(lambda n: n / 2),
                "rated_at": st.integers(0, 2_000_000_000),
                "place": st.integers(0, 3_800),
            }
        ),
    ),
    max_size=30,
)


def night(conn: Connection) -> tuple[Version, dict[str, AnyArray]]:
    retrain(conn, load_dataset(conn), NIGHT)
    production = load_production(conn)
    assert production is not None
    assert production.artifact is not None
    assert production.artifact_sha256 is not None
    path = database_path(conn)
    return production, load_artifact(path, production.artifact, production.artifact_sha256)[1]


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=some_changes)
def test_the_second_night_is_as_if_there_had_been_no_first(
    small_world: Path, tmp_path_factory: pytest.TempPathFactory, changes: list[Any]
) -> None:
    home = tmp_path_factory.mktemp("nights")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset, "WORTH_KEEPING", 1)
        path = Path(shutil.copy(small_world, home / "movies.db"))
        with closing(connect(path)) as conn:
            night(conn)
            with transaction(conn):
                for sql, values in changes:
                    conn.execute(sql, values)
            second, arrays = night(conn)
            assert reproduce(conn, second.version).identical
            conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        fit_components.cache_clear()
        patch.setattr(dataset, "WORTH_KEEPING", 2**60)
        fresh = Path(shutil.copy(path, home / "fresh.db"))
        shutil.copytree(home / "movies.versions", home / "fresh.versions")
        with closing(connect(fresh)) as conn:
            full, expected = night(conn)
    assert full.training.test_metrics == second.training.test_metrics
    assert full.training.data_fingerprint == second.training.data_fingerprint
    assert arrays.keys() == expected.keys()
    for name, array in expected.items():
        assert array.tobytes() == arrays[name].tobytes(), name
