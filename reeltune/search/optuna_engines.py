"""Samplers of Optuna as ways of proposing: a study in memory, made anew from the history.

Optuna is optional: it is imported where a proposal is made. Source: Akiba et al. 2019, "Optuna: a
next-generation hyperparameter optimization framework".
"""

import importlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from reeltune.domain.arrays import Bools, Floats
from reeltune.domain.space import Space
from reeltune.search.single_thread import one_thread
from reeltune.search.strategy import Problem, Proposal, Trial

N_STARTUP_TRIALS = 10  # results before the samplers look at them: their own default
MAX_REPEATED = 5  # proposals that were tried before; then points at random
MIN_SOURCE = 10  # results of earlier runs, a tenth of which CMA-ES begins with


@dataclass(frozen=True)
class OptunaSearch:
    """Sampler that has no memory but its random numbers: TPE, or a Gaussian process.

    All that the run and earlier ones found is put into a study. What is being tried is there as
    running, what failed as worth as little as the worst.
    """

    name: str
    sampler: str  # its class
    needs_torch: bool = False
    by_axis: bool = False  # each axis by itself, so that what does not apply can be left out
    is_adaptive: bool = True

    def propose(self, problem: Problem) -> Proposal | None:
        """Return what the sampler draws next."""
        if not problem.space.dimensions:
            return None
        if problem.attempt > MAX_REPEATED:
            return _anywhere(problem)
        with _quiet(self.needs_torch) as optuna:
            seed = int(problem.generator().integers(2**31))
            sampler = getattr(optuna.samplers, self.sampler)(seed=seed)
            study = optuna.create_study(direction="maximize", sampler=sampler)
            ended, pending = problem.results(), problem.open_trials()
            study.add_trials([self._as_optuna(optuna, problem.space, t) for t in ended])
            study.add_trials([self._as_optuna(optuna, problem.space, t) for t in pending])
            point = _asked(optuna, study, problem.space)[1]
        learned = len(ended) >= N_STARTUP_TRIALS
        return Proposal(problem.space.decode(point), "exploit" if learned else "initial")

    def _as_optuna(self, optuna: Any, space: Space, trial: Trial) -> Any:
        active = space.active_axes(trial.configuration)
        return _as_optuna(optuna, space, trial, active if self.by_axis else None)


@dataclass(frozen=True)
class OptunaCmaEs:
    """CMA-ES of Optuna, whose generations are kept in its trials: the whole run is asked again.

    Each of the run's experiments is asked for with what was to be seen then, and told what was
    tried in fact.
    """

    name: str = "optuna-cmaes"
    is_adaptive: bool = True

    def propose(self, problem: Problem) -> Proposal | None:
        """Return what the sampler draws next."""
        space = problem.space
        if not space.dimensions:
            return None
        if problem.attempt > MAX_REPEATED:
            return _anywhere(problem)
        results = problem.results()
        earlier = [t for t in results if t.number is None]
        with _quiet() as optuna:
            source = [_as_optuna(optuna, space, t) for t in earlier]
            sampler = optuna.samplers.CmaEsSampler(
                seed=int(np.random.default_rng([problem.seed, problem.attempt]).integers(2**31)),
                source_trials=source if len(source) >= MIN_SOURCE else None,
            )
            study = optuna.create_study(direction="maximize", sampler=sampler)
            _replay(optuna, study, problem, results)
            point = _asked(optuna, study, space)[1]
        return Proposal(space.decode(point), "exploit" if len(results) > 1 else "initial")


def _replay(optuna: Any, study: Any, problem: Problem, results: list[Trial]) -> None:
    """Ask and tell the study as the run did, in the order of its numbers."""
    values = {t.number: t.value for t in results if t.number is not None}
    own = sorted((t.number, t) for t in problem.trials if t.number is not None)
    waiting: list[tuple[int, Any]] = []
    for number, trial in own:
        waiting = _tell_known(study, waiting, values, number - problem.asynchronous_delay)
        study.enqueue_trial(_by_axis(problem.space, problem.space.encode(trial.configuration)))
        waiting.append((number, _asked(optuna, study, problem.space)[0]))
    _tell_known(study, waiting, values, problem.number - problem.asynchronous_delay)


def _tell_known(
    study: Any, waiting: list[tuple[int, Any]], values: dict[int, float | None], up_to: int
) -> list[tuple[int, Any]]:
    """Tell the study what is known of experiments `up_to` a number; return what still waits."""
    left = []
    for number, asked in waiting:
        if number <= up_to and number in values:
            study.tell(asked, values[number])
        else:
            left.append((number, asked))
    return left


def _asked(optuna: Any, study: Any, space: Space) -> tuple[Any, Floats]:
    """Return Optuna's next trial, and its point (D,)."""
    asked = study.ask(_axes(optuna, space))
    _ = asked.relative_params  # keeps the sampler's state, also where the point is given
    units = [asked.params[f"x{k}"] for k in range(len(space.dimensions))]
    n_choices = space.n_choices
    return asked, np.where(n_choices > 0, (np.array(units) + 0.5) / np.maximum(1, n_choices), units)


def _as_optuna(optuna: Any, space: Space, trial: Trial, active: Bools | None = None) -> Any:
    """Return a trial as Optuna has it, with the `active` axes (D,) alone; None: all."""
    state = optuna.trial.TrialState
    point, axes = _by_axis(space, space.encode(trial.configuration)), _axes(optuna, space)
    kept = [name for k, name in enumerate(axes) if active is None or active[k]]
    return optuna.trial.create_trial(
        state=state.RUNNING if trial.is_open else state.COMPLETE,
        value=trial.value,
        params={name: point[name] for name in kept},
        distributions={name: axes[name] for name in kept},
    )


def _axes(optuna: Any, space: Space) -> dict[str, Any]:
    """Return Optuna's axes: of a category the positions of its choices, else the unit interval."""
    number = optuna.distributions.FloatDistribution(0.0, 1.0)
    category = optuna.distributions.CategoricalDistribution
    counts = enumerate(space.n_choices.tolist())
    return {f"x{k}": category(list(range(n))) if n else number for k, n in counts}


def _by_axis(space: Space, point: Floats) -> dict[str, float]:
    """Return a point (D,) by the names of Optuna's axes, with positions for categories."""
    assert len(point) == len(space.dimensions)
    places = zip(point.tolist(), space.n_choices.tolist(), strict=True)
    return {
        f"x{k}": min(n - 1, int(unit * n)) if n else float(unit)
        for k, (unit, n) in enumerate(places)
    }


def _anywhere(problem: Problem) -> Proposal:
    point = problem.generator().random(len(problem.space.dimensions))
    return Proposal(problem.space.decode(point), "explore")


@contextmanager
def _quiet(needs_torch: bool = False) -> Iterator[Any]:
    """Yield Optuna, silent and on one thread, since the number of threads changes the last bits."""
    optuna: Any = importlib.import_module("optuna")
    torch: Any = importlib.import_module("torch") if needs_torch else None
    n_threads = torch.get_num_threads() if torch else 0
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings(), one_thread():
        warnings.simplefilter("ignore")  # of what is experimental there
        try:
            if torch:
                torch.set_num_threads(1)
            yield optuna
        finally:
            if torch:
                torch.set_num_threads(n_threads)
