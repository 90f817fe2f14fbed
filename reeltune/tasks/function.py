"""Function task: whatever a Python function of the user's measures, tuned like all else."""

import hashlib
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import WRAPPER_ASSIGNMENTS, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.direction import Direction
from reeltune.domain.errors import InputError
from reeltune.domain.evaluation import Evaluation, Part
from reeltune.domain.experiment import TaskKey
from reeltune.domain.metric import Metric, metrics_of
from reeltune.domain.search_space import SearchSpace, as_space
from reeltune.domain.space import Configuration, Space
from reeltune.domain.study import FUNCTION, NO_SPLIT
from reeltune.tasks.figures import at_positions, checked_figures, mean_value, per_unit
from reeltune.tracking.lineage import code_version, equal_versions
from reeltune.tracking.own_code import imported, resolved_name

ReturnedFigures = float | Mapping[str, float | Sequence[float | None] | Floats]
"""Result of a function: its only metric, or each by name, as one value or one per unit."""


@dataclass(frozen=True, eq=False)
class Objective:
    """Function that measures a configuration, and what is to be known of it.

    It is called as the function itself is.
    """

    function: Callable[..., ReturnedFigures]
    space: Space
    metrics: Mapping[str, Metric]
    data: tuple[Path, ...] = ()  # files and folders that its values depend on
    n_units: int | None = None  # units that it can be asked for one by one; None: it cannot

    def __post_init__(self) -> None:
        for name in WRAPPER_ASSIGNMENTS:  # as functools.wraps does
            vars(self)[name] = getattr(self.function, name, None)

    def __call__(self, *args: Any, **named: Any) -> ReturnedFigures:
        """Call the function."""
        return self.function(*args, **named)


def objective(
    *,
    space: Space | SearchSpace,
    metrics: Mapping[str, Direction | str],
    data: Sequence[str | Path] = (),
    n_units: int | None = None,
) -> Callable[[Callable[..., ReturnedFigures]], Objective]:
    """Let a function be tuned, by `reeltune tune FILE.py:NAME`.

    It takes a configuration, a dict, and returns a dict with each metric: a number, or a number per
    unit (a fold, a row, an image), None for a unit that has none. A single metric may be returned
    as it is. What it raises, a value that is not finite among them, fails that experiment alone.

    Args:
        space: the hyperparameters; their defaults are what all else is compared with.
        metrics: `minimize` or `maximize` by name; the first decides which is best.
        data: files and folders that values depend on, relative to the function's file: results on
            other content are not compared with these.
        n_units: the number of units that can be measured some at a time. The function then takes
            their positions, ascending, as its second argument, and returns per-unit values of these
            alone: that is what pruning and `--panel` save time by.

    Raises:
        InputError: the metrics, the units or the space cannot be meant.
    """
    known, searched = metrics_of(metrics), as_space(space)
    if n_units is not None and (isinstance(n_units, bool) or n_units < 1):
        raise InputError(f"n_units must be 1 or more, got {n_units!r}")

    def declared(function: Callable[..., ReturnedFigures]) -> Objective:
        folder = Path(inspect.getfile(function)).resolve().parent
        paths = tuple(folder / path for path in data)
        return Objective(function, searched, known, paths, n_units)

    return declared


