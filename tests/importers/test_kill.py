import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reeltune.db.catalogue import load_titles
from reeltune.db.connection import connect
from reeltune.db.imports import load_batches
from reeltune.db.ratings import count_ratings
from tests.importers.imports import MOVIES, RATINGS, dump, write

N_MOVIES, N_RATINGS, N_KILLS = 5_000, 100_000, 8


def start(directory: Path, db: Path) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-m",
        "reeltune",
        "import",
        "movielens",
        str(directory),
        "--db",
        str(db),
    ]
    root = Path(__file__).parents[2]
    return subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    numbers = range(N_RATINGS)
    return write(
        tmp_path / "files",
        movies_csv=MOVIES + "".join(f"{n},Movie {n},Drama\n" for n in range(1, N_MOVIES + 1)),
        ratings_csv=RATINGS + "".join(f"{n // 500 + 1},{n % 500 + 1},3.5,{n}\n" for n in numbers),
    )


@pytest.mark.slow
def test_an_import_killed_at_any_moment_leaves_each_file_in_or_out(
    tmp_path: Path, files: Path
) -> None:
    began = time.monotonic()
    assert start(files, tmp_path / "unbroken.db").wait() == 0
    seconds = time.monotonic() - began
    unbroken = connect(tmp_path / "unbroken.db")
    moments = random.Random()
    for kill in range(N_KILLS):
        db = tmp_path / f"killed{kill}.db"
        process = start(files, db)
        time.sleep(moments.uniform(0.3, 1.0) * seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()
        conn = connect(db, create=True)
        names = [batch.file for batch in load_batches(conn)]
        assert conn.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert names in ([], ["movies.csv"], ["movies.csv", "ratings.csv"])
        assert len(load_titles(conn)) == (N_MOVIES if "movies.csv" in names else 0)
        assert count_ratings(conn) == (N_RATINGS if "ratings.csv" in names else 0)
    assert start(files, db).wait() == 0
    assert _content(dump(connect(db))) == _content(dump(unbroken))


def _content(rows: list[str]) -> list[str]:
    """All but the times of migrations and imports."""
    return [row for row in rows if not row.startswith(("('migrations'", "('import_batches'"))]
