"""Files that mean harm, or are not what their names say: YAML, tables of every importer, JSON."""

import bz2
import csv
import gzip
import io
import lzma
import os
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reeltune.commands.imports import importers
from reeltune.commands.retrain import main as retrain_model
from reeltune.commands.tune import main as tune_orchestrator
from reeltune.commands.versions import model_versioning
from reeltune.db.connection import connection
from reeltune.domain.errors import InputError, ReelTuneError
from reeltune.importers import lines
from reeltune.storage.files import read_text
from reeltune.sweeps.sweep import read_sweep
from tests.importers.imports import CREDITS, LINKS, METADATA, MOVIES, RATINGS
from tests.torture.nursery import Nursery
from tests.torture.scale import new_seed, note, times
from tests.torture.test_hostile import NASTY, is_shown_safely

SWEEP = "name: a\nmethod: random\nconfigs: 3\n"


def archive(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("ratings.csv", content)
    return packed.getvalue()


def laughs(n: int) -> str:
    """Ten aliases of ten aliases of ten aliases, n times."""
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]" for k in range(1, n)]
    return "\n".join(lines)


YAMLS: dict[str, str | bytes] = {
    "a billion laughs": laughs(9),
    "a quadratic blowup": "a: &a " + "x" * 100_000 + "\nb: [" + "*a, " * 30_000 + "]",
    "an anchor in itself": SWEEP + "parameters: &a {genre_weight: *a}\n",
    "a merge": SWEEP + "b: &b {seed: 1}\n<<: *b\n",
    "a call": SWEEP + 'seed: !!python/object/apply:os.system ["touch evil"]\n',
    "a call in a key": SWEEP + '? !!python/object/apply:os.system ["touch evil"]\n: 1\n',
    "a name": SWEEP + "seed: !!python/name:os.system\n",
    "a new object": SWEEP + "seed: !!python/object/new:type [a, [], {}]\n",
    "bytes": SWEEP + "seed: !!binary R0lGODlhDAAMAIQAAP\n",
    "a set": SWEEP + "seed: !!set {a, b}\n",
    "a date": SWEEP + "seed: 2026-11-01\n",
    "sexagesimal": SWEEP + "seed: 190:20:30\n",
    "lists, deep": "a: " + "[" * 5_000,
    "mappings, deep": "{a: " * 5_000,
    "blocks, deep": "".join(" " * n + "a:\n" for n in range(600)),
    "ten megabytes": "a: " + "x" * 10_000_000,
    "ten megabytes of nothing": " " * 10_000_000,
    "four thousand keys": "\n".join(f"k{n}: 1" for n in range(4_000)),
    "a NUL": SWEEP + "objective: 'a\0b'\n",
    "only NULs": bytes(5_000),
    "UTF-16": SWEEP.encode("utf-16"),
    "Latin-1": SWEEP.replace("a\n", "caf\xe9\n").encode("latin-1"),
    "half a character": SWEEP.encode() + b"objective: \xf0\x9f\n",
    "a surrogate": SWEEP + 'objective: "\\ud800"\n',
    "a key twice": SWEEP + "method: grid\n",
    "a key twice, quoted": SWEEP + '"method": grid\n',
    "a long number": SWEEP + "seed: " + "9" * 100_000 + "\n",
    "a huge number": SWEEP + "seed: 1e999999\n",
    "a number that is none": SWEEP + "seed: !!int ''\n",
    "a truth that is none": SWEEP + "seed: !!bool x\n",
    "a moment that is none": SWEEP + "seed: !!timestamp x\n",
    "infinity": SWEEP + "parameters: {genre_weight: [.inf, -.inf]}\n",
    "not a number": SWEEP + "parameters: {genre_weight: .nan}\n",
    "two documents": SWEEP + "---\n" + SWEEP,
    "another version": "%YAML 9.9\n---\n" + SWEEP,
    "a tab": "name:\ta\n\tmethod: random\n",
    "an open quotation": SWEEP + 'objective: "accuracy',
    "a zip archive": archive(SWEEP.encode()),
    "gzip": gzip.compress(SWEEP.encode()),
    "nothing": "",
    "a list": "- a\n- b\n",
    "a word": "name",
    "escapes": SWEEP + 'objective: "\\e[2J\\u202eevil"\n',
}
# what may lie under a name instead of a file
THINGS: dict[str, Callable[[Path], object]] = {
    "directory": Path.mkdir,
    "pipe": os.mkfifo,
    "link to nothing": lambda path: path.symlink_to("nowhere"),
    "link in a circle": lambda path: path.symlink_to(path.name),
    "endless device": lambda path: path.symlink_to("/dev/zero"),
}


