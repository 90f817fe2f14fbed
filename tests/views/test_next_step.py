from pathlib import Path
from typing import Any

import pytest

from reeltune.domain.study import FUNCTION, NO_SPLIT, RATINGS, STUDY
from reeltune.views.next_step import first_command, next_command, resume_line
from reeltune.views.stored import RunLine, Stored

TUNE, RETRAIN = "python tune_orchestrator.py", "python retrain_model.py"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["tune_orchestrator.py"])


DB = Path("movies.db")


def line(**values: Any) -> RunLine:
    usual: dict[str, Any] = dict.fromkeys(RunLine.__dataclass_fields__) | {
        "tuning_run_id": "random_1",
        "method": "random",
        "objective": "accuracy",
        "objectives": ("accuracy",),
        "task": RATINGS,
        "model": "hand-weighted",
        "split": "user-time",
        "status": "completed",
        "n_configs": 50,
        "experiments_by_status": {},
    }
    return RunLine(**usual | values)


def stored(*runs: RunLine) -> Stored:
    return Stored(runs=runs, runs_by_method={}, experiments_by_status={}, n_waiting=0, waiting=())


def test_with_nothing_stored_the_first_run_is_proposed() -> None:
    assert first_command(stored(), DB) == f"{TUNE} --method bayesian --configs 20"
    assert first_command(stored(line(status="failed")), DB).endswith("--configs 20")


def test_what_was_interrupted_comes_before_what_is_planned() -> None:
    planned = line(status="planned", tuning_run_id="grid_1", method="grid")
    for status in ("running", "interrupted"):
        said = first_command(stored(planned, line(status=status)), DB)
        assert said == f"{TUNE} --resume random_1"


def test_a_planned_run_is_tried_as_it_was_planned() -> None:
    planned = line(
        status="planned", split="calendar", experiments_by_status={"pending": 12}, model="m:N"
    )
    said = first_command(stored(planned), DB)
    assert said == f"{TUNE} --method random --configs 12 --model m:N --split calendar"
    empty = first_command(stored(line(status="planned")), DB)
    assert empty == f"{TUNE} --method random --configs 1"


@pytest.mark.parametrize("status", ["running", "interrupted"])
def test_a_run_that_is_not_over_goes_on(status: str) -> None:
    said = next_command(line(status=status), "random_1_3", DB, None)
    assert said == f"{TUNE} --resume random_1"


def test_what_is_worth_deploying_is_deployed_and_otherwise_more_is_tried() -> None:
    assert next_command(line(), "random_1_3", DB, None) == f"{RETRAIN} --apply-hp random_1_3"
    assert next_command(line(), "a;b", DB, None) == f"{RETRAIN} --apply-hp 'a;b'"
    more = f"{TUNE} --method bayesian --configs 50"
    assert next_command(line(), None, DB, None) == more
    assert next_command(line(n_configs=5), None, DB, None).endswith("--configs 20")


def test_more_search_is_for_the_same_objectives_model_and_users() -> None:
    run = line(objectives=("mrr", "diversity"), objective="mrr", model="my models.py:Own")
    assert next_command(run, None, DB, None) == (
        f"{TUNE} --method bayesian --configs 50"
        " --model 'my models.py:Own' --objective mrr,diversity"
    )
    assert next_command(line(panel=200), None, DB, None).endswith("--configs 50 --panel 200")


def test_the_built_in_model_is_named_where_another_one_is_in_production() -> None:
    assert "--model" not in next_command(line(), None, DB, "hand-weighted")
    assert next_command(line(), None, DB, "my.py:Own").endswith(" --model hand-weighted")
    planned = stored(line(status="planned"))
    assert "--model" not in first_command(planned, DB)
    assert first_command(planned, DB, "my.py:Own").endswith(" --model hand-weighted")


def test_a_database_is_named_where_it_is_not_the_default_as_short_as_it_can_be(
    tmp_path: Path,
) -> None:
    assert resume_line("r", tmp_path / "movies.db") == f"{TUNE} --resume r"
    assert resume_line("r", tmp_path / "a b.db") == f"{TUNE} --resume r --db 'a b.db'"
    assert resume_line("r", Path("/srv/real.db")) == f"{TUNE} --resume r --db /srv/real.db"
    assert resume_line("a;b", DB) == f"{TUNE} --resume 'a;b'"


def test_of_a_function_more_search_comes_next_and_of_a_study_its_figures() -> None:
    function = line(
        task=FUNCTION, split=NO_SPLIT, model=str(Path("my.py").resolve()) + ":own", n_configs=5
    )
    more = f"{TUNE} my.py:own --method bayesian --configs 20 --objective accuracy"
    assert next_command(function, None, DB, None) == more
    broken = line(task=FUNCTION, split=NO_SPLIT, status="interrupted")
    assert first_command(stored(broken), DB) == f"{TUNE} --resume random_1"
    study = line(task=STUDY, split=NO_SPLIT, status="running", tuning_run_id="my study")
    assert next_command(study, None, DB, None) == f"{TUNE} show 'my study'"
    assert first_command(stored(study), DB) == f"{TUNE} --method bayesian --configs 20"
