import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from reeltune.commands.compare import Compared, compare
from reeltune.commands.retraining_tables import render_retraining
from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.db.test_evaluations import load_test_evaluations
from reeltune.domain.errors import InputError, NotFoundError
from reeltune.domain.study import StudyConfig
from reeltune.reports.contrast_tables import adjusted_p_values, render_contrasts
from reeltune.stats.paired_tests import paired_difference
from reeltune.tasks.ratings import RatingsEvaluator
from reeltune.tuning.ratings import TuningOrchestrator
from reeltune.versioning.request import RetrainingRequest
from reeltune.versioning.retraining import retrain
from tests.running import run, run_json

SCRIPT = "tune_orchestrator.py"


@pytest.fixture
def tuned(world: Path) -> tuple[Path, str]:
    """A world with a run of three experiments and the defaults as version 1; the run's id."""
    with connection(world) as conn:
        data, study = load_dataset(conn), StudyConfig(seed=2)
        run_id = TuningOrchestrator(conn, data, study).run_full_tuning("random", 2).tuning_run_id
        retrain(conn, data, RetrainingRequest(study=study, accuracy_threshold=0.0))
    return world, run_id


def compared(path: Path, a: str, b: str) -> Compared:
    with connection(path) as conn:
        return compare(conn, load_dataset(conn), StudyConfig(), a, b)


def test_experiments_are_compared_user_by_user_on_the_validation_part(
    tuned: tuple[Path, str],
) -> None:
    path, run_id = tuned
    found = compared(path, f"{run_id}_000", f"{run_id}_001")
    with connection(path) as conn:
        trainer = RatingsEvaluator.of(load_dataset(conn), StudyConfig())
        values = conn.execute(
            "SELECT hyperparameters FROM hp_experiments WHERE number < 2 ORDER BY number"
        ).fetchall()
        assert load_test_evaluations(conn)[1:] == []  # but for the first promotion, nobody looked
    before, after = (trainer.evaluate(json.loads(row[0])) for row in values)
    whole = {(c.split, c.metric): c for c in found.contrasts if c.segment == "all users"}
    for metric in ("accuracy", "ndcg@10"):
        expected = paired_difference(after.per_unit[metric], before.per_unit[metric])
        line = whole["user-time", metric].compared
        assert line is not None
        assert line.difference == pytest.approx(expected.difference)
        assert line.n_users == expected.n_users
    assert whole["user-time", "accuracy"].compared == paired_difference(
        after.per_unit["accuracy"], before.per_unit["accuracy"]
    )
    assert ("calendar", "accuracy") in whole


def test_the_other_way_round_the_differences_turn(tuned: tuple[Path, str]) -> None:
    path, run_id = tuned
    there, back = (
        compared(path, *pair) for pair in (("v1", f"{run_id}_001"), (f"{run_id}_001", "v1"))
    )
    turned = {(c.split, c.metric, c.segment): -c.difference for c in back.contrasts}
    for line in there.contrasts:
        expected = turned[line.split, line.metric, line.segment]
        assert line.difference == pytest.approx(expected, nan_ok=True)


def test_a_version_and_the_experiment_it_is_like_do_not_differ(tuned: tuple[Path, str]) -> None:
    path, run_id = tuned
    found = compared(path, "v1", f"{run_id}_000")  # both the defaults
    assert all(c.compared is None or c.compared.p_value == 1 for c in found.contrasts)
    assert found.judged.rules[-1].name == "not worse than deployed"


def test_nothing_is_written(tuned: tuple[Path, str]) -> None:
    path, run_id = tuned
    with connection(path) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = path.read_bytes()
    compared(path, "v1", f"{run_id}_002")
    assert path.read_bytes() == before


def test_the_command_prints_both_splits_the_gate_and_json(tuned: tuple[Path, str]) -> None:
    path, run_id = tuned
    names = ("v1", f"{run_id}_001")
    text = run(SCRIPT, "--db", path, "--compare", *names).stdout
    for wanted in ("validation set, split user-time", "split calendar", "NDCG@10", "genre Drama"):
        assert wanted in text
    assert "The gate's rules for B in A's place" in text
    found = run_json(SCRIPT, "--db", path, "--compare", *names)
    assert (found["a"], found["b"], found["part"]) == (*names, "validation")
    assert found["verdict"] in ("promote", "cannot tell", "refused")
    lines = [line for line in found["contrasts"] if line["compared"] is not None]
    assert all(line["adjusted_p_value"] >= line["compared"]["p_value"] for line in lines)


@pytest.mark.parametrize("name", ["v9", "v0", "nonsense", "v1; DROP TABLE ratings"])
def test_what_does_not_exist_is_named(tuned: tuple[Path, str], name: str) -> None:
    with pytest.raises(NotFoundError, match=r"there is no (version|experiment)"):
        compared(tuned[0], "v1", name)


def test_one_is_not_compared_with_itself(tuned: tuple[Path, str]) -> None:
    with pytest.raises(InputError, match="two different experiments"):
        compared(tuned[0], "v1", "v1")


def rendered(width: int, path: Path, **given: float) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    with connection(path) as conn:
        order = RetrainingRequest(
            study=StudyConfig(),
            hyperparameters=SPACE.merged(SPACE.defaults(), given),
            dry_run=True,
            unattended=True,
            accuracy_threshold=0.0,
        )
        result = retrain(conn, load_dataset(conn), order)
    render_retraining(console, result)
    render_contrasts(console, "test", ("[red]a", "b\x1b[31m"), result.contrasts[:1])
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert isinstance(text, str)
    return text


def test_a_retraining_that_cannot_tell_says_what_is_kept(tuned: tuple[Path, str]) -> None:
    text = rendered(120, tuned[0], genre_boost_high=0.16)
    assert "Cannot tell: version 1 is kept, the candidate stays a candidate" in text
    assert "at most 0.5 false promotions are expected a year" in text
    (rule,) = [line for line in text.splitlines() if line.startswith("better  ")]
    assert rule.split()[-3:] == ["proof", "cannot", "tell"]


def test_names_from_outside_are_shown_as_they_are(tuned: tuple[Path, str]) -> None:
    text = rendered(120, tuned[0], genre_boost_high=0.16)
    assert "[red]a" in text
    assert "\x1b" not in text


def test_p_values_are_adjusted_for_the_lines_that_have_one(tuned: tuple[Path, str]) -> None:
    path, run_id = tuned
    lines = compared(path, "v1", f"{run_id}_001").contrasts
    adjusted = adjusted_p_values(lines)
    assert [p is None for p in adjusted] == [c.compared is None for c in lines]
