"""An application of the user's own, with files that are named like ours, brings its recommender."""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copy

import pytest

from reeltune.db.connection import connection
from reeltune.db.experiments import load_experiments
from reeltune.db.tuning_runs import load_runs
from reeltune.db.versions import load_production
from tests.running import ROOT, environment

OWN_MODULES = ("model", "db", "search", "cli", "domain")  # named like ours are or once were
LATE_MODULES = ("hyperparameter_tuner", "retrain_model", "executors")  # imported in `fit` only
OWN_PACKAGES = ("db", "search", "cli", "domain", "executors")

WAYS = {
    "the installed command": {
        name: [str(Path(sys.executable).with_name("reeltune")), name]
        for name in ("tune", "retrain", "versions")
    },
    "python -m reeltune": {
        name: [sys.executable, "-m", "reeltune", name] for name in ("tune", "retrain", "versions")
    },
    "the scripts": {
        "tune": [sys.executable, str(ROOT / "tune_orchestrator.py")],
        "retrain": [sys.executable, str(ROOT / "retrain_model.py")],
        "versions": [sys.executable, str(ROOT / "model_versioning.py")],
    },
}

MINE = f"""
import os
from importlib import import_module
from pathlib import Path

import numpy as np
import db
import model
import search
from reeltune import Hyperparameter, Single, Space

HERE = Path(__file__).resolve().parent


def check_own(names):
    for name in names:
        found = import_module(name)
        assert Path(found.__file__).resolve().is_relative_to(HERE), (name, found.__file__)
        assert found.WHOSE == "the application's", name


check_own({OWN_MODULES})


class Popular:
    space = Space((Single(Hyperparameter(name="x", default=1.0, low=0.5, high=2.0, meaning="x")),))

    def __init__(self, hyperparameters):
        self.x = float(hyperparameters["x"])
        self.counts = np.zeros(0)

    def fit(self, ratings, catalogue):
        check_own({LATE_MODULES})
        if self.x != 1.0 and os.environ.get("INTERRUPTED"):
            raise KeyboardInterrupt
        self.counts = np.bincount(ratings.movies, minlength=ratings.n_movies) ** self.x
        return self

    def score(self, users):
        return np.tile(self.counts, (len(users), 1))

    def arrays(self):
        return {{"counts": self.counts}}

    def load(self, arrays):
        self.counts = np.asarray(arrays["counts"], dtype=np.float64)
        return self
"""


@dataclass
class App:
    """The application's folder, another one, and a database that is in neither."""

    folder: Path
    elsewhere: Path
    database: Path
    path: Path | None = None  # PYTHONPATH
    settings: dict[str, str] = field(default_factory=dict)

    def run(self, words: list[str], *more: str | Path, at: Path, expect: int = 0) -> str:
        """Run a command of ours in the folder `at`; what it wrote."""
        surroundings = environment() | self.settings
        surroundings.pop("PYTHONPATH", None)
        if self.path is not None:
            surroundings["PYTHONPATH"] = str(self.path)
        line = [*words, *map(str, more), "--db", str(self.database)]
        done = subprocess.run(
            line, cwd=at, env=surroundings, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == expect, f"{line} in {at}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr


@pytest.fixture
def app(small_world: Path, tmp_path: Path) -> App:
    folder, elsewhere = tmp_path / "app", tmp_path / "elsewhere"
    for directory in (folder, elsewhere):
        directory.mkdir()
    for name in (*OWN_MODULES, *LATE_MODULES):
        file = folder / name / "__init__.py" if name in OWN_PACKAGES else folder / f"{name}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text('WHOSE = "the application\'s"\n', encoding="utf-8")
    (folder / "mine.py").write_text(MINE, encoding="utf-8")
    return App(folder, elsewhere, Path(copy(small_world, tmp_path / "movies.db")))


def tune_and_deploy(app: App, way: str, model: str, at: Path, *more: str) -> None:
    """Tune in processes of their own, deploy the best, and look after it."""
    words = WAYS[way]
    options = ("--model", model)
    random = ("--method", "random", "--configs", "2", "--jobs", "2")
    app.run(words["tune"], *random, *options, at=at)
    deploy = ("--apply-hp", "best", "--accuracy-threshold", "0", *options)
    app.run(words["retrain"], *deploy, at=at)
    with connection(app.database) as conn:
        (run,) = load_runs(conn)
        assert run.status == "completed"
        experiments = load_experiments(conn, run.tuning_run_id)
        assert [e.status for e in experiments] == ["completed"] * 3
        assert load_production(conn) is not None


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_a_module_is_found_in_the_folder_of_the_application(app: App, way: str) -> None:
    tune_and_deploy(app, way, "mine:Popular", app.folder)
    app.run(WAYS[way]["versions"], "verify", at=app.folder)
    app.run(WAYS[way]["versions"], "show", "--user", "1", at=app.folder)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_a_module_is_found_on_the_path_from_any_folder(app: App, way: str) -> None:
    app.path = app.folder
    tune_and_deploy(app, way, "mine:Popular", app.elsewhere)
    app.run(WAYS[way]["versions"], "verify", at=app.elsewhere)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_a_file_is_found_from_any_folder(app: App, way: str) -> None:
    tune_and_deploy(app, way, "../app/mine.py:Popular", app.elsewhere)
    words = WAYS[way]
    for at in (app.folder, app.folder.parent, Path("/")):
        app.run(words["versions"], "verify", at=at)
    app.run(words["versions"], "show", "--user", "1", at=app.folder.parent)
    said = app.run(words["retrain"], "--force", "--accuracy-threshold", "0", at=app.folder.parent)
    assert "Version 2 is promoted" in said


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_an_interrupted_run_goes_on_from_another_folder(app: App, way: str) -> None:
    words = WAYS[way]["tune"]
    options = ("--method", "random", "--configs", "2", "--jobs", "1", "--model", "mine.py:Popular")
    app.settings["INTERRUPTED"] = "yes"
    app.run(words, *options, at=app.folder, expect=130)
    del app.settings["INTERRUPTED"]
    with connection(app.database) as conn:
        (run,) = load_runs(conn)
    app.run(words, "--resume", run.tuning_run_id, at=app.elsewhere)
    with connection(app.database) as conn:
        assert load_runs(conn)[0].status == "completed"
        experiments = load_experiments(conn, run.tuning_run_id)
        assert [e.status for e in experiments] == ["completed"] * 3


def test_a_module_that_is_not_found_is_told_with_what_to_do(app: App) -> None:
    words = WAYS["the installed command"]["tune"]
    options = ("--method", "random", "--configs", "2", "--model", "mine:Popular")
    said = app.run(words, *options, at=app.elsewhere, expect=1)
    assert "No module named 'mine'" in said
    assert "path/to/mine.py:Popular" in said
    assert os.linesep * 2 not in said.strip()


def test_the_folder_of_the_application_may_change_what_a_link_leads_to(app: App) -> None:
    link = app.elsewhere / "current"
    link.symlink_to(app.folder)
    words = WAYS["the installed command"]["tune"]
    options = ("--method", "random", "--configs", "1", "--jobs", "1")
    app.run(words, *options, "--model", "current/mine.py:Popular", at=app.elsewhere)
    with connection(app.database) as conn:
        assert load_runs(conn)[0].model == f"{link}/mine.py:Popular"
