"""The settings file of a database: what it may say, and how what is wrong with it is told."""

from pathlib import Path

import pytest

from reeltune.cli.settings import SETTINGS, SettingsFile, read_settings, settings_path
from reeltune.domain.errors import InputError


def read(directory: Path, text: str) -> SettingsFile:
    (directory / "movies.toml").write_text(text, encoding="utf-8")
    found = read_settings(directory / "movies.db")
    assert found is not None
    return found


def fault(directory: Path, text: str) -> str:
    with pytest.raises(InputError) as error:
        read(directory, text)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_database_without_the_file_has_no_settings(tmp_path: Path) -> None:
    assert read_settings(tmp_path / "movies.db") is None


def test_the_file_lies_beside_what_a_link_leads_to(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.db").touch()
    (tmp_path / "link.db").symlink_to(tmp_path / "real" / "a.db")
    assert settings_path(tmp_path / "link.db") == (tmp_path / "real" / "a.toml").resolve()


def test_a_database_that_is_called_toml_is_not_read_as_settings(tmp_path: Path) -> None:
    (tmp_path / "movies.toml").write_bytes(b"SQLite format 3\0")
    assert read_settings(tmp_path / "movies.toml") is None


def test_keys_have_their_values_and_lines(tmp_path: Path) -> None:
    found = read(tmp_path, '# a comment\n[study]\nmodel = "a:B"\n\n[ search ]\nconfigs=3\n')
    assert found.values == {"study.model": "a:B", "search.configs": 3}
    assert found.place("search.configs") == "movies.toml, line 6"
    assert read(tmp_path, "search.configs = 4").place("search.configs") == "movies.toml, line 1"


def test_an_empty_file_and_empty_sections_set_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "").values == {}
    assert read(tmp_path, "[study]\n[search]\n").values == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[study]\nobjectiv = 'a'",
            "line 2: there is no setting 'study.objectiv': did you mean 'study.objective'?",
        ),
        ("method = 'grid'", "line 1: there is no setting 'method': did you mean 'search.method'?"),
        (
            "[run]\nmethod = 'x'",
            "line 2: there is no setting 'run.method': did you mean 'search.method'?",
        ),
        ("[zzz]\nqqqqq = 1", "line 2: there is no setting 'zzz.qqqqq'"),
        ("[[study]]\nmodel = 'a'", "movies.toml: there is no setting 'study'"),
        ("study = 3", "line 1: there is no setting 'study'"),
    ],
)
def test_an_unknown_key_is_named_with_its_line_and_the_nearest(
    tmp_path: Path, text: str, said: str
) -> None:
    assert fault(tmp_path, text).endswith(said)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("configs = 2.0", "search.configs must be a whole number, got 2.0"),
        ("configs = true", "search.configs must be a whole number, got True"),
        ("timeout = inf", "search.timeout must be a number, got inf"),
        ("timeout = nan", "search.timeout must be a number, got nan"),
        ("timeout = '3'", "search.timeout must be a number, got '3'"),
        ("until_converged = 1", "search.until_converged must be true or false, got 1"),
        ("method = ['grid']", "search.method must be text, got ['grid']"),
        ("method.name = 'grid'", "search.method must be text, got {'name': 'grid'}"),
    ],
)
def test_a_value_of_another_type_is_refused(tmp_path: Path, line: str, said: str) -> None:
    assert said in fault(tmp_path, f"[search]\n{line}\n")


def test_a_number_may_be_whole(tmp_path: Path) -> None:
    assert read(tmp_path, "[search]\ntimeout = 3").values == {"search.timeout": 3}


def test_all_that_is_wrong_is_named_at_once(tmp_path: Path) -> None:
    said = fault(tmp_path, "[search]\nconfigs = 'a'\nmetod = 1\n")
    assert "line 2" in said
    assert "line 3" in said


def test_what_is_no_toml_is_told_with_its_line(tmp_path: Path) -> None:
    assert "movies.toml is no TOML" in fault(tmp_path, "[search\n")
    assert "line 1" in fault(tmp_path, "[search\n")
    (tmp_path / "movies.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="cannot be read"):
        read_settings(tmp_path / "movies.db")


@pytest.mark.parametrize("value", ["[" * 100_000, "9" * 5_000])
def test_what_python_cannot_parse_is_told_too(tmp_path: Path, value: str) -> None:
    assert "movies.toml is no TOML" in fault(tmp_path, f"[search]\nconfigs = {value}\n")


def test_a_pipe_in_its_place_does_not_hang(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "movies.toml")
    with pytest.raises(InputError, match="no regular file"):
        read_settings(tmp_path / "movies.db")


def test_relative_paths_are_from_the_file(tmp_path: Path) -> None:
    text = "[import]\nmovielens = 'new'\n[study]\nmodel = 'mine.py:Model'\n"
    found = read(tmp_path, text).values
    assert found["import.movielens"] == str(tmp_path.resolve() / "new")
    assert found["study.model"] == str(tmp_path.resolve() / "mine.py:Model")
    absolute = read(tmp_path, "[import]\nmovielens = '/srv/new'\n[study]\nmodel = 'a.b:C'\n")
    assert set(absolute.values.values()) == {"/srv/new", "a.b:C"}


def test_keys_have_a_section_and_a_name() -> None:
    assert SETTINGS
    assert all(key.count(".") == 1 for key in SETTINGS)
