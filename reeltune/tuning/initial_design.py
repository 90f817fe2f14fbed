"""Initial design: the first experiments of a run, and what a finished run leaves behind."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from reeltune.db.connection import Connection, transaction
from reeltune.db.experiments import load_experiments, save_experiment
from reeltune.db.warm_starts import (
    judge_warm_starts,
    load_warm_start_sources,
    save_warm_start,
    save_warm_start_source,
)
from reeltune.domain.experiment import BASELINE, Experiment, TuningRun
from reeltune.domain.limits import combinations, projected
from reeltune.domain.space import Configuration, Space
from reeltune.domain.warm_start import WarmStart
from reeltune.tasks.task import Task
from reeltune.tuning.plan import Plan
from reeltune.tuning.proposer import Proposer, check_method, new_experiment
from reeltune.tuning.warm_start import (
    GUESSED,
    MetaFeatures,
    WarmStartCandidate,
    first_guesses,
    max_starts,
    source_of,
    warm_start_candidates,
)

FIRST = BASELINE + 1


@dataclass(frozen=True)
class InitialDesign:
    """Experiments that a run tries before its strategy is asked.

    A grid over choices alone is tried whole. Any other run starts with what is nearest to the
    deployed configuration within its limits; if its strategy is adaptive, with the
    guesses of the task; and then with the best of earlier runs on similar data. All of it is stored
    when the run starts, so that a resumed run has the same.
    """

    tuner: Proposer
    planned: TuningRun
    current: Configuration

    @property
    def run(self) -> TuningRun:
        """Run, with no more experiments than there are combinations."""
        n = len(self._grid) or self.planned.n_configs
        return replace(self.planned, n_configs=min(n, self.planned.n_configs))

    def save(self, conn: Connection, *, with_candidates: bool) -> None:
        """Store the baseline as pending, and unless the run has candidates already the others."""
        baseline = new_experiment(self.run, BASELINE, self.current, "baseline")
        save_experiment(conn, baseline)
        if with_candidates:
            self._save_candidates(conn)

    def _save_candidates(self, conn: Connection) -> None:
        first = [*self._grid, *self._nearest, *self._centre]
        for number, configuration in enumerate(first, FIRST):
            save_experiment(conn, self._experiment(number, configuration))
        for number, guess in enumerate(self._guesses, FIRST + len(first)):
            experiment = self._experiment(number, guess)
            save_experiment(conn, replace(experiment, tuning_method=GUESSED))
        n_before = len(first) + len(self._guesses)
        for number, candidate in enumerate(self._warm_starts(conn), FIRST + n_before):
            experiment = self._experiment(number, candidate.hyperparameters)
            save_experiment(conn, experiment)
            assert candidate.source.pattern_id is not None
            start = WarmStart(
                experiment_id=experiment.experiment_id,
                pattern_id=candidate.source.pattern_id,
                similarity=candidate.similarity,
                trust=candidate.success_rate,
            )
            save_warm_start(conn, start)

    @cached_property
    def _grid(self) -> Sequence[Configuration]:
        if self.planned.method != "grid":
            return []
        return whole_grid(self.tuner.space, self._space, self.current, self.planned.n_configs) or []

    @cached_property
    def _nearest(self) -> Sequence[Configuration]:
        """Deployed configuration brought within the limits, where it is not there already."""
        if self._grid or self._space is self.tuner.space:
            return []
        nearest = projected(self._space, self.current)
        return [] if nearest == self.current else [nearest]

    @cached_property
    def _centre(self) -> Sequence[Configuration]:
        """Centre of a grid around an experiment, where it was not measured on these data."""
        grid = Plan.of(self.planned).grid
        if self._grid or grid.around is None:
            return []
        centre = grid.centre(self._space, self.current)
        known = [self.current, *self._nearest, *self._tried]
        return [] if centre in known else [centre]

    @cached_property
    def _guesses(self) -> Sequence[Configuration]:
        """Guesses of the task, of a run whose strategy learns."""
        is_adaptive = check_method(self.planned.method).is_adaptive
        if self._grid or not is_adaptive or not Plan.of(self.planned).starts_warm:
            return []
        known = [self.current, *self._nearest, *self._centre, *self._tried]
        return first_guesses(self.tuner.task, self.planned, self._space, self.current, known)

    def _warm_starts(self, conn: Connection) -> Sequence[WarmStartCandidate]:
        if self._grid or not Plan.of(self.planned).starts_warm or not max_starts(self.planned):
            return []
        sources = load_warm_start_sources(conn)
        if not any(source.best for source in sources):
            return []
        known = [*self._nearest, *self._centre, *self._guesses, *self._tried]
        data = meta_features(self.tuner.task)
        return warm_start_candidates(sources, self.planned, data, self._space, self.current, known)

    @cached_property
    def _space(self) -> Space:
        return self.tuner.searched_space(self.planned, self.current)

    @cached_property
    def _tried(self) -> Sequence[Configuration]:
        """Configurations that earlier runs on the same data tried."""
        earlier = self.tuner.earlier_trials(self.planned)
        return [trial.configuration for trial in earlier]

    def _experiment(self, number: int, configuration: Configuration) -> Experiment:
        values = self.tuner.space.checked(configuration)
        return new_experiment(self.planned, number, values, "initial")


def whole_grid(
    whole: Space, part: Space, current: Configuration, most: int
) -> list[Configuration] | None:
    """Return up to `most` combinations of what may be chosen in `part` of a space, but `current`.

    None where they cannot be counted.
    """
    every = combinations(part, most + 1)
    if every is None:
        return None
    members = whole.hyperparameters
    stays = {name: current[name] for name, member in members.items() if not member.searched}
    found: list[Configuration] = [{**configuration, **stays} for configuration in every]
    return [configuration for configuration in found if configuration != current][:most]


def record_source(conn: Connection, task: Task, run: TuningRun) -> None:
    """Store what a finished run found as a source of warm starts, and whether its own helped."""
    experiments = load_experiments(conn, run.tuning_run_id)
    with transaction(conn):
        save_warm_start_source(conn, source_of(run, task.meta_features(), experiments))
        judge_warm_starts(conn, run.tuning_run_id)


def meta_features(task: Task) -> MetaFeatures:
    """Return what the data of a task are like."""
    return MetaFeatures(task.meta_features(), task.meta_feature_scales)
