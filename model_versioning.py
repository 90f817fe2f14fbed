"""Register, promote, roll back and verify versions of the model (command).

The command is `reeltune versions`; the functions are those of `reeltune.versioning.registry`.
"""

from reeltune.commands.versions import model_versioning
from reeltune.versioning.registry import ANY, load_model, promote, refuse, register, rollback
from reeltune.versioning.verification import verify

__all__ = [
    "ANY",
    "load_model",
    "model_versioning",
    "promote",
    "refuse",
    "register",
    "rollback",
    "verify",
]

if __name__ == "__main__":
    model_versioning(prog_name="model_versioning.py")
