"""Sources made up by dice, for every reader: read, or refused in one line; bombs end soon."""

import bz2
import gzip
import io
import json
import lzma
import random
import tempfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pysqlite3 as sqlite
import pytest

from reeltune.db.connection import connect, transaction
from reeltune.domain.errors import ReelTuneError
from reeltune.importers.guess import guess_mapping
from reeltune.importers.mapping import SourceMap, read_mapping
from reeltune.importers.ready import READY, ready_mapping
from reeltune.importers.sources import opened
from reeltune.importers.table import import_table
from tests.torture.nursery import Nursery
from tests.torture.scale import note, times
from tests.torture.test_hostile import is_shown_safely

Dice = random.Random
HEADER = "user,movie,rating,time\n"
WORDS = (
    *("1", "2", "07", "u-1", "0.5", "4,5", "5", "80%", "-1", "1e999", "nan", "NULL", "", " ", "\0"),
    *("1700000000", "2024-01-05T10:00:00+25:00", "9" * 400, "zoë", "\u202e", "\x1b[2J", "\ufeff"),
    *(",", ";", "\t", "|", "::", "\n", "\r", "\r\n", '"', '""', "'", "\\", "=cmd()", "../x", "#"),
    *("{", "}", "[", "]", ":", '{"user": 1', '"rating": ', "null", "true", "[" * 50),
    *("17:", "user", "movie", "rating", "time", "[{'name': 'x'}]", "1,2,3,1700000000\n"),
)


def text(dice: Dice) -> bytes:
    return "".join(dice.choices(WORDS, k=dice.randint(0, 60))).encode()


def table(dice: Dice) -> bytes:
    return HEADER.encode() + text(dice)


def json_text(dice: Dice) -> bytes:
    def value(depth: int) -> object:
        kinds = (
            1,
            2**70,
            -0.0,
            1e308,
            None,
            True,
            "x",
            "",
            "1",
            "\ud800",
            "é" * dice.randint(0, 9),
        )
        if depth > 6 or dice.random() < 0.6:
            return dice.choice(kinds)
        if dice.random() < 0.5:
            return [value(depth + 1) for _ in range(dice.randint(0, 4))]
        names = ("user", "movie", "rating", "time", "a.b", "", "ids")
        return {dice.choice(names): value(depth + 1) for _ in range(dice.randint(0, 5))}

    rows = [value(0) for _ in range(dice.randint(0, 6))]
    whole = json.dumps(rows) if dice.random() < 0.4 else "\n".join(map(json.dumps, rows))
    return spoilt(dice, whole.encode()) if dice.random() < 0.5 else whole.encode()


def spoilt(dice: Dice, content: bytes) -> bytes:
    """Return `content` with bytes changed, dropped, doubled, or cut short."""
    some = bytearray(content)
    for _ in range(dice.randint(1, 8)):
        if not some:
            break
        at = dice.randrange(len(some))
        match dice.randrange(4):
            case 0:
                some[at] = dice.randrange(256)
            case 1:
                del some[at : at + dice.randint(1, 40)]
            case 2:
                some[at:at] = some[at : at + dice.randint(1, 40)]
            case _:
                del some[dice.randrange(at, len(some)) :]
    return bytes(some)


def zipped(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("votes.csv", content)
    return packed.getvalue()


def zstd(content: bytes) -> bytes:
    compressed: bytes = pytest.importorskip("zstandard").compress(content)
    return compressed


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "zip": zipped,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd,
}


def packed_text(dice: Dice) -> bytes:
    packed = dice.choice(list(PACKERS.values()))(table(dice))
    return spoilt(dice, packed) if dice.random() < 0.7 else packed


def encoded(dice: Dice) -> bytes:
    encoding = dice.choice(("utf-16", "utf-16-be", "utf-32", "cp1252", "cp500"))
    content = table(dice).decode().encode(encoding, "replace")
    return spoilt(dice, content) if dice.random() < 0.5 else content


def parquet(dice: Dice) -> bytes:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    n = dice.randint(0, 5)
    kinds: tuple[Callable[[], object], ...] = (
        lambda: pa.array([dice.choice((1, 0, -1, 2**63 - 1, None)) for _ in range(n)]),
        lambda: pa.array([dice.random() * 9 for _ in range(n)]),
        lambda: pa.array([dice.choice(("1", "x", "", None, "\0")) for _ in range(n)]),
        lambda: pa.array([[1, 2]] * n),
        lambda: pa.array([{"a": 1}] * n),
        lambda: pa.array([b"\xff\xfe"] * n),
        lambda: pa.array([float("nan")] * n, pa.float32()),
        lambda: pa.array([True] * n),
        lambda: pa.array([2**62] * n, pa.timestamp("ns")),
        lambda: pa.array([2**40] * n, pa.timestamp("s")),
        lambda: pa.array([12] * n, pa.decimal128(20, 2)),
        lambda: pa.nulls(n),
    )
    names = ("user", "movie", "rating", "time")
    out = io.BytesIO()
    pq.write_table(pa.table({name: dice.choice(kinds)() for name in names}), out)
    return spoilt(dice, out.getvalue()) if dice.random() < 0.6 else out.getvalue()


