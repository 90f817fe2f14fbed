import json
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import Connection, connection
from reeltune.db.experiments import load_experiment, set_test_accuracy
from reeltune.domain.errors import NotFoundError
from reeltune.domain.space import Hyperparameter
from reeltune.stats.paired_tests import paired_difference
from reeltune.tasks.registry import subject_of
from reeltune.views.json_ready import json_ready
from reeltune.views.summary import Milestone, Summary, milestones, summarise
from tests.views.stored_runs import StoredRun

USERS = np.random.default_rng(1).random(200)
NOISE = 0.05 * np.random.default_rng(2).standard_normal(200)


def summary(conn: Connection, run_id: str | None = None, top: int = 10) -> Summary:
    return summarise(conn, run_id=run_id, subject_of=subject_of, top=top)


def best_id(conn: Connection) -> str:
    findings = summary(conn).findings
    assert findings is not None
    assert findings.best is not None
    return findings.best.experiment_id


def test_an_empty_database_says_so_and_which_command_starts_a_run(conn: Connection) -> None:
    found = summary(conn)
    assert found.findings is None
    assert found.message == "no experiment has been completed yet"
    assert found.next_command == "reeltune tune --method bayesian --configs 20"


def test_planned_candidates_are_listed_and_the_next_command_tries_just_these(
    conn: Connection,
) -> None:
    run = StoredRun(conn, "bayesian_20261120_210000", "planned", stop_reason=None)
    ids = [run.pending() for _ in range(12)]
    found = summary(conn)
    assert found.findings is None
    assert found.stored.n_waiting == 12
    assert [c.experiment_id for c in found.stored.waiting] == ids[:10]
    assert all(c.changed_most for c in found.stored.waiting)
    assert found.next_command == "reeltune tune --method bayesian --configs 12"


def test_the_best_is_the_highest_value_and_of_equals_the_earliest(conn: Connection) -> None:
    run = StoredRun(conn)
    run.completed(0.60)
    run.completed(0.61)
    first = run.completed(0.62)
    run.completed(0.62)
    assert best_id(conn) == first
    assert summary(conn).stored.runs[0].best_experiment_id == first


def test_a_candidate_no_better_than_the_deployed_configuration_does_not_replace_it(
    conn: Connection,
) -> None:
    run = StoredRun(conn)
    run.completed(0.6, USERS)
    run.completed(0.6, USERS)
    found = summary(conn)
    assert found.findings is not None
    assert found.findings.best == found.findings.baseline
    assert found.findings.difference.difference is None
    assert found.findings.difference.sentence == "nothing beat the deployed configuration"
    assert found.findings.remark is None
    assert "--apply-hp" not in found.next_command


def test_the_gain_of_the_best_is_corrected_for_the_number_it_was_picked_out_of(
    conn: Connection,
) -> None:
    run = StoredRun(conn)
    run.completed(0.6, USERS)
    error = 0.05 / np.sqrt(200)
    luck = [error * NormalDist().inv_cdf((k + 0.5) / 40) for k in range(40)]  # of 40 equal ones
    for k, each in enumerate(luck):
        noise = 0.05 * np.random.default_rng(k).standard_normal(200)
        run.completed(0.6 + each, USERS + each + noise - noise.mean())
    findings = summary(conn).findings
    assert findings is not None
    found = findings.difference
    assert found.difference is not None
    assert found.corrected is not None
    assert found.n_tried == 40
    assert found.difference > 1.645 * error
    assert found.corrected == pytest.approx(0, abs=error)
    assert found.corrected < found.difference - error
    assert found.more_helps is False


def test_the_best_is_what_is_surely_better_and_not_what_is_lucky(conn: Connection) -> None:
    run = StoredRun(conn)
    run.completed(0.6, USERS)
    sure = run.completed(0.61, USERS + 0.01 + 0.1 * (NOISE - NOISE.mean()))
    run.completed(0.615, USERS + 0.015 + NOISE - NOISE.mean())
    findings = summary(conn).findings
    assert findings is not None
    assert findings.best is not None
    assert findings.best.experiment_id == sure
    assert findings.best.least_improvement is not None
    assert 0.009 < findings.best.least_improvement < 0.01
    assert [f.number for f in findings.top] == [1, 2, 0]
    assert findings.best_bounds[-1] == findings.best.lower_bound
    assert findings.run.best_experiment_id == sure
    assert findings.run.best_value == 0.61


def test_a_gain_that_chance_may_explain_does_not_replace_what_is_deployed(
    conn: Connection,
) -> None:
    run = StoredRun(conn)
    run.completed(0.6, USERS)
    run.completed(0.605, USERS + 0.005 + NOISE - NOISE.mean())
    found = summary(conn)
    assert found.findings is not None
    assert found.findings.best == found.findings.baseline
    assert found.findings.difference.sentence == (
        "nothing beat the deployed configuration beyond noise: no gain has a 95 % lower bound "
        "above 0, the largest gain is 0.0050"
    )
    assert "--apply-hp" not in found.next_command


