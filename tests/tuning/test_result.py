import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import pytest

from reeltune.commands.tuning_session import TuningSession
from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import connection
from reeltune.domain.errors import InputError
from reeltune.domain.experiment import RunStatus
from reeltune.domain.limits import Limit, Limits
from reeltune.domain.study import StudyConfig
from reeltune.tuning.plan import Plan
from reeltune.tuning.result import RunResult, complete
from reeltune.tuning.stopping import StoppedBy
from tests.running import ROOT
from tests.tuning.runs import tuned

SCHEMA_FILE = ROOT / "reeltune" / "tuning" / "result.schema.json"
SCHEMA = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
TYPES: Mapping[str, Any] = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "number": (int, float),
    "object": dict,
    "array": (list, tuple),
    "null": type(None),
}


def check(value: Any, schema: Mapping[str, Any]) -> None:
    """That `value` is what the part of JSON Schema says that is used here."""
    if "enum" in schema:
        assert value in schema["enum"]
        return
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    assert any(isinstance(value, TYPES[kind]) for kind in kinds), (value, kinds)
    for part in value if isinstance(value, list | tuple) else ():
        check(part, schema["items"])
    if isinstance(value, dict) and "properties" in schema:
        assert set(schema["required"]) <= set(value) <= set(schema["properties"])
        for name, part in value.items():
            check(part, schema["properties"][name])
    elif isinstance(value, dict) and "additionalProperties" in schema:
        for part in value.values():
            check(part, schema["additionalProperties"])
    assert "minimum" not in schema or value >= schema["minimum"]


def test_the_schema_names_what_the_record_has() -> None:
    names = [*RunResult.__dataclass_fields__, "promotion", "renewal", "night"]
    assert list(SCHEMA["properties"]) == SCHEMA["required"] == names
    assert SCHEMA["properties"]["status"]["enum"] == list(get_args(RunStatus))
    assert SCHEMA["properties"]["stopped_by"]["enum"] == list(get_args(StoppedBy))


@pytest.mark.parametrize("promotes", [False, True])
def test_what_is_printed_of_a_run_is_what_the_schema_says(world: Path, promotes: bool) -> None:
    told: list[dict[str, Any]] = []
    session = TuningSession(
        db_path=world, promotes=promotes, accuracy_threshold=0.0, as_json=True, output=told.append
    )
    study = StudyConfig(seed=1, further_objectives=("seconds",) if promotes else ())
    session.run(study, Plan(method="random", n_configs=3))
    (result,) = json.loads(json.dumps(told))
    check(result, SCHEMA)
    assert bool(result["front"]) == promotes
    assert (result["promotion"] is not None) == promotes


def test_the_best_is_complete_and_valid(world: Path) -> None:
    limits = Limits(limits=(Limit(name="genre_weight", low=0.2, high=0.3),), others_fixed=True)
    result = tuned(world, Plan(method="random", n_configs=3, limits=limits))
    assert result.best_hyperparameters is not None
    assert list(result.best_hyperparameters) == list(SPACE.hyperparameters)
    assert SPACE.faults(result.best_hyperparameters) == []


def test_what_was_found_is_completed_by_defaults_or_refused() -> None:
    found = {m: v for m, v in SPACE.defaults().items() if m.endswith("_weight")}
    assert complete(SPACE, found) == SPACE.defaults()
    with pytest.raises(InputError, match="unknown hyperparameter 'gone'"):
        complete(SPACE, {"gone": 1})


def test_a_retraining_names_its_run_and_experiment(world: Path) -> None:
    session = TuningSession(
        db_path=world,
        promotes=True,
        accuracy_threshold=0.0,
        quiet=True,
        as_json=True,
        output=lambda result: None,
    )
    session.run(StudyConfig(seed=2), Plan(method="random", n_configs=3))
    with connection(world) as conn:
        rows = conn.execute(
            """
            SELECT t.tuning_run_id, t.experiment_number, t.was_best, e.experiment_id
              FROM training_runs AS t JOIN hp_experiments AS e
                ON e.tuning_run_id = t.tuning_run_id AND e.number = t.experiment_number
            """
        ).fetchall()
    assert [row["was_best"] for row in rows] == [1]
