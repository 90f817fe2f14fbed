"""Lineage of a result: code and machine it came from, and programs with equal results."""

import importlib.util
import platform
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from reeltune.domain.study import FUNCTION, HYBRID, RATINGS, STAR_MODELS, TABULAR
from reeltune.tracking.sources import Find, digest, find_below, follow, package_of

_ROOT = Path(__file__).resolve().parents[2]  # where the package lies
NO_SOURCE = "none"
_PACKAGES = ("numpy", "scipy", "numba")

# The top-level modules of the program.
PROGRAM = ("reeltune",)
# What decides what a configuration is worth: these modules and all that they import ...
DECIDING = (
    "reeltune.tasks.ratings",
    "reeltune.tasks.guarded",
    "reeltune.tuning.pruning",
    "reeltune.tuning.ledger",
    "reeltune.metrics.ranking_metrics",
    "reeltune.metrics.user_sample",
    "reeltune.metrics.ranking",
    "reeltune.ratings.splits",
    "reeltune.components",
    "reeltune.components.hyperparameters",
    "reeltune.domain.space",
    "reeltune.rating_models.hand_weighted",
)
# ... but for these and what is in them, which store, show and propose.
NOT_DECIDING = (
    "reeltune.cli",
    "reeltune.db",
    "reeltune.domain.clock",
    "reeltune.domain.errors",
    "reeltune.domain.progress",
    "reeltune.domain.study",
    "reeltune.executors",
    "reeltune.gate",
    "reeltune.monitoring",
    "reeltune.reports",
    "reeltune.search",
    "reeltune.storage",
    "reeltune.tasks.initial_guesses",
    "reeltune.tracking",
    "reeltune.views",
)
# What decides it beside, of models that are hashed apart from the others.
DECIDING_OF_MODELS: dict[str, tuple[str, ...]] = {
    HYBRID: ("reeltune.rating_models.hybrid", "reeltune.engine.hybrid_engine")
}
_OF_STARS: tuple[str, ...] = (
    "reeltune.rating_models.star_models",
    "reeltune.components.factorization_training",
    "reeltune.components.two_tower_training",
)
DECIDING_OF_MODELS |= dict.fromkeys(STAR_MODELS, _OF_STARS)
# What decides of the program what a function of the user's own is worth: how it is called, and how
# its values are kept.
DECIDING_OF_FUNCTION = (
    "reeltune.tasks.function",
    "reeltune.tuning.pruning",
    "reeltune.tuning.ledger",
    "reeltune.domain.space",
)

# What decides of the program what a model of a table is worth.
DECIDING_OF_TABLES = (
    "reeltune.tasks.tabular",
    "reeltune.tuning.fold_racing",
    "reeltune.tuning.ledger",
    "reeltune.domain.space",
)

# Programs that held out ratings of equal times by ids, and took events for ratings: equal to later
# ones on data where neither decides.
PLAIN_RATINGS_ONLY = frozenset({"adfe917e47f9"})

# Programs in one row find the same to the last bit: results of one are comparable with those of the
# others, and a run that one of them began may be resumed by another. A change that keeps all values
# adds the new program to the row; with any other it belongs to none.
EQUAL_PROGRAMS = (
    frozenset(
        {
            "adfe917e47f9",  # made of the bytes of model, components, domain and evaluation
            "37fac8e7aeaf",
            "c60e70dce159",
        }
    ),
)

# Of these, the ones that made other configurations of the same random numbers: they drew members of
# an order from what the one before left. Their results count; their runs are not gone on with.
OTHER_PROPOSALS = frozenset({"adfe917e47f9", "37fac8e7aeaf"})


@dataclass(frozen=True, slots=True)
class CodeDifference:
    """Difference between the code of then and of now."""

    what: str
    then: str
    now: str

    def __str__(self) -> str:
        return f"{self.what}: {self.then} then, {self.now} now"


@lru_cache(maxsize=8)
def code_version(model: str, task: str = RATINGS) -> str:
    """Return a hash of the sources that decide what a configuration of `model` is worth in a task.

    12 hex digits for the program. `+` and 12 more for the sources of a model that is hashed apart:
    of a user's own its module and what that imports from its own package, or from modules beside
    it; of the hybrid what it alone uses.
    """
    if model in DECIDING_OF_MODELS:
        sources = follow(DECIDING_OF_MODELS[model], _find_deciding)
        return f"{program_version()}+{digest(sources, _is_program)}"
    if task == TABULAR:
        return table_version()
    own = own_module(model)
    program = function_version() if task == FUNCTION else program_version()
    return program if own is None else f"{program}+{source_version(own)}"