def database(dice: Dice) -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "app.db"
        fill(path, dice)
        content = path.read_bytes()
    return spoilt(dice, content) if dice.random() < 0.7 else content


def fill(path: Path, dice: Dice) -> None:
    conn = sqlite.connect(str(path))
    conn.execute("CREATE TABLE votes (user, movie, rating, time)")
    values = (1, "x", None, b"\xff", 2**63 - 1, 1e300, "", "1700000000")
    rows = [[dice.choice(values) for _ in range(4)] for _ in range(dice.randint(0, 5))]
    conn.executemany("INSERT INTO votes VALUES (?, ?, ?, ?)", rows)
    conn.commit()
    conn.close()


SOURCES: dict[str, Callable[[Dice], bytes]] = {
    "text": text,
    "table": table,
    "noise": lambda dice: dice.randbytes(dice.randint(0, 300)),
    "JSON": json_text,
    "packed": packed_text,
    "encoded": encoded,
    "Parquet": parquet,
    "database": database,
}
MAPPING = SourceMap.from_dict(
    {"ratings": {name: name for name in ("user", "movie", "rating", "time")} | {"scale": "stars"}}
)


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


@pytest.mark.slow
@pytest.mark.parametrize("kind", SOURCES)
def test_no_source_that_dice_make_up_does_more_than_be_refused(tmp_path: Path, kind: str) -> None:
    seed = random.randrange(2**32)
    dice, path, refused = Dice(seed), tmp_path / "votes", 0
    conn = connect(tmp_path / "movies.db", create=True)
    with transaction(conn):
        conn.execute("INSERT INTO movies (movie_id, title) VALUES (2, 'Heat')")
    n = times(40, 20_000)
    for number in range(n):
        content = SOURCES[kind](dice)
        path.write_bytes(content)
        guesses = number % 4 == 0
        do = partial(guess, path) if guesses else partial(import_table, conn, path, MAPPING)
        refused += is_refused(do, (seed, content))
    assert conn.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert refused > n / 10
    note(fault=f"{kind}, by dice", tried=n, struck=refused, wrong=0)


TOML_PIECES = (
    *("[ratings]\n", "[movies]\n", "[[ratings]]\n", "user = ", "movie = ", "rating = ", "scale = "),
    *('"x"\n', "'1-10'\n", "1\n", "-1e999\n", "nan\n", "[1]\n", "{}\n", "true\n", '"nan-inf"\n'),
    *("weights = ", "only = ", "time_zone = ", '"../../etc"\n', '"\\u0000"\n', "2024-01-01\n", "#"),
    *("separator = ", '""\n', '"\\n"\n', "encoding = ", '"rot13"\n', "n_fields = ", "table = "),
    *("=", "\n", '"""', "'", "\x00", "é", "select = ", '"DROP TABLE votes"\n', "a.b.c = 1\n"),
)


@pytest.mark.slow
def test_no_mapping_that_dice_make_up_does_more_than_be_refused(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    dice, path, refused = Dice(seed), tmp_path / "map.toml", 0
    source = tmp_path / "votes.csv"
    source.write_text(HEADER + "1,2,3,1700000000\n", encoding="utf-8")
    conn = connect(tmp_path / "movies.db", create=True)
    n = times(200, 20_000)
    for _ in range(n):
        said = "".join(dice.choices(TOML_PIECES, k=dice.randint(0, 14)))
        path.write_text(said, encoding="utf-8", newline="")
        refused += is_refused(lambda: import_table(conn, source, read_mapping(path)), (seed, said))
    assert refused > n / 2
    note(fault="mappings, by dice", tried=n, struck=refused, wrong=0)


@pytest.mark.slow
def test_no_directory_that_dice_make_up_breaks_a_ready_mapping(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    dice, refused = Dice(seed), 0
    names = sorted(READY)
    n = times(20, 2_000)
    conn = connect(tmp_path / "movies.db", create=True)
    for _ in range(n):
        mapping = ready_mapping(dice.choice(names))
        wanted = [part.table or "votes.csv" for part in (*mapping.movies, *mapping.ratings)]
        files = tmp_path / "files"
        files.mkdir(exist_ok=True)
        for old in files.iterdir():
            old.unlink()
        for name in wanted:
            (files / name.replace("*", "1")).write_bytes(SOURCES[dice.choice(list(SOURCES))](dice))
        refused += is_refused(partial(import_table, conn, files, mapping), seed)
    assert refused > n / 2
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
    out = io.BytesIO()
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
