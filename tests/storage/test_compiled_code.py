import logging
import sys
from pathlib import Path

import numba
import pytest

from reeltune.storage.compiled_code import stored_code


def stored(sources: list[Path], module: str = "no_such_module") -> str:
    """Where code would be stored."""
    with stored_code(module, sources, name="tried", main="f", message="compiling, once"):
        return str(numba.config.CACHE_DIR)  # type: ignore[attr-defined]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(numba.config, "CACHE_DIR", "elsewhere")
    return tmp_path


def test_each_state_of_the_sources_has_a_directory_of_its_own(home: Path) -> None:
    sources = [home / "a.py", home / "b.py"]
    for source in sources:
        source.write_text("1")
    first = stored(sources)
    assert first.startswith(str(home / "cache" / "reeltune" / "tried-"))
    assert stored(sources[::-1]) == first
    sources[1].write_text("2")
    assert stored(sources) != first


def test_what_has_to_be_compiled_first_is_said_and_once_it_is_stored_no_more(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    directory = Path(stored([]))
    assert [record.message for record in caplog.records] == ["compiling, once"]
    (directory / "module.f-1.nbc").write_bytes(b"")
    caplog.clear()
    stored([])
    assert not caplog.records


def test_what_was_imported_already_changes_nothing(home: Path) -> None:
    assert stored([], module=sys.__name__) == "elsewhere"


def test_a_directory_that_cannot_be_made_is_no_error(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (home / "cache").write_text("a file")
    with caplog.at_level(logging.WARNING):
        assert stored([]) == "elsewhere"
    assert "cannot be stored" in caplog.text
