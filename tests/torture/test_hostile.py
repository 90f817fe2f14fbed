"""Text that means harm: to the parser, to the shell, to the file system, to the terminal."""

import json
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reeltune.commands.retrain import main as retrain_model
from reeltune.commands.retrain import read_apply_hp
from reeltune.commands.tune import main as tune_orchestrator
from reeltune.commands.versions import model_versioning
from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import Connection, connect, connection
from reeltune.db.data_version import ensure_data_version
from reeltune.db.deployed import load_deployed
from reeltune.domain.errors import ReelTuneError
from reeltune.domain.study import BUILT_IN, StudyConfig
from tests.running import ROOT, command, environment
from tests.torture.scale import new_seed, note, times
from tests.versioning.versions import produced

NASTY = (
    "'; DROP TABLE movies; --",
    '" OR 1=1 --',
    "../../../../etc/passwd",
    "..\\..\\evil",
    "a\nb\r\nc",
    "\x1b[2J\x1b]0;evil\x07",
    "\u202eevil\u2066",
    "[bold red]markup[/] [link=http://evil]x[/link]",
    "%s%n{0}{__class__}",
    "$(touch evil) `touch evil`",
    "-h",
    "--db",
    "\ufeff\u0000".replace("\0", ""),
    "\ud7ff\U0010ffff",
    "x" * 1_000_000,
    " ",
    "con:Nul",
)


@pytest.fixture(scope="module")
def conn(small_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    path = tmp_path_factory.mktemp("hostile") / "movies.db"
    shutil.copy(small_world, path)
    with connection(path) as conn:
        ensure_data_version(conn)  # written by whoever first reads the ratings
        yield conn


values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)
NAMES = sorted(SPACE.hyperparameters)
names = st.sampled_from(NAMES) | st.text(max_size=20)
objects = st.dictionaries(names, st.floats(-1, 2) | values, max_size=5).map(json.dumps)
WORDS = (
    *("0.42", "1e999", "NaN", "-Infinity", "null", "true", "-0", "9" * 400, '"x"', "[]", "{}"),
    *('{"', '":', "\\u", "\\ud800", "genre_weight", "cast_weight", "best", "@", "@/dev/null"),
    *'{}[]",: ',
    *("\x00", "\u202e", "\ud7ff", "\n", "é", "../", "';--"),
)
inputs = (
    objects
    | st.lists(st.sampled_from(WORDS), max_size=12).map("".join)
    | st.text(max_size=60)
    | st.sampled_from(NASTY).map(lambda text: "@" + text[:5000])
    | st.integers(1, 5000).map(lambda n: "{" + '"a":{' * n)
    | st.integers(1, 5000).map(lambda n: '{"a":' + "[" * n)
    | st.integers(1, 5000).map(lambda n: '{"genre_weight": ' + "9" * n + "}")
)


def check_apply_hp(conn: Connection, text: str) -> bool:
    """Whether `text` is taken; if it is, it is a valid configuration."""
    with suppress(ReelTuneError):
        values, _ = read_apply_hp(conn, StudyConfig(), text)
        assert SPACE.faults(values) == []
        return True
    return False


@pytest.mark.slow
def test_no_input_of_apply_hp_that_hypothesis_makes_up_gets_past_the_bounds(
    conn: Connection,
) -> None:
    n, before, taken = times(500, 20_000), conn.total_changes, [0, 0]

    @settings(max_examples=n, database=None, suppress_health_check=list(HealthCheck), deadline=None)
    @given(text=inputs)
    def tried(text: str) -> None:
        taken[0] += 1
        taken[1] += check_apply_hp(conn, text)

    tried()
    assert conn.total_changes == before
    assert load_deployed(conn, SPACE, BUILT_IN).source == "defaults"
    assert taken[1] > 0
    note(fault="--apply-hp, by Hypothesis", tried=taken[0], struck=taken[0] - taken[1], wrong=0)


