"""A database with what reports show: runs with results of every kind, and versions."""

from pathlib import Path

import numpy as np

from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import Connection, connection, transaction
from reeltune.db.dataset import load_dataset
from reeltune.db.experiments import save_guardrails
from reeltune.domain.guardrail_figure import GuardrailFigure
from reeltune.domain.study import StudyConfig
from reeltune.tasks.registry import subject_of
from reeltune.tuning.plan import Plan
from reeltune.tuning.ratings import TuningOrchestrator
from reeltune.versioning.request import RetrainingRequest
from reeltune.versioning.retraining import retrain
from reeltune.views.run_report import RunReport, report_run
from tests.views.stored_runs import StoredRun

HOSTILE = "KeyError: <script>alert('x')</script> & \"quoted\" \x1b[31mred\nnext line </style>"
RUN = "bayesian_20261120_210000"
USERS = 300


def write_run(conn: Connection, n: int = 40, run_id: str = RUN, seed: int = 1) -> str:
    """Write a run whose accuracy follows two weights, with failures and guardrails."""
    rng = np.random.default_rng(seed)
    users = rng.random(USERS)
    with transaction(conn):
        run = StoredRun(conn, run_id)
        first = run.completed(0.6, users)
        began = GuardrailFigure(figure=0.05, error=None, bound=0.02, constraint=-0.03)
        save_guardrails(conn, first, {"ndcg@10": began})
        for number in range(1, n):
            point = np.random.default_rng(number).random(len(SPACE.dimensions))
            values = SPACE.decode(point)
            gain = 0.1 * values["genre_weight"] - 0.05 * values["rating_weight"] ** 2
            value = 0.6 + gain + 0.001 * rng.standard_normal()
            id_ = run.completed(value, users + gain + 0.02 * rng.standard_normal(USERS))
            figure = GuardrailFigure(
                figure=0.05 - gain, error=0.002, bound=0.02, constraint=gain - 0.03
            )
            save_guardrails(conn, id_, {"ndcg@10": figure})
        run.failed(HOSTILE)
    return run_id


def reported(conn: Connection, run_id: str = RUN) -> RunReport:
    """The report of a run."""
    found = report_run(conn, run_id, subject_of=subject_of)
    assert found is not None
    return found


def make_lived_in(path: Path) -> str:
    """Tune and retrain in a small world: the id of its run of 24, after which 3 versions are."""
    with connection(path) as conn:
        data, study = load_dataset(conn), StudyConfig(seed=1)
        first = RetrainingRequest(study=study, force=True, accuracy_threshold=0.0)
        assert retrain(conn, data, first).verdict == "promoted"
        orchestrator = TuningOrchestrator(conn, data, study)
        run_id = orchestrator.run(Plan(method="random", n_configs=24)).tuning_run_id
        orchestrator.run(Plan(method="sobol", n_configs=6))
        tried = [t for t in reported(conn, run_id).traces if t.number and t.value is not None]
        best = max(tried, key=lambda trace: trace.value or 0.0)
        for threshold in (0.999, 0.0):
            request = RetrainingRequest(
                study=study,
                hyperparameters=best.hyperparameters,
                experiment_id=best.experiment_id,
                reason="the best of the run",
                force=True,
                accuracy_threshold=threshold,
            )
            retrain(conn, data, request)
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return run_id
