"""Sweep: what a file asks for, as a study and a plan."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reeltune.domain.errors import InputError
from reeltune.domain.limits import Limit, Limits, limit_faults, restricted
from reeltune.domain.space import Parameter, Space
from reeltune.domain.study import BUILT_IN, StudyConfig
from reeltune.rating_models.registry import resolved_name
from reeltune.search import STRATEGIES
from reeltune.search.grid import Grid
from reeltune.sweeps.check import check, conformed
from reeltune.sweeps.document import FaultyError, Item, SweepFault, read_document
from reeltune.sweeps.objectives import objective_faults, objective_names
from reeltune.sweeps.schema import SCHEMA
from reeltune.tasks.registry import space_of
from reeltune.tuning.plan import Plan
from reeltune.tuning.proposer import DEFAULT_CONFIGS, check_method
from reeltune.tuning.stopping import StopRules

SUFFIXES = (".yaml", ".yml")
MAX_GRID_STEPS = 1_000
MAX_CONFIGS = 100_000
_BYTES = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_FORMS = ({"fixed"}, {"choices"}, {"low", "high", "step"}, {"low", "high", "log"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Study and plan that a sweep file asks for."""

    path: Path
    name: str
    study: StudyConfig
    plan: Plan
    jobs: int | None = None  # None: as many as the machine has cores
    promotes: bool = False
    accuracy_threshold: float | None = None


def find_sweeps(path: Path) -> list[Path]:
    """Return the file itself, or the sweep files in a folder, by name.

    Raises:
        InputError: there is none.
    """
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES)
    if not found:
        raise InputError(f"{path} holds no sweep: none of its files ends in .yaml or .yml")
    return found


def read_sweeps(path: Path) -> list[Sweep]:
    """Return the sweeps of a file or folder; nothing is wrong with any of them.

    Raises:
        InputError: something is; all of it is named, with file and line.
    """
    sweeps, wrong = [], []
    for file in find_sweeps(path):
        try:
            sweeps.append(read_sweep(file))
        except InputError as error:
            wrong.append(str(error))
    if wrong:
        raise InputError("\n".join(wrong))
    return sweeps


def read_sweep(path: Path) -> Sweep:
    """Return the sweep in a file.

    Raises:
        InputError: it cannot be read, or something in it is wrong.
    """
    item = read_document(path)
    faults = check(item, SCHEMA)
    if isinstance(item.value, dict):
        faults += _faults_of_meaning(item.value, {fault.line for fault in faults})
    if faults:
        raise FaultyError(str(path), tuple(faults))
    assert isinstance(item.value, dict)
    return _sweep(path, conformed(item.plain(), SCHEMA), _limits(item.value))


def _sweep(path: Path, said: Mapping[str, Any], limits: Limits) -> Sweep:
    execution, gates = said.get("execution", {}), said.get("gates", {})
    objectives = objective_names(said.get("objective", StudyConfig().objective))
    stopping = dict(said.get("early_stopping", {}))
    plan = Plan(
        name=said["name"],
        method=said["method"],
        n_configs=said.get("configs", _default_configs(said["method"], limits)),
        pruner=said.get("pruner"),
        stop=StopRules(timeout_seconds=execution.get("timeout"), **stopping),
        limits=limits,
        grid=Grid(**said.get("grid", {})),
        starts_warm=said.get("warm_start", True),
        timeout_seconds=execution.get("timeout_per_experiment"),
        panel=said.get("panel"),
        margins=gates.get("guardrails", {}),
        memory_bytes=_bytes(execution.get("memory_limit")),
    )
    return Sweep(
        path=path,
        name=said["name"],
        study=StudyConfig(
            model=resolved_name(said.get("model", BUILT_IN)),
            split=said.get("split", "user-time"),
            objective=objectives[0],
            further_objectives=tuple(objectives[1:]),
            seed=said.get("seed"),
        ),
        plan=plan,
        jobs=execution.get("jobs"),
        promotes=gates.get("promote", False),
        accuracy_threshold=gates.get("accuracy_threshold"),
    )


def _default_configs(method: str, limits: Limits) -> int:
    """Return as many as without a file; of a grid over choices alone, all."""
    whole = method == "grid" and limits.others_fixed and all(x.choices for x in limits.limits)
    return MAX_CONFIGS if whole else DEFAULT_CONFIGS[method]