def equal_versions(code: str, *, plain: bool = True) -> tuple[str, ...]:
    """Return `code`, and the versions of the code whose results are equal to its own.

    On data that are not `plain` ratings, those do not count that are equal on such data only.
    """
    program, plus, own = code.partition("+")
    row = next((row for row in EQUAL_PROGRAMS if program in row), frozenset())
    others = row - {program} - (frozenset() if plain else PLAIN_RATINGS_ONLY)
    return (code, *(f"{each}{plus}{own}" for each in sorted(others)))


def proposes_as(then: str | None) -> bool:
    """Return if the program of version `then` made the same configurations of random numbers."""
    return (then or "none").partition("+")[0] not in OTHER_PROPOSALS


def code_differences(then: str | None, model: str, task: str = RATINGS) -> list[CodeDifference]:
    """Return the differences of the code that decides values of `model` from version `then`."""
    now = code_version(model, task)
    if then in equal_versions(now):
        return []
    (was, _, own_was), (program, _, own) = (then or "none").partition("+"), now.partition("+")
    found = []
    # A program that did not record the source of a user's own model has no equal.
    if was not in equal_versions(program) or (own and not own_was):
        found.append(CodeDifference("the program", was, program))
    if own_was and own_was != own:
        found.append(CodeDifference(f"the source of {model}", own_was, own))
    return found


def own_module(model: str) -> str | None:
    """Return the module, or the file, of a user's own `model`; None for the built-in one.

    >>> own_module("mine.models:Taste"), own_module("/app/taste.py:Taste"), own_module("built-in")
    ('mine.models', '/app/taste.py', None)
    """
    module, colon, _ = model.rpartition(":")
    return module if colon else None


@lru_cache(maxsize=1)
def program_version() -> str:
    """Return a hash of the program's own sources that decide what a configuration is worth."""
    return digest(follow(DECIDING, _find_deciding), _is_program)


@lru_cache(maxsize=1)
def function_version() -> str:
    """Return the hash of the program's sources that decide the values of a user's function."""
    return digest(follow(DECIDING_OF_FUNCTION, _find_deciding), _is_program)


@lru_cache(maxsize=1)
def table_version() -> str:
    """Return the hash of the program's sources that decide what a model of a table is worth."""
    return digest(follow(DECIDING_OF_TABLES, _find_deciding), _is_program)


def deciding_modules() -> frozenset[str]:
    """Return the program's modules that decide what a configuration is worth."""
    return frozenset(follow(DECIDING, _find_deciding))


def source_version(module: str) -> str:
    """Return a hash of a user's own module or file and its own imports; NO_SOURCE without one.

    A source that is no Python, and values that it reads from files, are not in it.
    """
    name, places = module, list[Path]()
    if module.endswith(".py"):
        path = Path(module).resolve()
        package = package_of(path)
        name, places = ".".join(package) or path.stem, [path.parents[max(0, len(package) - 1)]]
    sources = follow([name], _find_own(name, places), with_packages=True)
    return digest(sources, _is_program) if name in sources else NO_SOURCE


def environment() -> dict[str, str]:
    """Return versions of numerical packages and Python, and the kind of machine."""
    from importlib.metadata import version  # takes long to import, for the few who ask

    packages = {name: version(name) for name in _PACKAGES}
    return {"python": platform.python_version(), "machine": platform.machine()} | packages


def _find_deciding(name: str) -> Path | None:
    if not _is_program(name) or any(f"{name}.".startswith(f"{cut}.") for cut in NOT_DECIDING):
        return None
    return find_below(_ROOT, name)


def _is_program(name: str) -> bool:
    return name.partition(".")[0] in PROGRAM


def _find_own(module: str, known: Sequence[Path]) -> Find:
    """Return a function that finds the user's modules in the package of `module` or beside it.

    It lies in the directories `known`; if there are none, where Python finds it. Not the program's
    own. An installed module is found in its own package alone: beside it lie packages of others.
    """
    top = module.partition(".")[0]
    places = known or _directories(top)

    def find(name: str) -> Path | None:
        first = name.partition(".")[0]
        for place in places:
            is_beside = place not in _installed() and not _is_program(first)
            path = find_below(place, name) if first == top or is_beside else None
            if path is not None:
                return path
        return None

    return find


def _directories(top: str) -> list[Path]:
    """Return where the top-level package or module lies, without importing it.

    As for the import of a model, the working directory comes first.
    """
    if find_below(Path.cwd(), top) is not None:
        return [Path.cwd()]
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return []
    if spec is None:
        return []
    within = [Path(each) for each in spec.submodule_search_locations or ()]
    files = within or [Path(spec.origin)] if spec.origin else within
    return [file.resolve().parent for file in files]


@lru_cache(maxsize=1)
def _installed() -> frozenset[Path]:
    """Return the directories of Python's own modules and of installed packages."""
    return frozenset(Path(each).resolve() for each in sysconfig.get_paths().values())
