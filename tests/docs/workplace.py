"""A directory as the reader of a page has it: the programs, a small world, files to import."""

import csv
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from shutil import copy

import pysqlite3 as sqlite

from reeltune.db.connection import connection
from tests.docs.pages import ROOT, Step
from tests.running import environment

SIZES = ("--users", "100", "--movies", "300", "--ratings", "6000", "--seed", "2")
_DEMO = "reeltune import demo"


class Workplace:
    """Runs the steps of one page, one after the other, in one directory."""

    def __init__(self, directory: Path, world: Path) -> None:
        self.directory = directory
        self.environment = environment() | {"PATH": path_with_python(), "COLUMNS": "100"}
        for program in [*ROOT.glob("*.py"), *map(ROOT.joinpath, ("reeltune", "db", "examples"))]:
            (directory / program.name).symlink_to(program)
        copy(world, directory / "movies.db")
        write_movielens(world, directory / "ml-latest-small")
        write_tmdb(world, directory / "the-movies-dataset")
        write_app(world, directory / "app.db")
        (directory / "kaggle").symlink_to("the-movies-dataset")  # as help has it, to be short

    def run(self, step: Step) -> None:
        """Run a step; its exit code must be the one its page states."""
        if step.kind == "sql":
            with connection(self.directory / "movies.db") as conn:
                conn.execute(step.text).fetchall()
        elif step.kind == "python":
            self._run([sys.executable, "-W", "error", "-c", step.text], step)
        elif step.text.startswith("export "):
            name, _, value = step.text.removeprefix("export ").partition("=")
            self.environment[name] = value
        else:
            line = " ".join([step.text, *SIZES]) if step.text == _DEMO else step.text
            self._run(["bash", "-c", line], step)

    def _run(self, words: Sequence[str], step: Step) -> None:
        done = subprocess.run(
            words,
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode in step.exit_codes, f"{step}\n{done.stdout}\n{done.stderr}"


def path_with_python() -> str:
    """Return a search path on which `python` is the one that runs this."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def write_movielens(world: Path, directory: Path) -> None:
    """The movies, ratings and links of a world as MovieLens publishes them."""
    with connection(world) as conn:
        movies = conn.execute("SELECT movie_id, title, year FROM movies").fetchall()
        ratings = conn.execute("SELECT user_id, movie_id, rating, rated_at FROM ratings").fetchall()
        genres = dict(
            conn.execute(
                "SELECT movie_id, group_concat(name, '|') FROM movie_genres JOIN genres"
                " USING (genre_id) GROUP BY movie_id"
            ).fetchall()
        )
    rows = [(m, f"{title} ({year})", genres.get(m, "")) for m, title, year in movies]
    _write(directory / "movies.csv", "movieId,title,genres", rows)
    _write(directory / "ratings.csv", "userId,movieId,rating,timestamp", map(tuple, ratings))
    _write(directory / "links.csv", "movieId,imdbId,tmdbId", [(m, m, m) for m, _, _ in movies])


def write_app(world: Path, path: Path) -> None:
    """A world as the database of an app of one's own: text ids, genres with commas, votes of 10."""
    with connection(world) as conn:
        films = conn.execute(
            "SELECT movie_id, title, year, group_concat(name, ', ') FROM movies"
            " LEFT JOIN movie_genres USING (movie_id) LEFT JOIN genres USING (genre_id)"
            " GROUP BY movie_id"
        ).fetchall()
        ratings = conn.execute("SELECT user_id, movie_id, rating, rated_at FROM ratings").fetchall()
    app = sqlite.connect(str(path))
    app.execute("CREATE TABLE users (id TEXT PRIMARY KEY, name TEXT)")
    app.execute(
        "CREATE TABLE films (id INTEGER PRIMARY KEY, title TEXT, year INTEGER, genres TEXT)"
    )
    app.execute("CREATE TABLE votes (user_id TEXT, film_id INTEGER, vote INTEGER, voted_at TEXT)")
    app.executemany("INSERT INTO films VALUES (?, ?, ?, ?)", map(tuple, films))
    users = sorted({row["user_id"] for row in ratings})
    app.executemany("INSERT INTO users VALUES (?, ?)", ((f"u-{n:04}", f"User {n}") for n in users))
    app.executemany(
        "INSERT INTO votes VALUES (?, ?, ?, ?)",
        (
            (f"u-{user:04}", movie, int(2 * stars), datetime.fromtimestamp(at, UTC).isoformat())
            for user, movie, stars, at in ratings
        ),
    )
    app.commit()
    app.close()


def write_tmdb(world: Path, directory: Path) -> None:
    """The collections and casts of a world as Kaggle's "The Movies Dataset" has them."""
    with connection(world) as conn:
        movies = conn.execute("SELECT movie_id, title, year, collection_id FROM movies").fetchall()
        cast = conn.execute("SELECT movie_id, person_id, billing FROM cast_members").fetchall()
    films = [
        (m, title, m, f"{year}-01-01", "", "en", "", "", "", "[]", _collection(collection))
        for m, title, year, collection in movies
    ]
    columns = "id,title,imdb_id,release_date,runtime,original_language,popularity,vote_average,"
    columns += "vote_count,genres,belongs_to_collection"
    _write(directory / "movies_metadata.csv", columns, films)
    casts: dict[int, list[object]] = {}
    for movie, person, billing in cast:
        casts.setdefault(movie, []).append({"id": person, "name": f"P {person}", "order": billing})
    _write(directory / "credits.csv", "cast,id", [(str(c), m) for m, c in casts.items()])


def _collection(number: int | None) -> str:
    return "" if number is None else str({"id": number, "name": f"Collection {number}"})


def _write(path: Path, header: str, rows: Iterable[tuple[object, ...]]) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header.split(","))
        writer.writerows(rows)
