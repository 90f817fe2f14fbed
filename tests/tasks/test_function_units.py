"""Values of a function for each unit, and of some of its units."""

from pathlib import Path

import numpy as np
import pytest

from reeltune.db.connection import connection
from reeltune.db.experiments import load_group_gains
from reeltune.domain.errors import InputError
from reeltune.tasks.function import FunctionTask
from tests.running import run, run_json
from tests.tasks.functions import RANDOM, TUNE, experiments, written

OF_ANY_SIZE = """
    @reeltune.objective(space=Space((Single(X),)), metrics={"accuracy": "maximize"})
    def measure(configuration):
        return [%s * (configuration["x"] + n %% 3) for n in range(64)]
"""


@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1.0, 1e9, 1e90])
def test_values_may_be_of_any_size(scale: float, tmp_path: Path) -> None:
    name, database = written(tmp_path, OF_ANY_SIZE % scale), tmp_path / "study.db"
    found = run_json(*TUNE, name, *RANDOM, "--db", database)
    measured = experiments(database)
    best = max(measured, key=lambda e: e.hyperparameters["x"])
    assert found["best_experiment_number"] == best.number
    assert found["best_value"] == pytest.approx(scale * (best.hyperparameters["x"] + 63 / 64))
    assert all(e.validation_accuracy is None for e in measured)
    with connection(database) as conn:
        gains = load_group_gains(conn, found["tuning_run_id"])
    for each in measured[1:]:
        expected = scale * (each.hyperparameters["x"] - 0.5)
        assert np.allclose(gains[each.experiment_id], expected, rtol=1e-3, atol=0)
    assert "nan" not in run(*TUNE, "--summary", "--db", database).stdout


UNITS = """
    import numpy as np


    @reeltune.objective(space=Space((Single(X),)), metrics={"loss": "minimize"}, n_units=640)
    def measure(configuration, units):
        with open(%r, "a") as log:
            print(len(units), file=log)
        noise = np.random.default_rng(1).normal(size=640)[units]
        return {"loss": 10 * (configuration["x"] - 0.5) ** 2 + 0.1 * noise}
"""


def test_clearly_worse_experiments_are_measured_on_some_units_only(tmp_path: Path) -> None:
    log, database = tmp_path / "log.txt", tmp_path / "study.db"
    name = written(tmp_path, UNITS % str(log))
    found = run_json(*TUNE, name, *RANDOM, "--pruner", "paired", "--jobs", "1", "--db", database)
    assert found["experiments_pruned"] >= 2
    sizes = [int(line) for line in log.read_text().split()]
    n_pruned = found["experiments_pruned"]
    assert sorted(sizes) == n_pruned * [40] + found["experiments_completed"] * [640]


def test_a_panel_is_all_that_is_asked_for(tmp_path: Path) -> None:
    log, database = tmp_path / "log.txt", tmp_path / "study.db"
    name = written(tmp_path, UNITS % str(log))
    run(*TUNE, name, *RANDOM, "--panel", "100", "--jobs", "1", "--db", database)
    assert set(log.read_text().split()) == {"100"}


WRONG_UNITS = """
    @reeltune.objective(space=Space((Single(X),)), metrics={"loss": "minimize"}, n_units=640)
    def measure(configuration, units):
        return {"loss": [1.0] * (len(units) - 1)}
"""


def test_a_function_must_answer_for_the_units_that_it_was_asked_for(tmp_path: Path) -> None:
    task = FunctionTask.of(written(tmp_path, WRONG_UNITS))
    with pytest.raises(InputError, match="loss must have a value for each of the 640 units"):
        task.evaluator().evaluate_many([task.space.defaults()])
