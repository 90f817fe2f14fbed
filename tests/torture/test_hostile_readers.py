"""Sources made up by dice, for every reader: read, or refused in one line; bombs end soon."""

import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from functools import partial
from io import BytesIO
from itertools import count, repeat
from pathlib import Path

import pytest
from rich.progress import Progress

from reeltune.db.connection import Connection, connect, transaction
from reeltune.domain.errors import ReelTuneError
from reeltune.importers.guess import guess_mapping
from reeltune.importers.layouts import find_movielens
from reeltune.importers.mapping import MoviesMap, RatingsMap, SourceMap, read_mapping
from reeltune.importers.movielens import import_movielens
from reeltune.importers.ready import READY, ready_mapping
from reeltune.importers.sources import opened
from reeltune.importers.table import import_table
from reeltune.importers.tmdb import find_tmdb, import_tmdb
from tests.torture.made_up import (
    HEADER,
    MOVIE_COLUMNS,
    NAMES,
    PACKERS,
    SOURCES,
    Dice,
    fitting,
    frame,
    movies,
    spoilt,
)
from tests.torture.nursery import Nursery
from tests.torture.scale import new_seed, note, times
from tests.torture.test_hostile import is_shown_safely
from tests.torture.test_hostile_files import GOOD, TOGETHER

SOURCES_PER_DATABASE = 500
MEGABYTES = 200  # that any number of small sources may take, beside what the program has
RATINGS = {name: name for name in NAMES}
MAPPINGS = [
    SourceMap.from_dict({"ratings": ratings})
    for ratings in (
        RATINGS | {"scale": "stars"},
        RATINGS | {"scale": "1-10", "time_format": "seconds"},
        RATINGS,
        {"user": "user", "movie": "movie", "weight": "rating", "relevant_from": 3},
        {"user": "user", "movie": "movie", "event": "rating", "weights": {"4": 1.0, "x": 0.5}},
        {"one_user": "me", "movie": "movie", "rating": "rating", "only": {"time": "1"}},
    )
]
CATALOGUE = SourceMap.from_dict({"movies": {name: name for name in MOVIE_COLUMNS}})


def guess(path: Path) -> None:
    with opened(path) as source:
        guess_mapping(source)


def is_refused(do: Callable[[], object], what: object) -> bool:
    """Do something; tell whether it was refused as is expected, in one line."""
    try:
        do()
    except ReelTuneError as error:
        told = str(error)
    except Exception as error:
        raise AssertionError(repr(what)) from error
    else:
        return False
    assert "\n" not in told, what
    return True


@pytest.fixture
def memory() -> Iterator[Path]:
    """A directory in memory, where the system has one: writing to disks takes most of the time."""
    there = Path("/dev/shm")
    where = there if os.access(there, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=where) as directory:
        yield Path(directory)


@contextmanager
def bounded(**figures: object) -> Iterator[None]:
    """Check that memory stays bounded within, and that no file is left open."""
    status, open_files = Path("/proc/self/status"), Path("/proc/self/fd")
    if not status.exists():
        yield
        return
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
    before, n_open = peak_megabytes(status), len(list(open_files.iterdir()))
    yield
    grown = peak_megabytes(status) - before
    note(**figures, megabytes=round(grown, 1))
    assert grown < MEGABYTES, figures
    assert len(list(open_files.iterdir())) <= n_open, figures


def peak_megabytes(status: Path) -> float:
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) / 2**10


def databases(directory: Path) -> Generator[Connection]:
    """Yield a database with two films, a new one now and then: what they hold slows them down."""
    template = directory / "template.db"
    conn = connect(template, create=True)
    with transaction(conn):
        conn.execute("INSERT INTO movies (movie_id, title) VALUES (2, 'Heat'), (3, 'Paterson')")
    conn.close()
    for number in count():
        path = directory / f"{number}.db"
        shutil.copy(template, path)
        conn = connect(path)
        try:
            yield from repeat(conn, SOURCES_PER_DATABASE)
        finally:
            found = conn.execute("PRAGMA integrity_check").fetchone()[0]
            conn.close()
            assert found == "ok"
        path.unlink()


@contextmanager
def tries(n: int, directory: Path, source: str) -> Iterator[Iterator[tuple[int, Connection]]]:
    """Hand out numbers and databases for `n` tries, and look afterwards at what they left."""
    with bounded(source=source), closing(databases(directory)) as each:
        yield zip(range(n), each, strict=False)