def test_a_run_of_an_earlier_program_is_ranked_by_its_values(conn: Connection) -> None:
    run = StoredRun(conn, keeps_errors=False)
    run.completed(0.6, USERS)
    run.completed(0.602, USERS + 0.002 + 0.01 * NOISE)
    highest = run.completed(0.603, USERS + 0.003 + 10 * NOISE)
    findings = summary(conn).findings
    assert findings is not None
    assert findings.best is not None
    assert findings.best.experiment_id == highest
    assert findings.difference.corrected is not None


def test_the_interval_is_that_of_the_paired_difference_over_users(conn: Connection) -> None:
    run = StoredRun(conn)
    run.completed(0.6, USERS)
    run.completed(0.62, USERS + 0.02 + NOISE)
    findings = summary(conn).findings
    assert findings is not None
    found, by_hand = findings.difference, paired_difference(USERS + 0.02 + NOISE, USERS)
    assert (found.difference, found.low, found.high, found.n_users) == (
        by_hand.difference,
        by_hand.low,
        by_hand.high,
        200,
    )
    assert found.verdict == "better"


@pytest.mark.parametrize(
    ("gain", "verdict"),
    [(0.05, "better"), (0.001, "cannot tell"), (-0.001, "cannot tell"), (-0.05, "worse")],
)
def test_the_verdict_follows_from_where_the_interval_lies(
    conn: Connection, gain: float, verdict: str
) -> None:
    run = StoredRun(conn)
    run.completed(0.6, USERS)
    run.completed(0.62, USERS + gain + NOISE - NOISE.mean())
    findings = summary(conn).findings
    assert findings is not None
    assert findings.difference.verdict == verdict
    assert findings.difference.sentence.startswith(verdict)


def test_without_values_per_user_there_is_no_interval_but_a_reason(conn: Connection) -> None:
    run = StoredRun(conn)
    run.completed(0.6)
    run.completed(0.62, USERS)
    findings = summary(conn).findings
    assert findings is not None
    assert findings.difference.low is None
    assert findings.difference.sentence == (
        "cannot tell: no values per user are stored of the deployed configuration"
    )


def test_values_of_different_users_are_not_compared(conn: Connection) -> None:
    run = StoredRun(conn)
    run.completed(0.6, USERS)
    run.completed(0.62, USERS[:1])
    findings = summary(conn).findings
    assert findings is not None
    assert findings.difference.reason == "the two were measured on different users"


def test_failed_experiments_are_counted_and_the_first_are_told(conn: Connection) -> None:
    run = StoredRun(conn)
    run.completed(0.6)
    for k in range(5):
        run.failed(f"error {k}")
    findings = summary(conn).findings
    assert findings is not None
    assert findings.n_failed == 5
    assert [f.error for f in findings.failures] == ["error 0", "error 1", "error 2"]


def test_a_run_of_failures_only_is_told_with_its_errors(conn: Connection) -> None:
    StoredRun(conn, status="failed").failed("out of memory")
    found = summary(conn)
    assert found.message is not None
    assert found.findings is not None
    assert found.findings.best is None
    assert found.findings.failures[0].error == "out of memory"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_json_has_no_nan_even_where_users_or_runs_lack_values(
    conn: Connection, value: float
) -> None:
    run = StoredRun(conn)
    run.completed(0.6, [value, 0.5])
    run.completed(0.62, [0.5, value])
    run.failed("broken")
    StoredRun(conn, "grid_20261120_220000", "planned", stop_reason=None).pending()
    text = json.dumps(summary(conn).as_dict(), allow_nan=False)
    assert json.loads(text)["findings"]["difference"]["difference"] is None


def test_the_latest_run_with_a_completed_experiment_is_told_unless_one_is_named(
    conn: Connection,
) -> None:
    StoredRun(conn, "random_1").completed(0.6)
    StoredRun(conn, "random_2").completed(0.5)
    StoredRun(conn, "random_3").failed("broken")
    told = [summary(conn, run_id).findings for run_id in (None, "random_1", "random_3")]
    assert [f.run.tuning_run_id for f in told if f] == ["random_2", "random_1", "random_3"]


def test_an_unknown_run_is_refused(conn: Connection) -> None:
    with pytest.raises(NotFoundError, match="no tuning run 'random_9'"):
        summary(conn, "random_9")


