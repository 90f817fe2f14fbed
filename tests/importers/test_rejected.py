"""A file that is mostly rejected ends every way of importing with 8; nothing of it is stored."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner, Result

from reeltune.cli.exits import EXIT_REJECTED
from reeltune.commands.main import main
from reeltune.db.connection import connection
from reeltune.db.ratings import count_ratings

N = 120


class Row(NamedTuple):
    user: str
    movie: str
    rating: str
    time: str


def good(number: int) -> Row:
    return Row(
        str(1 + number // 60), str(1 + number % 60), str(0.5 + number % 10 / 2), str(10**9 + number)
    )


FAULTS: dict[str, Callable[[Row, int], Row]] = {
    "10-point stars": lambda row, n: row._replace(rating=str(1 + n % 10)),
    "ISO dates": lambda row, n: row._replace(time=f"2024-01-{1 + n % 28:02}T10:00:00Z"),
    "milliseconds": lambda row, n: row._replace(time=f"{row.time}000"),
    "UUIDs": lambda row, n: row._replace(user=f"0f8fad5b-d9cb-469f-a165-{n:012}"),
    "words": lambda row, n: row._replace(rating="often"),
    "every tenth": lambda row, n: row if n % 10 else row._replace(rating="often"),
}


def rows(fault: str | None) -> list[Row]:
    made = [good(n) for n in range(N)]
    return made if fault is None else [FAULTS[fault](row, n) for n, row in enumerate(made)]


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["import", *map(str, words)])


def movielens(place: Path, found: list[Row], db: Path) -> Result:
    place.mkdir()
    films = "".join(f"{n},Film {n} (1999),Crime\n" for n in range(1, 61))
    (place / "movies.csv").write_text(f"movieId,title,genres\n{films}")
    text = "".join(f"{','.join(row)}\n" for row in found)
    (place / "ratings.csv").write_text(f"userId,movieId,rating,timestamp\n{text}")
    return run("movielens", place, "--db", db)


def movielens_1m(place: Path, found: list[Row], db: Path) -> Result:
    place.mkdir()
    films = "".join(f"{n}::Film {n} (1999)::Crime\n" for n in range(1, 61))
    (place / "movies.dat").write_text(films)
    (place / "ratings.dat").write_text("".join(f"{'::'.join(row)}\n" for row in found))
    return run("movielens", place, "--db", db)


COLUMNS = ("--user", "who", "--movie", "film", "--title", "name", "--rating", "stars")
FORMS = ("--time", "at", "--scale", "stars", "--time-format", "seconds")


def write_table(place: Path, found: list[Row]) -> Path:
    lines = (f"{r.user},{r.movie},Film {r.movie},{r.rating},{r.time}\n" for r in found)
    place.write_text(f"who,film,name,stars,at\n{''.join(lines)}")
    return place


def table(place: Path, found: list[Row], db: Path) -> Result:
    return run("table", write_table(place, found), *COLUMNS, *FORMS, "--db", db)


def synced(place: Path, found: list[Row], db: Path) -> Result:
    source = write_table(place, rows(None)[:60])
    first = run("table", source, *COLUMNS, *FORMS, "--remember", "it", "--db", db)
    assert first.exit_code == 0, first.output
    write_table(place, found)
    return run("sync", "--db", db)


def letterboxd(place: Path, found: list[Row], db: Path) -> Result:
    place.mkdir()
    lines = (
        f"{_date(r)},Film {r.movie},1999,https://boxd.it/{r.movie},{r.rating}\n" for r in found
    )
    (place / "ratings.csv").write_text(f"Date,Name,Year,Letterboxd URI,Rating\n{''.join(lines)}")
    return run("table", place, "--map", "letterboxd", "--db", db)


def trakt(place: Path, found: list[Row], db: Path) -> Result:
    stored = [
        {
            "rated_at": _date(r),
            "rating": _of_ten(r),
            "movie": {
                "title": f"Film {r.movie}",
                "year": 1999,
                "ids": {"trakt": r.movie, "imdb": f"tt{r.movie}", "tmdb": int(r.movie)},
            },
        }
        for r in found
    ]
    place.write_text(json.dumps(stored))
    return run("table", place, "--map", "trakt", "--db", db)


def _date(row: Row) -> str:
    return row.time if len(row.time) == 13 else "2024-01-05"


def _of_ten(row: Row) -> Any:
    return row.rating if row.rating == "often" else 2 * float(row.rating)


TAKEN = {  # what is no fault in that format
    movielens: (),
    movielens_1m: (),
    table: ("UUIDs",),
    synced: ("UUIDs",),
    letterboxd: ("ISO dates", "UUIDs"),
    trakt: ("ISO dates", "UUIDs"),
}
CASES = [(way, fault) for way, taken in TAKEN.items() for fault in FAULTS if fault not in taken]


@pytest.mark.parametrize(("way", "fault"), CASES, ids=lambda case: getattr(case, "__name__", case))
def test_a_file_of_such_rows_is_refused_with_8(
    way: Callable[[Path, list[Row], Path], Result], fault: str, tmp_path: Path
) -> None:
    done = way(tmp_path / "source", rows(fault), tmp_path / "movies.db")
    assert done.exit_code == EXIT_REJECTED, done.output
    assert len(done.stderr.splitlines()) == 1
    assert "nothing of it was imported" in done.stderr
    with connection(tmp_path / "movies.db") as conn:
        assert count_ratings(conn) == (60 if way is synced else 0)


@pytest.mark.parametrize("way", TAKEN, ids=lambda way: way.__name__)
def test_a_good_file_is_taken_with_0(
    way: Callable[[Path, list[Row], Path], Result], tmp_path: Path
) -> None:
    done = way(tmp_path / "source", rows(None), tmp_path / "movies.db")
    assert done.exit_code == 0, done.output


def test_a_table_of_ratings_names_each_movie_many_times_and_is_taken(tmp_path: Path) -> None:
    done = table(tmp_path / "source", rows(None), tmp_path / "movies.db")
    assert done.exit_code == 0, done.output
    with connection(tmp_path / "movies.db") as conn:
        assert count_ratings(conn) == N
