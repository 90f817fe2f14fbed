"""One list of settings: the page, the commented file and the options agree with it."""

import tomllib
from pathlib import Path

import click
import pytest

from reeltune.cli.settings import SETTINGS, read_settings
from reeltune.commands.init import init
from reeltune.commands.main import main
from reeltune.commands.settings_page import commands, options_by_key, settings_page, settings_text
from tests.running import ROOT, run

FOUND = options_by_key()


def test_the_page_is_what_is_declared() -> None:
    page = ROOT / "docs" / "SETTINGS.md"
    assert page.read_text(encoding="utf-8") == settings_page()
    run("-m", "reeltune.commands.settings_page", "--check", page)


def test_every_key_sets_an_option_and_every_option_names_a_key_that_there_is() -> None:
    assert FOUND.keys() == SETTINGS.keys()


@pytest.mark.parametrize("key", SETTINGS)
def test_options_of_one_key_take_the_same_values(key: str) -> None:
    kinds = {str({**option.type.to_info_dict()}) for option in FOUND[key]}
    assert len(kinds) == 1, kinds


@pytest.mark.parametrize("key", SETTINGS)
def test_the_type_of_a_default_is_one_that_the_file_may_have(key: str) -> None:
    for option in FOUND[key]:
        default = option.to_info_dict()["default"]
        if default is not None and not callable(default):
            assert type(default) in SETTINGS[key].kinds


def uncommented(text: str) -> str:
    return "\n".join(
        line.removeprefix("#") if line[:1] == "#" and line[:2] != "# " else line
        for line in text.splitlines()
    )


def test_the_commented_file_sets_nothing_and_without_its_marks_every_key(tmp_path: Path) -> None:
    text = settings_text("movies.db")
    assert max(map(len, text.splitlines())) <= 80
    assert all(value == {} for value in tomllib.loads(text).values())
    (tmp_path / "movies.toml").write_text(uncommented(text))
    found = read_settings(tmp_path / "movies.db")
    assert found is not None
    assert found.values.keys() == SETTINGS.keys() == found.lines.keys()
    ctx = click.Context(click.Command("any"))
    for key, options in FOUND.items():
        for option in options:
            option.type_cast_value(ctx, found.values[key])


def test_init_writes_it_once_beside_a_database_that_need_not_be_there(tmp_path: Path) -> None:
    done = run("-m", "reeltune", "init", "--db", tmp_path / "real.db")
    assert "real.toml" in done.stdout
    (tmp_path / "real.toml").write_text("# mine")
    again = run("-m", "reeltune", "init", "--db", tmp_path / "real.db", expect=1)
    assert "is there already" in again.stderr
    assert (tmp_path / "real.toml").read_text() == "# mine"
    run("-m", "reeltune", "init", "--db", tmp_path / "real.db", "--force")
    assert (tmp_path / "real.toml").read_text() == settings_text("real.db")


def test_all_commands_are_walked() -> None:
    assert init in commands(main)
    assert len(list(commands(main))) > 30
