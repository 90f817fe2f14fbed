"""Which code and which machine a result came from, and which programs' results are equal."""

import importlib.util
import platform
import sysconfig
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from reeltune.tracking.sources import Find, digest, find_below, follow

_ROOT = Path(__file__).resolve().parent.parent
NO_SOURCE = "none"
_PACKAGES = ("numpy", "scipy", "numba")

# The top-level modules of the program.
PROGRAM = (
    "cli",
    "components",
    "db",
    "domain",
    "evaluation",
    "executors",
    "hyperparameter_tuner",
    "importers",
    "model",
    "model_versioning",
    "reports",
    "retrain_model",
    "search",
    "sweeps",
    "tracking",
    "training",
    "tune_orchestrator",
    "versioning",
)
# What decides what a configuration is worth: these modules and all that they import ...
DECIDING = (
    "reeltune.tasks.ratings",
    "reeltune.tuning.pruning",
    "reeltune.tuning.ledger",
    "reeltune.metrics.ranking_metrics",
    "reeltune.metrics.user_sample",
    "reeltune.metrics.ranking",
    "reeltune.ratings.splits",
    "components",
    "reeltune.components.hyperparameters",
    "reeltune.domain.space",
    "model",
)
# ... but for these and what is in them, which store, show and propose.
NOT_DECIDING = (
    "cli",
    "db",
    "reeltune.domain.clock",
    "reeltune.domain.errors",
    "reeltune.domain.progress",
    "executors",
    "hyperparameter_tuner",
    "reports",
    "search",
    "tracking",
)

# Programs in one row find the same to the last bit: results of one are comparable with those of the
# others, and a run that one of them began may be resumed by another. A change that keeps all values
# adds the new program to the row; with any other it belongs to none.
EQUAL_PROGRAMS = (
    frozenset(
        {
            "adfe917e47f9",  # made of the bytes of model, components, domain and evaluation
            "2ca10e04a412",
        }
    ),
)


@dataclass(frozen=True, slots=True)
class Change:
    """Something of the code that is not as it was."""

    what: str
    then: str
    now: str

    def __str__(self) -> str:
        return f"{self.what}: {self.then} then, {self.now} now"


@lru_cache(maxsize=8)
def code_version(model: str) -> str:
    """Hash of the sources that decide what a configuration of `model` is worth.

    12 hex digits for the program; for a model of the user's own `+` and 12 more for its module and
    what that imports from its own package, or from modules beside it.
    """
    own = own_module(model)
    return program_version() if own is None else f"{program_version()}+{source_version(own)}"


def equal_versions(code: str) -> tuple[str, ...]:
    """`code`, and the versions of the code whose results are equal to its own."""
    program, plus, own = code.partition("+")
    row = next((row for row in EQUAL_PROGRAMS if program in row), frozenset())
    return (code, *(f"{each}{plus}{own}" for each in sorted(row - {program})))


def code_changes(then: str | None, model: str) -> list[Change]:
    """What of the code that decides what `model` is worth is not as it was with version `then`."""
    now = code_version(model)
    if then in equal_versions(now):
        return []
    (was, _, own_was), (program, _, own) = (then or "none").partition("+"), now.partition("+")
    found = []
    # A program that did not record the source of a user's own model has no equal.
    if was not in equal_versions(program) or (own and not own_was):
        found.append(Change("the program", was, program))
    if own_was and own_was != own:
        found.append(Change(f"the source of {model}", own_was, own))
    return found


def own_module(model: str) -> str | None:
    """The module of a user's own `model`; None for the built-in one."""
    module, colon, _ = model.partition(":")
    return module if colon else None


@lru_cache(maxsize=1)
def program_version() -> str:
    """Hash of the program's own sources that decide what a configuration is worth."""
    return digest(follow(DECIDING, _find_deciding), _is_program)


def deciding_modules() -> frozenset[str]:
    """The program's modules that decide what a configuration is worth."""
    return frozenset(follow(DECIDING, _find_deciding))


def source_version(module: str) -> str:
    """Hash of a user's own module and what it imports of the user's; NO_SOURCE where it has none.

    A source that is no Python, and values that it reads from files, are not in it.
    """
    sources = follow([module], _find_own(module), with_packages=True)
    return digest(sources, _is_program) if module in sources else NO_SOURCE


def environment() -> dict[str, str]:
    """Versions of what computes, and the kind of machine."""
    packages = {name: version(name) for name in _PACKAGES}
    return {"python": platform.python_version(), "machine": platform.machine()} | packages


def _find_deciding(name: str) -> Path | None:
    if not _is_program(name) or any(f"{name}.".startswith(f"{cut}.") for cut in NOT_DECIDING):
        return None
    return find_below(_ROOT, name)


def _is_program(name: str) -> bool:
    return name.partition(".")[0] in PROGRAM


def _find_own(module: str) -> Find:
    """Finds what lies in the package of `module`, or beside it, other than the program's own.

    What is installed is found in its own package alone: beside it lie packages of others.
    """
    top = module.partition(".")[0]
    places = _directories(top)

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
    """Where the top-level package or module lies, without importing it."""
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
    """The directories that Python's own modules and installed packages lie in."""
    return frozenset(Path(each).resolve() for each in sysconfig.get_paths().values())
