"""Sources made up by dice, for every reader: text, JSON, Parquet, databases, packed ones, noise.

About half hold good rows too, so that what comes after reading is reached as well.
"""

import bz2
import gzip
import io
import json
import lzma
import random
import sqlite3
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import pytest

Dice = random.Random
HEADER = "user,movie,rating,time\n"
GOOD_ROWS = ("1,2,3,1700000000\n", "u-1,2,0.5,1700000001\n", "07,3,5,1\n", "1,03,4,1700000000\n")
WORDS = (
    *("1", "2", "07", "u-1", "0.5", "4,5", "5", "80%", "-1", "1e999", "nan", "NULL", "", " ", "\0"),
    *("1700000000", "2024-01-05T10:00:00+25:00", "9" * 400, "zoë", "\u202e", "\x1b[2J", "\ufeff"),
    *(",", ";", "\t", "|", "::", "\n", "\r", "\r\n", '"', '""', "'", "\\", "=cmd()", "../x", "#"),
    *("{", "}", "[", "]", ":", '{"user": 1', '"rating": ', "null", "true", "[" * 50),
    *("17:", "user", "movie", "rating", "time", "[{'name': 'x'}]", *GOOD_ROWS),
)
NAMES = ("user", "movie", "rating", "time")


def text(dice: Dice) -> bytes:
    return "".join(dice.choices(WORDS, k=dice.randint(0, 60))).encode()


def table(dice: Dice) -> bytes:
    good = "".join(dice.choices(GOOD_ROWS, k=dice.randint(0, 9)))
    return (HEADER + good).encode() + (text(dice) if dice.random() < 0.7 else b"")


def netflix(dice: Dice) -> bytes:
    rows = (
        "2:\n",
        "3:\n",
        "1,4,2005-09-06\n",
        "8,5,2005-01-01\n",
        "7,3\n",
        ":\n",
        "99:",
        "x,1,2\n",
    )
    content = ("2:\n" + "".join(dice.choices(rows, k=dice.randint(0, 12)))).encode()
    return spoilt(dice, content) if dice.random() < 0.4 else content


def json_value(dice: Dice, depth: int = 0) -> object:
    kinds = (1, 2, 2**70, -0.0, 1e308, None, True, "x", "", "1", "\ud800", "é" * dice.randint(0, 9))
    if depth > 6 or dice.random() < 0.6:
        return dice.choice(kinds)
    if dice.random() < 0.5:
        return [json_value(dice, depth + 1) for _ in range(dice.randint(0, 4))]
    names = (*NAMES, "a.b", "", "ids")
    return {dice.choice(names): json_value(dice, depth + 1) for _ in range(dice.randint(0, 5))}


def json_row(dice: Dice) -> object:
    if dice.random() < 0.3:
        return json_value(dice)
    row: dict[str, object] = {"user": dice.randint(1, 3), "movie": 2, "rating": 4, "time": 1}
    if dice.random() < 0.5:
        row[dice.choice(NAMES)] = json_value(dice, 1)
    return row


def json_text(dice: Dice) -> bytes:
    rows = [json_row(dice) for _ in range(dice.randint(0, 6))]
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
    "xz": lambda content: lzma.compress(content, preset=0),
    "zstd": zstd,
}


def packed_text(dice: Dice) -> bytes:
    """Return a packed table: of one part, or of several one after the other."""
    pack = dice.choice(list(PACKERS.values()))
    packed = pack(table(dice))
    if dice.random() < 0.3:
        packed += pack("".join(dice.choices(GOOD_ROWS, k=3)).encode())
    return spoilt(dice, packed) if dice.random() < 0.7 else packed


def encoded(dice: Dice) -> bytes:
    encoding = dice.choice(("utf-16", "utf-16-be", "utf-32", "cp1252", "cp500"))
    content = table(dice).decode().encode(encoding, "replace")
    return spoilt(dice, content) if dice.random() < 0.5 else content


def columns(dice: Dice, n: int, kinds: Sequence[Callable[[], Any]]) -> dict[str, Any]:
    """Return a column of some kind for each name; about half the time all could be ratings."""
    import pyarrow as pa

    if dice.random() < 0.5:
        return {name: dice.choice(kinds)() for name in NAMES}
    good = {"user": range(n), "movie": [2] * n, "rating": [4.5] * n, "time": [1] * n}
    return {name: pa.array(list(column)) for name, column in good.items()} | (
        {dice.choice(NAMES): dice.choice(kinds)()} if dice.random() < 0.5 else {}
    )


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
        lambda: pa.array([float("inf")] * n),
        lambda: pa.array([True] * n),
        lambda: pa.array([2**62] * n, pa.timestamp("ns")),
        lambda: pa.array([2**40] * n, pa.timestamp("s")),
        lambda: pa.array([12] * n, pa.decimal128(20, 2)),
        lambda: pa.array([12] * n, pa.date32()),
        lambda: pa.array([2**63] * n, pa.uint64()),
        lambda: pa.nulls(n),
    )
    out = io.BytesIO()
    pq.write_table(pa.table(columns(dice, n, kinds)), out)
    return spoilt(dice, out.getvalue()) if dice.random() < 0.5 else out.getvalue()


