import sys
from pathlib import Path
from types import ModuleType

import pytest

from reeltune.domain.errors import InputError
from reeltune.domain.study import BUILT_IN
from reeltune.rating_models.registry import model_class, resolved_name
from tests.running import ROOT

MODEL = """
from tests.versioning.versions import Constant


class Mine(Constant):
    pass
"""


@pytest.fixture(autouse=True)
def _same_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))


def written(path: Path, text: str = MODEL) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_and_a_module_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / "my_own_models.py")
    monkeypatch.chdir(tmp_path)
    for name in ("my_own_models.py:Mine", "my_own_models:Mine"):
        assert model_class(name).__name__ == "Mine"
    assert model_class(BUILT_IN).__name__ == "HandWeighted"


def test_a_relative_path_means_the_same_file_in_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path / "app" / "my_models.py")
    monkeypatch.chdir(file.parent)
    name = resolved_name("../app/./my_models.py:Mine")
    assert name == f"{file}:Mine"
    monkeypatch.chdir(tmp_path)
    assert model_class(name).__name__ == "Mine"
    assert resolved_name(name) == name


def test_a_link_stays_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / "release_1" / "linked_models.py")
    (tmp_path / "current").symlink_to(tmp_path / "release_1")
    monkeypatch.chdir(tmp_path)
    name = resolved_name("current/linked_models.py:Mine")
    assert name == f"{tmp_path}/current/linked_models.py:Mine"
    assert model_class(name).__name__ == "Mine"


def test_names_that_are_no_paths_stay_as_they_are() -> None:
    for name in (BUILT_IN, "mine.models:Mine", "py:Mine"):
        assert resolved_name(name) == name


def test_the_folder_of_a_file_is_looked_in_last_but_for_our_scripts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path / "path_models.py")
    monkeypatch.setattr(sys, "path", [str(ROOT), *[p for p in sys.path if p != str(ROOT)]])
    model_class(f"{file}:Mine")
    assert sys.path[-2:] == [str(tmp_path), str(ROOT)]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Mine", "'package.module:Name'"),
        (":Mine", "'path/to/file.py:Name'"),
        ("absent_models:Mine", "give the file, path/to/absent_models.py:Mine"),
        ("absent.models:Mine", "give the file, path/to/absent/models.py:Mine"),
        ("absent_models.py:Mine", "no such file"),
        ("tests.versioning.versions:Absent", "has no attribute 'Absent'"),
        ("tests.versioning.versions:RATINGS", "it is no class"),
        ("pathlib:Path", "it lacks space, fit, score, arrays, load"),
    ],
)
def test_what_is_no_recommender_is_refused_with_the_reason(name: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        model_class(name)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_module_that_lacks_a_library_is_not_said_to_be_missing(tmp_path: Path) -> None:
    file = written(tmp_path / "needy_models.py", "import no_such_library\n")
    with pytest.raises(InputError, match=r"No module named 'no_such_library'$"):
        model_class(f"{file}:Mine")


def test_a_file_of_a_package_is_never_taken_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path / "my_package" / "__init__.py", "")
    file = written(tmp_path / "my_package" / "models.py")
    other = ModuleType("my_package.models")
    other.__file__ = "/elsewhere/models.py"
    monkeypatch.setitem(sys.modules, "my_package", ModuleType("my_package"))
    monkeypatch.setitem(sys.modules, "my_package.models", other)
    with pytest.raises(InputError, match=r"is /elsewhere/models\.py here, not "):
        model_class(f"{file}:Mine")