def is_told(result: Result) -> bool:
    """Whether a command refused something in few lines of plain text."""
    return (
        isinstance(result.exception, SystemExit)
        and result.exit_code in (1, 2)
        and is_shown_safely(result.output)
        and len(result.output) < 10_000
    )


@pytest.mark.parametrize("name", YAMLS)
def test_a_hostile_sweep_is_refused_with_its_lines_and_nothing_run(
    world: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(world.parent)
    content, path = YAMLS[name], world.with_name("sweep.yaml")
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "replace"))
    before = world.read_bytes()
    result = CliRunner().invoke(tune_orchestrator, ["--config", str(path), "--db", str(world)])
    assert is_told(result), (result.exit_code, result.output[:500])
    assert not (world.parent / "evil").exists()
    assert world.read_bytes() == before


@pytest.mark.parametrize("thing", THINGS)
def test_what_is_no_file_is_refused_where_settings_are_read(world: Path, thing: str) -> None:
    path = world.with_name("sweep.yaml")
    THINGS[thing](path)
    told = CliRunner().invoke(tune_orchestrator, ["--config", str(path), "--db", str(world)])
    assert is_told(told), told.output
    told = CliRunner().invoke(retrain_model, ["--apply-hp", f"@{path}", "--db", str(world)])
    assert is_told(told), told.output
    THINGS[thing](world.with_name("hyperparameters.json"))
    told = CliRunner().invoke(retrain_model, ["--db", str(world), "--accuracy-threshold", "0"])
    assert told.exit_code in (0, 1), told.output
    assert isinstance(told.exception, SystemExit | None)


PIECES = (
    *("name", "method", "configs", "parameters", "seed", "a", "random", "genre_weight", "best"),
    *(": ", ":\n  ", "\n", "- ", "[", "]", "{", "}", ", ", "&x ", "*x", "!!int ", "---\n"),
    *("|\n ", ">\n ", "'", '"', "#", "%", "@", "? ", "...\n", "<<: ", "\t", "\0", "\x85"),
    *("1", "-1", "1e9", "0x1F", "1:2", ".inf", ".nan", "true", "~", "2026-01-01", "é", "\u202e"),
    "!!python/name:os.system ",
)


@pytest.mark.slow
def test_no_sweep_that_dice_make_up_does_more_than_be_refused(tmp_path: Path) -> None:
    dice, path, refused = random.Random(new_seed()), tmp_path / "sweep.yaml", 0
    n = times(300, 50_000)
    for _ in range(n):
        text = "".join(dice.choices(PIECES, k=dice.randint(0, 30)))
        path.write_text(SWEEP * dice.randint(0, 1) + text, encoding="utf-8", newline="")
        try:
            read_sweep(path)
        except ReelTuneError:
            refused += 1
    assert refused > n / 2
    note(fault="YAML, by dice", tried=n, struck=refused, wrong=0)


