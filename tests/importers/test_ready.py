import json
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from reeltune.commands.imports import importers
from reeltune.db.connection import connection
from reeltune.importers.ready import READY
from tests.importers.imports import select
from tests.importers.tables import stored

LETTERBOXD = "Date,Name,Year,Letterboxd URI,Rating\n2024-01-05,Heat,1995,https://boxd.it/2a,4.5\n"
IMDB = (
    "Const,Your Rating,Date Rated,Title,Original Title,URL,Title Type,IMDb Rating,Runtime (mins),"
    "Year,Genres,Num Votes,Release Date,Directors\n"
    'tt0113277,9,2024-01-05,Heat,Heat,https://x/,Movie,8.3,170,1995,"Crime, Drama",1,1995-12-15,M\n'
)
TRAKT = [
    {
        "rated_at": "2024-01-05T00:00:00.000Z",
        "rating": 9,
        "type": "movie",
        "movie": {
            "title": "Heat",
            "year": 1995,
            "ids": {"trakt": 1, "imdb": "tt0113277", "tmdb": 949},
        },
    }
]


def source(tmp_path: Path, name: str) -> Path:
    path = tmp_path / f"{name}-export"
    if name == "letterboxd":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("ratings.csv", LETTERBOXD)
            archive.writestr("watched.csv", "Date,Name\n")
    elif name == "imdb":
        path.write_text(IMDB, encoding="cp1252")
    elif name == "trakt":
        path.write_text(json.dumps(TRAKT))
    else:
        path.mkdir()
        (path / "movie_titles.csv").write_text("17,1995,Heat, Part 1\n", encoding="latin-1")
        (path / "combined_data_1.txt").write_text("17:\n1488844,4,2024-01-05\n")
        (path / "combined_data_2.txt").write_text("17:\n7,1,2024-01-05\n")
    return path


@pytest.mark.parametrize("name", READY)
def test_a_ready_mapping_reads_its_export(tmp_path: Path, name: str) -> None:
    db = tmp_path / "movies.db"
    words = ["table", str(source(tmp_path, name)), "--map", name, "--db", str(db)]
    done = CliRunner().invoke(importers, words)
    assert done.exit_code == 0, done.output
    with connection(db) as conn:
        found = {row[0]: row[2:] for row in stored(conn)}
        assert select(conn, "SELECT year FROM movies") == [(1995,)]
    stars = {"netflix-prize": 4.0}.get(name, 4.5)
    assert found["1488844" if name == "netflix-prize" else "me"] == (stars, 1704412800)
