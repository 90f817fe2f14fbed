"""Study: what is tuned, and for what."""

from dataclasses import dataclass

from reeltune.domain.direction import Direction
from reeltune.domain.experiment import Task
from reeltune.domain.space import Space
from reeltune.metrics.objectives import direction_of
from reeltune.rating_models.registry import BUILT_IN, model_class
from reeltune.ratings.dataset import Dataset
from reeltune.tracking.lineage import code_version, equal_versions


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What is tuned, and for what: the choices that a run's results depend on."""

    model: str = BUILT_IN
    split: str = "user-time"
    objective: str = "accuracy"  # decides which is best
    further_objectives: tuple[str, ...] = ()  # to be good at as well: then a front is looked for
    seed: int | None = None  # None: the number of runs before this one, so that nights differ

    @property
    def objectives(self) -> tuple[str, ...]:
        """All of them, the deciding one first."""
        return (self.objective, *self.further_objectives)

    @property
    def directions(self) -> tuple[Direction, ...]:
        """Which way each of them is better, by the metrics' own word."""
        return tuple(map(direction_of, self.objectives))

    @property
    def direction(self) -> Direction:
        """Which way the deciding one is better."""
        return direction_of(self.objective)

    @property
    def space(self) -> Space:
        """The model's hyperparameters."""
        return model_class(self.model).space

    def task(self, data: Dataset) -> Task:
        """What this study's results on `data` can be compared with."""
        return Task(
            data_fingerprint=data.fingerprint,
            split=self.split,
            model=self.model,
            space_fingerprint=self.space.fingerprint,
            objective=self.objective,
            code_versions=equal_versions(code_version(self.model)),
        )
