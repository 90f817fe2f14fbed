"""Cost of one step of a run besides its experiment: a proposal, and the durable record."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import Connection, connection, transaction
from reeltune.db.tuning_runs import save_run
from reeltune.domain.clock import stamp
from reeltune.domain.experiment import BASELINE, Experiment, Measurement, Phase, TuningRun
from reeltune.domain.study import BUILT_IN
from reeltune.search import Problem, Strategy, Trial, propose
from reeltune.tuning.ledger import Ledger
from reeltune.tuning.proposer import new_experiment

REPEATS = 7
N_USERS = 600
COUNTS = {"accuracy": 0.7, "ndcg@10": 0.05, "recall@20": 0.1, "mrr": 0.1, "coverage@10": 0.1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Median CPU milliseconds."""

    proposal: float
    record: float


class Steps:
    """Run of made-up results in a database of its own."""

    def __init__(self, conn: Connection, n: int) -> None:
        """With `n` experiments finished."""
        self.rng = np.random.default_rng(n)
        run = TuningRun(
            tuning_run_id="costs",
            created_at=stamp(),
            started_at=stamp(),
            method="random",
            objective="accuracy",
            model=BUILT_IN,
            split="user-time",
            space_fingerprint=SPACE.fingerprint,
            seed=0,
            n_configs=n + REPEATS,
            data_fingerprint="made up",
            code_version="benchmark",
            history_cutoff=0,
            status="running",
        )
        with transaction(conn):
            save_run(conn, run)
        self.ledger = Ledger(conn, run)
        for number in range(n):
            self.record(number, SPACE.decode(self.rng.random(len(SPACE.dimensions))))

    def record(self, number: int, configuration: dict[str, float | int]) -> None:
        """Begin an experiment and record what it found."""
        phase: Phase = "baseline" if number == BASELINE else "explore"
        self.ledger.begin([new_experiment(self.ledger.run, number, configuration, phase)])
        self._complete(number)

    def _problem(self, number: int, trials: Sequence[Trial]) -> Problem:
        return Problem(
            space=SPACE,
            current=self.ledger.baseline.hyperparameters,
            seed=0,
            number=number,
            trials=trials,
        )

    def _complete(self, number: int) -> None:
        value = float(self.rng.normal(0.7, 0.02))
        values = self.rng.random(N_USERS)
        metrics = {**COUNTS, "accuracy": value}
        found = Measurement(objective_value=value, metrics=metrics, user_values=values, seconds=0.1)
        self.ledger.complete(number, found)

    def batch(self, strategy: Strategy, n: int) -> None:
        """Propose `n` experiments and record them together."""
        taken: list[Experiment] = []
        first = max(self.ledger.experiments) + 1
        for number in range(first, first + n):
            waiting = [Trial(each.hyperparameters, None, each.number) for each in taken]
            problem = self._problem(number, [*self.ledger.trials(first - 1), *waiting])
            proposal = propose(strategy, problem)
            assert proposal is not None
            taken.append(
                new_experiment(self.ledger.run, number, proposal.configuration, proposal.phase)
            )
        self.ledger.begin(taken)
        with self.ledger.together():
            for each in taken:
                self._complete(each.number)

    def step(self, strategy: Strategy) -> tuple[float, float]:
        """CPU seconds of a proposal, and of its record."""
        number = max(self.ledger.experiments) + 1
        began = time.process_time()
        proposal = propose(strategy, self._problem(number, self.ledger.trials(number - 1)))
        proposed = time.process_time()
        assert proposal is not None
        self.record(number, proposal.configuration)
        return proposed - began, time.process_time() - proposed


def costs(strategies: dict[str, Strategy], n: int) -> dict[str, Cost]:
    """Of each strategy, after `n` experiments; nothing is kept between proposals."""
    found = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        connection(Path(folder) / "costs.db", create=True) as conn,
    ):
        steps = Steps(conn, n)
        for name, strategy in strategies.items():
            taken = np.median([steps.step(strategy) for _ in range(REPEATS)], axis=0)
            proposal, record = 1000 * taken
            found[name] = Cost(proposal=float(proposal), record=float(record))
    return found
