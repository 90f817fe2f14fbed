"""Reads how much of the code the tests ran; fails where it is too little of the lines."""

import json
import sys
from pathlib import Path
from typing import Any

LEAST_LINES = 95.0  # percent


def line_of(totals: dict[str, Any]) -> tuple[str, bool]:
    """Return the shares of lines and branches in one line, and if it is enough."""
    lines = 100 * totals["covered_lines"] / totals["num_statements"]
    branches = 100 * totals["covered_branches"] / max(1, totals["num_branches"])
    told = f"lines {lines:.1f} % ({LEAST_LINES:.0f} % are needed), branches {branches:.1f} %"
    return told, lines >= LEAST_LINES


def main(path: Path) -> int:
    """Print the line of a report of `coverage json`; its exit code."""
    told, enough = line_of(json.loads(path.read_text(encoding="utf-8"))["totals"])
    print(told)
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
