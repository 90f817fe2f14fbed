"""A small table of ratings in every form in which a source may have it."""

import bz2
import csv
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pysqlite3 as sqlite
import pytest

from reeltune.db.connection import Connection, connect
from reeltune.importers.counts import FileReport
from reeltune.importers.table import import_table
from tests.importers.imports import select

COLUMNS = ("who", "film", "vote", "when")
ROWS = [
    ("zoë", "a-1", 10, "2024-01-05T10:00:00Z"),
    ("zoë", "b, 2", 1, "2024-01-06T10:00:00Z"),
    ("007", "a-1", 8, "2024-01-07T12:00:00+02:00"),
    ("7", "a-1", 7, "2024-01-07T10:00:00Z"),
]
STORED = [
    ("007", "a-1", 4.0, 1704621600),
    ("7", "a-1", 3.5, 1704621600),
    ("zoë", "a-1", 5.0, 1704448800),
    ("zoë", "b, 2", 0.5, 1704535200),
]
FILMS = [("a-1", "Heat", "Crime; War"), ("b, 2", "Ronin", "")]
RATINGS_MAP = {
    "user": "who",
    "movie": "film",
    "rating": "vote",
    "time": "when",
    "scale": "1-10",
}
MOVIES_MAP = {"movie": "id", "title": "name", "genres": "kinds"}


def csv_text(separator: str = ",", header: bool = True) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator)
    writer.writerows([COLUMNS] if header else [])
    writer.writerows(ROWS)
    return text.getvalue()


def zipped(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("export/votes.csv", content)
        archive.writestr("__MACOSX/._votes.csv", b"\0")
    return packed.getvalue()


def zstd(content: bytes) -> bytes:
    packed: bytes = pytest.importorskip("zstandard").compress(content)
    return packed


def in_parts(pack: Callable[[bytes], bytes], content: bytes, n_bytes: int = 40) -> bytes:
    """Pack a text part by part, none of whose ends are ends of lines, with an empty one."""
    parts = [content[start : start + n_bytes] for start in range(0, len(content), n_bytes)]
    return b"".join(map(pack, [*parts[:1], b"", *parts[1:]]))


def objects() -> list[dict[str, Any]]:
    return [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]


def json_lines() -> bytes:
    return "\n".join(map(json.dumps, objects())).encode()


def parquet() -> bytes:
    pyarrow, writer = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    content = io.BytesIO()
    writer.write_table(pyarrow.Table.from_pylist(objects()), content)
    return content.getvalue()


SKIPPABLE = b"\x50\x2a\x4d\x18\x04\0\0\0size"  # a frame of zstd without content
FILES: dict[str, Callable[[], bytes]] = {
    "comma": lambda: csv_text().encode(),
    "semicolon": lambda: csv_text(";").encode(),
    "tab": lambda: csv_text("\t").encode(),
    "bar": lambda: csv_text("|").encode(),
    "byte order mark": lambda: csv_text().encode("utf-8-sig"),
    "UTF-16": lambda: csv_text().encode("utf-16"),
    "UTF-16 without mark": lambda: csv_text().encode("utf-16-be"),
    "Windows-1252": lambda: csv_text().encode("cp1252"),
    "Latin-1": lambda: csv_text().encode("latin-1"),
    "gzip": lambda: gzip.compress(csv_text().encode()),
    "gzip of UTF-16": lambda: gzip.compress(csv_text().encode("utf-16")),
    "bzip2": lambda: bz2.compress(csv_text().encode()),
    "xz": lambda: lzma.compress(csv_text().encode()),
    "zstd": lambda: zstd(csv_text().encode()),
    "gzip in parts": lambda: in_parts(gzip.compress, csv_text().encode()),
    "bzip2 in parts": lambda: in_parts(bz2.compress, csv_text().encode()),
    "xz in parts": lambda: in_parts(lzma.compress, csv_text().encode()),
    "zstd in parts": lambda: in_parts(zstd, csv_text().encode()),
    "zstd, as pzstd writes it": lambda: SKIPPABLE + in_parts(zstd, csv_text().encode()),
    "zip": lambda: zipped(csv_text().encode()),
    "JSON lines": json_lines,
    "JSON list": lambda: json.dumps(objects(), indent=1).encode(),
    "Parquet": parquet,
}


def database(path: Path) -> Path:
    """Another program's database, with the ratings and the films."""
    conn = sqlite.connect(str(path))
    conn.execute('CREATE TABLE "my votes" (who TEXT, film TEXT, vote INTEGER, "when" TEXT)')
    conn.executemany('INSERT INTO "my votes" VALUES (?, ?, ?, ?)', ROWS)
    conn.execute("CREATE TABLE films (id TEXT, name TEXT, kinds TEXT)")
    conn.executemany("INSERT INTO films VALUES (?, ?, ?)", FILMS)
    conn.commit()
    conn.close()
    return path


def with_films(tmp_path: Path) -> Connection:
    """Our database, with the films."""
    conn = connect(tmp_path / "movies.db", create=True)
    films = tmp_path / "films.csv"
    films.write_text(
        "id,name,kinds\n" + "".join(f'"{i}",{n},{k}\n' for i, n, k in FILMS), encoding="utf-8"
    )
    import_table(conn, films, {"movies": MOVIES_MAP})
    return conn


def import_text(conn: Connection, path: Path, content: str | bytes, **said: Any) -> FileReport:
    """Import a file of ratings by the mapping above, changed by `said`."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    wanted = {n: v for n, v in (RATINGS_MAP | said).items() if v is not None}
    return import_table(conn, path, {"ratings": wanted}, max_rejected=1)[-1]


def stored(conn: Connection) -> list[tuple[object, ...]]:
    """All ratings, by the ids of their source."""
    return sorted(
        select(
            conn,
            """
            SELECT ifnull(u.external_id, CAST(user_id AS TEXT)),
                   ifnull(m.external_id, CAST(movie_id AS TEXT)), rating, rated_at
              FROM ratings
              LEFT JOIN external_ids AS u ON u.kind = 'user' AND u.id = user_id
              LEFT JOIN external_ids AS m ON m.kind = 'movie' AND m.id = movie_id
            """,
        )
    )
