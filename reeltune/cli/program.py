"""Command lines as a user who called this program types them."""

import sys
from pathlib import Path

SCRIPTS = ("tune_orchestrator.py", "retrain_model.py", "model_versioning.py")


def command_line(command: str, script: str) -> str:
    """Return how to call a command: by a script if this program is one, else by `reeltune`.

    Args:
        command: after `reeltune`, as in "runs resume".
        script: the same by a script, as in "tune_orchestrator.py --resume".
    """
    called = Path(sys.argv[0])
    if called.name in SCRIPTS:
        return f"python {script}"
    is_module = called.name == "__main__.py" and called.parent.name == "reeltune"
    return f"{'python -m ' if is_module else ''}reeltune {command}"
