"""Tuner and orchestrator of recommenders: those of any task, for the ratings of a database."""

from reeltune.db.connection import Connection
from reeltune.domain.study import StudyConfig
from reeltune.ratings.dataset import Dataset
from reeltune.tasks.ratings import RatingsTask, suited
from reeltune.tracking.progress import Watcher
from reeltune.tuning.orchestrator import Orchestrator
from reeltune.tuning.proposer import Proposer


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
