"""A search keeps within the guardrails: what experiments record of them, and what follows."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reeltune.commands.tuning_session import TuningSession
from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import Connection, connection, transaction
from reeltune.db.dataset import load_dataset
from reeltune.db.experiments import load_experiments
from reeltune.db.test_evaluations import load_test_evaluations
from reeltune.db.versions import load_production
from reeltune.domain.errors import InterruptedRunError
from reeltune.domain.experiment import BASELINE, Experiment, TuningRun
from reeltune.domain.guardrail_figure import GuardrailFigure
from reeltune.domain.space import Configuration
from reeltune.domain.study import StudyConfig
from reeltune.gate.constraints import constraints, guardrail_figures
from reeltune.search import Proposal, Trial
from reeltune.tasks.registry import subject_of
from reeltune.tuning import ledger as ledger_module
from reeltune.tuning.plan import Plan
from reeltune.tuning.proposer import Proposer
from reeltune.tuning.ratings import HyperparameterTuner, TuningOrchestrator
from reeltune.tuning.result import RunResult
from reeltune.versioning.request import RetrainingRequest
from reeltune.versioning.retraining import retrain
from reeltune.views.summary import summarise
from tests.tuning.runs import Interrupting, resumed, tuned

ONLY_CAST = SPACE.merged(
    SPACE.defaults(),
    {
        "genre_weight": 0.0,
        "cast_weight": 1.0,
        "franchise_weight": 0.0,
        "rating_weight": 0.0,
        "popularity_weight": 0.0,
    },
)
ALL = {
    "ndcg@10",
    "coverage@10",
    "accuracy, calendar",
    "accuracy, new users",
    "accuracy, heavy users",
}
Seen = dict[int, list[Trial]]


@pytest.fixture
def world(crowd: Path, tmp_path: Path) -> Path:
    """A copy of the larger world, whose deployed configuration is easily beaten."""
    path = Path(shutil.copy(crowd, tmp_path / "movies.db"))
    described = {"model": "hand-weighted", "hyperparameters": ONLY_CAST}
    (tmp_path / "hyperparameters.json").write_text(json.dumps(described))
    return path


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    """The trials that the strategy sees, by the number that it proposes."""
    found: Seen = {}
    propose = Proposer.propose

    def recording(
        self: Proposer,
        run: TuningRun,
        number: int,
        current: Configuration,
        trials: Sequence[Trial],
    ) -> Proposal | None:
        found[number] = list(trials)
        return propose(self, run, number, current, trials)

    monkeypatch.setattr(Proposer, "propose", recording)
    return found


def experiments(path: Path, run_id: str) -> list[Experiment]:
    with connection(path) as conn:
        return load_experiments(conn, run_id)


def told(path: Path, result: RunResult) -> list[Any]:
    found = experiments(path, result.tuning_run_id)
    return [(e.number, dict(e.hyperparameters), dict(e.guardrails)) for e in found]


def test_each_experiment_records_what_the_guardrails_say_and_sql_reads_it(world: Path) -> None:
    result = tuned(world, Plan(method="random", n_configs=8))
    found = experiments(world, result.tuning_run_id)
    assert all(set(e.guardrails) == ALL for e in found)
    assert found[BASELINE].is_feasible
    assert {e.is_feasible for e in found} == {True, False}
    with connection(world) as conn:
        rows = conn.execute(
            """
            SELECT e.number, e.is_feasible, g.key, g.value ->> 'figure', g.value ->> 'constraint'
              FROM hp_experiments AS e, json_each(e.guardrails) AS g
             WHERE g.key = 'coverage@10' ORDER BY e.number
            """
        ).fetchall()
    for row, e in zip(rows, found, strict=True):
        kept = e.guardrails["coverage@10"]
        assert tuple(row) == (
            e.number,
            e.is_feasible,
            "coverage@10",
            e.metrics["coverage@10"],
            kept.constraint,
        )
    assert result.experiments_infeasible == sum(not e.is_feasible for e in found)


def test_the_best_is_the_surest_that_keeps_within_them(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unguarded = Path(shutil.copy(world, tmp_path / "free.db"))
    shutil.copy(tmp_path / "hyperparameters.json", unguarded.with_suffix(".hyperparameters.json"))
    free = tuned(unguarded, Plan(method="random", n_configs=6))
    assert free.best_experiment_number != BASELINE
    keep_out(monkeypatch, best_coverage(unguarded, free))
    again = tuned(world, Plan(method="random", n_configs=6))
    found = experiments(world, again.tuning_run_id)
    assert again.best_experiment_number != free.best_experiment_number
    worths = {e.number: e.worth for e in found if e.is_feasible}
    assert again.best_experiment_number == max(worths, key=lambda n: worths[n] or 0.0)
    with connection(world) as conn:
        summary = summarise(conn, run_id=again.tuning_run_id, subject_of=subject_of)
    assert summary.findings is not None
    assert summary.findings.best is not None
    assert summary.findings.best.number == again.best_experiment_number
    assert summary.findings.run.best_experiment_id == again.best_experiment_id
    json.dumps(summary.as_dict())
    assert not summary.findings.top[-1].is_feasible


def best_coverage(path: Path, result: RunResult) -> float | None:
    found = experiments(path, result.tuning_run_id)
    return found[result.best_experiment_number or 0].metrics["coverage@10"]


def keep_out(monkeypatch: pytest.MonkeyPatch, coverage: float | None = None) -> None:
    """Let all candidates violate a guardrail, or those with that coverage."""

    def figures(*given: Any) -> dict[str, GuardrailFigure]:
        found = guardrail_figures(*given)
        now, was = given[1], given[2]
        if now is not was and coverage in (None, now["coverage@10"]):
            found["coverage@10"] = replace(found["coverage@10"], constraint=0.5)
        return found

    monkeypatch.setattr(ledger_module, "guardrail_figures", figures)


def test_jobs_and_a_break_change_nothing_of_what_a_strategy_sees(
    world: Path, tmp_path: Path, seen: Seen
) -> None:
    paths = [Path(shutil.copy(world, tmp_path / f"{n}.db")) for n in range(3)]
    for path in paths:
        shutil.copy(tmp_path / "hyperparameters.json", path.with_suffix(".hyperparameters.json"))
    plan = Plan(method="tpe", n_configs=9, timeout_seconds=300.0)
    expected = told(paths[0], tuned(paths[0], plan))
    alone = dict(seen)
    assert told(paths[1], tuned(paths[1], plan, jobs=3)) == expected
    assert seen == alone
    seen.clear()
    with connection(paths[2]) as conn:
        orchestrator = TuningOrchestrator(
            conn, load_dataset(conn), StudyConfig(seed=7), watch=Interrupting(6)
        )
        with pytest.raises(InterruptedRunError):
            orchestrator.run(plan)
        (run_id,) = conn.execute("SELECT tuning_run_id FROM hp_tuning_runs").fetchone()
    assert told(paths[2], resumed(paths[2], run_id)) == expected
    assert {n: seen[n] for n in seen if n >= 7} == {n: alone[n] for n in alone if n >= 7}
    last = alone[9]
    assert any(trial.constraints for trial in last)
    assert len(next(t for t in last if t.number == BASELINE).constraints) == len(ALL)


def test_earlier_results_are_held_against_this_runs_baseline(world: Path, seen: Seen) -> None:
    first = tuned(world, Plan(method="random", n_configs=4))
    earlier = experiments(world, first.tuning_run_id)
    world.with_name("hyperparameters.json").unlink()  # the defaults are deployed from now on
    later = tuned(world, Plan(method="tpe", n_configs=8))
    baseline = experiments(world, later.tuning_run_id)[BASELINE]
    assert baseline.hyperparameters == SPACE.defaults()
    held = [t.constraints for t in seen[8] if t.number is None]
    assert held == [constraints(e.guardrails, baseline.guardrails) for e in earlier]
    assert held != [constraints(e.guardrails, earlier[0].guardrails) for e in earlier]
    assert any(held)


def test_before_the_baseline_is_known_nothing_is_known(world: Path, seen: Seen) -> None:
    tuned(world, Plan(method="random", n_configs=4))
    seen.clear()
    tuned(world, Plan(method="tpe", n_configs=5, starts_warm=False))
    assert not any(trial.constraints for trial in seen[1])
    assert any(trial.constraints for trial in seen[5])


def test_stored_candidates_know_what_an_earlier_run_found_of_the_deployed_configuration(
    world: Path, seen: Seen
) -> None:
    tuned(world, Plan(method="random", n_configs=3))
    seen.clear()
    with connection(world) as conn:
        tuner = HyperparameterTuner(conn, load_dataset(conn), StudyConfig(seed=7))
        tuner.generate_bayesian_search_space(4)
    assert seen  # after the guesses
    for trials in seen.values():
        assert all(trial.constraints for trial in trials if not trial.is_open)


def put_into_production(conn: Connection) -> None:
    request = RetrainingRequest(study=StudyConfig(), accuracy_threshold=0.0)
    assert retrain(conn, load_dataset(conn), request).verdict == "promoted"


def test_of_what_was_pruned_or_failed_nothing_is_known(world: Path, seen: Seen) -> None:
    plan = Plan(method="tpe", n_configs=12, pruner="paired")
    result = tuned(world, plan)
    found = experiments(world, result.tuning_run_id)
    unfinished = [e for e in found if e.status != "completed"]
    assert all(not e.guardrails and e.is_feasible for e in unfinished)
    by_number = {t.number: t for t in seen[12]}
    for e in found[:8]:
        assert bool(by_number[e.number].constraints) == (e.status == "completed")


def test_on_a_sample_of_the_users_figures_are_of_the_sample(world: Path) -> None:
    result = tuned(world, Plan(method="random", n_configs=3, panel=50))
    found = experiments(world, result.tuning_run_id)
    assert {"ndcg@10", "coverage@10"} <= set(found[1].guardrails)
    for e in found:
        assert e.guardrails["ndcg@10"].figure == e.metrics["ndcg@10"]


def test_a_night_without_a_feasible_gain_renews_and_spends_no_look(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connection(world) as conn:
        put_into_production(conn)
        with transaction(conn):
            conn.execute("UPDATE ratings SET rating = 5.0 WHERE user_id = 1")
    keep_out(monkeypatch)
    nights: list[dict[str, Any]] = []
    session = TuningSession(
        db_path=world, promotes=True, accuracy_threshold=0.0, as_json=True, output=nights.append
    )
    session.run(StudyConfig(seed=1), Plan(method="random", n_configs=5))  # raises nothing: 0
    (night,) = nights
    assert night["best_experiment_number"] == BASELINE
    assert night["trade_off"]["n_better"] > 0
    line = night["night"]["line"]
    assert "renewed: version 2 in production" in line
    assert "nothing within the guardrails is better than what is deployed" in line
    with connection(world) as conn:
        evaluations = load_test_evaluations(conn)
        production = load_production(conn)
    assert [each.decision for each in evaluations] == ["first", "routine"]
    assert sum(each.level or 0.0 for each in evaluations) == 0
    assert production is not None
    assert production.training.hyperparameters == ONLY_CAST
    json.dumps(nights)


def test_with_nothing_in_production_the_surest_gain_is_deployed_all_the_same(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_out(monkeypatch)
    nights: list[dict[str, Any]] = []
    session = TuningSession(
        db_path=world, promotes=True, accuracy_threshold=0.0, as_json=True, output=nights.append
    )
    session.run(StudyConfig(seed=7), Plan(method="random", n_configs=6))
    (night,) = nights
    assert night["best_experiment_number"] == BASELINE
    assert night["promotion"]["verdict"] == "promoted"
    assert night["promotion"]["hyperparameters"] != ONLY_CAST
