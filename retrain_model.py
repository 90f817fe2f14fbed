"""Retrain, gate and deploy the recommender (command); the same as `reeltune retrain`."""

from reeltune.commands.retrain import main

__all__ = ["main"]

if __name__ == "__main__":
    main(prog_name="retrain_model.py")