def thrown(dice: random.Random) -> str:
    """An input of `--apply-hp` generated at random: nearly valid, or garbage."""
    kind = dice.random()
    if kind < 0.5:
        named = dice.sample(NAMES, dice.randint(0, 3))
        given: dict[str, Any] = {name: dice.uniform(-0.5, 1.5) for name in named}
        if kind < 0.2:
            given[dice.choice([*NAMES, *WORDS])] = dice.choice([None, True, [], "x", 1e308, -1])
        text = json.dumps(given)
        if kind > 0.3:  # a character changed, lost or added
            at = dice.randrange(len(text))
            text = text[:at] + dice.choice(["", *WORDS]) + text[at + dice.randint(0, 1) :]
        return text
    if kind < 0.9:
        return "".join(dice.choices(WORDS, k=dice.randint(0, 12)))
    return "".join(map(chr, dice.choices(range(0xD800), k=dice.randint(0, 40))))


@pytest.mark.slow
def test_no_input_of_apply_hp_that_dice_make_up_gets_past_the_bounds(conn: Connection) -> None:
    n, before, dice = times(5_000, 1_000_000), conn.total_changes, random.Random(new_seed())
    taken = sum(check_apply_hp(conn, thrown(dice)) for _ in range(n))
    assert conn.total_changes == before
    assert load_deployed(conn, SPACE, BUILT_IN).source == "defaults"
    assert 0 < taken < n
    note(fault="--apply-hp, by dice", tried=n, struck=n - taken, wrong=0)


def is_shown_safely(output: str) -> bool:
    return all(c.isprintable() or c == "\n" for c in output)


@pytest.mark.parametrize("text", NASTY, ids=lambda text: ascii(text[:20]))
def test_hostile_names_are_told_in_one_line_and_lead_nowhere(
    world: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.chdir(world.parent)
    before = sorted(path.name for path in world.parent.iterdir())
    for main, words in (
        (tune_orchestrator, ["--resume", text]),
        (tune_orchestrator, ["--summary", "--run", text]),
        (tune_orchestrator, ["--method", "grid", "--model", text]),
        (tune_orchestrator, ["--method", "grid", "--model", f"tests.torture.bad_models:{text}"]),
        (retrain_model, ["--apply-hp", text]),
        (model_versioning, ["at", "--", text]),
    ):
        result = CliRunner().invoke(main, words, env={"REELTUNE_DB": str(world)})
        assert isinstance(result.exception, SystemExit), (words[:1], result.exception)
        assert result.exit_code in (1, 2)
        assert is_shown_safely(result.output), result.output[:300]
        assert len(result.output) < 10_000
    left = {path.name for path in world.parent.iterdir()} - set(before)
    assert left <= {"movies.db-wal", "movies.db-shm", "movies.db.lock"}


@pytest.mark.parametrize("text", [t for t in NASTY if t.strip()], ids=lambda text: ascii(text[:20]))
def test_hostile_titles_reasons_and_models_are_stored_as_they_are_and_shown_safely(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "movies.db"
    conn = connect(path, create=True)
    conn.execute("INSERT INTO movies (movie_id, title) VALUES (10, :title)", {"title": text})
    produced(conn)
    conn.execute("UPDATE training_runs SET code_version = :text", {"text": text})
    runner = CliRunner()
    promoted = runner.invoke(model_versioning, ["rollback", "--reason", text, "--db", str(path)])
    assert promoted.exit_code == 1
    for words in (["list"], ["show", "1"], ["verify"], ["diff", "1", "1"], ["at", "2999-01-01"]):
        result = runner.invoke(model_versioning, [*words, "--db", str(path)])
        assert result.exit_code in (0, 1)
        assert isinstance(result.exception, SystemExit | None), result.exception
        assert is_shown_safely(result.output), result.output[:300]
        as_json = runner.invoke(model_versioning, [*words, "--json", "--db", str(path)])
        assert json.loads(as_json.output) is not None
    assert conn.execute("SELECT title FROM movies").fetchone()[0] == text
    assert sorted(p.name for p in tmp_path.iterdir() if "movies" not in p.name) in (
        [],
        ["hyperparameters.json"],
    )


def test_a_nul_in_an_argument_of_a_command_is_stopped_by_the_system() -> None:
    with pytest.raises(ValueError, match="null"):
        subprocess.run(command("model_versioning.py", "at", "\0"), cwd=ROOT, env=environment())
