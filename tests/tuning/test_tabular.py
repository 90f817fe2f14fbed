"""Tuning of a table, from a file to a package: what is chosen, measured and kept."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from reeltune.commands.main import main
from reeltune.db.connection import connection
from reeltune.db.experiments import load_experiments
from reeltune.db.tuning_runs import load_runs
from reeltune.db.warm_starts import load_warm_starts
from reeltune.domain.errors import InputError, InterruptedRunError, NotFoundError
from reeltune.domain.experiment import Experiment
from reeltune.domain.study import comparable_model
from reeltune.table_models.families import table_space
from reeltune.tabular.demo_tables import write_demo
from reeltune.tabular.target import Prediction
from reeltune.tasks.tabular import TabularTask
from reeltune.tasks.tabular_source import TabularSource
from reeltune.tracking.progress import SilentWatcher
from reeltune.tuning.plan import Plan
from reeltune.tuning.tabular import TabularResult, TabularTuning
from reeltune.tuning.tabular_budget import Budget

pytest.importorskip("sklearn")
pytestmark = pytest.mark.slow
N_CONFIGS = 4


def tabular(*words: object) -> Result:
    return CliRunner().invoke(main, ["tabular", *map(str, words)], prog_name="reeltune")


@pytest.fixture(scope="module")
def cars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cars") / "cars.csv"
    write_demo(path, "cars", 180)
    return path


def task_of(path: Path, **options: object) -> TabularTask:
    source = TabularSource(
        path=path,
        target="price_eur",
        prediction=Prediction.NUMBERS,
        **options,  # type: ignore[arg-type]
    )
    return TabularTask.of(source.name)


def tuned(path: Path, database: Path, **options: object) -> TabularResult:
    plan = Plan(method="tpe", n_configs=N_CONFIGS, pruner="paired")
    with connection(database, create=True) as conn:
        return TabularTuning(conn, task_of(path), seed=3, **options).run(plan, Budget())  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def result(cars: Path, tmp_path_factory: pytest.TempPathFactory) -> TabularResult:
    return tuned(cars, tmp_path_factory.mktemp("db") / "tables.db")


def test_the_report_has_the_contract_of_a_study(result: TabularResult) -> None:
    report = result.as_dict()
    assert json.loads(json.dumps(report)) == report
    assert report["hpo_completed"] is True
    assert report["hpo_trials_run"] == N_CONFIGS + 1
    assert report["hpo_best_trial"] == result.run.best_experiment_number
    assert report["hpo_best_value"] == result.run.best_value
    best = report["best_hyperparameters"]
    assert table_space(Prediction.NUMBERS).checked(best) == best


def test_the_blend_is_as_good_as_the_best_trial_with_one_stop_for_all_folds(
    cars: Path, result: TabularResult
) -> None:
    data = task_of(cars).data
    assert result.run.best_hyperparameters is not None
    best = data.with_common_stop(result.run.best_hyperparameters)
    assert result.blend.value <= ((best[:, 0] - data.truth) ** 2).mean() * (1 + 1e-9)
    assert 1 <= len(result.model.members) <= 4
    assert sum(result.blend.weights) == pytest.approx(1.0)


def test_the_model_is_usable_and_the_test_part_says_so(result: TabularResult) -> None:
    assert result.test is not None
    assert result.test.metrics["rmse"] < 0.6 * result.test.constant["rmse"]
    assert result.verdict.startswith("usable: mean squared error")


def test_a_linear_model_is_among_the_first_trials(cars: Path, tmp_path: Path) -> None:
    with connection(tmp_path / "t.db", create=True) as conn:
        found = TabularTuning(conn, task_of(cars), seed=0).run(
            Plan(method="tpe", n_configs=2), Budget()
        )
        tried = [
            e.hyperparameters["family"] for e in load_experiments(conn, found.run.tuning_run_id)
        ]
    assert tried[:2] == ["lightgbm", "ridge"]


class StopsAfter(SilentWatcher):
    """Ends a run, as Ctrl-C does, after so many experiments."""

    def __init__(self, n: int) -> None:
        self.n = n

    def finished(self, experiment: Experiment, best: Experiment | None, n_done: int) -> None:
        if n_done >= self.n:
            raise KeyboardInterrupt


def test_the_same_seed_gives_the_same_model_and_a_resumed_run_too(
    cars: Path, tmp_path: Path, result: TabularResult
) -> None:
    again = tuned(cars, tmp_path / "again.db")
    table = task_of(cars).table
    assert np.array_equal(again.model.predict(table), result.model.predict(table))
    broken = tmp_path / "broken.db"
    with pytest.raises(InterruptedRunError):
        tuned(cars, broken, watch=StopsAfter(3))
    with connection(broken) as conn:
        (run,) = load_runs(conn)
        assert run.status == "interrupted"
        resumed = TabularTuning(conn, task_of(cars), seed=3).resume(Budget())
    assert np.array_equal(resumed.model.predict(table), result.model.predict(table))


def test_without_an_interrupted_run_there_is_nothing_to_resume(cars: Path, tmp_path: Path) -> None:
    with (
        connection(tmp_path / "t.db", create=True) as conn,
        pytest.raises(NotFoundError, match="no interrupted run for this table"),
    ):
        TabularTuning(conn, task_of(cars)).resume(Budget())


def test_no_search_sees_the_test_part(cars: Path) -> None:
    """With other targets in the test part, every value of the search stays."""
    task = task_of(cars)
    changed = task.target.values.copy()
    changed[task.folds.test] = -1e6
    other = TabularTask(
        task.source,
        task.table,
        type(task.target)(name="price_eur", prediction=task.target.prediction, values=changed),
        task.folds,
    )
    configuration = task.space.defaults()
    a, b = (each.evaluator().evaluate_many([configuration])[0] for each in (task, other))
    assert a.values == b.values


def test_a_target_without_meaning_is_not_said_to_be_usable(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    rows = "".join(
        f"{x},{c},{y}\n"
        for x, c, y in zip(
            rng.normal(size=400), rng.integers(0, 30, 400), rng.normal(size=400), strict=True
        )
    )
    path = tmp_path / "noise.csv"
    path.write_text("x,c,y\n" + rows)
    source = TabularSource(
        path=path, target="y", prediction=Prediction.NUMBERS, kinds={"c": "category"}
    )
    with connection(tmp_path / "t.db", create=True) as conn:
        plan = Plan(method="tpe", n_configs=3)
        found = TabularTuning(conn, TabularTask.of(source.name), seed=1).run(plan, Budget())
    assert not found.verdict.startswith("usable")
    assert found.test is not None
    assert found.test.metrics["mse"] > 0.93 * found.test.constant["mse"]


@pytest.mark.parametrize(
    "source",
    [
        TabularSource(path=Path("/a b/ü?.csv"), target="a=b&c", prediction=Prediction.CLASSES),
        TabularSource(
            path=Path("x.db"),
            target="y",
            prediction=Prediction.NUMBERS,
            read={"table": "t 1", "decimal": ","},
            header=False,
            kinds={"a=b": "text", "c": "id"},
            has_test=False,
            seconds=2.8,
        ),
    ],
)
def test_a_task_is_found_again_by_its_name(source: TabularSource) -> None:
    assert TabularSource.from_name(source.name) == source


def test_a_name_of_something_else_is_no_table() -> None:
    with pytest.raises(InputError, match="is no table to tune"):
        TabularSource.from_name("hand-weighted")


def test_a_budget_is_divided() -> None:
    budget = Budget(20.0, spent=2.0)
    assert budget.search_seconds == pytest.approx(0.75 * 17.75, abs=0.05)
    assert budget.fit_seconds == 3.0
    assert not budget.is_tiny
    assert Budget(2.0, spent=1.5).is_tiny
    assert Budget().search_seconds is Budget().fit_seconds is None
    assert Budget().affordable({0: 0.5, 2: 0.5}, [9.0, 9.0, 9.0], 1.0) == {0: 0.5, 2: 0.5}
    some = Budget(10.0).affordable({0: 0.2, 1: 0.5, 2: 0.3}, [1.0, 6.0, 4.0], 1.0)
    assert some == {0: 0.2, 1: 0.5}


def test_the_command_writes_a_package_and_a_report(cars: Path, tmp_path: Path) -> None:
    package, database = tmp_path / "cars.zip", tmp_path / "tables.db"
    words = ("--configs", 2, "--seed", 1, "--out", package, "--db", database)
    done = tabular("tune", cars, *words)
    assert done.exit_code == 0, done.output
    assert "verdict: usable" in done.stdout
    assert "target: price_eur, regression" in done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["package_bytes"] == package.stat().st_size
    predicted = tabular("predict", package, cars, "--out", tmp_path / "p.csv", "--json")
    assert json.loads(predicted.stdout)["rows"] == 180
    assert len((tmp_path / "p.csv").read_text().splitlines()) == 181
    explained = tabular("explain", package, "--rows", cars, "--json")
    assert json.loads(explained.stdout)["columns"]["model"] > 0
    assert "Model of price_eur" in tabular("explain", package).stdout


def test_a_small_budget_ends_in_a_model(cars: Path, tmp_path: Path) -> None:
    words = ("--budget", "1s", "--out", tmp_path / "m.zip", "--db", tmp_path / "t.db", "--json")
    done = tabular("tune", cars, *words)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["hpo_trials_run"] == 2


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (("--metric", "auc"), 1, "must be one of mse, mae, rmse, r2, got 'auc'"),
        (("--budget", "soon"), 2, "'soon' is no duration"),
        (("--out", "no/where/m.zip"), 1, "make its directory first"),
        (("--target", "no"), 1, "has no column 'no'"),
        (("--resume",), 1, "no interrupted run"),
    ],
)
def test_what_is_wrong_is_one_line(
    cars: Path, tmp_path: Path, words: tuple[str, ...], status: int, text: str
) -> None:
    done = tabular("tune", cars, "--db", tmp_path / "t.db", *words)
    assert done.exit_code == status
    assert text in " ".join(done.output.split())
    assert "Traceback" not in done.output


def test_what_was_best_on_a_similar_table_is_tried_and_shown(cars: Path, tmp_path: Path) -> None:
    database, other = tmp_path / "tables.db", tmp_path / "other.csv"
    write_demo(other, "cars", 140, seed=9)
    words = ("--seed", 1, "--no-racing", "--db", database, "--out", tmp_path / "m.zip", "--quiet")
    assert tabular("recommend", other, "--db", database).exit_code == 0
    first = tabular("tune", cars, "--configs", 4, *words)
    assert first.exit_code == 0, first.output
    found = json.loads(tabular("recommend", other, "--db", database, "--json").stdout)
    assert [each["origin"] for each in found["trials"][:2]] == ["tuned default", "portfolio"]
    assert found["trials"][1]["family"] == "ridge"
    assert all(each["seconds"] > 0 for each in found["trials"])
    (similar,) = found["similar"]
    assert 0.5 < similar["similarity"] <= 1.0
    assert tabular("tune", other, "--configs", 8, *words).exit_code == 0
    with connection(database) as conn:
        started = load_warm_starts(conn, load_runs(conn)[1].tuning_run_id)
    assert len(started) == (1 if similar["best"] else 0)
    out = tmp_path / "knowledge.csv"
    records = json.loads(tabular("knowledge", "--db", database, "--csv", out, "--json").stdout)
    assert [Path(each["table"]).name for each in records] == ["cars.csv", "other.csv"]
    assert records[0]["n_used"] == len(started)
    assert len(out.read_text().splitlines()) == 3
    assert "What runs on tables found" in tabular("knowledge", "--db", database).stdout


def test_a_table_with_another_kind_of_target_is_not_similar(tmp_path: Path) -> None:
    a = TabularSource(path=Path("a.csv"), target="y", prediction=Prediction.NUMBERS).name
    b = TabularSource(path=Path("b.csv"), target="z", prediction=Prediction.NUMBERS).name
    c = TabularSource(path=Path("a.csv"), target="y", prediction=Prediction.CLASSES).name
    assert comparable_model(a) == comparable_model(b) != comparable_model(c)
    assert comparable_model("my?task=x:C") == "my?task=x:C"