def test_changes_are_told_against_the_baseline_the_greatest_first_and_no_others(
    conn: Connection,
) -> None:
    run = StoredRun(conn)
    run.completed(0.6)
    best = load_experiment(conn, run.completed(0.62)).hyperparameters
    findings = summary(conn).findings
    assert findings is not None
    assert findings.best is not None
    changed = {c.name: c for c in findings.best.changed}
    assert set(changed) == {n for n, v in SPACE.defaults().items() if best[n] != v}
    before, after = (
        {c.name: float(v) for c in changed.values() if (v := getattr(c, which)) is not None}
        for which in ("deployed", "value")
    )
    deltas = {c.name: c.delta for c in findings.best.changed if c.delta is not None}
    assert deltas == pytest.approx({n: after[n] - before[n] for n in changed})
    members = {n: h for n, h in SPACE.hyperparameters.items() if isinstance(h, Hyperparameter)}
    shares = [abs(d) / (members[n].high - members[n].low) for n, d in deltas.items()]
    assert shares == sorted(shares, reverse=True)


def test_test_accuracy_is_told_once_it_is_known(conn: Connection) -> None:
    run = StoredRun(conn)
    set_test_accuracy(conn, run.completed(0.6), 0.55)
    findings = summary(conn).findings
    assert findings is not None
    assert findings.best is not None
    assert findings.best.test_accuracy == 0.55


def test_the_next_command_deploys_the_best_by_its_id(conn: Connection) -> None:
    run = StoredRun(conn)
    run.completed(0.6, USERS)
    best = run.completed(0.65, USERS + 0.05 + NOISE)
    assert summary(conn).next_command == f"reeltune retrain --apply-hp {best}"


def test_the_next_command_after_an_interruption_resumes(conn: Connection) -> None:
    StoredRun(conn, "random_1", "interrupted").completed(0.6)
    assert summary(conn).next_command == "reeltune runs resume random_1"


def test_the_next_command_names_a_database_that_is_not_the_default_one(
    conn: Connection, tmp_path: Path
) -> None:
    with connection(tmp_path / "my films.db", create=True) as other:
        assert summary(other).next_command.endswith(" --db 'my films.db'")


def test_only_so_many_configurations_are_told_as_asked_for(conn: Connection) -> None:
    run = StoredRun(conn)
    for k in range(5):
        run.completed(0.6 + k / 100)
    findings = summary(conn, top=3).findings
    assert findings is not None
    assert [f.number for f in findings.top] == [4, 3, 2]


def test_history_is_told_after_round_numbers_and_at_the_end() -> None:
    steps = [Milestone(k, 0.5, 0.4, "random_1_000") for k in range(64)]
    assert [m.iteration for m in milestones(steps)] == [0, 1, 2, 5, 10, 20, 50, 63]
    assert milestones([]) == ()


def test_history_is_in_units_of_the_objective(conn: Connection) -> None:
    run = StoredRun(conn, objective="ndcg@10")
    run.completed(0.1)
    run.completed(0.3)
    run.completed(0.2)
    findings = summary(conn).findings
    assert findings is not None
    assert findings.best_bounds == (0.1, 0.3, 0.3)


def test_infinity_and_nan_are_null_in_json() -> None:
    wrong = Milestone(1, float("nan"), 0.0, "")
    assert json_ready(wrong)["best_value"] is None
    assert json_ready(replace(wrong, best_value=float("inf")))["best_value"] is None


def test_once_the_best_is_deployed_the_next_command_is_to_tune_on(
    conn: Connection, tmp_path: Path
) -> None:
    run = StoredRun(conn, objective="ndcg@10")
    run.completed(0.1)
    best = load_experiment(conn, run.completed(0.3)).hyperparameters
    exported = {"model": "hand-weighted", "hyperparameters": best}
    (tmp_path / "hyperparameters.json").write_text(json.dumps(exported))
    found = summary(conn)
    assert found.findings is not None
    assert found.findings.is_deployed
    assert found.next_command == (
        "reeltune tune --method bayesian --configs 20 --objective ndcg@10"
    )


def test_a_broken_export_does_not_keep_the_summary_from_being_told(
    conn: Connection, tmp_path: Path
) -> None:
    StoredRun(conn).completed(0.6)
    (tmp_path / "hyperparameters.json").write_text("{")
    found = summary(conn)
    assert found.findings is not None
    assert not found.findings.is_deployed


def test_the_average_of_the_candidates_leaves_the_baseline_out(conn: Connection) -> None:
    run = StoredRun(conn)
    for value in (0.9, 0.6, 0.7):
        run.completed(value)
    findings = summary(conn).findings
    assert findings is not None
    assert findings.means == pytest.approx({"accuracy": 0.65})


def test_of_a_model_that_is_not_deployed_the_baseline_is_its_own_defaults(conn: Connection) -> None:
    run = StoredRun(conn)
    run.completed(0.6, USERS)
    run.completed(0.6, USERS)
    conn.execute("UPDATE hp_tuning_runs SET settings = json_object('baseline', 'its own defaults')")
    findings = summary(conn).findings
    assert findings is not None
    assert findings.subject.baseline_column == "own defaults"
    assert findings.difference.sentence == "nothing beat its own defaults"
    assert not findings.is_deployed
