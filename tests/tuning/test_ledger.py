"""What a run keeps of each experiment, and which of them is the best."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import Connection, connection
from reeltune.db.experiments import load_experiment, load_experiments, load_group_gains
from reeltune.db.tuning_runs import load_run_totals, save_run
from reeltune.domain.arrays import Floats
from reeltune.domain.experiment import BASELINE, LOWER_BOUND_ERRORS, Measurement, TuningRun
from reeltune.domain.study import StudyConfig
from reeltune.stats.paired_gain import paired_gain
from reeltune.tuning.ledger import Ledger
from reeltune.tuning.proposer import new_experiment

USERS = np.random.default_rng(1).random(100)
NOISE = np.random.default_rng(2).standard_normal(100)
SURE, LUCKY = USERS + 0.01 + 0.001 * NOISE, USERS + 0.02 + 0.5 * (NOISE - NOISE.mean())
RUN = TuningRun(
    tuning_run_id="random_1",
    created_at="2026-11-20T21:00:00Z",
    method="random",
    objective="accuracy",
    model=StudyConfig().model,
    split="user-time",
    space_fingerprint=SPACE.fingerprint,
    seed=1,
    n_configs=9,
    data_fingerprint="d" * 64,
    history_cutoff=0,
    status="running",
)


def measured(values: Floats) -> Measurement:
    mean = float(values.mean())
    return Measurement(
        objective_value=mean, metrics={"accuracy": mean}, user_values=values, seconds=0.1
    )


def ledger_of(conn: Connection, n: int) -> Ledger:
    """One with `n` experiments under way."""
    save_run(conn, RUN)
    ledger = Ledger(conn, RUN)
    for number in range(n):
        ledger.begin([new_experiment(RUN, number, SPACE.defaults(), "initial")])
    return ledger


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_the_surest_gain_is_the_best_in_whatever_order_they_are_completed(
    tmp_path: Path, order: tuple[int, ...]
) -> None:
    with connection(tmp_path / "movies.db", create=True) as conn:
        ledger = ledger_of(conn, 3)
        for number in order:
            ledger.complete(number, measured((USERS, SURE, LUCKY)[number]))
        assert ledger.best is not None
        assert ledger.best.number == 1
        again = Ledger(conn, RUN)
        assert again.best == load_experiments(conn, RUN.tuning_run_id)[1]
        assert again.best_up_to(2) == again.best
        groups = load_group_gains(conn, RUN.tuning_run_id)
    gain = paired_gain(SURE, USERS, seed=RUN.seed)
    assert gain is not None
    assert again.best.improvement_error == ledger.best.improvement_error == gain.error
    assert groups["random_1_001"] == pytest.approx(gain.by_group, rel=1e-3)


def guarded(values: Floats, ndcg: float) -> Measurement:
    """With a list metric, and the objective in a segment of the users."""
    found = measured(values)
    new = np.where(np.arange(len(values)) < 50, values, np.nan)
    return replace(
        found,
        metrics={**found.metrics, "ndcg@10": ndcg},
        guarded={"accuracy, new users": new},
    )


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_the_best_violates_no_guardrail_in_whatever_order_they_are_completed(
    tmp_path: Path, order: tuple[int, ...]
) -> None:
    found = (guarded(USERS, 0.1), guarded(SURE, 0.1), guarded(SURE + 0.02, 0.08))
    with connection(tmp_path / "movies.db", create=True) as conn:
        ledger = ledger_of(conn, 3)
        for number in order:
            ledger.complete(number, found[number])
        again = Ledger(conn, RUN)
        totals = load_run_totals(conn)[RUN.tuning_run_id]
    assert [e.is_feasible for e in again.experiments.values()] == [True, True, False]
    assert again.experiments == ledger.experiments | {
        n: replace(e, completion_number=again.experiments[n].completion_number)
        for n, e in ledger.experiments.items()
    }
    told = again.experiments[1].guardrails
    assert list(told) == ["ndcg@10", "accuracy, new users"]
    assert told["accuracy, new users"].figure == pytest.approx(SURE[:50].mean())
    assert again.experiments[2].guardrails["ndcg@10"].constraint == pytest.approx(0.1)
    assert ledger.best is not None
    assert again.best is not None
    assert ledger.best.number == again.best.number == 1
    assert totals.best_experiment_id == again.best.experiment_id
    assert [t.is_feasible for t in again.trials(2)] == [True, True, False]
    assert again.trials(2)[2].constraints[0] == pytest.approx(0.1)


def test_of_what_is_not_to_be_seen_yet_no_constraint_is_seen(tmp_path: Path) -> None:
    with connection(tmp_path / "movies.db", create=True) as conn:
        ledger = ledger_of(conn, 2)
        for number in (0, 1):
            ledger.complete(number, guarded(USERS, 0.1))
    assert [bool(t.constraints) for t in ledger.trials(0)] == [True, False]


def test_with_a_baseline_of_an_earlier_program_nothing_is_held_against_it(tmp_path: Path) -> None:
    with connection(tmp_path / "movies.db", create=True) as conn:
        ledger_of(conn, 2).complete(0, guarded(USERS, 0.1))
        conn.execute("UPDATE hp_experiments SET guardrails = NULL, is_feasible = NULL")
        ledger = Ledger(conn, RUN)
        ledger.complete(1, guarded(SURE, 0.01))
    assert ledger.experiments[1].guardrails == {}
    assert ledger.best is not None
    assert ledger.best.number == 1


def test_the_database_and_the_program_mean_the_same_by_the_best(tmp_path: Path) -> None:
    with connection(tmp_path / "movies.db", create=True) as conn:
        ledger = ledger_of(conn, 3)
        for number, values in enumerate((USERS, SURE, LUCKY)):
            ledger.complete(number, measured(values))
        stored = conn.execute("SELECT lower_bound FROM hp_experiments ORDER BY number").fetchall()
        totals = load_run_totals(conn)[RUN.tuning_run_id]
        assert totals.best_experiment_id is not None
        best = load_experiment(conn, totals.best_experiment_id)
    bounds = [ledger.experiments[number].lower_bound for number in range(3)]
    assert [row["lower_bound"] for row in stored] == pytest.approx(bounds, abs=0)
    assert best.number == 1
    assert totals.best_value == best.objective_value


def test_the_baseline_is_its_own_bound_and_a_candidate_is_less_sure(tmp_path: Path) -> None:
    with connection(tmp_path / "movies.db", create=True) as conn:
        ledger = ledger_of(conn, 2)
        ledger.complete(0, measured(USERS))
        ledger.complete(1, measured(LUCKY))
    baseline, lucky = ledger.baseline, ledger.experiments[1]
    assert baseline.improvement_error == 0
    assert baseline.lower_bound == baseline.objective_value
    error = float(np.std(LUCKY - USERS, ddof=1) / 10)
    assert lucky.lower_bound == pytest.approx(LUCKY.mean() - LOWER_BOUND_ERRORS * error)
    assert ledger.best == baseline


def test_where_the_baseline_failed_values_are_compared_as_they_are(tmp_path: Path) -> None:
    with connection(tmp_path / "movies.db", create=True) as conn:
        ledger = ledger_of(conn, 3)
        ledger.fail(BASELINE, "broken", 0.1)
        ledger.complete(1, measured(SURE))
        ledger.complete(2, measured(LUCKY))
    assert ledger.best is not None
    assert ledger.best.number == 2
    assert ledger.best.improvement_error is None
