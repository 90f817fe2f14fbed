"""Counts the calls of our own code on the stack when a function is first called.

    python -m tests.calls FILE FUNCTION SCRIPT [ARGUMENTS]

Runs a script of this repository and prints, as its last line, the calls that lead to the function
of that file, the outermost first, as JSON.
"""

import json
import runpy
import subprocess
import sys
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent


def calls_to(file: str, function: str, script: str, *arguments: str | Path) -> list[str]:
    """Return `path:function` of each of our calls down to the first one of a function."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.calls", file, function, script, *map(str, arguments)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


def _stack(frame: FrameType | None) -> list[str]:
    """Return our calls on a stack, the outermost first; those of this file are left out."""
    found = []
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(ROOT) and ".venv" not in path.parts and path != Path(__file__):
            found.append(f"{path.relative_to(ROOT)}:{frame.f_code.co_name}")
        frame = frame.f_back
    return found[::-1]


def _main(file: str, function: str, script: str, *arguments: str) -> None:
    target = str(ROOT / file)
    found: list[str] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_name == function and code.co_filename == target:
            found.extend([] if found else _stack(frame))

    sys.argv = [script, *arguments]
    sys.setprofile(note)
    try:
        runpy.run_path(str(ROOT / script), run_name="__main__")
    except SystemExit:
        pass
    finally:
        sys.setprofile(None)
    if not found:
        sys.exit(f"{script} never calls {function} of {file}")
    print(json.dumps(found))


if __name__ == "__main__":
    _main(*sys.argv[1:])
