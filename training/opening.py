"""The first experiments of a run, decided when it starts, and what a finished run leaves behind."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from db.connection import Connection, transaction
from db.experiments import load_experiments, save_experiment
from db.patterns import judge_warm_starts, load_patterns, save_pattern, save_warm_start
from domain.dataset import Dataset
from domain.experiment import BASELINE, Experiment, TuningRun
from domain.limits import combinations, projected
from domain.pattern import WarmStart
from domain.space import Configuration, Space
from hyperparameter_tuner import HyperparameterTuner, new_experiment
from training.plan import Plan
from training.profile import profile
from training.warm_start import Lead, leads, most_starts, pattern_of

FIRST = BASELINE + 1


@dataclass(frozen=True)
class Opening:
    """What a run tries before its strategy is asked.

    A grid over choices alone is tried whole. Any other run starts with what is nearest to the
    deployed configuration within its limits, and then with the best of earlier runs on similar
    data. All of it is stored when the run starts, so that a resumed run has the same.
    """

    tuner: HyperparameterTuner
    planned: TuningRun
    current: Configuration

    @property
    def run(self) -> TuningRun:
        """The run, with no more experiments than there are combinations."""
        n = len(self._grid) or self.planned.n_configs
        return replace(self.planned, n_configs=min(n, self.planned.n_configs))

    def save(self, conn: Connection) -> None:
        """Store the first experiments as pending."""
        for number, configuration in enumerate([*self._grid, *self._nearest], FIRST):
            save_experiment(conn, self._experiment(number, configuration))
        for number, lead in enumerate(self._leads(conn), FIRST + len(self._nearest)):
            experiment = self._experiment(number, lead.hyperparameters)
            save_experiment(conn, experiment)
            assert lead.pattern.pattern_id is not None
            start = WarmStart(
                experiment_id=experiment.experiment_id,
                pattern_id=lead.pattern.pattern_id,
                similarity=lead.similarity,
                trust=lead.trust,
            )
            save_warm_start(conn, start)

    @cached_property
    def _grid(self) -> Sequence[Configuration]:
        if self.planned.method != "grid":
            return []
        space = self.tuner.searched_space(self.planned, self.current)
        return whole_grid(self.tuner.space, space, self.current, self.planned.n_configs) or []

    @cached_property
    def _nearest(self) -> Sequence[Configuration]:
        """The deployed configuration brought within the limits, where it is not there already."""
        space = self.tuner.searched_space(self.planned, self.current)
        if self._grid or space is self.tuner.space:
            return []
        nearest = projected(space, self.current)
        return [] if nearest == self.current else [nearest]

    def _leads(self, conn: Connection) -> Sequence[Lead]:
        if self._grid or not Plan.of(self.planned).starts_warm or not most_starts(self.planned):
            return []
        patterns = load_patterns(conn)
        if not any(pattern.best for pattern in patterns):
            return []
        earlier = self.tuner.earlier_trials(self.planned)
        tried = [*self._nearest, *(trial.configuration for trial in earlier)]
        space = self.tuner.searched_space(self.planned, self.current)
        found = profile(self.tuner.data)
        return leads(patterns, self.planned, found, space, self.current, tried)

    def _experiment(self, number: int, configuration: Configuration) -> Experiment:
        values = self.tuner.space.checked(configuration)
        return new_experiment(self.planned, number, values, "initial")


def whole_grid(
    whole: Space, part: Space, current: Configuration, most: int
) -> list[Configuration] | None:
    """Up to `most` combinations of what may be chosen in `part` of a space, but `current`.

    None where they cannot be counted.
    """
    every = combinations(part, most + 1)
    if every is None:
        return None
    members = whole.hyperparameters
    stays = {name: current[name] for name, member in members.items() if not member.searched}
    found: list[Configuration] = [{**configuration, **stays} for configuration in every]
    return [configuration for configuration in found if configuration != current][:most]


def leave_pattern(conn: Connection, data: Dataset, run: TuningRun) -> None:
    """Keep what a finished run taught, and say of its warm starts whether they helped."""
    experiments = load_experiments(conn, run.tuning_run_id)
    with transaction(conn):
        save_pattern(conn, pattern_of(run, profile(data), experiments))
        judge_warm_starts(conn, run.tuning_run_id)
