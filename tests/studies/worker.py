"""A client of a study in a process of its own: python -m tests.studies.worker DB CLIENT N [PAUSE]

Completes N trials, or as many as there are until it is killed, and prints each id when it is done.
"""

import sys
import time
from pathlib import Path

from reeltune import SearchSpace, Study

METRICS = {"loss": "minimize"}


def opened(db: Path, algorithm: str = "tpe") -> Study:
    """Make the study, or load it."""
    space = SearchSpace()
    space.root.add_float_param("x", 0.0, 1.0)
    kind = space.root.add_categorical_param("kind", ["a", "b"])
    kind.select_values(["b"]).add_int_param("n", 1, 10**6)
    return Study.create_or_load("shared", space, METRICS, algorithm, db=db)


if __name__ == "__main__":
    path, client_id, n_trials, *pause = sys.argv[1:]
    study = opened(Path(path))
    for _ in range(int(n_trials)):
        (trial,) = study.suggest(client_id=client_id)
        print(f"began {trial.id}", flush=True)
        time.sleep(float(pause[0]) if pause else 0.0)
        trial.complete({"loss": (trial.parameters["x"] - 0.3) ** 2})
        print(f"done {trial.id}", flush=True)
