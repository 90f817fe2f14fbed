"""Each way to see a figure of the test part is counted as an evaluation, or there is none."""

import ast
import json
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from reeltune.commands.retrain import main as retrain_model
from reeltune.commands.tune import main as tune_orchestrator
from reeltune.commands.versions import model_versioning
from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import connection, transaction
from reeltune.db.dataset import load_dataset
from reeltune.db.test_evaluations import (
    GateEvaluation,
    load_test_evaluations,
    save_test_evaluation,
)
from reeltune.domain.study import StudyConfig
from reeltune.gate.error_budget import MAX_DAYS_AHEAD, _believed, budget_state
from reeltune.stats.alpha_spending import BUDGET, SpentLevel
from reeltune.versioning.request import RetrainingRequest
from reeltune.versioning.retraining import retrain_best
from tests.commands.test_tune import tuned
from tests.test_architecture import ROOT, modules

# Who names the test part, and why that is no way round the count.
NAMED = {
    "reeltune/ratings/splits.py": "cuts the ratings; shows nothing",
    "reeltune/domain/evaluation.py": "the names of the parts; has no data",
    "reeltune/gate/gate.py": "a word of the verdict",
    "reeltune/versioning/retraining.py": "counts each evaluation before it reports it",
    "reeltune/tasks/initial_guesses.py": "the test part of a split of the training part, made anew",
    "reeltune/tasks/guarded.py": "the last part of a split of all but the test part, made anew",
    "reeltune/rating_models/hybrid_examples.py": "the last part of what it is fitted to, made anew",
    "reeltune/commands/retraining_tables.py": "a heading of what was counted",
    "reeltune/table_models/folds.py": "cuts a table; its test part is not of ratings",
    "reeltune/table_models/search_data.py": "scores the blend of a table on it, once at the end",
    "reeltune/tasks/tabular.py": "hands that part on, and hashes which rows it is",
    "reeltune/tasks/tabular_source.py": "whether a table has such a part",
    "reeltune/tuning/tabular.py": "asks for that score when the search has ended",
    "reeltune/reports/tabular_tables.py": "prints it",
    "reeltune/dashboard/live.py": "a test on live users",
}
ON_LIVE_USERS = ("reeltune/ab_tests/", "reeltune/commands/ab_test", "reeltune/dashboard/ab_")


def names_test_part(path: Path) -> bool:
    """Whether a module has the word as a value, or takes the attribute."""
    return any(
        (isinstance(node, ast.Constant) and node.value == "test")
        or (isinstance(node, ast.Attribute) and node.attr == "test")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )


def test_nothing_else_can_reach_the_test_part() -> None:
    found = {path.relative_to(ROOT).as_posix() for path in modules() if names_test_part(path)}
    assert {path for path in found if not path.startswith(ON_LIVE_USERS)} == NAMED.keys()


def run(world: Path, command: click.Command, *words: str) -> str:
    result = CliRunner().invoke(command, [*words, "--db", str(world)])
    assert result.exit_code in (0, 3), result.output
    return result.stdout


def finalists(world: Path) -> None:
    with connection(world) as conn:
        orders = [
            RetrainingRequest(
                study=StudyConfig(),
                hyperparameters=SPACE.merged(SPACE.defaults(), {"genre_boost_high": value}),
                unattended=True,
            )
            for value in (0.2, 0.3)
        ]
        retrain_best(conn, load_dataset(conn), orders)


