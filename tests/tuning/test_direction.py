"""A metric and its negative, less of which is better, lead to the same run and decisions.

Only the sign of the objective's own figures differs: a gain is above 0 where it is an improvement.
"""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from reeltune.commands.compare import compare
from reeltune.commands.tune import main
from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.db.experiments import load_experiments, load_group_gains
from reeltune.db.tuning_runs import load_progress, load_run, load_run_totals, load_runs
from reeltune.db.versions import load_versions
from reeltune.db.warm_starts import load_warm_start_sources, load_warm_starts
from reeltune.domain.experiment import BASELINE
from reeltune.domain.study import StudyConfig
from reeltune.gate.guardrails import METRIC_GUARDRAILS, Rule
from reeltune.metrics.ranking_metrics import METRICS
from reeltune.search import STRATEGIES
from reeltune.search.grid import Grid
from reeltune.sweeps.document import Item
from reeltune.sweeps.objectives import objective_faults
from reeltune.tasks.registry import subject_of
from reeltune.tuning.plan import Plan
from reeltune.tuning.pruning_rules import PRUNERS
from reeltune.tuning.ratings import TuningOrchestrator
from reeltune.tuning.stopping import StopRules
from reeltune.versioning.finalists import load_finalists
from reeltune.versioning.request import RetrainingRequest
from reeltune.versioning.retraining import retrain, retrain_best
from reeltune.views.best_of_runs import best_of_runs, key_of
from reeltune.views.summary import summarise
from tests.search.problems import enrolled
from tests.tuning.mirrored import NEGATIVE, guard_negative_alone, register_negative
from tests.tuning.runs import tuned

STOPS = {
    "target": StopRules(target=0.4),
    "patience": StopRules(patience=4),
    "converged": StopRules(until_converged=True),
}

POOR = SPACE.merged(
    SPACE.defaults(),
    {
        "genre_weight": 0.0,
        "cast_weight": 1.0,
        "franchise_weight": 0.0,
        "rating_weight": 0.0,
        "popularity_weight": 0.0,
    },
)

Worlds = Callable[[], Path]


@pytest.fixture
def worlds(small_world: Path, tmp_path: Path) -> Worlds:
    """Copies of the small world, as many as are asked for."""
    return copies(small_world, tmp_path)


def copies(world: Path, folder: Path) -> Worlds:
    names = iter(f"{n}.db" for n in range(9))
    return lambda: Path(shutil.copy(world, folder / next(names)))


def told(path: Path, run_id: str, sign: float) -> dict[str, Any]:
    """All that a run has stored and shows, with the objective's figures as `sign` makes them."""
    with connection(path) as conn:
        experiments = load_experiments(conn, run_id)
        groups = load_group_gains(conn, run_id)
        totals = load_run_totals(conn)[run_id]
        summary = summarise(conn, run_id=run_id, subject_of=subject_of)
        key = key_of(load_run(conn, run_id))
        found = None if key is None else best_of_runs(conn, key)
        history = load_progress(conn, run_id)
    findings = summary.findings
    assert findings is not None
    assert found is not None
    best = found.experiment
    return {
        "experiments": [
            (
                e.number,
                e.status,
                dict(e.hyperparameters),
                _signed(e.objective_value, sign),
                _signed(e.lower_bound, sign),
                e.improvement_from_baseline,
                e.improvement_error,
                e.exploration_phase,
                (e.parent_experiment_id or "")[-3:],
                e.tuning_method,
                e.metrics.get("difference"),
                _signed(e.metrics.get(f"{findings.run.objective} (estimate)"), sign),
            )
            for e in experiments
        ],
        "gains of groups": [
            groups[e.experiment_id].tolist() for e in experiments if e.experiment_id in groups
        ],
        "totals": (
            totals.best_experiment_id and totals.best_experiment_id[-3:],
            _signed(totals.best_value, sign),
            _signed(totals.baseline_value, sign),
        ),
        "best": best.number,
        "history": [(p.best_experiment_id or "")[-3:] for p in history],
        "improvement": findings.run.improvement,
        "difference": [
            getattr(findings.difference, name)
            for name in type(findings.difference).__dataclass_fields__
            if name != "metric"
        ],
        "top": [
            (f.number, _signed(f.value, sign), f.improvement, f.least_improvement)
            for f in findings.top
        ],
        "milestones": [(m.iteration, m.best_experiment_id[-3:]) for m in findings.milestones],
        "best bounds": [sign * bound for bound in findings.best_bounds],
    }