def database(dice: Dice) -> bytes:
    """Return a database of votes, made in memory."""
    conn = sqlite3.connect(":memory:")
    conn.execute("CREATE TABLE votes (user, movie, rating, time)")
    values = (1, "x", None, b"\xff", 2**63 - 1, 1e300, "", "1700000000")
    rows = [[dice.choice(values) for _ in range(4)] for _ in range(dice.randint(0, 5))]
    rows += [[dice.randint(1, 3), 2, 4, 1700000000] for _ in range(dice.randint(0, 5))]
    conn.executemany("INSERT INTO votes VALUES (?, ?, ?, ?)", rows)
    conn.commit()
    content = conn.serialize()
    conn.close()
    return spoilt(dice, content) if dice.random() < 0.7 else content


SOURCES: dict[str, Callable[[Dice], bytes]] = {
    "text": text,
    "table": table,
    "noise": lambda dice: dice.randbytes(dice.randint(0, 300)),
    "Netflix": netflix,
    "JSON": json_text,
    "packed": packed_text,
    "encoded": encoded,
    "Parquet": parquet,
    "database": database,
}


def frame(dice: Dice) -> Any:
    """Return a data frame, as a program has it in memory."""
    pd = pytest.importorskip("pandas")
    n = dice.randint(0, 5)

    def objects(*kinds: object) -> Any:
        return pd.Series([dice.choice(kinds) for _ in range(n)], dtype=object)

    kinds: tuple[Callable[[], Any], ...] = (
        lambda: [dice.choice((1, 0, -1, 2**63, 2**64, None)) for _ in range(n)],
        lambda: [dice.choice((1.0, float("nan"), float("inf"), -1e308)) for _ in range(n)],
        lambda: objects("1", "x", "", None, "\0", "\ud800", b"\xff"),
        lambda: objects([1], {"a": 1}, (), object(), pd.NA, pd.NaT, 2**70, 1j),
        lambda: pd.array([dice.choice((1, None)) for _ in range(n)], dtype="Int64"),
        lambda: pd.array([dice.choice((True, None)) for _ in range(n)], dtype="boolean"),
        lambda: pd.Categorical([dice.choice(("a", "1", None)) for _ in range(n)]),
        lambda: pd.to_datetime([dice.choice((1, 2**62))] * n, utc=dice.random() < 0.5),
        lambda: pd.to_timedelta([dice.randint(0, 9)] * n),
        lambda: [complex(1, 2)] * n,
    )
    good: dict[str, Any] = {"user": range(n), "movie": [2] * n, "rating": [4] * n, "time": [1] * n}
    for name in dice.sample(NAMES, dice.randint(0, 4)):
        good[name] = dice.choice(kinds)()
    made = pd.DataFrame({name: pd.Series(column) for name, column in good.items()})
    return made.drop(columns=dice.choice(NAMES)) if dice.random() < 0.05 else made


CELLS = (
    *("", "\\N", "Heat", "Heat (1995)", "Crime|Drama", "Crime, Drama", "1995", "-5", "1e99", "x\0"),
    *("[{'id': 1, 'name': 'Crime'}]", '[{"name": "Crime"}]', "[{'name': ", "[[[[", "{}", "None"),
    *("{'id': 2, 'name': 'Saga', 'poster_path': None}", "[{'cast_id': 1, 'id': 3, 'name': 'Al'}]"),
    *(
        "1995-10-30",
        "95-31-02",
        "tt0113277",
        "tt",
        "949",
        "862.0",
        "9" * 30,
        '"a, b"',
        "é",
        "\u202e",
    ),
    *(
        "[{'id': " + "9" * 5000 + ", 'name': 'x'}]",
        "(" * 300,
        "['Crime', 'Drama']",
        "1e400",
        "True",
    ),
)
MOVIE_COLUMNS = ("movie", "title", "genres", "cast", "collection", "released", "runtime", "imdb")


def movies(dice: Dice) -> bytes:
    """Return a table of the catalogue."""

    def quoted(cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"' if dice.random() < 0.9 else cell

    rows = [",".join(MOVIE_COLUMNS)]
    for number in range(dice.randint(0, 6)):
        cells = dice.choices(CELLS, k=len(MOVIE_COLUMNS))
        cells[0] = str(number) if dice.random() < 0.9 else cells[0]
        rows.append(",".join(map(quoted, cells)))
    content = ("\n".join(rows) + "\n").encode()
    return spoilt(dice, content) if dice.random() < 0.3 else content


def fitting(names: Sequence[str], dice: Dice) -> bytes:
    """Return a table with these columns, as a ready mapping wants them."""
    values = ("1", "2", "3", "Heat", "1995", "2014-05-13", "2014-05-13T18:00:00Z", *CELLS)
    mark = dice.choice(",,,;\t")
    rows = [list(names)] + [dice.choices(values[:7], k=len(names)) for _ in range(4)]
    rows += [dice.choices(values, k=len(names)) for _ in range(dice.randint(0, 3))]
    content = "".join(mark.join(row) + "\n" for row in rows).encode()
    return spoilt(dice, content) if dice.random() < 0.3 else content
