"""Declarations that a database was made with, for people to read."""

import re
from collections.abc import Iterator

from reeltune.db.connection import Connection

_WORD = re.compile(r"""--[^\n]*|'[^']*'|"[^"]*"|[(),]|[^-'"(),]+|.""", re.DOTALL)
_NOTE = re.compile(r"[ \t]*(--[^\n]*)\n")  # a comment behind a comma belongs to what is before it
_ENDS_IN_NOTE = re.compile(r"(.*\S)(\s*--[^\n]*)", re.DOTALL)


def load_schema(conn: Connection) -> list[str]:
    """Return the statements that declare each table, followed by those of its indices and triggers.

    Tables are in the order in which they were made. What SQLite adds by itself is left out.
    """
    rows = conn.execute(
        """
        SELECT t.rowid AS place, s.type, s.sql
          FROM sqlite_schema AS s
          JOIN sqlite_schema AS t ON t.name = s.tbl_name AND t.type IN ('table', 'view')
         WHERE s.sql IS NOT NULL AND s.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
         ORDER BY place, s.type NOT IN ('table', 'view'), s.type, s.rowid
        """
    )
    return [one_column_a_line(row["sql"]) if row["type"] == "table" else row["sql"] for row in rows]


def load_columns(conn: Connection) -> dict[str, list[str]]:
    """Return the columns of each table and view, computed ones too, by its name."""
    rows = conn.execute(
        """
        SELECT s.name AS name, c.name AS column_name
          FROM sqlite_schema AS s, pragma_table_xinfo(s.name) AS c
         WHERE s.type IN ('table', 'view') AND s.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
         ORDER BY s.rowid, c.cid
        """
    )
    columns: dict[str, list[str]] = {}
    for row in rows:
        columns.setdefault(row["name"], []).append(row["column_name"])
    return columns


def one_column_a_line(sql: str) -> str:
    """Lay out CREATE TABLE anew: ALTER TABLE writes all that it adds onto the last line.

    >>> print(one_column_a_line("CREATE TABLE a (\\n    b TEXT,  -- why\\n    c TEXT\\n, d TEXT)"))
    CREATE TABLE a (
        b TEXT,  -- why
        c TEXT,
        d TEXT
    )
    """
    head, parts, tail = _split(sql)
    lines: list[str] = []
    for part in parts:
        note = _NOTE.match(part)
        if note is not None:
            lines[-1] += f"  {note[1]}"
            part = part[note.end() :]
        lines.append(part.strip())
    return f"{head}\n    " + "\n    ".join(_with_commas(lines)) + f"\n{tail}"


def _split(sql: str) -> tuple[str, list[str], str]:
    """Split CREATE TABLE into what comes before its parts, its parts, and what comes after."""
    depth, pieces = 0, [""]
    for word in _WORD.findall(sql):
        depth -= word == ")"
        if (word == "," and depth == 1) or (word == ")" and depth == 0):
            pieces.append("")
        pieces[-1] += word if word != "," or depth != 1 else ""
        if word == "(" and depth == 0:
            pieces.append("")
        depth += word == "("
    return pieces[0], pieces[1:-1], pieces[-1]


def _with_commas(lines: list[str]) -> Iterator[str]:
    """Put a comma behind each but the last, before its comment if it ends in one."""
    for line in lines[:-1]:
        note = _ENDS_IN_NOTE.fullmatch(line)
        yield f"{line}," if note is None else f"{note[1]},{note[2]}"
    yield lines[-1]
