"""`pip install` of the package into an environment of its own; nothing of the checkout is there."""

import json
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from tests.docs.workplace import SIZES
from tests.running import ROOT, environment

pytestmark = pytest.mark.slow
PACKAGED = ("pyproject.toml", "README.md", "LICENSE")
PUBLIC = """
import importlib, inspect, json, pathlib, reeltune
from reeltune import HyperparameterTuner, Plan, Recommender, Space, TuningOrchestrator

names = {name: str(getattr(reeltune, name)) for name in reeltune.__all__}
absent = []
for name in ("model", "db", "search", "tune_orchestrator", "tests", "domain"):
    try:
        importlib.import_module(name)
    except ImportError:
        absent.append(name)
print(json.dumps({"file": reeltune.__file__, "names": sorted(names), "absent": absent}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as pip builds it, from a copy: building writes beside the sources."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in PACKAGED:
        (source / name).write_bytes((ROOT / name).read_bytes())
    copytree(ROOT / "reeltune", source / "reeltune", ignore=ignore_patterns("__pycache__"))
    offline = ("--no-deps", "--no-index", "--no-build-isolation")
    pip(sys.executable, "wheel", *offline, "--wheel-dir", out, source)
    (found,) = out.glob("reeltune-*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment with the package, and this one's libraries to stand on."""
    place = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    python = place / "bin" / "python"
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    own = subprocess.run([python, "-c", where], capture_output=True, text=True, check=True)
    libraries = Path(own.stdout.strip()) / "libraries.pth"
    libraries.write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    options = ("--no-deps", "--no-index", "--ignore-installed")
    pip(sys.executable, "--python", python, "install", *options, wheel)
    return python.parent


def pip(python: str, *words: str | Path) -> None:
    """Run pip; it must succeed, and there is nothing that it could download."""
    line = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", *map(str, words)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


def output(*words: str | Path, at: Path) -> str:
    """Run a program outside the checkout; what it prints."""
    surroundings = {k: v for k, v in environment().items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [*map(str, words)], cwd=at, env=surroundings, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_wheel_has_every_file_of_the_package_and_no_other(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "reeltune").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {Path(name).suffix for name in files} >= {".py", ".sql", ".json", ".typed"}
    assert packed == files


def test_the_command_is_there(installed: Path, tmp_path: Path) -> None:
    said = output(installed / "reeltune", "--help", at=tmp_path)
    assert "Retune and redeploy" in said
    for command in ("import", "tune", "retrain", "versions", "db"):
        output(installed / "reeltune", command, "--help", at=tmp_path)
    assert "Retune and redeploy" in output(
        installed / "python", "-m", "reeltune", "--help", at=tmp_path
    )


def test_the_public_names_are_imported_from_there(installed: Path, tmp_path: Path) -> None:
    told = json.loads(output(installed / "python", "-c", PUBLIC, at=tmp_path))
    assert Path(told["file"]).is_relative_to(installed.parent)
    assert len(told["names"]) > 10
    assert told["absent"] == ["model", "db", "search", "tune_orchestrator", "tests", "domain"]


def test_it_imports_tunes_and_deploys(installed: Path, tmp_path: Path) -> None:
    program = installed / "reeltune"
    output(program, "import", "demo", *SIZES, at=tmp_path)
    tuning = ("tune", "--method", "random", "--configs", "2", "--jobs", "2", "--json")
    told = json.loads(output(program, *tuning, at=tmp_path))
    assert told["experiments_completed"] == 3
    output(program, "retrain", "--accuracy-threshold", "0", at=tmp_path)
    output(program, "versions", "verify", at=tmp_path)
    output(program, "db", "check", at=tmp_path)


def test_a_sweep_is_checked_against_the_schema_in_the_wheel(
    installed: Path, tmp_path: Path
) -> None:
    (tmp_path / "sweep.yaml").write_text("name: a\nmethod: random\nconfigs: 2\n", encoding="utf-8")
    output(installed / "reeltune", "import", "demo", *SIZES, at=tmp_path)
    output(installed / "reeltune", "tune", "--config", "sweep.yaml", "--dry-run", at=tmp_path)
