"""JSON Schema of sweep files, by which both this program and editors check them.

`sweep.schema.json` is this schema for editors; `python -m reeltune.sweeps.schema` writes it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reeltune.domain.direction import Direction
from reeltune.domain.objectives import MAX_OBJECTIVES
from reeltune.gate.guardrails import margin_names
from reeltune.metrics.objectives import all_objectives
from reeltune.ratings.splits import SPLITS
from reeltune.search import STRATEGIES
from reeltune.tuning.pruning_rules import PRUNERS

SCHEMA_FILE = Path(__file__).parent / "sweep.schema.json"

Schema = Mapping[str, Any]


def _object(about: str, properties: Schema, **more: object) -> dict[str, Any]:
    return {
        "type": "object",
        "description": about,
        "properties": dict(properties),
        "additionalProperties": False,
        **more,
    }


def _count(about: str, least: int, most: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": least, "maximum": most, "description": about}


def _share(about: str) -> dict[str, Any]:
    return {"type": "number", "minimum": 0, "maximum": 1, "description": about}


def _seconds(about: str) -> dict[str, Any]:
    return {"type": "number", "exclusiveMinimum": 0, "description": about}


def _choice(about: str, names: Any) -> dict[str, Any]:
    return {"enum": list(names), "description": about}


def _flag(about: str) -> dict[str, Any]:
    return {"type": "boolean", "description": about}


_VALUE = {"type": ["number", "string", "boolean"]}
_CHOICES = {"type": "array", "items": _VALUE, "minItems": 1, "maxItems": 1000}
_RANGE = {
    "low": {"type": "number", "description": "least value; default: as declared"},
    "high": {"type": "number", "description": "greatest value; default: as declared"},
    "step": {"type": "number", "exclusiveMinimum": 0, "description": "distance of values from low"},
    "log": _flag("equal steps are equal ratios"),
}
_PARAMETER = {
    "description": "values to choose from, a range, or one value",
    "type": ["array", "object"],
    "items": _VALUE,
    "minItems": 1,
    "maxItems": 1000,
    "properties": {**_RANGE, "choices": _CHOICES, "fixed": _VALUE},
    "additionalProperties": False,
}
_ONE_OBJECTIVE = {
    "type": ["string", "object"],
    "properties": {
        "metric": _choice("the metric", all_objectives()),
        "direction": _choice("which way is better: minimize for seconds", map(str, Direction)),
    },
    "required": ["metric"],
    "additionalProperties": False,
}
_OBJECTIVE = {
    **_ONE_OBJECTIVE,
    "description": "what is optimised on the validation set; of a list, the first decides",
    "type": ["string", "object", "array"],
    "items": _ONE_OBJECTIVE,
    "minItems": 1,
    "maxItems": MAX_OBJECTIVES,
}

SCHEMA: Schema = _object(
    "A sweep: one tuning run, as `tune_orchestrator.py --config FILE` takes it.",
    {
        "name": {"type": "string", "minLength": 1, "maxLength": 100, "description": "its name"},
        "description": {"type": "string", "description": "for people"},
        "method": _choice("how candidates are proposed", STRATEGIES),
        "configs": _count("how many candidates to try", 1, 100_000),
        "objective": _OBJECTIVE,
        "model": {
            "type": "string",
            "description": "the recommender, package.module:Name or file.py:Name",
        },
        "split": _choice("what is held out", SPLITS),
        "panel": _count("users on whom experiments are measured, always the same", 100, 10**9),
        "seed": _count("random seed", 0, 2**31 - 1),
        "parameters": {
            "type": "object",
            "description": "what may be chosen, by hyperparameter",
            "additionalProperties": _PARAMETER,
        },
        "grid": _object(
            "with method grid: its steps",
            {
                "progressive": _flag("coarse steps first, then finer ones around the best"),
                "radius": {
                    "type": "number",
                    "exclusiveMinimum": 0,
                    "maximum": 1,
                    "description": "how far to go, as a share of each range",
                },
                "levels": _count("steps on the way, to either side", 1, 100),
            },
        ),
        "others": _choice("hyperparameters left out are", ["search", "fixed"]),
        "execution": _object(
            "how experiments run",
            {
                "jobs": _count("cores to use", 1, 256),
                "timeout": _seconds("seconds after which the run ends"),
                "timeout_per_experiment": _seconds("seconds after which an experiment fails"),
                "memory_limit": {
                    "type": "string",
                    "pattern": r"^[1-9][0-9]{0,14}[KMGT]$(?!\n)",  # Python's $ lets \n pass
                    "description": "memory that one experiment may take, like 500M or 2G",
                },
            },
        ),
        "early_stopping": _object(
            "what ends the run before all candidates are tried",
            {
                "target": {"type": "number", "description": "an objective that is good enough"},
                "patience": _count("experiments without a new best", 1, 100_000),
                "min_experiments": _count("the least before the run may end", 0, 100_000),
                "until_converged": _flag("end once what is left to gain is below the noise"),
            },
        ),
        "pruner": _choice("what stops experiments on some of the users", PRUNERS),
        "warm_start": _flag("begin with initial guesses and warm starts; default: true"),
        "gates": _object(
            "what happens to the best",
            {
                "promote": _flag("retrain with it, and put it into production if the gate lets it"),
                "accuracy_threshold": _share("least test accuracy of a version, this time"),
                "guardrails": _object(
                    "share of its deployed value that each guarded metric may lose",
                    {name: _share(f"margin of {name}") for name in margin_names()},
                ),
            },
        ),
    },
    required=["name", "method"],
    title="ReelTune sweep",
)


def schema_text() -> str:
    """Return the text of `sweep.schema.json`."""
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **SCHEMA}
    return json.dumps(whole, indent=2) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