@pytest.mark.slow
@pytest.mark.parametrize("kind", SOURCES)
def test_no_source_that_dice_make_up_does_more_than_be_refused(memory: Path, kind: str) -> None:
    seed = new_seed()
    dice, path, refused = Dice(seed), memory / "votes", 0
    n = times(60, 93_000)
    with tries(n, memory, kind) as each:
        for number, conn in each:
            content = SOURCES[kind](dice)
            path.write_bytes(content)
            mapping, limit = dice.choice(MAPPINGS), dice.choice((0.5, 1.0))
            take = partial(import_table, conn, path, mapping, max_rejected=limit)
            do: Callable[[], object] = partial(guess, path) if number % 4 == 0 else take
            refused += is_refused(do, (seed, content))
    assert n / 10 < refused < n + (kind in ("text", "noise"))
    note(fault=f"{kind}, by dice", tried=n, struck=refused, wrong=0)


@pytest.mark.slow
def test_no_catalogue_that_dice_make_up_does_more_than_be_refused(memory: Path) -> None:
    seed = new_seed()
    dice, path, refused = Dice(seed), memory / "films.csv", 0
    n = times(60, 60_000)
    with tries(n, memory, "catalogues") as each:
        for _, conn in each:
            content = movies(dice)
            path.write_bytes(content)
            do = partial(import_table, conn, path, CATALOGUE, max_rejected=1.0)
            refused += is_refused(do, (seed, content))
    assert n / 20 < refused < n
    note(fault="catalogues, by dice", tried=n, struck=refused, wrong=0)


@pytest.mark.slow
def test_no_data_frame_that_dice_make_up_does_more_than_be_refused(memory: Path) -> None:
    seed = new_seed()
    dice, refused = Dice(seed), 0
    n = times(60, 20_000)
    with tries(n, memory, "data frames") as each:
        for number, conn in each:
            frames = {"votes": frame(dice)}
            do = partial(import_table, conn, frames, dice.choice(MAPPINGS), max_rejected=1.0)
            refused += is_refused(do, (seed, number, frames["votes"].to_dict()))
    assert n / 20 < refused < n
    note(fault="data frames, by dice", tried=n, struck=refused, wrong=0)


@pytest.mark.slow
def test_no_movielens_files_that_dice_make_up_do_more_than_be_refused(memory: Path) -> None:
    seed = new_seed()
    dice, refused = Dice(seed), 0
    bar = Progress(disable=True)
    n = times(60, 40_000)
    with tries(n, memory, "MovieLens and TMDB") as each:
        for number, conn in each:
            files = emptied(memory / "files")
            for name in dice.choice(TOGETHER):
                content = GOOD[name].encode()
                if dice.random() < 0.5:
                    content = spoilt(dice, content)
                elif dice.random() < 0.2:
                    content = SOURCES[dice.choice(list(SOURCES))](dice)
                (files / name).write_bytes(content)
            refused += is_refused(partial(import_release, conn, files, bar), (seed, number))
    assert n / 20 < refused < n
    note(fault="MovieLens and TMDB, by dice", tried=n, struck=refused, wrong=0)


def import_release(conn: Connection, files: Path, bar: Progress) -> None:
    list(import_movielens(conn, find_movielens(files), bar))
    if (files / "credits.csv").exists():
        list(import_tmdb(conn, find_tmdb(files), bar))


def emptied(directory: Path) -> Path:
    """Return a directory without files; it is made where it is not there."""
    directory.mkdir(exist_ok=True)
    for old in directory.iterdir():
        old.unlink()
    return directory


TOML_PIECES = (
    *("[ratings]\n", "[movies]\n", "[[ratings]]\n", "user = ", "movie = ", "rating = ", "scale = "),
    *('"x"\n', "'1-10'\n", "1\n", "-1e999\n", "nan\n", "[1]\n", "{}\n", "true\n", '"nan-inf"\n'),
    *("weights = ", "only = ", "time_zone = ", '"../../etc"\n', '"\\u0000"\n', "2024-01-01\n", "#"),
    *("separator = ", '""\n', '"\\n"\n', "encoding = ", '"rot13"\n', "n_fields = ", "table = "),
    *("relevant_from = ", "9" * 9, "9" * 500 + "\n", "9" * 5000 + "\n", "-2\n", "{4 = -1}\n"),
    *("event = ", 'event = "rating"\nweights = ', "{4 = 1e300}\n", "{3 = 1e9}\n", "header = "),
    *("=", "\n", '"""', "'", "\x00", "é", "select = ", '"DROP TABLE votes"\n', "a.b.c = 1\n"),
)
GOOD_MAPPINGS = ('[ratings]\nuser = "user"\nmovie = "movie"\n', 'rating = "rating"\n')


