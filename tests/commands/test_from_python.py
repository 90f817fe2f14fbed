from pathlib import Path

import pytest

from reeltune.commands.from_python import apply_hyperparameters, run_hyperparameter_tuning
from reeltune.components.hyperparameters import SPACE
from reeltune.db.command_runs import load_last_command_run
from reeltune.db.connection import connection
from reeltune.db.experiments import load_experiment, load_experiments
from reeltune.db.tuning_runs import load_run_totals, load_runs
from reeltune.db.versions import load_production, load_versions
from reeltune.domain.errors import BusyError, InputError, NotFoundError
from reeltune.storage.run_lock import run_lock


def last_exit_code(path: Path) -> int | None:
    with connection(path) as conn:
        run = load_last_command_run(conn)
    return None if run is None else run.exit_code


def n_versions(path: Path) -> int:
    with connection(path) as conn:
        return len(load_versions(conn))


def test_tuning_tries_what_is_asked_for_and_returns_the_best(world: Path) -> None:
    result = run_hyperparameter_tuning("random", 3, db=world, objective="mrr", seed=5)
    assert (result.status, result.experiments_completed) == ("completed", 4)
    with connection(world) as conn:
        (run,) = load_runs(conn)
        assert (run.method, run.objective, run.seed, run.n_configs) == ("random", "mrr", 5, 3)
        best = load_run_totals(conn)[run.tuning_run_id].best_experiment_id
    assert result.best_experiment_id == best
    assert last_exit_code(world) == 0


def test_without_a_number_as_many_are_tried_as_by_the_command(world: Path) -> None:
    run_hyperparameter_tuning("bayesian", db=str(world), jobs=2)
    with connection(world) as conn:
        (run,) = load_runs(conn)
        assert len(load_experiments(conn, run.tuning_run_id)) == 21


def test_an_experiment_is_deployed_by_its_name(world: Path) -> None:
    found = run_hyperparameter_tuning("random", 2, db=world)
    id_ = found.best_experiment_id
    assert id_ is not None
    result = apply_hyperparameters(id_, db=world, accuracy_threshold=0.0)
    assert (result.verdict, result.version) == ("promoted", 1)
    with connection(world) as conn:
        production = load_production(conn)
        assert production is not None
        assert production.training.experiment_id == id_
        assert load_experiment(conn, id_).test_accuracy is not None
    assert apply_hyperparameters(db=world, dry_run=True).hyperparameters == result.hyperparameters


def test_values_may_be_partial_and_are_checked(world: Path) -> None:
    given = {"genre_boost_high": 0.2}
    result = apply_hyperparameters(given, db=world, accuracy_threshold=0.0)
    assert result.hyperparameters == {**SPACE.defaults(), **given}
    for wrong in ({"genre_boost_high": 99.0}, {"no_such": 1.0}, {"genre_boost_high": float("nan")}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            apply_hyperparameters(wrong, db=world)
    assert n_versions(world) == 1


def test_a_refusal_is_returned_and_recorded_like_the_commands(world: Path) -> None:
    result = apply_hyperparameters({}, db=world, accuracy_threshold=0.99)
    assert result.verdict == "refused"
    assert last_exit_code(world) == 3
    with connection(world) as conn:
        assert load_production(conn) is None


def test_a_dry_run_deploys_and_records_nothing(world: Path) -> None:
    result = apply_hyperparameters({}, db=world, accuracy_threshold=0.0, dry_run=True)
    assert (result.verdict, result.version) == ("would be promoted", None)
    assert n_versions(world) == 0
    assert last_exit_code(world) is None


def test_what_is_deployed_already_is_retrained_only_by_force(world: Path) -> None:
    apply_hyperparameters({}, db=world, accuracy_threshold=0.0)
    again = apply_hyperparameters({}, db=world, accuracy_threshold=0.0)
    assert again.verdict == "nothing new"
    forced = apply_hyperparameters({}, db=world, accuracy_threshold=0.0, force=True)
    assert (forced.verdict, forced.version) == ("promoted", 2)


def test_what_is_not_possible_is_all_named_before_anything_is_done(world: Path) -> None:
    with pytest.raises(InputError) as refused:
        run_hyperparameter_tuning("random", 0, db=world, split="sideways", objective="luck")
    for part in ("n_configs must be 1", "'sideways'", "'luck'"):
        assert part in str(refused.value)
    with pytest.raises(InputError, match="sideways"):
        apply_hyperparameters({}, db=world, split="sideways")
    with pytest.raises(InputError, match="--method must be one of"):
        run_hyperparameter_tuning("guessing", db=world)
    with pytest.raises(NotFoundError):
        run_hyperparameter_tuning("random", 1, db=world.with_name("absent.db"))
    with connection(world) as conn:
        assert load_runs(conn) == []


def test_both_leave_a_database_alone_that_another_run_holds(world: Path) -> None:
    with run_lock(world):
        with pytest.raises(BusyError):
            run_hyperparameter_tuning("random", 1, db=world)
        with pytest.raises(BusyError):
            apply_hyperparameters({}, db=world, accuracy_threshold=0.0)
    assert n_versions(world) == 0


def test_a_run_whose_first_experiments_all_fail_is_an_error(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = """
from examples.most_popular import MostPopular

class Failing(MostPopular):
    def fit(self, ratings, catalogue):
        raise ValueError("no")
"""
    (tmp_path / "failing_model.py").write_text(failing, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="failed: the first 5 experiments all failed"):
        run_hyperparameter_tuning("random", 9, db=world, model="failing_model.py:Failing")
    assert last_exit_code(world) == 1