def _signed(value: float | None, sign: float) -> float | None:
    return None if value is None else sign * value


def both(
    worlds: Worlds, patch: pytest.MonkeyPatch, plan: Plan, name: str = "accuracy", **study: Any
) -> list[dict[str, Any]]:
    """What the same plan tells of a metric, and of its negative."""
    found = []
    for objective in (name, register_negative(patch, name)):
        sign = -1.0 if objective.startswith(NEGATIVE) else 1.0
        if sign < 0 and name in METRIC_GUARDRAILS:
            guard_negative_alone(patch, name)  # the objective is not its own guardrail
        target = plan.stop.target
        path = worlds()
        chosen = plan if target is None else _with_target(plan, sign * target)
        result = tuned(path, chosen, objective=objective, **study)
        assert (result.best_value is None) == (result.best_experiment_id is None)
        found.append(
            told(path, result.tuning_run_id, sign)
            | {
                "result": (
                    result.best_experiment_number,
                    result.best_hyperparameters,
                    _signed(result.best_value, sign),
                    _signed(result.best_lower_bound, sign),
                    result.improvement,
                    result.corrected_improvement,
                    result.more_search_helps,
                    result.stopped_by,
                    result.experiments_run,
                )
            }
        )
    return found


def _with_target(plan: Plan, target: float) -> Plan:
    return Plan(method=plan.method, n_configs=plan.n_configs, stop=StopRules(target=target))


