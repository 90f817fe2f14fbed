"""A small world with two versions, and a service of it for tests that leave it as it is."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.domain.study import StudyConfig
from reeltune.rating_models.hand_weighted import HandWeighted
from reeltune.versioning.registry import promote
from reeltune.versioning.request import RetrainingRequest
from reeltune.versioning.retraining import retrain
from tests.serving.running import Service, running


@pytest.fixture(scope="session")
def two_versions(new_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small world with versions 1 and 2, of which 2 is in production."""
    path = Path(shutil.copy(new_world, tmp_path_factory.mktemp("versions") / "movies.db"))
    values = HandWeighted.space.defaults()
    other = values | {"genre_weight": 0.1, "rating_weight": values["rating_weight"] + 0.3}
    with connection(path) as conn:
        for hyperparameters in (None, other):
            request = RetrainingRequest(
                study=StudyConfig(),
                hyperparameters=hyperparameters,
                force=True,
                accuracy_threshold=0.0,
            )
            found = retrain(conn, load_dataset(conn), request)
            assert found.version is not None, found
        promote(conn, 2, "for the tests")
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture
def served_world(two_versions: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    copy = Path(shutil.copy(two_versions, tmp_path / "movies.db"))
    shutil.copytree(two_versions.with_name("movies.versions"), tmp_path / "movies.versions")
    return copy


@pytest.fixture
def service(served_world: Path) -> Iterator[Service]:
    with running(served_world) as found:
        yield found


@pytest.fixture(scope="module")
def shared_service(
    two_versions: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A service for the tests of one module, which do not depend on what others wrote."""
    directory = tmp_path_factory.mktemp("shared")
    copy = Path(shutil.copy(two_versions, directory / "movies.db"))
    shutil.copytree(two_versions.with_name("movies.versions"), directory / "movies.versions")
    with running(copy) as found:
        yield found
