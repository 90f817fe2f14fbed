"""Proposer: what to try next, and what was tried; candidates in, `hp_experiments` out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from reeltune.db.connection import Connection, transaction
from reeltune.db.deployed import DEFAULTS, Deployed, load_deployed
from reeltune.db.experiments import (
    count_by_status,
    last_completion_number,
    load_experiments,
    load_history,
    save_experiment,
)
from reeltune.db.tuning_runs import (
    count_runs_like,
    load_comparable_runs,
    load_planned_run,
    load_runs,
    save_run,
)
from reeltune.domain.clock import stamp
from reeltune.domain.errors import InputError, NotFoundError
from reeltune.domain.experiment import (
    BASELINE,
    Experiment,
    Phase,
    Result,
    TaskKey,
    TuningRun,
    experiment_id,
)
from reeltune.domain.guardrail_figure import GuardrailFigure
from reeltune.domain.limits import Limits, contains, projected, restricted
from reeltune.domain.objectives import upwards
from reeltune.domain.space import Configuration, Space
from reeltune.domain.study import StudyConfig
from reeltune.gate.constraints import constraints
from reeltune.search import (
    ONE_OBJECTIVE,
    STRATEGIES,
    Problem,
    Proposal,
    Strategy,
    Trial,
    missing_libraries,
    propose,
)
from reeltune.search.grid import Grid
from reeltune.tasks.registry import described, task_kind
from reeltune.tasks.task import Task, directions
from reeltune.tuning.warm_start import GUESSED, first_guesses
from reeltune.views.best_of_runs import best_of_runs
from reeltune.views.stored import panel_of

DEFAULT_CONFIGS = dict.fromkeys(STRATEGIES, 50) | {"grid": 63, "bayesian": 20, "gp": 20}


class Proposer:
    """Proposer of configurations for a task, which keeps them in the database."""

    def __init__(self, conn: Connection, task: Task, study: StudyConfig | None = None) -> None:
        self.conn = conn
        self.task = task
        self.study = study or StudyConfig()
        self.space = task.space
        self._searched: dict[tuple[object, ...], Space] = {}
        self._within: dict[tuple[object, ...], bool] = {}

    def get_current_hyperparameters(self) -> dict[str, Any]:
        """Return the deployed configuration."""
        return self.deployed().hyperparameters

    def deployed(self) -> Deployed:
        """Return the deployed configuration, and where it is known from.

        Of what is never deployed, the defaults stand in its place.
        """
        if not task_kind(self.task.name).deploys:
            return Deployed(self.space.defaults(), DEFAULTS)
        return load_deployed(self.conn, self.space, self.task.model)

    def generate_grid_search_space(self, radius: float | None = None) -> list[dict[str, Any]]:
        """Systematic steps around the current values, each hyperparameter by itself.

        Args:
            radius: how far to go to either side, as a share of each hyperparameter's range; by
                default a tenth.
        """
        return Grid(radius).first_steps(self.space, self.get_current_hyperparameters())

    def generate_random_search_space(self, n: int = 50) -> list[dict[str, Any]]:
        """Return `n` configurations from the whole space, uniform."""
        return [proposal.configuration for proposal, _ in self._proposals("random", n)]

    def generate_bayesian_search_space(self, n: int = 20) -> list[dict[str, Any]]:
        """Return the `n` most promising configurations after all results on this data and space."""
        return [proposal.configuration for proposal, _ in self._proposals("bayesian", n)]

    def propose(
        self, run: TuningRun, number: int, current: Configuration, trials: Sequence[Trial]
    ) -> Proposal | None:
        """Return the candidate for experiment `number` of `run`; None where nothing is left."""
        space = self.searched_space(run, current)
        if space is not self.space:
            trials = [trial for trial in trials if self._is_within(space, trial.configuration)]
            current = projected(space, current)
        problem = Problem(
            space=space,
            current=current,
            seed=run.seed,
            number=number,
            trials=trials,
            n_objectives=len(run.objectives),
            asynchronous_delay=int(_number(run, "in_flight") or 1),
        )
        return propose(strategy_of(run), problem)

    def _is_within(self, space: Space, configuration: Configuration) -> bool:
        """Return `contains`, remembered: a run asks for each of its experiments many times."""
        key = (id(space), *configuration.values())
        if key not in self._within:
            self._within[key] = contains(space, configuration)
        return self._within[key]

    def searched_space(self, run: TuningRun, current: Configuration) -> Space:
        """Return what `run` may choose from: the whole space, or the part that its settings leave.

        Raises:
            InputError: they leave nothing.
        """
        limits = limits_of(run)
        if limits == Limits():
            return self.space
        key = (limits, tuple(current.items()))
        if key not in self._searched:
            self._searched[key] = restricted(self.space, limits, current)
        return self._searched[key]

    def earlier_trials(
        self, run: TuningRun, baseline: Mapping[str, GuardrailFigure] | None = None
    ) -> list[Trial]:
        """Return results that `run` may compare its own with; all so far if it is not started.

        With constraints against the `baseline` of the run, once its figures are known.
        """
        return [_trial(run, found, baseline or {}) for found in self._earlier_results(run)]

    def _earlier_results(self, run: TuningRun) -> list[Result]:
        cutoff = run.history_cutoff
        return load_history(
            self.conn,
            replace(
                self.task.key(self.study.objective),
                panel=_number(run, "panel"),
                timeout_seconds=_number(run, "timeout_seconds"),
                memory_bytes=_number(run, "memory_bytes"),
            ),
            last_completion_number(self.conn) if cutoff is None else cutoff,
            run.objectives[1:],
        )

    def save_candidates(self, method: str, n: int) -> tuple[str, list[Experiment]]:
        """Store up to `n` pending candidates in the planned run of this method, made if need be.

        Returns the run's id and the new experiments.
        """
        run = self.planned_run(method)
        pending = load_experiments(self.conn, run.tuning_run_id) if run else []
        first = 1 + max((e.number for e in pending), default=BASELINE)
        proposals = self._proposals(method, n, run, pending)
        run = run or self.new_run(method, n)
        made = [
            replace(new_experiment(run, number, each.configuration, each.phase), tuning_method=how)
            for number, (each, how) in enumerate(proposals, first)
        ]
        with transaction(self.conn):
            if not pending:
                save_run(self.conn, run)
            for experiment in made:
                self.save_experiment(experiment)
        return run.tuning_run_id, made

    def save_experiment(self, experiment: Experiment) -> None:
        """Store an experiment.

        Raises:
            InputError: its configuration is not valid.
        """
        values = self.space.checked(experiment.hyperparameters)
        save_experiment(self.conn, replace(experiment, hyperparameters=values))

    def get_best_experiment(self) -> Experiment:
        """Return the best experiment of all comparable runs, not of the latest one only.

        Comparable are runs on this data with the same task, model, space, split, first objective
        and program; of runs on a sample of the users, those on the same sample as the latest. The
        best has the highest lower bound of its value; of equals it is that of the earliest run.

        Raises:
            NotFoundError: no such run has completed an experiment.
        """
        key = self.task.key(self.study.objective)
        runs = load_comparable_runs(self.conn, key)
        found = runs and best_of_runs(self.conn, replace(key, panel=panel_of(runs[-1])))
        if not found:
            raise NotFoundError(self._nothing_completed(key))
        return found.experiment

    def _nothing_completed(self, key: TaskKey) -> str:
        """Return that no comparable run has a result, and which others there are."""
        others = [
            f"--objective {run.objective} --split {run.split}"
            for run in load_runs(self.conn)
            if run.data_fingerprint == key.data_fingerprint
            and run.model == key.model
            and (run.objective, run.split) != (key.objective, key.split)
        ]
        more = f" (there are runs with {', '.join(dict.fromkeys(others))})" if others else ""
        return (
            f"no experiment for {key.objective} with split {key.split} has been completed on this "
            f"data: run `tune_orchestrator.py` first{more}"
        )

    def get_tuning_statistics(self) -> dict[str, Any]:
        """Return how many runs and experiments there are, by method and by status."""
        runs = load_runs(self.conn)
        methods = {run.method for run in runs}
        return {
            "runs": len(runs),
            "runs_by_method": {m: sum(r.method == m for r in runs) for m in sorted(methods)},
            "experiments_by_status": count_by_status(self.conn),
        }

    def new_run(self, method: str, n_configs: int) -> TuningRun:
        """Return a planned run, not stored yet."""
        check_method(method)
        prefix = f"{method}_{stamp().translate({ord(c): None for c in '-:Z'}).replace('T', '_')}"
        same_second = count_runs_like(self.conn, prefix)
        return TuningRun(
            tuning_run_id=f"{prefix}_{same_second + 1}" if same_second else prefix,
            created_at=stamp(),
            method=method,
            objective=self.study.objective,
            task=self.task.name,
            model=self.task.model,
            split=self.task.split,
            space_fingerprint=self.space.fingerprint,
            seed=len(load_runs(self.conn)) if self.study.seed is None else self.study.seed,
            n_configs=n_configs,
            settings=described(self.task)
            | {"directions": list(directions(self.task, [self.study.objective]))},
            status="planned",
        )

    def planned_run(self, method: str) -> TuningRun | None:
        """Return the run that holds this method's pending candidates, if there is one."""
        return load_planned_run(
            self.conn, method, self.task.model, self.task.split, self.study.objective
        )

    def _proposals(
        self,
        method: str,
        n: int,
        run: TuningRun | None = None,
        pending: Sequence[Experiment] = (),
    ) -> list[tuple[Proposal, str]]:
        """Return a batch of up to `n` candidates that go on after those `pending` in `run`.

        Each comes with how it was proposed. The first of a method that learns are the task's
        guesses, as in a run that begins.
        """
        run = run or self.new_run(method, n)
        current = self.get_current_hyperparameters()
        trials = self.earlier_trials(run, self._figures_of(current, run))
        trials += [Trial(e.hyperparameters, None, e.number) for e in pending]
        first = 1 + max((e.number for e in pending), default=BASELINE)
        found: list[tuple[Proposal, str]] = []
        if check_method(method).is_adaptive and not pending:
            known = [current, *(trial.configuration for trial in trials)]
            guesses = first_guesses(self.task, run, self.space, current, known)
            found = [
                (Proposal(self.space.checked(guess), "initial"), GUESSED) for guess in guesses[:n]
            ]
        trials += [Trial(each.configuration, None, k) for k, (each, _) in enumerate(found, first)]
        for number in range(first + len(found), first + n):
            proposal = self.propose(run, number, current, trials)
            if proposal is None:
                break
            found.append((proposal, method))
            trials.append(Trial(proposal.configuration, None, number))
        return found

    def _figures_of(
        self, configuration: Configuration, run: TuningRun
    ) -> Mapping[str, GuardrailFigure]:
        """Return what guardrails look at of a configuration that an earlier run tried."""
        for found in reversed(self._earlier_results(run)):
            if found.guardrails and dict(found.hyperparameters) == dict(configuration):
                return found.guardrails
        return {}


