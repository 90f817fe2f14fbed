import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reeltune.cli.exits import EXIT_REJECTED
from reeltune.commands.imports import importers
from reeltune.db.catalogue import load_coverage, load_titles
from reeltune.db.connection import connection
from reeltune.db.imports import load_batches
from reeltune.db.ratings import count_ratings
from tests.importers.imports import CREDITS, LINKS, METADATA, RATINGS, THREE_MOVIES, write

HALF = ("--max-rejected", "50%")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(importers, ["movielens", *map(str, arguments)])


@pytest.fixture
def files(tmp_path: Path) -> Path:
    rows = "1,1,4.0,5\n1,9,4.0,5\n1,2,nan,5\n\n"
    return write(tmp_path / "files", movies_csv=THREE_MOVIES, ratings_csv=RATINGS + rows)


def test_the_report_gives_counts_reasons_and_lines(tmp_path: Path, files: Path) -> None:
    result = run(files, "--db", tmp_path / "movies.db", *HALF)
    assert result.exit_code == 0
    words = result.stdout.split()
    assert "ratings.csv 4 1 1 2" in " ".join(words)
    assert "1 rejected movie is not in the catalogue 3" in " ".join(words)
    assert "1 skipped empty line 5" in " ".join(words)
    assert "now has 1 ratings (1 new) by 1 users and 3 movies" in " ".join(words)


def test_json_is_one_document_with_all_counts(tmp_path: Path, files: Path) -> None:
    result = run(files, "--db", tmp_path / "movies.db", "--json", *HALF)
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
        "cells_left_out": {},
        "notes": [],
    }
    assert report["coverage"]["movies"] == 3


def test_quiet_keeps_the_result_and_drops_the_remark(tmp_path: Path, files: Path) -> None:
    result = run(files, "--db", tmp_path / "movies.db", "--quiet", *HALF)
    assert "now has" in result.stdout
    assert result.stderr == ""


@pytest.mark.parametrize("option", [[], ["--tmdb", "nowhere"]])
def test_a_directory_not_there_is_one_line_exit_code_1_and_no_database(
    tmp_path: Path, files: Path, option: list[str]
) -> None:
    result = run(files if option else "nowhere", *option, "--db", tmp_path / "movies.db")
    assert (result.exit_code, result.stderr) == (1, "error: no directory at 'nowhere'\n")
    assert not (tmp_path / "movies.db").exists()


def test_more_rejected_rows_than_allowed_are_an_exit_status_of_their_own(
    tmp_path: Path, files: Path
) -> None:
    result = run(files, "--db", tmp_path / "movies.db", "--max-rejected", "0.49")
    assert result.exit_code == EXIT_REJECTED
    assert result.stderr.startswith("error: 2 of 4 rows of 'ratings.csv' are rejected, more than")
    with connection(tmp_path / "movies.db") as conn:
        assert count_ratings(conn) == 0
        assert [batch.file for batch in load_batches(conn)] == ["movies.csv"]


def test_rows_that_give_way_to_newer_ones_are_not_held_against_a_file(tmp_path: Path) -> None:
    rows = "".join(f"1,1,4.0,{n}\n" for n in range(20))
    files = write(tmp_path / "files", movies_csv=THREE_MOVIES, ratings_csv=RATINGS + rows)
    assert run(files, "--db", tmp_path / "movies.db").exit_code == 0


@pytest.mark.parametrize("rows", ["", "1,1,4.0,2014-05-13\n1,2,4.0,2014-05-14\n"])
@pytest.mark.parametrize("allowed", ["5%", "1"])
def test_nothing_kept_is_never_a_success(tmp_path: Path, rows: str, allowed: str) -> None:
    files = write(tmp_path / "files", movies_csv=THREE_MOVIES, ratings_csv=RATINGS + rows)
    result = run(files, "--db", tmp_path / "movies.db", "--max-rejected", allowed)
    assert result.exit_code == EXIT_REJECTED
    assert "none could be kept" in result.stderr


