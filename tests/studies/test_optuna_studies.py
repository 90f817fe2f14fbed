import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from reeltune import Study
from reeltune.commands.main import main
from reeltune.db.connection import Connection
from tests.reports.reported import RUN, write_run

optuna = pytest.importorskip("optuna")
optuna.logging.set_verbosity(optuna.logging.ERROR)


def said(*words: str | Path, expect: int = 0) -> Result:
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == expect, done.output
    return done


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def studied(path: Path, n: int = 8, name: str = "theirs") -> None:
    """Write a study of Optuna with a number, a logarithm, a whole number and a choice."""

    def objective(trial: Any) -> float:
        x = trial.suggest_float("x", -2, 2)
        rate = trial.suggest_float("rate", 1e-5, 1e-1, log=True)
        layers = trial.suggest_int("layers", 1, 4)
        kind = trial.suggest_categorical("kind", ["a", "b"])
        if trial.number == 3:
            raise optuna.TrialPruned
        return float(x**2 + layers + (kind == "a") + rate)

    sampler = optuna.samplers.RandomSampler(seed=1)
    study = optuna.create_study(study_name=name, storage=url(path), sampler=sampler)
    study.optimize(objective, n_trials=n)


def test_a_run_is_a_study_of_optuna_with_the_same_best(conn: Connection, tmp_path: Path) -> None:
    write_run(conn, 12)
    done = said("export", "optuna", RUN, "--out", tmp_path / "o.db")
    assert "wrote 13 trials" in done.stdout
    study = optuna.load_study(study_name=RUN, storage=url(tmp_path / "o.db"))
    values = [t.value for t in study.trials if t.value is not None]
    assert len(values) == 12
    assert study.best_value == max(values)
    assert study.metric_names == ["accuracy"]
    trial = study.trials[1]
    assert trial.user_attrs["experiment_id"] == f"{RUN}_001"
    assert "accuracy_threshold" not in trial.params
    assert trial.duration is not None
    assert trial.duration.total_seconds() == pytest.approx(1.5)
    assert [t.state.name for t in study.trials][-1] == "FAIL"
    again = said("export", "optuna", RUN, "--out", tmp_path / "o.db", expect=1)
    assert "has a study" in again.stderr


def test_a_study_of_optuna_goes_on_here_from_its_trials(conn: Connection, tmp_path: Path) -> None:
    studied(tmp_path / "o.db")
    assert "study theirs has 8 trials" in said("import", "optuna", tmp_path / "o.db").stdout
    study = Study.load("theirs", db="movies.db")
    source = optuna.load_study(study_name="theirs", storage=url(tmp_path / "o.db"))
    (best,) = study.optimal_trials()
    assert dict(best.parameters) == pytest.approx(source.best_params)
    assert best.final_measurement is not None
    assert best.final_measurement.metrics["value"] == pytest.approx(source.best_value)
    assert [t.infeasible for t in study.trials()].count(True) == 1
    (more,) = study.suggest()
    assert more.id == 9
    shown = said("runs", "show", "theirs")
    assert "theirs" in shown.stdout


def test_there_and_back_again(conn: Connection, tmp_path: Path) -> None:
    studied(tmp_path / "o.db")
    said("import", "optuna", tmp_path / "o.db", "--name", "ours")
    said("export", "optuna", "ours", "--out", tmp_path / "back.db")
    before = optuna.load_study(study_name="theirs", storage=url(tmp_path / "o.db")).trials
    after = optuna.load_study(study_name="ours", storage=url(tmp_path / "back.db")).trials
    kept = [t for t in before if t.state.name == "COMPLETE"]
    found = [t for t in after if t.state.name == "COMPLETE"]
    assert [t.value for t in found] == pytest.approx([t.value for t in kept])
    assert [t.params["kind"] for t in found] == [t.params["kind"] for t in kept]
    assert found[0].distributions["rate"].log


def test_what_cannot_be_read_ends_in_one_line(
    conn: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "o.db"
    assert "there is no file" in said("import", "optuna", path, expect=1).stderr
    studied(path, 2)
    studied(path, 2, "second")
    assert "has 2 studies" in said("import", "optuna", path, expect=1).stderr
    assert "no study 'x'" in said("import", "optuna", path, "--study", "x", expect=1).stderr
    said("import", "optuna", path, "--study", "theirs")
    again = said("import", "optuna", path, "--study", "theirs", expect=1)
    assert "with trials already" in again.stderr
    conditional = optuna.create_study(study_name="c", storage=url(tmp_path / "c.db"))
    conditional.optimize(lambda t: t.suggest_float(f"x{t.number}", 0, 1), n_trials=2)
    done = said("import", "optuna", tmp_path / "c.db", expect=1)
    assert "only some trials have it" in done.stderr
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert "pip install optuna" in said("import", "optuna", path, expect=1).stderr


def test_experiments_are_written_as_parquet(conn: Connection, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    write_run(conn, 5)
    done = said("export", "parquet", RUN, "--out", tmp_path / "r.parquet")
    assert "wrote 6 experiments" in done.stdout
    assert parquet.read_table(tmp_path / "r.parquet").num_rows == 6
