import json
from pathlib import Path
from typing import Any

import pytest

from reeltune import (
    Measurement,
    ProblemStatement,
    SearchSpace,
    Study,
    Trial,
    TrialStatus,
    TrialSuggestion,
)
from reeltune.domain.errors import InputError, NotFoundError
from reeltune.search import STRATEGIES
from tests.running import run, run_json
from tests.search.problems import enrolled

LOSS = {"loss": "minimize"}


def space() -> SearchSpace:
    made = SearchSpace()
    root = made.root
    root.add_float_param("rate", 1e-4, 1.0, scale_type="log")
    root.add_int_param("depth", 1, 9)
    optimizer = root.add_categorical_param("optimizer", ["adam", "sgd"])
    optimizer.select_values(["sgd"]).add_float_param("momentum", 0.0, 1.0)
    root.add_bool_param("bias")
    return made


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "study.db"


def make(db: Path, algorithm: Any = "random", metrics: Any = LOSS, **more: Any) -> Study:
    return Study.create_or_load("mine", space(), metrics, algorithm, db=db, **more)


def test_trials_are_suggested_completed_and_found_again(db: Path) -> None:
    study = make(db)
    first, second = study.suggest(count=2)
    assert (first.id, second.id) == (1, 2)
    assert first.parameters == space().to_space().defaults()
    assert first.complete(Measurement({"loss": 0.5}, elapsed_secs=3.0)) == Measurement(
        {"loss": 0.5}, 3.0
    )
    assert second.complete(infeasible_reason="it did\nnot converge") is None
    again = Study.load("mine", db=db)
    assert [trial.status for trial in again.trials()] == [TrialStatus.COMPLETED] * 2
    assert again.get_trial(1).final_measurement == Measurement({"loss": 0.5}, 3.0)
    assert again.get_trial(2).infeasible
    assert again.get_trial(2).infeasibility_reason == "it did not converge"
    assert [trial.id for trial in again.optimal_trials()] == [1]
    with pytest.raises(NotFoundError, match="has no trial 3"):
        again.get_trial(3)


def test_a_client_is_given_what_it_did_not_complete_and_no_other_is(db: Path) -> None:
    study = make(db)
    (mine,) = study.suggest(client_id="a")
    (other,) = study.suggest(client_id="b")
    assert (mine.id, other.id) == (1, 2)
    later = Study.load("mine", db=db)
    assert later.suggest(client_id="a") == [mine]
    assert [trial.id for trial in later.suggest(count=3, client_id="a")] == [1, 3, 4]
    mine.complete({"loss": 1.0})
    assert [trial.id for trial in study.suggest(count=3, client_id="a")] == [3, 4, 5]


def test_a_trial_is_completed_once(db: Path) -> None:
    study = make(db)
    (trial,) = study.suggest()
    same = study.get_trial(trial.id)
    trial.complete({"loss": 1.0})
    for each in (trial, same):
        with pytest.raises(InputError, match="is completed already"):
            each.complete({"loss": 2.0})
    assert study.get_trial(1).final_measurement == Measurement({"loss": 1.0})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"loss": float("nan")}, "loss must be a finite number, got nan: where there is none"),
        ({"loss": "1"}, "loss must be a finite number, got '1'"),
        ({"loss": 1e300}, "loss must be a finite number, got 1e+300"),
        ({"Loss": 1.0}, "loss is missing; unknown metric 'Loss'"),
        (Measurement({"loss": 1.0}, elapsed_secs=-1.0), "elapsed_secs must be 0 or more"),
        (None, "give a measurement, or an infeasible_reason"),
    ],
)
def test_what_is_no_measurement_is_refused_and_the_trial_stays(
    given: Any, said: str, db: Path
) -> None:
    study = make(db)
    (trial,) = study.suggest()
    with pytest.raises(InputError) as refused:
        trial.complete(given)
    assert said in str(refused.value)
    assert trial.status is TrialStatus.ACTIVE
    assert study.suggest() == [trial]


def test_requested_trials_are_suggested_before_all_others(db: Path) -> None:
    study = make(db)
    wanted = {"rate": 0.5, "depth": 2, "optimizer": "sgd", "momentum": 0.9, "bias": True}
    requested = study.request(wanted)
    assert requested.status is TrialStatus.REQUESTED
    first, second = study.suggest(count=2)
    assert (first.id, dict(first.parameters), first.status) == (1, wanted, TrialStatus.ACTIVE)
    assert second.id == 2
    with pytest.raises(InputError, match="depth must be in"):
        study.request(TrialSuggestion({**wanted, "depth": 10}))
    assert len(study.trials()) == 2


def test_a_study_is_not_taken_for_another_one(db: Path) -> None:
    make(db)
    for wrong, said in (
        ({"metrics": {"loss": "maximize"}}, "another metrics"),
        ({"algorithm": "tpe"}, "another algorithm"),
        ({"seed": 1, "metrics": {"cost": "minimize"}}, "another metrics and seed"),
    ):
        with pytest.raises(InputError, match=said):
            make(db, **wrong)
    other = SearchSpace()
    other.root.add_bool_param("x")
    with pytest.raises(InputError, match="another space"):
        Study.create_or_load("mine", other, LOSS, "random", db=db)
    with pytest.raises(NotFoundError, match="there is no study 'yours'"):
        Study.load("yours", db=db)


