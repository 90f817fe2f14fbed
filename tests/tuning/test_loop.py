from pathlib import Path

from reeltune.tuning.plan import Plan
from tests.tuning.runs import tuned


def test_a_run_whose_experiments_all_take_too_long_says_so(world: Path) -> None:
    result = tuned(world, Plan(method="random", n_configs=9, timeout_seconds=1e-4))
    assert (result.status, result.stopped_by) == ("failed", "failures")
    assert result.experiments_failed == 5
    assert result.stop_reason.startswith("the first 5 experiments all failed, the first with: ")
    assert result.stop_reason.endswith("longer than 0.0001 s and was stopped")