GOOD = {
    "movies.csv": MOVIES + "1,Toy Story (1995),Comedy\n2,Heat (1995),Crime\n",
    "ratings.csv": RATINGS + "1,1,4.0,10\n2,2,3.0,20\n",
    "links.csv": LINKS + "1,0114709,862\n2,0113277,949\n",
    "movies_metadata.csv": METADATA
    + "862,Toy Story,tt0114709,1995-10-30,81,en,21.9,7.7,5415,[],\n",
    "credits.csv": CREDITS + "[],[],862\n",
    "movies.dat": "1::Toy Story (1995)::Comedy\n2::Heat (1995)::Crime\n",
    "ratings.dat": "1::1::4::10\n2::2::3::20\n",
    "u.item": f"1|Toy Story (1995)|01-Jan-1995||x|{'|'.join('0' * 19)}\n",
    "u.data": "1\t1\t4\t10\n",
}
TOGETHER = (
    ("movies.csv", "ratings.csv", "links.csv", "movies_metadata.csv", "credits.csv"),
    ("movies.dat", "ratings.dat"),
    ("u.item", "u.data"),
)
BOMB_BYTES = times(20, 300) * 2**20
CONTENTS: dict[str, Callable[[bytes], bytes]] = {
    "zip": archive,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "gzip": gzip.compress,
    "gzip twice": lambda good: gzip.compress(gzip.compress(good)),
    "gzip, cut short": lambda good: gzip.compress(good)[:-9],
    "a gzip bomb": lambda good: gzip.compress(good + bytes(BOMB_BYTES), 1),
    "a zip bomb": lambda good: archive(good + bytes(BOMB_BYTES)),
    "UTF-16": lambda good: good.decode().encode("utf-16"),
    "UTF-16 without a mark": lambda good: good.decode().encode("utf-16-be"),
    "EBCDIC": lambda good: good.decode().encode("cp500"),
    "Latin-1": lambda good: good.replace(b"Toy", "Caf\xe9".encode("latin-1")),
    "nothing": lambda good: b"",
    "NULs": lambda good: bytes(100_000),
    "a NUL": lambda good: good.replace(b"1", b"1\0"),
    "noise": lambda good: random.Random(3).randbytes(100_000),
    "a line of 30 MB": lambda good: good + b"x" * 30_000_000,
    "a title of 1 MB": lambda good: good.replace(b"Toy Story", b"x" * 1_000_000),
    "a million quotation marks": lambda good: good + b'"' * 1_000_000,
    "a million separators": lambda good: good + b",:|\t" * 250_000,
    "a database": lambda good: b"SQLite format 3\0" + bytes(4096),
}
BOMBS = {"a gzip bomb", "a zip bomb"}


@pytest.fixture(autouse=True)
def _small_bombs(monkeypatch: pytest.MonkeyPatch) -> None:
    """In full, bombs are as large as what is called one; else the limit is lower."""
    monkeypatch.setattr(lines, "BOMB_BYTES", times(16, 256) * 2**20)


def imported(directory: Path) -> Result:
    words = ["movielens", str(directory), "--quiet", "--db", str(directory / "movies.db")]
    if (directory / "credits.csv").is_symlink() or (directory / "credits.csv").exists():
        words += ["--tmdb", str(directory)]
    return CliRunner().invoke(importers, words)


def laid_out(directory: Path, but: str) -> Path:
    """Good files of the layout that has the file `but`, and a database without them."""
    directory.mkdir()
    for name in next(names for names in TOGETHER if but in names):
        if name != but:
            (directory / name).write_text(GOOD[name], encoding="utf-8")
    return directory / but


def tables_for(kind: str) -> list[str]:
    """The tables that are replaced by this: in full all, else in turn some."""
    if kind in BOMBS:
        return ["ratings.csv", "credits.csv"]
    return list(GOOD)[list(CONTENTS).index(kind) % times(4, 1) :: times(4, 1)]


@pytest.mark.parametrize("kind", CONTENTS)
def test_no_table_breaks_an_importer_and_nothing_is_half_imported(
    tmp_path: Path, kind: str
) -> None:
    for name in tables_for(kind):
        good = GOOD[name]
        path = laid_out(tmp_path / name, name)
        path.write_bytes(CONTENTS[kind](good.encode()))
        first = imported(path.parent)
        assert isinstance(first.exception, SystemExit | None), (name, first.exception)
        assert first.exit_code in (0, 1, 8), (name, first.output)
        assert is_shown_safely(first.output), name
        if first.exit_code:
            assert first.output.startswith("error: "), (name, first.output)
            assert first.output.count("\n") == 1, (name, first.output)
        path.write_text(good, encoding="utf-8")
        assert imported(path.parent).exit_code == 0, name
        assert integrity(path.with_name("movies.db")) == "ok"
    note(fault="tables that are none", tried=len(tables_for(kind)), wrong=0)


def integrity(path: Path) -> str:
    with connection(path) as conn:
        return str(conn.execute("PRAGMA integrity_check").fetchone()[0])