@pytest.mark.slow
def test_no_mapping_that_dice_make_up_does_more_than_be_refused(memory: Path) -> None:
    seed = new_seed()
    dice, path, refused = Dice(seed), memory / "map.toml", 0
    source = memory / "votes.csv"
    source.write_text(HEADER + "1,2,3,1700000000\n", encoding="utf-8")
    n = times(200, 35_000)
    with tries(n, memory, "mappings") as each:
        for _, conn in each:
            said = "".join(dice.choices(TOML_PIECES, k=dice.randint(0, 14)))
            said = "".join(GOOD_MAPPINGS[: dice.randint(0, 2)]) + said
            path.write_text(said, encoding="utf-8", newline="")
            do = partial(import_mapped, conn, source, path)
            refused += is_refused(do, (seed, said))
    assert n / 2 < refused < n
    note(fault="mappings, by dice", tried=n, struck=refused, wrong=0)


def import_mapped(conn: Connection, source: Path, mapping: Path) -> None:
    import_table(conn, source, read_mapping(mapping))


@pytest.mark.slow
def test_no_directory_that_dice_make_up_breaks_a_ready_mapping(memory: Path) -> None:
    seed = new_seed()
    dice, refused = Dice(seed), 0
    names = sorted(READY)
    n = times(100, 8_000)
    with tries(n, memory, "directories") as each:
        for _, conn in each:
            mapping = ready_mapping(dice.choice(names))
            files = emptied(memory / "files")
            parts: tuple[MoviesMap | RatingsMap, ...] = (*mapping.movies, *mapping.ratings)
            for part in parts:
                name = (part.table or "votes.csv").replace("*", "1")
                fits = dice.random() < 0.8
                make = dice.choice(list(SOURCES.values()))
                content = fitting(part.columns(), dice) if fits else make(dice)
                (files / name).write_bytes(content)
            do = partial(import_table, conn, files, mapping, max_rejected=1.0)
            refused += is_refused(do, seed)
    assert n / 10 < refused < n
    note(fault="directories, by dice", tried=n, struck=refused, wrong=0)


MEASURED = """
import sys
from reeltune.executors.worker import _limit_memory
_limit_memory(400 * 2**20)
from reeltune.commands.imports import importers
importers(sys.argv[1:])
"""
FILLING = {
    "zeros": b"\0" * 2**20,
    "junk rows": b"junk\n" * (2**20 // 5),
    "bad rows": b"1,2,x,y\n" * (2**20 // 8),
    "one line": b"x" * 2**20,
    "open quotes": b'1,"2\n' * (2**20 // 5),
}


def bomb(packing: str, filling: bytes, megabytes: int) -> bytes:
    """Return a file that unpacks to a table's header and then `filling`, over and over."""
    if packing != "zip":
        pack = PACKERS[packing]
        return pack(HEADER.encode()) + pack(filling) * megabytes
    out = BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("votes.csv", "w") as file,
    ):
        file.write(HEADER.encode())
        for _ in range(megabytes):
            file.write(filling)
    return out.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize("filling", FILLING if times(0, 1) else ["junk rows"])
def test_a_bomb_ends_soon_in_one_line_and_in_bounded_memory(
    nursery: Nursery, tmp_path: Path, packing: str, filling: str
) -> None:
    path = tmp_path / "votes"
    path.write_bytes(bomb(packing, FILLING[filling], times(20, 600)))
    columns = (f"--{name}" for name in ("user", "movie", "rating", "time"))
    words = [word for column in columns for word in (column, column.removeprefix("--"))]
    db = tmp_path / "movies.db"
    done = nursery.run("-c", MEASURED, "table", path, *words, "--db", db, said=tmp_path / "said")
    assert done.returncode in (1, 8), done.stderr[-2000:]
    assert done.stderr.count("error: ") == 1
    assert is_shown_safely(done.stderr)
    note(fault=f"{packing} bombs of {filling}", tried=1, wrong=0)
