"""Tuner and orchestrator of recommenders: those of any task, for the ratings of a database."""

from dataclasses import replace

from reeltune.db.connection import Connection
from reeltune.domain.study import HYBRID, StudyConfig
from reeltune.ratings.dataset import Dataset
from reeltune.tasks.ratings import RatingsTask, suited
from reeltune.tracking.progress import Watcher
from reeltune.tuning.orchestrator import Orchestrator
from reeltune.tuning.plan import Plan
from reeltune.tuning.proposer import DEFAULT_CONFIGS, Proposer
from reeltune.tuning.result import RunResult

PHASE_2_METHOD = "bayesian"


class HyperparameterTuner(Proposer):
    """Proposes configurations of a recommender and keeps them in the database."""

    def __init__(self, conn: Connection, data: Dataset, study: StudyConfig | None = None) -> None:
        study = suited(study or StudyConfig(), data)
        super().__init__(conn, RatingsTask.of(data, study), study)
        self.data = data


class TuningOrchestrator(Orchestrator):
    """Puts every candidate of a run through the full retraining pipeline.

    Args:
        conn: the database; whoever calls holds its lock.
        data: what is trained on.
        study: what is tuned.
        jobs: cores to use; changes how long a run takes, and nothing else.
        timeout_seconds: an experiment that takes longer fails.
        watch: is told of each step.
    """

    def __init__(
        self,
        conn: Connection,
        data: Dataset,
        study: StudyConfig | None = None,
        *,
        jobs: int = 1,
        timeout_seconds: float | None = None,
        watch: Watcher | None = None,
    ) -> None:
        study = suited(study or StudyConfig(), data)
        super().__init__(
            conn,
            RatingsTask.of(data, study),
            study,
            jobs=jobs,
            timeout_seconds=timeout_seconds,
            watch=watch,
        )
        self.data = data

    def run_phase_2_tuning(
        self, method: str = PHASE_2_METHOD, n_configs: int = DEFAULT_CONFIGS[PHASE_2_METHOD]
    ) -> RunResult:
        """Tune the hybrid, whose components' weights are fitted: phase 1 tunes those set by hand.

        For the same split and objectives. What phase 1 has deployed is what the gate compares with.
        """
        second = TuningOrchestrator(
            self.conn,
            self.data,
            phase_2(self.study),
            jobs=self.jobs,
            timeout_seconds=self.timeout_seconds,
            watch=self.watcher,
        )
        plan = Plan(method=method, n_configs=n_configs, timeout_seconds=self.timeout_seconds)
        return second.run(plan)


def phase_2(study: StudyConfig) -> StudyConfig:
    """Return the study of the hybrid that follows one of the hand-weighted recommender."""
    return replace(study, model=HYBRID)
