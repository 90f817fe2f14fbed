"""Modules of the user's own: imported by a dotted name, or from a file by its path."""

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from reeltune.tracking.sources import package_of

_SCRIPTS = Path(__file__).resolve().parents[2]  # of a checkout: where tune_orchestrator.py lies


def resolved_name(name: str) -> str:
    """Return `name` such that it means the same in any folder: a file's path becomes absolute.

    Links stay links, since what they lead to may change with each release of an application.

    >>> resolved_name("mine.models:Name"), resolved_name("/srv/app/../mine.py:Name")
    ('mine.models:Name', '/srv/mine.py:Name')
    """
    module_name, _, class_name = name.rpartition(":")
    if not module_name.endswith(".py"):
        return name
    return f"{os.path.normpath(Path(module_name).absolute())}:{class_name}"


def imported(name: str) -> ModuleType:
    """Import a module by its dotted name, or a file by its path."""
    if name.endswith(".py"):
        return _imported_file(Path(name).resolve())
    with _first_on_path(Path.cwd()):
        return importlib.import_module(name)


@lru_cache(maxsize=8)
def _imported_file(path: Path) -> ModuleType:
    """Import the file at `path`; what lies beside it can be imported from it."""
    package = package_of(path)
    if package:
        with _first_on_path(path.parents[len(package) - 1]):
            found = importlib.import_module(".".join(package))
        if Path(found.__file__ or "").resolve() != path:
            raise ImportError(f"{'.'.join(package)} is {found.__file__} here, not {path}")
        return found
    spec = importlib.util.spec_from_file_location(f"reeltune_own_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ImportError(f"no such file: {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    with _first_on_path(path.parent):
        spec.loader.exec_module(module)
    return module


@contextmanager
def _first_on_path(folder: Path) -> Iterator[None]:
    """Let imports look in `folder` first within the block, and after it behind all libraries.

    Only the user's module is looked for there before all else: a file of the user's cannot take
    the place of a library that is imported later. Nor can a script of ours take the place of a
    file of the user's, which may be called model.py: the scripts' folder is looked in last.
    """
    _put_scripts_last()
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
        _put_scripts_last()


def _put_scripts_last() -> None:
    """Look in the folder of our scripts last, where it is on the path: it is while one runs."""
    place = str(_SCRIPTS)
    if place in sys.path and (_SCRIPTS / "tune_orchestrator.py").is_file():
        sys.path.remove(place)
        sys.path.append(place)
