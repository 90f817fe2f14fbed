import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reeltune.commands.imports import importers
from tests.importers.imports import RATINGS, THREE_MOVIES, write


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(importers, ["movielens", *map(str, arguments)])


@pytest.fixture
def files(tmp_path: Path) -> Path:
    rows = "1,1,4.0,5\n1,9,4.0,5\n1,2,nan,5\n\n"
    return write(tmp_path / "files", movies_csv=THREE_MOVIES, ratings_csv=RATINGS + rows)


def test_the_report_gives_counts_reasons_and_lines(tmp_path: Path, files: Path) -> None:
    result = run(files, "--db", tmp_path / "movies.db")
    assert result.exit_code == 0
    words = result.stdout.split()
    assert "ratings.csv 4 1 1 2" in " ".join(words)
    assert "1 rejected movie is not in the catalogue 3" in " ".join(words)
    assert "1 skipped empty line 5" in " ".join(words)
    assert "now has 1 ratings (1 new) by 1 users and 3 movies" in " ".join(words)


def test_json_is_one_document_with_all_counts(tmp_path: Path, files: Path) -> None:
    result = run(files, "--db", tmp_path / "movies.db", "--json")
    report = json.loads(result.stdout)
    assert result.stderr == ""
    assert report["files"][1] == {
        "file": "ratings.csv",
        "source": "movielens",
        "rows_read": 4,
        "rows_kept": 1,
        "rows_skipped": 1,
        "rows_rejected": 2,
        "skipped": {"empty line": 1},
        "rejected": {"rating is not a number, 0.5 to 5": 1, "movie is not in the catalogue": 1},
    }
    assert report["coverage"]["movies"] == 3


def test_quiet_keeps_the_result_and_drops_the_remark(tmp_path: Path, files: Path) -> None:
    result = run(files, "--db", tmp_path / "movies.db", "--quiet")
    assert "now has" in result.stdout
    assert result.stderr == ""


@pytest.mark.parametrize("option", [[], ["--tmdb", "nowhere"]])
def test_a_directory_not_there_is_one_line_exit_code_1_and_no_database(
    tmp_path: Path, files: Path, option: list[str]
) -> None:
    result = run(files if option else "nowhere", *option, "--db", tmp_path / "movies.db")
    assert (result.exit_code, result.stderr) == (1, "error: no directory at 'nowhere'\n")
    assert not (tmp_path / "movies.db").exists()
