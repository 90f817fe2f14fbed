"""Designers: what suggests the trials of a study, from those that there are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from reeltune.domain.errors import InputError
from reeltune.domain.metric import Metric
from reeltune.domain.space import Space
from reeltune.search import ONE_OBJECTIVE, STRATEGIES, Problem, Strategy, missing_libraries, propose
from reeltune.search import Trial as Tried
from reeltune.studies.trial import Trial, TrialSuggestion

VIZIER_NAMES = {
    "DEFAULT": "bayesian",
    "GAUSSIAN_PROCESS_BANDIT": "gp",
    "RANDOM_SEARCH": "random",
    "GRID_SEARCH": "grid",
    "QUASI_RANDOM_SEARCH": "sobol",
    "NSGA2": "nsga2",
    "CMA_ES": "cmaes",
}


@dataclass(frozen=True, slots=True)
class ProblemStatement:
    """Space that is searched, and metrics with their directions; the first decides."""

    space: Space
    metrics: Mapping[str, Metric]
    seed: int = 0


class Designer(Protocol):
    """Designer: suggests trials, and learns from those that were completed.

    A study makes a new one for each request, and tells it of all trials: so it need keep nothing,
    and any number of processes may ask.
    """

    def suggest(self, count: int | None = None) -> Sequence[TrialSuggestion]:
        """Return up to `count` suggestions, None for one; fewer where nothing is left to try."""

    def update(self, completed: Sequence[Trial], active: Sequence[Trial] = ()) -> None:
        """Learn of trials that were completed since the last call, and of all that are active."""


DesignerFactory = Callable[[ProblemStatement], Designer]


class StrategyDesigner:
    """Designer by one of the ways of proposing; the first suggestion are the defaults.

    >>> from reeltune.domain.search_space import SearchSpace
    >>> space = SearchSpace()
    >>> _ = space.root.add_float_param("x", 0.0, 1.0)
    >>> designer = StrategyDesigner(ProblemStatement(space.to_space(), {}), STRATEGIES["random"])
    >>> [suggestion.parameters for suggestion in designer.suggest(1)]
    [{'x': 0.5}]
    """

    def __init__(self, problem: ProblemStatement, strategy: Strategy) -> None:
        self.problem = problem
        self.strategy = strategy
        self._completed: dict[int, Trial] = {}
        self._active: Sequence[Trial] = ()
        self._suggested: list[TrialSuggestion] = []  # since the last update

    def update(self, completed: Sequence[Trial], active: Sequence[Trial] = ()) -> None:
        """Learn of trials that were completed since the last call, and of all that are active."""
        self._completed |= {trial.id: trial for trial in completed}
        self._active = active
        self._suggested.clear()

    def suggest(self, count: int | None = None) -> Sequence[TrialSuggestion]:
        """Return up to `count` suggestions that were not tried before, None for one."""
        found: list[TrialSuggestion] = []
        for _ in range(1 if count is None else count):
            suggestion = self._next()
            if suggestion is None:
                break
            found.append(suggestion)
            self._suggested.append(suggestion)
        return found

    def _next(self) -> TrialSuggestion | None:
        known = [*self._completed.values(), *self._active]
        last = max((trial.id for trial in known), default=0)
        tried = [self._tried(trial) for trial in sorted(known, key=lambda trial: trial.id)]
        tried += [
            Tried(each.parameters, None, last + place)
            for place, each in enumerate(self._suggested, 1)
        ]
        defaults = self.problem.space.defaults()
        if not tried:
            return TrialSuggestion(defaults)
        found = propose(
            self.strategy,
            Problem(
                space=self.problem.space,
                current=defaults,
                seed=self.problem.seed,
                number=last + len(self._suggested) + 1,
                trials=tried,
                n_objectives=max(1, len(self.problem.metrics)),
            ),
        )
        return None if found is None else TrialSuggestion(found.configuration)

    def _tried(self, trial: Trial) -> Tried:
        measured = trial.final_measurement
        if measured is None:
            return Tried(trial.parameters, None, trial.id, failed=trial.infeasible)
        values = tuple(
            metric.direction.upwards(float(measured.metrics[name]))
            for name, metric in self.problem.metrics.items()
        )
        return Tried(
            trial.parameters, values[0], trial.id, values=values if len(values) > 1 else ()
        )


def algorithm_name(algorithm: str | DesignerFactory) -> str:
    """Return the name that a study keeps of its algorithm.

    >>> algorithm_name("RANDOM_SEARCH"), algorithm_name(StrategyDesigner)
    ('random', 'reeltune.studies.designer:StrategyDesigner')
    """
    if isinstance(algorithm, str):
        return VIZIER_NAMES.get(algorithm, algorithm)
    return f"{algorithm.__module__}:{getattr(algorithm, '__qualname__', type(algorithm).__name__)}"


def designer_factory(algorithm: str | DesignerFactory, n_metrics: int) -> DesignerFactory:
    """Return what makes the designer of an algorithm.

    Raises:
        InputError: there is none of that name, it cannot serve so many metrics, or a library that
            it needs is not installed.
    """
    if not isinstance(algorithm, str):
        return algorithm
    name = algorithm_name(algorithm)
    if name not in STRATEGIES:
        raise InputError(
            f"algorithm must be a designer's factory or one of {', '.join(STRATEGIES)}, "
            f"got {algorithm!r}"
        )
    if n_metrics > 1 and name in ONE_OBJECTIVE:
        raise InputError(f"algorithm {name} needs one metric, got {n_metrics}: take another")
    missing = missing_libraries(name)
    if missing:
        raise InputError(f"algorithm {name} needs {' and '.join(missing)}, not installed here")
    return lambda problem: StrategyDesigner(problem, STRATEGIES[name])
