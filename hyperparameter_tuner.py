"""Propose hyperparameters and keep what was tried: `HyperparameterTuner`, for use from Python.

Commands that use it: retrain_model.py --tune (store candidates), tune_orchestrator.py (try them),
tune_orchestrator.py --summary (what was found).
"""

from reeltune.domain.study import StudyConfig
from reeltune.tuning.proposer import DEFAULT_CONFIGS
from reeltune.tuning.ratings import HyperparameterTuner

__all__ = ["DEFAULT_CONFIGS", "HyperparameterTuner", "StudyConfig"]

if __name__ == "__main__":
    from reeltune.commands.library import library_command

    library_command(__doc__)(prog_name="hyperparameter_tuner.py")