RETRAIN = ("--force", "--accuracy-threshold", "0")
# name: what is done, and how many evaluations it is
EVALUATIONS: dict[str, tuple[Callable[[Path], object], int]] = {
    "retraining": (lambda w: run(w, retrain_model, *RETRAIN), 1),
    "a dry run": (lambda w: run(w, retrain_model, *RETRAIN, "--dry-run"), 1),
    "a dry run of other values": (
        lambda w: run(w, retrain_model, *RETRAIN, "--dry-run", "--apply-hp", "best"),
        1,
    ),
    "a refusal": (lambda w: run(w, retrain_model, "--force", "--accuracy-threshold", "1"), 1),
    "two finalists at once": (lambda w: finalists(w), 1),
    "tuning": (lambda w: tuned(w, "random", 3), 0),
    "a summary": (lambda w: run(w, tune_orchestrator, "--summary", "--json"), 0),
    "a comparison": (lambda w: run(w, tune_orchestrator, "--compare", *two(w)), 0),
    "a version shown": (lambda w: run(w, model_versioning, "show"), 0),
    "a version made again": (lambda w: run(w, model_versioning, "reproduce", "1"), 0),
    # of the configuration in production alone, on ratings that came after it: nothing is chosen
    "monitoring": (lambda w: run(w, model_versioning, "monitor", "--json"), 0),
}


def two(world: Path) -> tuple[str, str]:
    with connection(world) as conn:
        rows = conn.execute("SELECT experiment_id FROM hp_experiments ORDER BY id LIMIT 2")
        a, b = (row[0] for row in rows)
    return a, b


def n_looks(world: Path) -> int:
    with connection(world) as conn:
        return len(load_test_evaluations(conn))


@pytest.mark.parametrize("name", EVALUATIONS)
def test_each_way_to_see_test_figures_is_counted(world: Path, name: str) -> None:
    tuned(world, "random", 2)
    run(world, retrain_model, *RETRAIN)
    before = n_looks(world)
    what, n_evaluations = EVALUATIONS[name]
    what(world)
    assert n_looks(world) - before == n_evaluations


def test_only_what_was_counted_has_a_test_accuracy(world: Path) -> None:
    tuned(world, "random", 2)
    with connection(world) as conn:
        seen = "SELECT count(*) FROM hp_experiments WHERE test_accuracy IS NOT NULL"
        assert conn.execute(seen).fetchone()[0] == 0
    best = run(world, retrain_model, *RETRAIN, "--dry-run", "--apply-hp", "best", "--json")
    assert json.loads(best)["n_looks"] == 1
    with connection(world) as conn:
        assert conn.execute(seen).fetchone()[0] == 1
        assert budget_state(conn, "2026-11-21T00:00:00Z").spent == 0  # a person decides: no level


def test_what_an_evaluation_may_spend_follows_from_all_before_it(tmp_path: Path) -> None:
    """A year ends with its last day; what spent nothing is no nightly decision."""
    spent = (("2026-01-01", 0.02), ("2026-01-02", 0.03), ("2026-12-31", 0.04), ("2026-12-31", 0.0))
    with connection(tmp_path / "movies.db", create=True) as conn:
        for day, level in spent:
            evaluation = GateEvaluation(
                looked_at=f"{day}T06:00:00Z",
                decision="nightly",
                model="hand-weighted",
                split="user-time",
                objective="accuracy",
                data_fingerprint="0",
                experiment_id=None,
                level=level,
                difference=None,
                p_value=None,
                verdict="refused",
            )
            with transaction(conn):
                save_test_evaluation(conn, evaluation)
        found = budget_state(conn, "2027-01-01T06:00:00Z")
    past = [SpentLevel(0.0, 0.02), SpentLevel(1.0, 0.03), SpentLevel(364.0, 0.04)]
    assert found.level == pytest.approx(BUDGET.level(past, 365.0))
    assert found.n_looks == 2
    assert found.spent == pytest.approx(0.07)


def test_a_day_far_ahead_counts_as_that_of_the_next_evaluation() -> None:
    assert _believed([1.0, 50_000.0, 3.0, 50_000.0], 5.0) == [1.0, 3.0, 3.0, 5.0]
    assert _believed([5.0 + MAX_DAYS_AHEAD], 5.0) == [5.0 + MAX_DAYS_AHEAD]
    assert _believed([5.5 + MAX_DAYS_AHEAD], 5.0) == [5.0]
