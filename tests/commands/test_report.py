import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from reeltune.commands.main import main
from reeltune.db.connection import connection
from reeltune.db.tuning_runs import load_runs
from reeltune.reports import pdf
from tests.reports.reported import make_lived_in


@pytest.fixture(scope="session")
def reported_world(new_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small world with two runs, a promoted version, a refused one, and one more promoted."""
    path = Path(shutil.copy(new_world, tmp_path_factory.mktemp("reported") / "movies.db"))
    make_lived_in(path)
    return path


@pytest.fixture
def runs(reported_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of its runs; the working directory is empty, and the database found by itself."""
    monkeypatch.setenv("REELTUNE_DB", str(reported_world))
    monkeypatch.chdir(tmp_path)
    with connection(reported_world) as conn:
        return [run.tuning_run_id for run in load_runs(conn)]


def said(*words: str, expect: int = 0) -> Result:
    done = CliRunner().invoke(main, ["report", *words])
    assert done.exit_code == expect, done.output
    return done


def said_json(*words: str) -> Any:
    return json.loads(said(*words, "--format", "json").stdout)


def test_without_a_name_the_latest_run_is_written_as_a_page_of_its_name(runs: list[str]) -> None:
    done = said()
    assert Path(f"{runs[-1]}.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert f"wrote {runs[-1]}.html" in done.stderr
    assert done.stdout == ""


def test_a_run_is_written_in_every_format(runs: list[str]) -> None:
    for form in ("md", "csv", "json"):
        said(runs[0], "--format", form, "--out", f"run.{form}")
        assert said(runs[0], "--format", form).stdout == Path(f"run.{form}").read_text(
            encoding="utf-8"
        )
    said(runs[0], "--format", "ipynb")
    assert json.loads(Path(f"{runs[0]}.ipynb").read_text(encoding="utf-8"))["nbformat"] == 4
    assert said(runs[0], "--out", "-").stdout.startswith("<!doctype html>")


def test_json_has_what_the_figures_show(runs: list[str]) -> None:
    found = said_json(runs[0])
    assert len(found["experiments"]) == 25
    assert found["importance"]["effects"][0]["share"] > 0
    assert found["reproduction"]["data_fingerprint"]
    assert found["findings"]["best"]["number"] >= 0
    assert found["guardrails"]


def test_a_version_is_reported_with_the_rules_that_refused_it(runs: list[str]) -> None:
    refused, promoted = said_json("v2"), said_json("v3")
    assert refused["verdict"].startswith("Version 2 was refused: test accuracy")
    assert "at least 0.9990 is needed" in refused["verdict"]
    assert promoted["version"]["status"] == "production"
    assert promoted["parent"]["version"] == 1
    assert "false promotions" in promoted["budget"]
    assert any(rule["segment"] != "all users" for rule in promoted["rules"])
    html = said("v2", "--out", "-").stdout
    assert 'class="verdict bad"' in html
    assert "Gain in each segment" in html


def test_nights_are_reported_with_what_was_decided(runs: list[str]) -> None:
    found = said_json("--nights", "30")
    assert found["verdict"].endswith("2 promotions, 1 change not let through, no failure.")
    assert found["verdicts"] == {"promote": 2, "refused": 1}
    assert "Evaluations on the test set" in said("--nights", "30", "--out", "-").stdout


def test_runs_are_compared_user_by_user(runs: list[str]) -> None:
    found = said_json("--compare", *runs)
    (pair,) = found["pairs"]
    assert pair["n_users"] > 10
    assert pair["low"] <= pair["difference"] <= pair["high"]
    assert pair["adjusted_p_value"] == pair["p_value"]
    assert "Best so far" in said("--compare", *runs, "--out", "-").stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["no_such_run"], "there is no tuning run 'no_such_run'"),
        (["v99"], "there is no version 99"),
        (["--compare", "RUN"], "name two runs or more, each once"),
        (["--compare", "RUN", "RUN"], "name two runs or more, each once"),
        (["RUN", "v1"], "several need --compare"),
        (["--nights", "3", "RUN"], "name no run or version beside it"),
        (["v1", "--format", "csv"], "--format csv is of a run"),
        (["--nights", "3", "--format", "ipynb"], "--format ipynb is of a run"),
    ],
)
def test_what_cannot_be_meant_ends_in_one_line(
    runs: list[str], words: list[str], message: str
) -> None:
    done = said(*(word.replace("RUN", runs[0]) for word in words), expect=1)
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_empty_database_says_what_to_do_first(
    new_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shutil.copy(new_world, tmp_path / "movies.db")
    monkeypatch.setenv("REELTUNE_DB", str(path))
    assert "there is nothing to report yet: reeltune tune" in said(expect=1).stderr


def test_without_a_program_for_it_a_pdf_is_refused_in_one_line(
    runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "find_browser", lambda: None)
    monkeypatch.setattr(pdf, "find_spec", lambda _: None)
    done = said("--format", "pdf", expect=1)
    assert "a PDF needs WeasyPrint or Chromium" in done.stderr
    assert not Path(f"{runs[-1]}.pdf").exists()
