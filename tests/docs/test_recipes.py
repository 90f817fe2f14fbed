"""The recipes of CONTRIBUTING.md are complete: with their changes alone, their commands work.

Also where a version is in production that was made before.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks
from tests.docs.workplace import path_with_python
from tests.running import environment

PAGE = ROOT / "CONTRIBUTING.md"
ENGINE = "the compiled engine does not"
SAID = {  # of the compiled engine, by the tuning run of each recipe
    "A way of proposing": [],
    "A metric": [f"{ENGINE} compute 'hit@10': the slower reference does"],
    "A component of the score": [
        f"{ENGINE} apply, for it does not cover the component 'recency': "
        "the slower reference measures"
    ],
    "A hyperparameter": [
        f"{ENGINE} apply, for the component 'rating' reads other hyperparameters than it covers: "
        "the slower reference measures"
    ],
}

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Recipe:
    """What a contributor is told to change, and then to run."""

    changes: str  # as `git apply` takes them
    commands: list[str]


def recipes() -> dict[str, Recipe]:
    """Return the recipes of the page by their headings."""
    text = PAGE.read_text(encoding="utf-8").partition("\n## Recipes\n")[2]
    found = {}
    for section in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        heading, _, body = section.partition("\n")
        parts = blocks(body)
        found[heading] = Recipe(
            "".join(content for language, content in parts if language == "diff"),
            [line for lang, content in parts if lang == "sh" for line in content.splitlines()],
        )
    return found


class Checkout:
    """A copy of the sources, with a small demo world and a version in production."""

    def __init__(self, directory: Path, world: Path) -> None:
        self.directory = directory
        unwanted = shutil.ignore_patterns(".*", "__pycache__", "*.db*", "*.versions", "*.cache")
        shutil.copytree(ROOT, directory, ignore=unwanted)
        self.environment = environment() | {
            "PATH": path_with_python(),
            "PYTHONDONTWRITEBYTECODE": "1",  # a file is changed twice within a second
            "XDG_CACHE_HOME": str(directory / ".cache"),  # of compiled code
        }
        shutil.copy(world, directory / "movies.db")
        self.run("python", "retrain_model.py", "--accuracy-threshold", "0")

    def run(self, *words: str, said: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command, which must succeed."""
        done = subprocess.run(
            words,
            cwd=self.directory,
            env=self.environment,
            input=said,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        return done


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, small_world: Path) -> Checkout:
    return Checkout(tmp_path_factory.mktemp("recipes") / "checkout", small_world)


@pytest.fixture
def followed(checkout: Checkout, request: pytest.FixtureRequest) -> Iterator[Recipe]:
    """A recipe whose changes have been made; afterwards they are taken back."""
    recipe = recipes()[request.param]
    pages = (checkout.directory / "docs" / "HYPERPARAMETERS.md").read_bytes()
    checkout.run("git", "apply", said=recipe.changes)
    yield recipe
    checkout.run("git", "apply", "--reverse", said=recipe.changes)
    (checkout.directory / "docs" / "HYPERPARAMETERS.md").write_bytes(pages)


@pytest.mark.parametrize("followed", SAID, ids=SAID, indirect=True)
def test_a_recipe_needs_no_more_than_it_says(
    followed: Recipe, checkout: Checkout, request: pytest.FixtureRequest
) -> None:
    done = [checkout.run("bash", "-c", command) for command in followed.commands]
    (tested,) = (d.stdout for d in done if "pytest" in d.args[-1])
    assert re.search(r"^\d+ passed", tested, re.MULTILINE), tested  # 0 selected leaves 5
    (tuned,) = (d.stderr for d in done if "tune_orchestrator" in d.args[-1])
    assert "all 3 configurations tried; 4 of 4 experiments" in tuned
    said = [line for line in tuned.splitlines() if line.startswith(ENGINE)]
    assert said == SAID[request.node.callspec.params["followed"]]


@pytest.mark.parametrize("followed", ["A component of the score"], indirect=True)
def test_what_was_deployed_before_a_recipe_is_retrained(
    followed: Recipe, checkout: Checkout
) -> None:
    """A share that it did not have is 0, what else it did not have is at its default."""
    words = ("--force", "--accuracy-threshold", "0", "--dry-run", "--json")
    done = json.loads(checkout.run("python", "retrain_model.py", *words).stdout)
    assert done["hyperparameters"]["recency_weight"] == 0
    assert done["decision"] == "routine"


def test_every_recipe_is_followed() -> None:
    assert recipes().keys() == SAID.keys()
    assert all(recipe.changes and recipe.commands for recipe in recipes().values())
