"""Tune hyperparameters, resume runs, show what was found (command); the same as `reeltune tune`."""

from reeltune.commands.tune import main
from reeltune.tuning.ratings import TuningOrchestrator
from reeltune.tuning.result import RunResult

__all__ = ["RunResult", "TuningOrchestrator", "main"]

if __name__ == "__main__":
    main(prog_name="tune_orchestrator.py")