def limits_of(run: TuningRun) -> Limits:
    """Return the limits within which a run searches."""
    stored = run.settings.get("limits", {})
    assert isinstance(stored, Mapping)
    return Limits.of(stored)


def _trial(run: TuningRun, found: Result, baseline: Mapping[str, GuardrailFigure]) -> Trial:
    """Return an earlier result as strategies of `run` see it."""
    return Trial(
        found.hyperparameters,
        None if found.value is None else run.direction.upwards(found.value),
        failed=found.status == "failed",
        pruned=found.status == "pruned",
        values=_upwards(run, found),
        constraints=constraints(found.guardrails, baseline),
    )


def _upwards(run: TuningRun, found: Result) -> tuple[float, ...]:
    """Return a result's values where a run has several objectives."""
    if len(run.objectives) == 1 or found.status != "completed":
        return ()
    return upwards(run.directions, (found.value, *found.further))


def check_way(study: StudyConfig, method: str, *, progressive: bool, prunes: bool) -> None:
    """Refuse a way to go about a run that cannot serve its objectives.

    Raises:
        InputError: there are several, and one is needed.
    """
    if not study.further_objectives:
        return
    wrong = {
        f"--method {method}": method in ONE_OBJECTIVE,
        "--progressive": progressive,
        "--pruner": prunes,
    }
    for what, holds in wrong.items():
        if holds:
            raise InputError(
                f"{what} needs one objective, got {', '.join(study.objectives)}: leave it out, "
                "or give one"
            )