def load_objective(name: str) -> Objective:
    """Return the declared function of that name, imported where it has not been.

    Args:
        name: `path/to/file.py:function` or `package.module:function`.

    Raises:
        InputError: it cannot be imported, or was not declared.
    """
    module, _, attribute = name.rpartition(":")
    if not module or not attribute:
        raise InputError(
            f"a function is 'path/to/file.py:name' or 'package.module:name', got {name!r}"
        )
    try:
        with redirect_stdout(sys.stderr):
            found = getattr(imported(module), attribute)
    except (Exception, SystemExit) as error:  # whatever the user's module does when it is run
        raise InputError(
            f"function {name!r} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(found, Objective):
        raise InputError(
            f"{name!r} was not declared: put @reeltune.objective(space=..., metrics=...) before it"
        )
    return found


@dataclass(frozen=True, eq=False)
class FunctionEvaluator:
    """Evaluator that calls a function; may be sent to another process, which imports it."""

    name: str
    objective: Objective
    n_measured: int | None = None  # units measured; None: all
    is_batched = False

    @classmethod
    def of(cls, name: str, n_measured: int | None = None) -> "FunctionEvaluator":
        """Return what measures the function of that name."""
        return cls(name, load_objective(name), n_measured)

    def __reduce__(self) -> tuple[Any, ...]:
        return FunctionEvaluator.of, (self.name, self.n_measured)

    def prepare(self) -> None:
        """Make nothing: evaluations share nothing."""

    def on_threads(self, n_threads: int) -> "FunctionEvaluator":
        """Return the same: how many threads a function uses is its own business."""
        return self

    def evaluate_many(
        self,
        configurations: Sequence[Configuration],
        units: Ints | None = None,
        metric: str | None = None,
    ) -> list[Evaluation]:
        """Evaluate each configuration by every metric.

        Args:
            configurations: valid in the function's space.
            units: (u,) positions of the units to measure; None: all.
            metric: one that needs a value per unit where there are `units`; the others come along.

        Raises:
            InputError: the function returned what cannot be its metrics.
        """
        return [self._evaluated(each, units, metric) for each in configurations]

    def _evaluated(
        self, configuration: Configuration, units: Ints | None, metric: str | None
    ) -> Evaluation:
        n = self.objective.n_units
        if n is None:
            whole = self._whole(configuration)
            return whole if units is None else _part(whole, units)
        asked = self._asked(n, units)
        figures = self._called(configuration, asked)
        known = dict(per_unit(figures))
        wrong = [name for name, each in known.items() if len(each) != len(asked)]
        if units is not None and metric is not None and metric not in known:
            wrong.append(metric)
        if wrong:
            raise InputError(
                f"{wrong[0]} must have a value for each of the {len(asked):,} units asked for"
            )
        return Evaluation(
            values={name: mean_value(each) for name, each in figures.items()},
            per_unit={name: at_positions(each, asked, n) for name, each in known.items()},
            n_units=len(asked),
        )

    def _whole(self, configuration: Configuration) -> Evaluation:
        """Return all that a function which knows no units measures."""
        figures = self._called(configuration)
        return Evaluation(
            values={name: mean_value(each) for name, each in figures.items()},
            per_unit=dict(per_unit(figures)),
            n_units=max((len(each) for _, each in per_unit(figures)), default=1),
        )

    def _asked(self, n_units: int, units: Ints | None) -> Ints:
        """Return (u,) positions to measure, ascending: of the sample, or of all."""
        asked = np.arange(n_units)
        if self.n_measured is not None and self.n_measured < n_units:
            asked = np.sort(np.random.default_rng(0).permutation(n_units)[: self.n_measured])
        return asked if units is None else np.intersect1d(asked, units)

    def _called(self, configuration: Configuration, *units: Ints) -> Mapping[str, float | Floats]:
        """Call the function; what it prints goes to standard error, as in a worker."""
        with redirect_stdout(sys.stderr):
            found = self.objective.function(dict(configuration), *units)
        return checked_figures(found, list(self.objective.metrics))


def _part(whole: Evaluation, units: Ints) -> Evaluation:
    """Return what an evaluation says of some units; a metric without any stays as it is."""
    chosen = {name: at_positions(v[units], units, len(v)) for name, v in whole.per_unit.items()}
    means = {name: mean_value(values[units]) for name, values in chosen.items()}
    return Evaluation({**whole.values, **means}, chosen, len(units))


@dataclass(frozen=True, eq=False)
class FunctionTask:
    """Function of the user's that is tuned: by its name, from any folder."""

    model: str  # 'path/to/file.py:name', absolute, or 'package.module:name'
    objective: Objective
    name = FUNCTION
    split = NO_SPLIT
    meta_feature_scales: Mapping[str, float] = field(default_factory=dict, init=False)

    @classmethod
    def of(cls, model: str) -> "FunctionTask":
        """Return the task of the function of that name.

        Raises:
            InputError: it cannot be imported, or was not declared.
        """
        return cls(resolved_name(model), load_objective(model))

    @property
    def has_units(self) -> bool:
        """True if the function can be asked for some of its units."""
        return self.objective.n_units is not None

    @property
    def space(self) -> Space:
        """Hyperparameters that were declared."""
        return self.objective.space

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Metrics that were declared."""
        return self.objective.metrics

    def key(self, objective: str) -> TaskKey:
        """Return what makes values of the function comparable: its data, and its own code.

        Raises:
            InputError: data that it names cannot be read.
        """
        return TaskKey(
            data_fingerprint=self._fingerprint,
            split=self.split,
            model=self.model,
            space_fingerprint=self.space.fingerprint,
            objective=objective,
            code_versions=equal_versions(code_version(self.model, self.name)),
        )

    def evaluator(self, part: Part = "validation", n_units: int | None = None) -> FunctionEvaluator:
        """Return what calls the function, for all units or for a fixed sample of them."""
        return FunctionEvaluator(self.model, self.objective, n_units)

    def unmeasurable(self, objective: str) -> str | None:
        """Return None: what a function can measure, only a call of it tells."""
        return None

    def initial_configurations(
        self, space: Space, objective: str, seed: int, current: Configuration
    ) -> Sequence[Configuration]:
        """Return none: nothing is known of a function but what it returns."""
        return []

    def meta_features(self) -> Mapping[str, float]:
        """Return none: what helped this function before is tried on other data of it too."""
        return {}

    @cached_property
    def _fingerprint(self) -> str:
        return data_fingerprint(self.objective.data)


def data_fingerprint(paths: Sequence[Path]) -> str:
    """Return the hash of files and folders, 64 hex digits; where they lie does not enter.

    Raises:
        InputError: one of them cannot be read.
    """
    digest = hashlib.sha256()
    for path in paths:
        try:
            files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
            for file in files:
                digest.update(f"{file.relative_to(path)}\0{file.stat().st_size}\0".encode())
                with file.open("rb") as stream:
                    digest.update(hashlib.file_digest(stream, "sha256").digest())
        except OSError as error:
            raise InputError(f"the data {str(path)!r} cannot be read: {error}") from error
        digest.update(b"\1")
    return digest.hexdigest()
