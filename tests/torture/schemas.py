"""Makes databases as earlier programs left them."""

import hashlib
from pathlib import Path

import pysqlite3 as sqlite

MIGRATIONS = sorted((Path(__file__).parents[2] / "reeltune" / "db" / "migrations").glob("*.sql"))


def make_at(path: Path, schema: int) -> None:
    """A database with the first `schema` migrations."""
    conn = sqlite.connect(str(path), isolation_level=None)
    conn.execute("PRAGMA journal_mode = WAL")
    for number, file in enumerate(MIGRATIONS[:schema], 1):
        sql = file.read_text(encoding="utf-8")
        conn.executescript(sql)
        conn.execute(
            "INSERT INTO migrations VALUES (?, ?, ?, '2026-01-01T00:00:00Z')",
            (number, file.stem, hashlib.sha256(sql.encode()).hexdigest()),
        )
    conn.close()
