"""Subject: what views and reports need to know of that which a run tuned."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reeltune.domain.metric import Metric
from reeltune.domain.space import Space


@dataclass(frozen=True)
class Subject:
    """Space and metrics of what a run tuned."""

    space: Space
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    deploys: bool = False  # whether a model comes of it, which is put into production
    has_baseline: bool = True  # whether experiment 0 is what all others are compared with
    is_deployed: bool = True  # whether what was deployed then was a model of this kind

    @property
    def baseline(self) -> str:
        """Name of what experiment 0 tries."""
        if not self.deploys:
            return "the default configuration"
        return "the deployed configuration" if self.is_deployed else "its own defaults"

    @property
    def baseline_column(self) -> str:
        """Heading of a column of its figures."""
        if not self.deploys:
            return "defaults"
        return "deployed" if self.is_deployed else "own defaults"

    @property
    def unit(self) -> str:
        """Name of what a metric has a value of each for."""
        return "user" if self.deploys else "unit"

    def metric(self, name: str) -> Metric:
        """Return the metric of that name; of one that is not known, more is better."""
        return self.metrics.get(name) or Metric(name, name, higher_is_better=True, per_unit=False)
