"""The commands of tables: what they print, and how they end."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reeltune.commands.main import main


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["tabular", *map(str, words)], prog_name="reeltune")


@pytest.fixture(scope="module")
def cars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tables") / "cars.csv"
    done = run("demo", "cars", "--rows", 400, "--out", path)
    assert done.exit_code == 0, done.output
    assert "400 rows, target price_eur" in done.output.replace("\n", "")
    return path


def test_a_profile_shows_columns_figures_and_the_target(cars: Path) -> None:
    text = run("profile", cars).output
    assert "mileage_km" in text
    assert "task_difficulty_score" in text
    assert "target: price_eur, regression" in text


def test_a_profile_as_json_has_nineteen_figures(cars: Path) -> None:
    found = json.loads(run("profile", cars, "--json").stdout)
    assert len(found["dna"]) == 19
    assert found["dna"]["n_instances"] == 400
    assert {column["name"] for column in found["columns"]} >= {"make", "listed"}


def test_target_and_kinds_can_be_said(cars: Path) -> None:
    words = ("--target", "fuel", "--kind", "owners=category", "--json")
    found = json.loads(run("profile", cars, *words).stdout)
    assert found["target_kind"] == "multiclass"
    kinds = {column["name"]: column["kind"] for column in found["columns"]}
    assert kinds["owners"] == "category"


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (("profile", "no.csv"), 1, "is not there"),
        (("profile", "{cars}", "--target", "colour"), 1, "has no column 'colour'"),
        (("profile", "{cars}", "--kind", "owners"), 2, "is not like COLUMN=KIND"),
        (("demo", "boats"), 2, "cars"),
    ],
)
def test_what_is_wrong_is_one_line(
    cars: Path, words: tuple[str, ...], status: int, text: str
) -> None:
    done = run(*(word.format(cars=cars) for word in words))
    assert done.exit_code == status
    assert text in " ".join(done.output.split())
    assert "Traceback" not in done.output