@pytest.mark.parametrize(
    ("name", "metrics", "algorithm", "said"),
    [
        ("", LOSS, "random", "a study's name must have"),
        ("a\nb", LOSS, "random", "a study's name must have"),
        ("a", {}, "random", "there must be a metric"),
        ("a", {"loss": "less"}, "random", "must be minimize or maximize"),
        ("a", LOSS, "magic", "algorithm must be a designer's factory or one of grid"),
        ("a", {"b": "minimize", "c": "minimize"}, "cmaes", "needs one metric, got 2"),
    ],
)
def test_what_cannot_be_a_study_is_refused(
    name: str, metrics: Any, algorithm: str, said: str, db: Path
) -> None:
    with pytest.raises(InputError, match=said):
        Study.create_or_load(name, space(), metrics, algorithm, db=db)
    assert not db.exists()


def test_several_metrics_have_a_front(db: Path) -> None:
    study = make(db, "nsga2", {"error": "minimize", "speed": "maximize"})
    values = [(0.5, 1.0), (0.4, 2.0), (0.3, 0.5), (0.4, 2.0), (0.9, 1.9)]
    for (error, speed), trial in zip(values, study.suggest(count=5), strict=True):
        trial.complete({"error": error, "speed": speed})
    study.suggest()[0].complete(infeasible_reason="too slow")
    assert [trial.id for trial in study.optimal_trials()] == [2, 3, 4]


@pytest.mark.parametrize("name", enrolled(STRATEGIES))
def test_every_way_of_proposing_suggests_new_valid_parameters(name: str, db: Path) -> None:
    study = make(db, name)
    for _ in range(4):
        for trial in study.suggest(count=3):
            trial.complete({"loss": (float(trial.parameters["rate"]) - 0.1) ** 2})
    parameters = [dict(trial.parameters) for trial in study.trials()]
    assert len(parameters) == 12
    assert all(study.space.checked(each) == each for each in parameters)
    assert len({json.dumps(each) for each in parameters}) == 12


def test_suggestions_end_where_everything_was_tried(db: Path) -> None:
    small = SearchSpace()
    small.root.add_bool_param("x")
    study = Study.create_or_load("small", small, LOSS, "random", db=db)
    assert [t.parameters["x"] for t in study.suggest(count=5)] == [False, True]
    assert study.suggest(client_id="another") == []


class Counting:
    """A designer of a user's own: the next whole number."""

    def __init__(self, problem: ProblemStatement) -> None:
        self.defaults = problem.space.defaults()
        self.seen: list[Trial] = []

    def suggest(self, count: int | None = None) -> list[TrialSuggestion]:
        best = max((trial.parameters["depth"] for trial in self.seen), default=0)
        return [
            TrialSuggestion({**self.defaults, "depth": best + n})
            for n in range(1, 1 + (count or 1))
        ]

    def update(self, completed: Any, active: Any = ()) -> None:
        self.seen += [*completed, *active]


def test_a_designer_of_ones_own_suggests_after_all_trials(db: Path) -> None:
    study = make(db, Counting)
    assert [t.parameters["depth"] for t in study.suggest(count=2, client_id="a")] == [1, 2]
    assert [t.parameters["depth"] for t in study.suggest(count=2, client_id="b")] == [3, 4]
    assert study.algorithm == "tests.studies.test_study:Counting"
    with pytest.raises(InputError, match="algorithm must be a designer's factory"):
        Study.load("mine", db=db).suggest(client_id="c")
    assert len(Study.load("mine", db=db, algorithm=Counting).suggest(client_id="c")) == 1
    with pytest.raises(InputError, match="depth must be in"):
        study.suggest(count=9, client_id="d")
    assert len(study.trials()) == 5


def test_a_study_does_not_depend_on_the_working_directory(
    db: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    study = make(Path("study.db"))
    monkeypatch.chdir("/")
    assert len(study.suggest()) == 1
    assert db.exists()


def test_a_study_is_deleted_with_its_trials(db: Path) -> None:
    study = make(db)
    (trial,) = study.suggest()
    study.delete()
    with pytest.raises(NotFoundError):
        trial.complete({"loss": 1.0})
    assert make(db, "tpe").trials() == []


def test_commands_show_studies_and_leave_their_trials_alone(db: Path) -> None:
    study = make(db, metrics={"loss": "minimize", "size": "minimize"})
    for n, trial in enumerate(study.suggest(count=4)):
        trial.complete({"loss": 1.0 / (n + 1), "size": float(n)})
    study.suggest(client_id="busy")
    (line,) = run_json("-m", "reeltune", "tune", "list", "--db", db)
    assert (line["task"], line["best_value"]) == ("study", 0.25)
    told = run("-m", "reeltune", "tune", "show", "mine", "--db", db).stdout
    assert "loss (less is better)" in told
    assert "Pareto front: 4 of 4" in told
    assert "A study has no baseline." in told
    assert "Best against" not in told
    run("-m", "reeltune", "tune", "resume", "mine", "--db", db, expect=1)
    function = "reeltune.tasks.example_functions:of_all_units"
    run("-m", "reeltune", "tune", function, "--method", "random", "--configs", "1", "--db", db)
    assert run_json("-m", "db", "doctor", "--db", db)["faults"] == []
    assert study.trials(TrialStatus.ACTIVE) == study.suggest(client_id="busy")
