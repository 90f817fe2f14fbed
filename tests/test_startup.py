"""What a command must not import before it has something to compute."""

import json
import subprocess
import sys

import pytest

HEAVY = ("numba", "scipy.linalg", "scipy.optimize", "scipy.sparse", "scipy.special")
FOR_RUNS = ("email", "importlib.metadata", "multiprocessing.connection", "tempfile")
FOR_FILES = ("jsonschema", "yaml")  # that only a sweep in a file needs


@pytest.mark.parametrize("script", ["tune_orchestrator", "retrain_model", "model_versioning"])
def test_a_command_starts_without_what_only_computing_needs(script: str) -> None:
    code = f"import json, sys, {script}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert not {*HEAVY, *FOR_RUNS, *FOR_FILES} & set(json.loads(done.stdout))
