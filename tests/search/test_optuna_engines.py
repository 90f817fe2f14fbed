import subprocess
import sys
from pathlib import Path

import pytest

from reeltune import search
from reeltune.db.connection import connection
from reeltune.db.tuning_runs import load_runs
from reeltune.domain.errors import InputError
from reeltune.search import NEEDS, STRATEGIES, Trial, propose
from reeltune.sweeps.sweep import read_sweep
from reeltune.tuning.plan import Plan
from reeltune.tuning.proposer import check_method
from tests.running import ROOT
from tests.search.problems import PLANE, enrolled, problem, tuned
from tests.test_requirements import pins_of
from tests.tuning.runs import tuned as run


def test_what_is_needed_is_known_for_every_engine_and_pinned() -> None:
    assert set(NEEDS) == {name for name in STRATEGIES if name.startswith("optuna-")}
    pinned = pins_of(ROOT / "requirements-optuna.txt")
    assert {library for needed in NEEDS.values() for library in needed} <= set(pinned)


def test_a_missing_library_is_one_line_and_starts_no_run(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "find_spec", lambda name: None)
    told = "optuna-gp needs optuna and torch, not installed here: pip install -r requirements-opt"
    with pytest.raises(InputError, match=told):
        run(world, Plan(method="optuna-gp", n_configs=3))
    with connection(world) as conn:
        assert load_runs(conn) == []
    path = tmp_path / "a.yaml"
    path.write_text("name: a\nmethod: optuna-gp\n", encoding="utf-8")
    with pytest.raises(InputError, match=f"a.yaml:2: --method {told}"):
        read_sweep(path)
    check_method("bayesian")


def test_nothing_of_optuna_is_imported_before_it_is_used() -> None:
    script = "import sys, tune_orchestrator; print('optuna' in sys.modules, 'torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "False"]


@pytest.mark.parametrize("name", enrolled(NEEDS))
def test_an_engine_learns_from_the_history_it_is_given(name: str) -> None:
    """The later proposals are nearer to the peak than the first, which are at random."""

    def bowl(configuration: object) -> float:
        assert isinstance(configuration, dict)
        return -float(sum((value - 0.3) ** 2 for value in configuration.values()))

    trials = tuned(name, PLANE, bowl, 45, seed=1)
    values = [t.value or 0.0 for t in trials]
    assert sum(values[-10:]) / 10 > sum(values[:10]) / 10 + 0.05


@pytest.mark.parametrize("name", enrolled(NEEDS))
def test_results_too_late_to_be_seen_change_nothing(name: str) -> None:
    trials = tuned(name, PLANE, lambda c: float(c["x"]), 15)
    late = [*trials[:12], *(Trial(t.configuration, None, t.number) for t in trials[12:])]
    posed = problem(PLANE, late)
    assert propose(STRATEGIES[name], posed) == propose(STRATEGIES[name], posed)
    assert propose(STRATEGIES[name], posed) != propose(STRATEGIES[name], problem(PLANE, trials))