def _number(run: TuningRun, name: str) -> float | None:
    """Return a number among the run's settings; None if it is not there."""
    stored = run.settings.get(name)
    return float(stored) if isinstance(stored, int | float) else None


def new_experiment(
    run: TuningRun,
    number: int,
    configuration: Configuration,
    phase: Phase,
    parent: str | None = None,
) -> Experiment:
    """Return a pending experiment of `run`, not stored yet."""
    return Experiment(
        experiment_id=experiment_id(run.tuning_run_id, number),
        tuning_run_id=run.tuning_run_id,
        number=number,
        status="pending",
        created_at=stamp(),
        hyperparameters=dict(configuration),
        tuning_method=run.method,
        parent_experiment_id=parent,
        exploration_phase=phase,
        seed=run.seed,
        direction=run.direction,
    )


def strategy_of(run: TuningRun) -> Strategy:
    """Return how a run proposes."""
    strategy = check_method(run.method)
    stored = run.settings.get("grid")
    return Grid(**stored) if isinstance(strategy, Grid) and isinstance(stored, dict) else strategy


def check_method(method: str) -> Strategy:
    """Return the strategy of that name.

    Raises:
        InputError: there is none, or a library that it needs is not installed.
    """
    if method not in STRATEGIES:
        raise InputError(f"--method must be one of {', '.join(STRATEGIES)}, got {method!r}")
    missing = missing_libraries(method)
    if missing:
        raise InputError(
            f"--method {method} needs {' and '.join(missing)}, not installed here: "
            "pip install -r requirements-optuna.txt"
        )
    return STRATEGIES[method]
