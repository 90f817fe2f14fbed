"""Retrain, gate and deploy the recommender (command); the same as `reeltune retrain`.

From Python: `apply_hyperparameters`, `run_hyperparameter_tuning`.
"""

from reeltune.commands.from_python import apply_hyperparameters, run_hyperparameter_tuning
from reeltune.commands.retrain import main

__all__ = ["apply_hyperparameters", "main", "run_hyperparameter_tuning"]

if __name__ == "__main__":
    main(prog_name="retrain_model.py")
