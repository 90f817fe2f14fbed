"""Values that each pruner finds with the same time at measuring.

    python -m benchmarks.pruning --db movies.db

Runs of many experiments, with and without a pruner, on copies of a database; told is the best
lower bound that was found once the experiments took as long as a tenth, a quarter, a half and all
of the run without a pruner.
"""

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.db.experiments import load_experiments
from reeltune.domain.experiment import Experiment
from reeltune.domain.study import StudyConfig
from reeltune.tuning.plan import Plan
from reeltune.tuning.pruning_rules import PRUNERS
from reeltune.tuning.ratings import TuningOrchestrator

SHARES = (0.1, 0.25, 0.5, 1.0)


@dataclass(frozen=True)
class Curve:
    """Best lower bound after each experiment of a run, and how long they took by then."""

    seconds: tuple[float, ...]
    bounds: tuple[float, ...]
    n_pruned: int

    @classmethod
    def of(cls, experiments: Sequence[Experiment]) -> "Curve":
        """Return the curve of a finished run."""
        seconds = np.cumsum([e.duration_seconds or 0.0 for e in experiments])
        bounds = [-np.inf if e.worth is None else e.worth for e in experiments]
        return cls(
            tuple(seconds.tolist()),
            tuple(np.maximum.accumulate(bounds).tolist()),
            sum(e.status == "pruned" for e in experiments),
        )

    def at(self, seconds: float) -> float:
        """Return the best lower bound after so long."""
        n_done = int(np.searchsorted(self.seconds, seconds, side="right"))
        return self.bounds[max(0, n_done - 1)]


def curve(db: Path, plan: Plan, seed: int) -> Curve:
    """One run on a copy of a database."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copy(db, Path(folder) / "movies.db"))
        with connection(copy) as conn:
            orchestrator = TuningOrchestrator(conn, load_dataset(conn), StudyConfig(seed=seed))
            result = orchestrator.run(plan)
            return Curve.of(load_experiments(conn, result.tuning_run_id))


def main() -> None:
    """Print a line per method and pruner."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--db", type=Path, default=Path("movies.db"))
    parser.add_argument("--methods", default="random,bayesian")
    parser.add_argument("--configs", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=5)
    asked = parser.parse_args()
    print(f"{'method':10s}  {'pruner':8s}  pruned  per second  " + "  ".join(map(str, SHARES)))
    for method in asked.methods.split(","):
        limits: list[float] = []
        for name in (None, *PRUNERS):
            # With a pruner, as many experiments as the time of the run without one allows.
            n = asked.configs * (1 if name is None else 3)
            plan = Plan(method=method, n_configs=n, pruner=name, starts_warm=False)
            found = [curve(asked.db, plan, seed) for seed in range(asked.seeds)]
            limits = limits or [each.seconds[-1] for each in found]
            print(_line(method, name, found, limits))


def _line(method: str, name: str | None, found: Sequence[Curve], limits: Sequence[float]) -> str:
    rate = np.mean([len(each.seconds) / each.seconds[-1] for each in found])
    pruned = np.mean([each.n_pruned / len(each.seconds) for each in found])
    at = [
        np.mean([c.at(share * limit) for c, limit in zip(found, limits, strict=True)])
        for share in SHARES
    ]
    told = "  ".join(f"{value:.4f}" for value in at)
    return f"{method:10s}  {name or 'none':8s}  {pruned:6.2f}  {rate:10.1f}  {told}"


if __name__ == "__main__":
    main()
