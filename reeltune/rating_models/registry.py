"""Registry of recommenders: the built-in one, and users' own by import path."""

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from reeltune.domain.errors import InputError
from reeltune.domain.study import BUILT_IN
from reeltune.rating_models.hand_weighted import HandWeighted
from reeltune.ratings.recommender import Recommender
from reeltune.tracking.sources import package_of

_REQUIRED = ("space", "fit", "score", "arrays", "load")
_SCRIPTS = Path(__file__).resolve().parents[2]  # of a checkout: where tune_orchestrator.py lies


def model_class(name: str) -> type[Recommender]:
    """Return the recommender of that name.

    Args:
        name: `hand-weighted`, `package.module:Name`, or `path/to/file.py:Name`.

    Raises:
        InputError: it cannot be imported or is no recommender.
    """
    if name == BUILT_IN:
        return HandWeighted
    module_name, _, class_name = name.rpartition(":")
    if not module_name or not class_name:
        raise InputError(
            f"a model is {BUILT_IN!r}, 'package.module:Name' or 'path/to/file.py:Name',"
            f" got {name!r}"
        )
    try:
        found = getattr(_imported(module_name), class_name)
    except (ImportError, AttributeError, ValueError, OSError, SyntaxError) as error:
        advice = _advice(error, module_name, class_name)
        raise InputError(f"model {name!r} cannot be imported: {error}{advice}") from error
    if not isinstance(found, type):
        raise InputError(f"model {name!r} is no recommender: it is no class")
    missing = [member for member in _REQUIRED if not hasattr(found, member)]
    if missing:
        raise InputError(f"model {name!r} is no recommender: it lacks {', '.join(missing)}")
    return found


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


def _advice(error: Exception, module_name: str, class_name: str) -> str:
    """Return what to do where the module itself, and not one that it needs, is not found."""
    package = module_name.partition(".")[0]
    if not isinstance(error, ModuleNotFoundError) or error.name != package:
        return ""
    file = f"path/to/{module_name.replace('.', '/')}.py:{class_name}"
    return f"; run this in its folder, name that folder in PYTHONPATH, or give the file, {file}"


def _imported(name: str) -> ModuleType:
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
    spec = importlib.util.spec_from_file_location(f"reeltune_model_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ImportError(f"no such file: {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    with _first_on_path(path.parent):
        spec.loader.exec_module(module)
    return module


@contextmanager
def _first_on_path(folder: Path) -> Iterator[None]:
    """Put `folder` first on the import path within the block, and behind all libraries after it.

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
