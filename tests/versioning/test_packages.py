"""Packages: the scores of training time, without a database; whatever happens to their files."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from reeltune.commands.versions import model_versioning
from reeltune.db.connection import Connection, connect
from reeltune.db.dataset import load_dataset
from reeltune.domain.errors import InputError, StorageError
from reeltune.domain.study import STAR_MODELS
from reeltune.rating_models.registry import model_class
from reeltune.ratings.dataset import Dataset
from reeltune.ratings.recommender import Recommender
from reeltune.storage.mapped_arrays import map_arrays
from reeltune.versioning.packages import load_model_package, package_files, save_model_package
from reeltune.versioning.registry import promote, refuse, register
from tests.running import ROOT
from tests.versioning.versions import training

NEEDED = {
    "ridge": "sklearn",
    "boosted-trees": "xgboost",
    "boosted-ranking": "xgboost",
    "matrix-factorization": "torch",
    "two-tower": "torch",
}
MODELS = [
    name
    for name in ("hand-weighted", "hybrid", *STAR_MODELS)
    if find_spec(NEEDED.get(name, "numpy"))
]
WITH_ONNX = [m for m in ("biased-means", "matrix-factorization", "two-tower") if m in MODELS]
AS_RATED = "tests.versioning.test_packages:AsRated"


class AsRated:
    """Scores a movie by the stars that the user has given it: of what `load` is given alone."""

    space = model_class("biased-means").space

    def __init__(self, hyperparameters: Any) -> None:
        self.stars: Any = None

    def fit(self, ratings: Any, catalogue: Any) -> "AsRated":
        self.stars = np.zeros((ratings.n_users, ratings.n_movies))
        self.stars[ratings.users, ratings.movies] = ratings.ratings
        return self

    def score(self, users: Any) -> Any:
        return self.stars[users]

    def arrays(self) -> dict[str, Any]:
        return {"nothing": np.zeros(1)}

    def load(self, arrays: Any, ratings: Any) -> "AsRated":
        return self.fit(ratings, None)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Dataset]:
    """A small demo world, and its data."""
    path = tmp_path_factory.mktemp("world") / "movies.db"
    words = ["-m", "reeltune", "import", "demo", "--users", "60", "--movies", "120"]
    words += ["--ratings", "2000", "--db", str(path), "--quiet"]
    subprocess.run([sys.executable, *words], cwd=ROOT, check=True, capture_output=True)
    return path, load_dataset(connect(path))


_FITTED: dict[str, Recommender] = {}


def fitted(name: str, data: Dataset) -> Recommender:
    if name not in _FITTED:
        kind = model_class(name)
        model = kind(kind.space.defaults())
        _FITTED[name] = model.fit(data.ratings, data.catalogue)
    return _FITTED[name]


def production(name: str, world: tuple[Path, Dataset]) -> tuple[Connection, Recommender, int]:
    """Put a fitted model into production."""
    path, data = world
    conn, model = connect(path), fitted(name, data)
    values = dict(model_class(name).space.defaults())
    run = training(model=name, hyperparameters=values)
    version = register(conn, run, model, data.ratings, {}, "test")
    promote(conn, version, "test")
    return conn, model, version


def export(db: Path, *words: str) -> Result:
    return CliRunner().invoke(model_versioning, ["export", *words, "--db", str(db)])


@pytest.mark.parametrize("form", ["dir", "zip"])
@pytest.mark.parametrize("name", [*MODELS, AS_RATED])
def test_a_package_scores_as_the_model_did_at_training_time(
    name: str, form: str, world: tuple[Path, Dataset], tmp_path: Path
) -> None:
    _, model, version = production(name, world)
    result = export(world[0], "--format", form, "--to", str(tmp_path / "package"), "--json")
    assert json.loads(result.output)["path"] == str(tmp_path / "package")
    package = load_model_package(tmp_path / "package", verify=True)
    users = np.arange(len(package.user_ids))
    np.testing.assert_allclose(package.model.score(users), model.score(users), atol=1e-6)
    np.testing.assert_array_equal(package.movie_ids, world[1].ratings.movie_ids)
    assert package.manifest["version"] == version
    boosters = [each for each in package.manifest["files"] if each.endswith(".ubj")]
    assert len(boosters) == name.startswith("boosted")


@pytest.mark.parametrize("name", [name for name in MODELS if name.startswith("boosted")])
def test_xgboost_reads_the_booster_of_a_package(
    name: str, world: tuple[Path, Dataset], tmp_path: Path
) -> None:
    import xgboost

    production(name, world)
    export(world[0], "--to", str(tmp_path / "package"))
    booster = xgboost.Booster(model_file=tmp_path / "package" / "model.booster.ubj")
    assert booster.num_boosted_rounds() == model_class(name).space.defaults()["boosted_trees"]


@pytest.mark.skipif(find_spec("onnxruntime") is None, reason="onnxruntime is not here")
@pytest.mark.parametrize("name", WITH_ONNX)
def test_an_onnx_file_scores_as_the_model_did_at_training_time(
    name: str, world: tuple[Path, Dataset], tmp_path: Path
) -> None:
    import onnxruntime

    _, model, version = production(name, world)
    result = export(world[0], "--format", "onnx", "--to", str(tmp_path / "a.onnx"))
    assert result.exit_code == 0, result.output
    session = onnxruntime.InferenceSession(tmp_path / "a.onnx")
    users = np.array([5, 0, 59])
    stars, user_ids, movie_ids = session.run(None, {"users": users})
    np.testing.assert_allclose(stars, model.score(users), atol=1e-6)
    np.testing.assert_array_equal(user_ids, world[1].ratings.user_ids)
    np.testing.assert_array_equal(movie_ids, world[1].ratings.movie_ids)
    described = json.loads(session.get_modelmeta().custom_metadata_map["manifest"])
    assert (described["model"], described["version"]) == (name, version)


def test_a_model_without_an_onnx_form_is_refused_in_one_line(
    world: tuple[Path, Dataset], tmp_path: Path
) -> None:
    production("hand-weighted", world)
    result = export(world[0], "--format", "onnx", "--to", str(tmp_path / "a.onnx"))
    assert result.exit_code == 1
    assert result.output.startswith("error: model 'hand-weighted' has no ONNX form, only biased-m")
    assert not list(tmp_path.iterdir())


def test_a_name_that_is_taken_is_refused_and_kept(
    world: tuple[Path, Dataset], tmp_path: Path
) -> None:
    production("biased-means", world)
    for form in ("dir", "zip"):
        path = tmp_path / form
        path.write_text("mine")
        result = export(world[0], "--format", form, "--to", str(path))
        assert result.exit_code == 1
        assert "is there already" in result.output
        assert path.read_text() == "mine"


def test_a_refused_version_has_nothing_to_export(
    world: tuple[Path, Dataset], tmp_path: Path
) -> None:
    version = refuse(connect(world[0]), training(), {}, "worse")
    result = export(world[0], str(version), "--to", str(tmp_path / "package"))
    assert result.exit_code == 1
    assert "was refused: nothing was kept" in result.output


def test_the_same_version_makes_the_same_bytes(world: tuple[Path, Dataset], tmp_path: Path) -> None:
    production("biased-means", world)
    for name in ("a", "b"):
        export(world[0], "--format", "zip", "--to", str(tmp_path / name))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_arrays_of_a_package_are_views_of_its_file(
    world: tuple[Path, Dataset], tmp_path: Path
) -> None:
    arrays = {
        "a": np.arange(6.0).reshape(2, 3),
        "b": np.array([True, False]),
        "user_ids": np.arange(2),
    }
    save_model_package(tmp_path / "p", package_files({"model": "x"}, arrays), as_zip=False)
    mapped = map_arrays(tmp_path / "p" / "arrays.safetensors")
    for name, array in arrays.items():
        np.testing.assert_array_equal(mapped[name], array)
        assert not mapped[name].flags.writeable
        assert not mapped[name].flags.owndata


@pytest.mark.parametrize("damage", ["cut", "changed", "missing", "no manifest", "other", "header"])
def test_a_damaged_package_is_refused_in_one_line(
    damage: str, world: tuple[Path, Dataset], tmp_path: Path
) -> None:
    production("biased-means", world)
    path = tmp_path / "package"
    export(world[0], "--to", str(path))
    arrays = path / "arrays.safetensors"
    data = arrays.read_bytes()
    if damage == "cut":
        arrays.write_bytes(data[:-8])
    elif damage == "changed":
        arrays.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    elif damage == "header":
        arrays.write_bytes(b"\xff" * len(data))
    elif damage == "other":
        (path / "manifest.json").write_text('{"format": "other"}')
    else:
        (path / "manifest.json" if damage == "no manifest" else arrays).unlink()
    with pytest.raises(StorageError) as error:
        load_model_package(path, verify=damage != "header")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04" + bytes(40)])
def test_a_file_that_is_no_package_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "p.zip").write_bytes(content)
    with pytest.raises(StorageError, match="is no package that can be read"):
        load_model_package(tmp_path / "p.zip")


def test_a_directory_that_takes_no_file_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written"):
        save_model_package(tmp_path / "none" / "p", {"manifest.json": b""}, as_zip=False)
    (tmp_path / "p").mkdir()
    with pytest.raises(InputError, match="is there already"):
        save_model_package(tmp_path / "p", {}, as_zip=False)


def test_the_example_scores_offline(world: tuple[Path, Dataset], tmp_path: Path) -> None:
    _, model, _ = production("biased-means", world)
    export(world[0], "--format", "zip", "--to", str(tmp_path / "taste.zip"))
    ids = world[1].ratings.user_ids
    words = ("-m", "examples.score_offline", str(tmp_path / "taste.zip"), "--user", str(ids[3]))
    code = (
        "import runpy, sys; sys.modules['reeltune.db'] = None;"
        f"sys.argv = {list(words[1:])!r};"
        "runpy.run_module('examples.score_offline', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    first = done.stdout.splitlines()[0].split()
    scores = model.score(np.array([3]))[0]
    assert first[:2] == [str(ids[3]), str(world[1].ratings.movie_ids[int(scores.argmax())])]
    assert float(first[2]) == pytest.approx(scores.max(), abs=1e-6)
    assert len(done.stdout.splitlines()) == 10