def _faults_of_meaning(said: Mapping[str, Item], wrong: set[int]) -> Iterator[SweepFault]:
    """Yield faults that no schema can see: in names of objectives, hyperparameters and models.

    Lines that are known to be `wrong` are left alone.
    """
    grid, method, model = said.get("grid"), said.get("method"), said.get("model")
    if grid is not None and method is not None and method.value != "grid":
        yield SweepFault(grid.line, "grid goes with method grid")
    if method is not None and isinstance(method.value, str) and method.value in STRATEGIES:
        try:
            check_method(method.value)
        except InputError as error:
            yield SweepFault(method.line, str(error))
    if "objective" in said and not wrong.intersection(_lines(said["objective"])):
        yield from objective_faults(said)
    try:
        space = space_of(StudyConfig(model=str(model.value) if model else BUILT_IN))
    except InputError as error:
        if model is not None and model.line not in wrong:
            yield SweepFault(model.line, str(error))
        return
    yield from _parameter_faults(said, space, wrong)


def _parameter_faults(
    said: Mapping[str, Item], space: Space, wrong: set[int]
) -> Iterator[SweepFault]:
    parameters, others = said.get("parameters"), said.get("others")
    named = parameters.value if parameters is not None else {}
    if not isinstance(named, dict):
        return
    found = [
        SweepFault(item.line, f"parameters.{name}: {what}")
        for name, item in named.items()
        if not wrong.intersection(_lines(item))
        for what in _faults_of(name, item, space.hyperparameters.get(name))
    ]
    yield from found
    place = parameters or others
    if place is not None and not found and not wrong:
        try:
            if not restricted(space, _limits(said), space.defaults()).dimensions:
                yield SweepFault(place.line, "nothing is left to search: every value is fixed")
        except InputError as error:
            yield SweepFault(place.line, f"parameters: {error}")


def _lines(item: Item) -> Iterator[int]:
    """Yield the lines of an item and of its parts."""
    yield item.line
    if isinstance(item.value, dict):
        parts: Iterable[Item] = item.value.values()
    else:
        parts = item.value if isinstance(item.value, tuple) else ()
    for part in parts:
        yield from _lines(part)


def _faults_of(name: str, item: Item, member: Parameter | None) -> list[str]:
    if member is None:
        return [f"there is no hyperparameter {name!r}"]
    if isinstance(item.value, dict) and not any(set(item.value) <= form for form in _FORMS):
        return ["give either fixed, or choices, or low and high with at most one of step and log"]
    if isinstance(item.value, dict) and not item.value:
        return ["give fixed, choices, or low and high"]
    try:
        return limit_faults(member, _limit(name, item))
    except InputError as error:
        return [str(error)]


def _limits(said: Mapping[str, Item]) -> Limits:
    parameters, others = said.get("parameters"), said.get("others")
    named = parameters.value if parameters is not None else {}
    assert isinstance(named, dict)
    return Limits(
        limits=tuple(_limit(name, part) for name, part in named.items()),
        others_fixed=others is not None and others.value == "fixed",
    )


def _limit(name: str, item: Item) -> Limit:
    """Return the limit that an entry of `parameters` means.

    Raises:
        InputError: steps need an end, or are too many.
    """
    said: Any = item.plain()
    if isinstance(said, list):
        return Limit(name=name, choices=tuple(said))
    if "fixed" in said:
        return Limit(name=name, choices=(said["fixed"],))
    if "choices" in said:
        return Limit(name=name, choices=tuple(said["choices"]))
    if "step" in said:
        return Limit(name=name, choices=_steps(said))
    return Limit(name=name, low=said.get("low"), high=said.get("high"), log=said.get("log", False))


def _steps(said: Mapping[str, Any]) -> tuple[float, ...]:
    """Return low, low + step, ... up to high, which is included if it is whole steps away.

    >>> _steps({"low": 0.1, "high": 0.4, "step": 0.1})
    (0.1, 0.2, 0.3, 0.4)
    """
    if "low" not in said or "high" not in said:
        raise InputError("step needs low and high")
    low, high, step = said["low"], said["high"], said["step"]
    if low > high:
        raise InputError(f"low must be below high, got {low} and {high}")
    n = int((high - low) / step + 1e-9) + 1
    if n > MAX_GRID_STEPS:
        raise InputError(f"at most {MAX_GRID_STEPS} steps are possible, got {n}")
    values = [low + k * step for k in range(n)]
    return tuple(v if isinstance(v, int) else round(v, 10) for v in values)


def _bytes(size: str | None) -> int | None:
    """Return the bytes that a size in powers of 1024 means.

    >>> _bytes("2G")
    2147483648
    """
    return None if size is None else int(size[:-1]) * _BYTES[size[-1]]