def test_ratings_on_another_scale_are_refused_and_the_scale_is_named(tmp_path: Path) -> None:
    rows = "".join(f"{user},{1 + user % 3},{1 + user % 10},5\n" for user in range(1, 101))
    files = write(tmp_path / "files", movies_csv=THREE_MOVIES, ratings_csv=RATINGS + rows)
    result = run(files, "--db", tmp_path / "movies.db", "--max-rejected", "1")
    assert result.exit_code == EXIT_REJECTED
    assert "they look like 1-10" in result.stderr
    with connection(tmp_path / "movies.db") as conn:
        assert count_ratings(conn) == 0


@pytest.mark.parametrize("share", ["6", "-1", "x", "nan", "101%"])
def test_a_share_that_is_none_is_a_usage_error(tmp_path: Path, share: str) -> None:
    assert run(tmp_path, "--max-rejected", share).exit_code == 2


def test_files_that_are_not_read_are_named(tmp_path: Path) -> None:
    files = write(tmp_path / "files", movies_csv=THREE_MOVIES, ratings_csv=RATINGS + "1,1,4,5\n")
    write(files, tags_csv="a", old_txt="b")
    result = run(files, "--db", tmp_path / "movies.db", "--json")
    assert json.loads(result.stdout)["files_not_read"] == ["old.txt", "tags.csv"]
    assert "tags.csv" in run(files, "--db", tmp_path / "movies.db").stdout


def test_files_of_tmdb_in_the_same_directory_are_read(tmp_path: Path) -> None:
    ratings = RATINGS + "1,1,4,5\n"
    files = write(tmp_path / "files", movies_csv=THREE_MOVIES, ratings_csv=ratings, tags_csv="a")
    write(
        files,
        links_csv="movieId,imdbId,tmdbId\n1,0114709,862\n",
        credits_csv="cast,crew,id\n[],[],862\n",
    )
    elsewhere = write(tmp_path / "elsewhere", credits_csv="cast,crew,id\n[],[],862\n")
    for tmdb, unread in ((files, ["tags.csv"]), (elsewhere, ["credits.csv", "tags.csv"])):
        result = run(files, "--tmdb", tmdb, "--db", tmp_path / "movies.db", "--json")
        assert result.exit_code == 0, result.stderr
        assert json.loads(result.stdout)["files_not_read"] == unread


@pytest.mark.parametrize("second", ["ratings_csv_gz", "ratings_dat", "movies_csv_gz"])
def test_two_files_of_one_kind_are_refused_before_anything_is_written(
    tmp_path: Path, second: str
) -> None:
    files = write(tmp_path / "files", movies_csv=THREE_MOVIES, ratings_csv=RATINGS + "1,1,4,5\n")
    write(files, **{second: RATINGS + "1,1,5,6\n"})
    result = run(files, "--db", tmp_path / "movies.db")
    name = second.replace("_", ".")
    assert result.exit_code == 1
    assert name in result.stderr
    assert not (tmp_path / "movies.db").exists()


def test_the_movies_dataset_alone_has_titles_of_tmdb(tmp_path: Path) -> None:
    film = "949,Heat,tt0113277,1995-12-15,170,en,1.0,8,9,\"[{'id': 80, 'name': 'Crime'}]\",\n"
    files = write(
        tmp_path / "files",
        movies_metadata_csv=METADATA + film + film.replace("949", "1", 1),
        credits_csv=CREDITS + "\"[{'id': 1158, 'name': 'Al Pacino', 'order': 0}]\",[],949\n",
        links_small_csv=LINKS + "6,113277,949\n7,,\n",
        ratings_small_csv=RATINGS + "1,6,4.0,5\n",
    )
    result = run(files, "--db", tmp_path / "movies.db", "--max-rejected", "50%")
    assert result.exit_code == 0, result.output
    with connection(tmp_path / "movies.db") as conn:
        assert load_titles(conn) == {6: "Heat (1995)"}
        assert count_ratings(conn) == 1
        known = load_coverage(conn)
    assert (known.with_genres, known.with_metadata, known.with_cast) == (1, 1, 1)
