"""Short ways to write outside files, import them and look at what came of it."""

import gzip
from pathlib import Path

from rich.progress import Progress

from reeltune.db.connection import Connection, connect
from reeltune.importers.counts import FileReport
from reeltune.importers.layouts import find_movielens
from reeltune.importers.movielens import import_movielens
from reeltune.importers.tmdb import find_tmdb, import_tmdb

MOVIES = "movieId,title,genres\n"
RATINGS = "userId,movieId,rating,timestamp\n"
LINKS = "movieId,imdbId,tmdbId\n"
METADATA = (
    "id,title,imdb_id,release_date,runtime,original_language,popularity,vote_average,vote_count,"
    "genres,belongs_to_collection\n"
)
CREDITS = "cast,crew,id\n"
THREE_MOVIES = f"{MOVIES}1,Toy Story (1995),Comedy\n2,Heat (1995),Crime\n3,Paterson,\n"


def write(directory: Path, **files: str | bytes) -> Path:
    """Write `movies_csv="..."` as movies.csv, `movies_csv_gz=` packed; returns the directory."""
    directory.mkdir(exist_ok=True)
    for name, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        packed = name.endswith("_gz")
        stem, _, ending = name.removesuffix("_gz").rpartition("_")
        path = directory / f"{stem}.{ending}{'.gz' if packed else ''}"
        path.write_bytes(gzip.compress(data) if packed else data)
    return directory


def import_all(conn: Connection, directory: Path, *, tmdb: bool = False) -> dict[str, FileReport]:
    """Import a directory; what became of each file, by its name without .gz."""
    bar = Progress(disable=True)
    reports = list(import_movielens(conn, find_movielens(directory), bar))
    if tmdb:
        reports += import_tmdb(conn, find_tmdb(directory), bar)
    return {report.file.removesuffix(".gz"): report for report in reports}


def fresh(tmp_path: Path) -> Connection:
    """A new database."""
    return connect(tmp_path / "movies.db", create=True)


def dump(conn: Connection) -> list[str]:
    """All that the database holds, sorted."""
    tables = select(conn, "SELECT name FROM sqlite_schema WHERE type = 'table'")
    rows = [(name, *row) for (name,) in tables for row in select(conn, f"SELECT * FROM {name}")]
    return sorted(map(repr, rows))


def select(conn: Connection, sql: str) -> list[tuple[object, ...]]:
    """The rows of a query."""
    return [tuple(row) for row in conn.execute(sql)]
