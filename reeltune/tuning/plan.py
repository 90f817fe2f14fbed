"""Plan of a tuning run: stored with the run, so that it can be resumed by its id alone."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from reeltune.domain.experiment import TuningRun
from reeltune.domain.limits import Limits
from reeltune.gate.guardrails import margins_text
from reeltune.search.grid import Grid
from reeltune.tuning.stopping import StopRules

ASYNCHRONOUS_DELAY = 4  # experiments a proposal does not wait for, however many jobs there are
_STORED_DELAY = "asynchronous_delay"  # its name in the settings of stored runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Settings of a run. The number of jobs is none of them: it changes no result."""

    method: str = "bayesian"
    n_configs: int = 20
    stop: StopRules = field(default_factory=StopRules)
    limits: Limits = field(default_factory=Limits)  # within which it searches
    grid: Grid = field(default_factory=Grid)  # its steps, where the method is grid
    around: str | None = None  # experiment that the grid goes around, or `best`; None: the deployed
    as_stored: bool = False  # whether stored candidates are tried as they are, by whatever method
    starts_warm: bool = True  # with a surrogate's guesses, and with what helped on similar data
    pruner: str | None = None  # the rule that stops experiments on some of the users
    timeout_seconds: float | None = None  # of one experiment
    memory_bytes: int | None = None  # that one experiment may allocate
    margins: Mapping[str, float] = field(default_factory=dict)  # of guardrails, by name
    panel: int | None = None  # users on whom experiments are measured; None: all
    asynchronous_delay: int = ASYNCHRONOUS_DELAY
    name: str | None = None  # of a sweep; None: a run like any other

    def settings(self) -> dict[str, object]:
        """Return what is stored as JSON: all that has no column of its own."""
        kept = asdict(self)
        del kept["method"], kept["n_configs"]
        kept[_STORED_DELAY] = kept.pop("asynchronous_delay")
        return kept

    @classmethod
    def of(cls, run: TuningRun) -> "Plan":
        """Return the plan of a stored run; what an older program did not know has its default."""
        stored: Mapping[str, Any] = run.settings
        known = {f.name: stored[f.name] for f in fields(cls) if f.name in stored}
        return cls(
            **{
                **known,
                "pruner": stored.get("pruner", "paired" if stored.get("prunes") else None),
                "asynchronous_delay": stored.get(_STORED_DELAY, ASYNCHRONOUS_DELAY),
                "method": run.method,
                "n_configs": run.n_configs,
                "stop": StopRules.of(stored.get("stop", {})),
                "limits": Limits.of(stored.get("limits", {})),
                "grid": Grid(**stored.get("grid", {})),
            }
        )

    def differences(self) -> list[str]:
        """Return what differs from a plain run, in words."""
        stop = self.stop
        phrases = {
            f"sweep {self.name}": self.name,
            f"time limit {stop.timeout_seconds} s": stop.timeout_seconds,
            f"target {stop.target}": stop.target is not None,
            f"patience {stop.patience}": stop.patience,
            "until converged": stop.until_converged,
            f"at least {stop.min_experiments} experiments": stop.min_experiments,
            "progressive grid": self.grid.progressive,
            f"grid radius {self.grid.radius}": self.grid.radius,
            f"{self.grid.levels} grid levels": self.grid.levels,
            f"grid around {self.around}": self.around,
            f"pruner {self.pruner}": self.pruner,
            "candidates as stored": self.as_stored,
            "cold start": not self.starts_warm,
            f"limits on {', '.join(limit.name for limit in self.limits.limits)}": (
                self.limits.limits
            ),
            "others fixed": self.limits.others_fixed,
            f"guardrails {margins_text(self.margins)}": self.margins,
            f"a panel of {self.panel or 0:,} users": self.panel,
            f"time limit per experiment {self.timeout_seconds} s": self.timeout_seconds,
        }
        return [text for text, differs in phrases.items() if differs]