@pytest.mark.parametrize("method", enrolled(STRATEGIES))
def test_every_strategy_proposes_and_finds_the_same(
    worlds: Worlds, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    plan = Plan(method=method, n_configs=24, starts_warm=False)
    more, less = both(worlds, monkeypatch, plan)
    assert less == more
    assert len({value for _, _, _, value, *_ in more["experiments"]}) > 10


@pytest.mark.parametrize("name", STOPS)
def test_a_run_is_stopped_at_the_same_place(
    worlds: Worlds, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    plan = Plan(method="random", n_configs=40, stop=STOPS[name])
    more, less = both(worlds, monkeypatch, plan, "recall@20")
    assert less == more
    assert more["result"][7] == name
    assert 0 < more["result"][8] - 1 < 40


@pytest.mark.parametrize("pruner", PRUNERS)
def test_the_same_experiments_are_pruned(
    crowd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pruner: str
) -> None:
    plan = Plan(method="random", n_configs=14, pruner=pruner, starts_warm=False)
    more, less = both(copies(crowd, tmp_path), monkeypatch, plan, "mrr")
    assert less == more
    statuses = [status for _, status, *_ in more["experiments"]]
    assert statuses.count("pruned") > 2
    assert statuses.count("completed") > 2


def test_a_progressive_grid_goes_around_the_same_results(
    worlds: Worlds, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan(method="grid", n_configs=60, grid=Grid(progressive=True), starts_warm=False)
    more, less = both(worlds, monkeypatch, plan)
    assert less == more
    assert "exploit" in {phase for *_, phase, _, _, _, _ in more["experiments"]}


@pytest.mark.parametrize("method", ["nsga2", "bayesian", "tpe"])
@pytest.mark.parametrize("place", ["first", "second"])
def test_several_objectives_have_the_same_front(
    worlds: Worlds, monkeypatch: pytest.MonkeyPatch, method: str, place: str
) -> None:
    plan = Plan(method=method, n_configs=20, starts_warm=False)
    found = []
    for name in ("recall@20", register_negative(monkeypatch, "recall@20")):
        first, second = (name, "diversity") if place == "first" else ("diversity", name)
        path = worlds()
        result = tuned(path, plan, objective=first, further_objectives=(second,))
        with connection(path) as conn:
            experiments = load_experiments(conn, result.tuning_run_id)
        tried = [e.hyperparameters for e in experiments]
        found.append((tried, [(p.number, abs(p.values[name])) for p in result.front]))
    assert found[0] == found[1]
    assert 1 < len(found[0][1]) < 20


def test_runs_teach_and_begin_with_the_same(
    worlds: Worlds, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for name in ("recall@20", register_negative(monkeypatch, "recall@20")):
        path = worlds()
        tuned(path, Plan(method="random", n_configs=12), objective=name)
        with connection(path) as conn:
            conn.execute("DELETE FROM ratings WHERE user_id = 1")  # other data: no history
        later = tuned(path, Plan(method="random", n_configs=8), objective=name)
        with connection(path) as conn:
            starts = load_warm_starts(conn, later.tuning_run_id)
            patterns = [
                (p.n_used, p.n_helped, [(g.gain, g.hyperparameters) for g in p.best])
                for p in load_warm_start_sources(conn)
            ]
        found.append((patterns, [(s.experiment_id[-3:], s.helped) for s in starts]))
    assert found[0] == found[1]
    assert found[0][0][0][2]
    assert found[0][1]


def test_history_is_taken_the_same_way_up(worlds: Worlds, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for name in ("mrr", register_negative(monkeypatch, "mrr")):
        path = worlds()
        tuned(path, Plan(method="random", n_configs=9, starts_warm=False), objective=name)
        plan = Plan(method="bayesian", n_configs=6, starts_warm=False)
        later = tuned(path, plan, objective=name, seed=8)
        with connection(path) as conn:
            found.append([e.hyperparameters for e in load_experiments(conn, later.tuning_run_id)])
    assert found[0] == found[1]


def decided(path: Path, study: StudyConfig) -> dict[str, Any]:
    """How the gate judges the finalists of a run against the defaults, and what it rests on."""
    with connection(path) as conn:
        data = load_dataset(conn)
        retrain(
            conn, data, RetrainingRequest(study=study, hyperparameters=POOR, accuracy_threshold=0.0)
        )
        plan = Plan(method="random", n_configs=14, starts_warm=False)
        run_id = TuningOrchestrator(conn, data, study).run(plan).tuning_run_id
        finalists = load_finalists(conn, run_id, most=3)
        orders = [
            RetrainingRequest(
                study=study,
                hyperparameters=experiment.hyperparameters,
                experiment_id=experiment.experiment_id,
                unattended=True,
                accuracy_threshold=0.0,
            )
            for experiment in load_experiments(conn, run_id)[1:6]
        ]
        result = retrain_best(conn, data, orders)
        compared = compare(conn, data, study, f"{run_id}_000", f"{run_id}_003")
        training = load_versions(conn)[-1].training
    assert result.against_deployed is not None
    return {
        "finalists": [e.number for e in finalists],
        "verdict": result.verdict,
        "gain": result.against_deployed,
        "rules": [_rule(r, study.objective) for r in result.rules],
        "picked": (training.experiment_number, training.was_best),
        "compared": [
            (c.split, c.segment, c.difference, c.compared)
            for c in compared.contrasts
            if c.metric == study.objective
        ],
        "said": compared.judged.verdict,
        "p": compared.judged.p_value,
    }


def _rule(rule: Rule, objective: str) -> tuple[str, float, float, str]:
    """What a rule says; the least value of an objective in the figures of the metric, upwards."""
    sign = METRICS[objective].direction.upwards(1.0) if rule.name == objective else 1.0
    return (rule.verdict, sign * rule.figure, sign * rule.threshold, rule.segment)


@pytest.mark.parametrize("name", ["accuracy", "recall@20"])
def test_the_gate_and_a_comparison_come_to_the_same(
    crowd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    worlds = copies(crowd, tmp_path)
    more = decided(worlds(), StudyConfig(objective=name, seed=7))
    negative = register_negative(monkeypatch, name)
    if name == "accuracy":  # which is a guardrail of any other objective
        guard_negative_alone(monkeypatch, name)
    less = decided(worlds(), StudyConfig(objective=negative, seed=7))
    segments = {segment for _, segment, *_ in more["compared"]}
    assert {"all users", "heavy users"} <= segments
    if name == "accuracy":  # segments of movies are told of by accuracy, whatever the objective
        for found in (more, less):
            found["compared"] = [line for line in found["compared"] if "user" in line[1]]
    assert less == more


def test_a_guarded_metric_is_guarded_on_its_worse_side(
    worlds: Worlds, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = StudyConfig(objective="mrr", seed=7)
    more = decided(worlds(), study)
    register_negative(monkeypatch, "accuracy")
    guard_negative_alone(monkeypatch, "accuracy")
    less = decided(worlds(), study)
    assert [less[name] for name in ("finalists", "verdict", "gain")] == [
        more[name] for name in ("finalists", "verdict", "gain")
    ]
    assert sorted(less["rules"]) == sorted(more["rules"])


def test_a_command_tunes_by_it_and_says_that_less_is_better(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = register_negative(monkeypatch, "accuracy")
    words = ["--method", "random", "--configs", "8", "--objective", name, "--seed", "3"]
    words += ["--target", "-0.2", "--jobs", "1", "--db", str(world)]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    with connection(world) as conn:
        (experiments,) = (load_experiments(conn, run.tuning_run_id) for run in load_runs(conn))
    best = min(experiments, key=lambda e: -(e.validation_accuracy or 0.0))
    assert experiments[0].objective_value == -(experiments[0].validation_accuracy or 0.0)
    assert f"experiment {BASELINE} reached the target of -0.2: it is at most -0." in done.output
    assert best.validation_accuracy is not None
    assert f"objective {name} (less is better)" in done.output
    assert "Negative Accuracy (less is better)" in done.output
    shown = CliRunner().invoke(main, ["--summary", "--json", "--db", str(world)])
    run = json.loads(shown.stdout)["findings"]["run"]
    assert (run["objective"], run["directions"]) == (name, ["minimize"])


def test_a_gain_is_shown_as_one_where_the_figure_becomes_smaller(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = register_negative(monkeypatch, "recall@20")
    for guarded in list(METRIC_GUARDRAILS):  # a gain is to be shown, whatever it costs
        monkeypatch.delitem(METRIC_GUARDRAILS, guarded)
    words = ["--method", "random", "--configs", "8", "--objective", name, "--seed", "7"]
    shown = CliRunner().invoke(main, [*words, "--jobs", "1", "--db", str(world)]).output
    assert re.search(r"best -0\.\d+ \+0\.\d+ \(no\. ", shown)
    assert re.search(r"Negative Recall@20 \(less is better\)( +-0\.\d+){2} +\+0\.", shown)
    assert "Negative Recall@20 (less is better), gain +0." in shown
    assert "95 % upper bound, drawn upside down, of its value" in shown


def test_the_database_bounds_it_on_its_worse_side(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = register_negative(monkeypatch, "accuracy")
    tuned(world, Plan(method="random", n_configs=5), objective=name)
    with connection(world) as conn:
        (run,) = load_runs(conn)
        experiments = load_experiments(conn, run.tuning_run_id)
        stored = conn.execute(
            "SELECT direction, lower_bound, worth FROM hp_experiments ORDER BY number"
        ).fetchall()
    assert [tuple(row) for row in stored] == [
        (e.direction, e.lower_bound, e.worth) for e in experiments
    ]
    assert all((e.lower_bound or 0.0) > (e.objective_value or 0.0) for e in experiments[1:])


def test_a_sweep_may_name_no_other_direction_than_the_metric_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = register_negative(monkeypatch, "accuracy")

    def faults(direction: str) -> list[str]:
        parts = {"metric": Item(1, name), "direction": Item(1, direction)}
        return [fault.what for fault in objective_faults({"objective": Item(1, parts)})]

    assert faults("minimize") == []
    assert faults("maximize") == [f"the direction of {name} must be minimize"]
