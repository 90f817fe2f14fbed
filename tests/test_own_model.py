"""A sign in a user's own model, or in what it imports, is noticed wherever results are compared."""

import sys
from pathlib import Path

import pytest

from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.domain.study import StudyConfig
from reeltune.tracking.lineage import code_version, source_version
from reeltune.tuning.ratings import HyperparameterTuner
from tests.running import run, run_json

MODEL = "taste.model:Taste"
SOURCES = {
    "taste/__init__.py": '"""A package of a user\'s own."""\n',
    "taste/model.py": '''
"""Ranks by what a count is worth."""

from examples.most_popular import MostPopular
from taste.worth import worth


class Taste(MostPopular):
    """The most popular movies."""

    def score(self, users):
        """Scores, the same for everybody."""
        return +worth(super().score(users))
''',
    "taste/worth.py": '''
from .unit import UNIT


def worth(counts):
    """Worth of counts."""
    return UNIT * counts
''',
    "taste/unit.py": "UNIT = +1\n",
    "taste/elsewhere.py": "SIGN = +1\n",
}
DECIDE = ("taste/model.py", "taste/unit.py")
TUNE = ("tune_orchestrator.py", "--model", MODEL, "--method", "random", "--jobs", "1")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the user's package, on Python's path."""
    folder = tmp_path / "own"
    for name in [name for name in sys.modules if name.partition(".")[0] == "taste"]:
        del sys.modules[name]  # of another test
    for name, text in SOURCES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder


def flip(folder: Path, name: str) -> None:
    text = (folder / name).read_text()
    assert "+" in text
    (folder / name).write_text(text.replace("+", "-"))


def n_earlier(world: Path) -> int:
    """How many earlier results a new run may learn from."""
    code_version.cache_clear()
    with connection(world) as conn:
        tuner = HyperparameterTuner(conn, load_dataset(conn), StudyConfig(model=MODEL))
        return len(tuner.earlier_trials(tuner.new_run("random", 1)))


def test_a_model_is_its_module_and_what_that_imports_of_its_package(own: Path) -> None:
    found = {source_version("taste.model")}
    flip(own, "taste/elsewhere.py")
    (own / "taste/unit.py").write_text("# one\nUNIT = +1  # of ratings\n")
    found.add(source_version("taste.model"))
    assert len(found) == 1
    for name in DECIDE:
        flip(own, name)
        found.add(source_version("taste.model"))
    assert len(found) == 3


def test_a_model_without_a_package_is_its_file_and_those_beside_it(own: Path) -> None:
    (own / "lone_taste.py").write_text("import lone_unit\n")
    (own / "lone_unit.py").write_text("UNIT = +1\n")
    before = source_version("lone_taste")
    flip(own, "lone_unit.py")
    assert source_version("lone_taste") != before


def test_where_the_package_lies_does_not_matter(
    own: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = source_version("taste.model")
    own.rename(tmp_path / "moved")
    monkeypatch.syspath_prepend(tmp_path / "moved")
    assert source_version("taste.model") == before


@pytest.mark.slow
@pytest.mark.parametrize("name", DECIDE)
def test_a_run_of_a_model_that_was_changed_is_not_resumed(
    name: str, own: Path, world: Path
) -> None:
    run_id = run_json(*TUNE, "--configs", "2", "--db", world)["tuning_run_id"]
    resume = ("tune_orchestrator.py", "--resume", run_id, "--db", world)
    (own / "taste/elsewhere.py").write_text("SIGN = -1\n")
    run(*resume)
    flip(own, name)
    said = run(*resume, expect=1).stderr.strip()
    assert f"the source of {MODEL} changed since run {run_id} began" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("name", DECIDE)
def test_results_of_a_model_that_was_changed_are_no_history(
    name: str, own: Path, world: Path
) -> None:
    run(*TUNE, "--configs", "2", "--db", world)
    assert n_earlier(world) == 3
    flip(own, name)
    assert n_earlier(world) == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", DECIDE)
def test_a_version_of_a_model_that_was_changed_is_neither_sound_nor_reproduced(
    name: str, own: Path, world: Path
) -> None:
    retrain = ("retrain_model.py", "--model", MODEL, "--accuracy-threshold", "0")
    run(*retrain, "--db", world)
    verify = ("model_versioning.py", "verify", "--db", world)
    run(*verify)
    run("model_versioning.py", "reproduce", "1", "--db", world)
    flip(own, name)
    assert f"the source of its model {MODEL} changed" in run(*verify, expect=1).stdout
    found = run_json("model_versioning.py", "reproduce", "1", "--db", world)
    assert [text.partition(":")[0] for text in found["changed"]] == [
        f"the source of {MODEL.split(':')[0]}"
    ]


def test_a_model_in_production_that_is_gone_is_told_of(own: Path, world: Path) -> None:
    run("retrain_model.py", "--model", MODEL, "--accuracy-threshold", "0", "--db", world)
    own.rename(own.with_name("away"))
    (fault,) = run_json("model_versioning.py", "verify", "--db", world, expect=1)["faults"]
    assert fault["what"] == f"the source of its model {MODEL} is not found"
