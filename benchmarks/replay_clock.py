"""Command on another day: a script of this project, run by a clock that is set forward.

    python benchmarks/replay_clock.py DAYS SCRIPT [ARGUMENTS]

So the nights of a replay are a day apart: what counts days (budgets, ages) sees a month.
"""

import runpy
import sys
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import reeltune.domain.clock


def set_forward(days: float) -> None:
    """Let the project's clock be so many days ahead, in this process."""

    class Ahead(datetime):
        """Clock that is ahead."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            """Return the moment in so many days."""
            return datetime.now(tz) + timedelta(days=days)

    reeltune.domain.clock.datetime = Ahead  # type: ignore[attr-defined]


if __name__ == "__main__":
    set_forward(float(sys.argv[1]))
    sys.argv = sys.argv[2:]
    sys.path.insert(0, str(Path(sys.argv[0]).parent))
    runpy.run_path(sys.argv[0], run_name="__main__")