@pytest.mark.parametrize("kind", ["zip", "bzip2", "xz", "gzip twice", "a zip bomb"])
def test_a_table_that_is_packed_is_one_line_that_says_what_to_do(tmp_path: Path, kind: str) -> None:
    path = laid_out(tmp_path / "files", "ratings.csv")
    path.write_bytes(CONTENTS[kind](GOOD["ratings.csv"].encode()))
    told = imported(path.parent).output
    assert told.endswith("; nothing of this file was imported\n")
    assert "unpack it" in told


@pytest.mark.parametrize("thing", THINGS)
def test_what_is_no_file_is_one_line_where_a_table_is_read(tmp_path: Path, thing: str) -> None:
    for name in GOOD:
        path = laid_out(tmp_path / name, name)
        THINGS[thing](path)
        told = imported(path.parent)
        assert is_told(told), (name, told.output)
        assert "is no file" in told.output, (name, told.output)
        assert told.output.count("\n") == 1


MEASURED = """
import sys
from reeltune.executors.worker import _limit_memory
_limit_memory(150 * 2**20)
from reeltune.commands.imports import importers
importers(sys.argv[1:])
"""


@pytest.mark.slow
def test_a_line_of_a_gigabyte_is_passed_over_within_150_megabytes(
    nursery: Nursery, tmp_path: Path
) -> None:
    path = laid_out(tmp_path / "files", "ratings.csv")
    path.write_text(GOOD["ratings.csv"] + "1,2,", encoding="utf-8")
    os.truncate(path, times(40, 1024) * 2**20)  # the rest is zeros, and takes no space
    words = (
        "movielens",
        path.parent,
        "--json",
        "--db",
        tmp_path / "movies.db",
        "--max-rejected",
        "1",
    )
    done = nursery.run("-c", MEASURED, *words, said=tmp_path / "said")
    assert done.returncode == 0, done.stderr[-2000:]
    with connection(tmp_path / "movies.db") as conn:
        assert conn.execute("SELECT count(*) FROM ratings").fetchone()[0] == 2
        (reason,) = conn.execute("SELECT reason FROM rejected_rows").fetchone()
    assert reason == "line longer than 10 MiB"
    note(fault="a line of 1 GiB", tried=1, wrong=0)


def test_hostile_titles_come_through_an_import_as_they_are_and_are_shown_safely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    texts = [text for text in NASTY if text.strip() and "\r" not in text]
    with (tmp_path / "movies.csv").open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["movieId", "title", "genres"])
        out.writerows([n, text, text.replace("|", "")] for n, text in enumerate(texts, 1))
    rated = (
        f"{user},{n},{n % 5 + 0.5},{n}\n" for user in range(1, 9) for n in range(1, 1 + len(texts))
    )
    (tmp_path / "ratings.csv").write_text(RATINGS + "".join(rated), encoding="utf-8")
    assert imported(tmp_path).exit_code == 0
    path = tmp_path / "movies.db"
    with connection(path) as conn:
        stored = {row[0] for row in conn.execute("SELECT title FROM movies")}
        rejected = conn.execute("SELECT count(*) FROM rejected_rows").fetchone()[0]
    assert len(stored) + rejected >= len(texts)
    made = CliRunner().invoke(retrain_model, ["--accuracy-threshold", "0", "--db", str(path)])
    assert made.exit_code in (0, 3), made.output
    assert is_shown_safely(made.output)
    shown = CliRunner().invoke(model_versioning, ["show", "--user", "1", "--db", str(path)])
    assert is_shown_safely(shown.output)
    left = {p.name for p in tmp_path.iterdir()}
    assert not any("evil" in name for name in left)


def test_a_text_is_read_only_from_a_small_regular_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"\xef\xbb\xbfgood")
    assert read_text(path, 7) == "good"
    with pytest.raises(InputError, match="at most 6 bytes, has 7"):
        read_text(path, 6)
    for name in ("\0", "x" * 5_000, "no/such"):
        with pytest.raises(InputError, match="cannot be read"):
            read_text(tmp_path / name, 6)
    for thing, make in THINGS.items():
        make(tmp_path / thing)
        with pytest.raises(InputError, match=r"no regular file|cannot be read"):
            read_text(tmp_path / thing, 6)
