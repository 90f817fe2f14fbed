"""Runs the project's commands as users do: real processes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def command(*words: str | Path) -> list[str]:
    """The words of a command line that runs a script of the project."""
    return [sys.executable, *map(str, words)]


def run(*words: str | Path, expect: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a script; its exit code must be the expected one."""
    done = subprocess.run(
        command(*words), cwd=ROOT, capture_output=True, text=True, timeout=300, env=environment()
    )
    assert done.returncode == expect, f"{words}\n{done.stdout}\n{done.stderr}"
    return done


def run_json(*words: str | Path, expect: int = 0) -> Any:
    """Run a script with --json, and read what it prints."""
    return json.loads(run(*words, "--json", expect=expect).stdout)


def environment() -> dict[str, str]:
    """This process's environment, without settings of the user's own."""
    return {k: v for k, v in os.environ.items() if k not in ("REELTUNE_DB", "FORCE_COLOR")}
