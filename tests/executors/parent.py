"""A small command with workers, for tests that end it from outside."""

import json
import sys
from functools import partial
from typing import Any

import numpy as np

from reeltune.executors.processes import Processes
from tests.executors.tasks import Task, start


def main(name: str, argument: str) -> None:
    with Processes(partial(start, np.arange(10.0)), jobs=2) as pool:
        executor: Processes[Task, Any] = pool
        for number in range(3):
            executor.submit(number, (name, argument))
        while len(executor.finished()) == 0:
            pass
    print(json.dumps("done"))


if __name__ == "__main__":
    main(*sys.argv[1:])
