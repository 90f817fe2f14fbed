"""One experiment: fit with a configuration, measure on what was held out."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from reeltune.domain.errors import InputError
from reeltune.domain.experiment import Measurement
from reeltune.domain.space import Configuration
from reeltune.engine.coverage import uncovered_metrics
from reeltune.engine.engine import Engine, applies
from reeltune.engine.index_cache import Place
from reeltune.metrics.evaluate import Evaluation, evaluate
from reeltune.metrics.ranking_metrics import METRICS
from reeltune.metrics.user_sample import panel_part
from reeltune.rating_models.registry import BUILT_IN, model_class
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.dataset import Dataset
from reeltune.ratings.splits import SPLITS, HeldOutPart
from reeltune.ratings.table import RatingTable
from reeltune.tasks.study import Study


@dataclass(frozen=True, eq=False)
class Trainer:
    """The full retraining pipeline of one model on one held-out part: configuration in, worth out.

    Called with a configuration it does one experiment; it may be sent to another process.
    """

    model: str
    objective: str
    fitting: RatingTable
    held_out: RatingTable
    catalogue: Catalogue
    place: Place | None = None  # where what the engine stands on is kept
    threads: int | None = None  # at most so many; None: as many as there are cores for

    @classmethod
    def of(cls, data: Dataset, study: Study, part: HeldOutPart = "validation") -> "Trainer":
        """The trainer that fits before `part` of the study's split and measures on it."""
        split = SPLITS[study.split](data.ratings)
        return cls(
            model=study.model,
            objective=study.objective,
            fitting=split.fitting_for(part),
            held_out=split.held_out_for(part),
            catalogue=data.catalogue,
            place=Place.of(data, study.split) if part == "validation" else None,
        )

    def on_panel(self, n_users: int | None) -> "Trainer":
        """The same, measured on a fixed sample of the users; with None, on all of them."""
        if n_users is None:
            return self
        place = None if self.place is None else self.place.part(f"panel {n_users}")
        return replace(self, held_out=panel_part(self.held_out, n_users), place=place)

    @property
    def engine(self) -> Engine | None:
        """The engine of the built-in recommender; None where there is none for this data."""
        if self.model != BUILT_IN:
            return None
        return Engine.of(self.fitting, self.held_out, self.catalogue, self.place)

    def prepare(self) -> None:
        """Make what all experiments share; it is remembered, and kept where there is a place."""
        _ = self.measures_fast

    @property
    def measures_fast(self) -> bool:
        """Return whether the engine measures by all metrics."""
        return self.engine is not None and not uncovered_metrics()

    def evaluate(self, hyperparameters: Configuration) -> Evaluation:
        """Fit with `hyperparameters` and measure by every metric."""
        return self.evaluate_many([hyperparameters])[0]

    def evaluate_many(self, configurations: Sequence[Configuration]) -> list[Evaluation]:
        """`evaluate` of each; for the built-in recommender much faster than one by one."""
        found: dict[int, Evaluation] = {}
        engine = self.engine if all(map(applies, configurations)) else None
        if engine is not None:
            covered = engine.evaluate(configurations, self.threads)
            found = {n: self._completed(configurations[n], figures) for n, figures in covered}
        return [
            found[n] if n in found else self.evaluate_by_reference(configuration)
            for n, configuration in enumerate(configurations)
        ]

    def evaluate_by_reference(
        self, hyperparameters: Configuration, metrics: Iterable[str] | None = None
    ) -> Evaluation:
        """`evaluate` by the definitions alone: what every faster way must agree with.

        By the metrics of these names; None: all.
        """
        model = model_class(self.model)(hyperparameters).fit(self.fitting, self.catalogue)
        return evaluate(model.score, self.fitting, self.held_out, self.catalogue, metrics=metrics)

    def _completed(self, hyperparameters: Configuration, covered: Evaluation) -> Evaluation:
        """Return what the engine measured, and by the reference what it does not cover."""
        missing = uncovered_metrics()
        rest = self.evaluate_by_reference(hyperparameters, missing) if missing else covered
        parts = {name: rest if name in missing else covered for name in METRICS}
        return Evaluation(
            values={name: part.values[name] for name, part in parts.items()},
            per_user={n: part.per_user[n] for n, part in parts.items() if METRICS[n].per_user},
            n_users=covered.n_users,
        )

    def __call__(self, hyperparameters: Configuration) -> Measurement:
        """One experiment.

        Raises:
            InputError: the objective says nothing here, for want of held-out ratings.
        """
        return self.measure_many([hyperparameters])[0]

    def measure_many(self, configurations: Sequence[Configuration]) -> list[Measurement]:
        """One experiment each, with equal shares of the time that all took.

        Raises:
            InputError: the objective says nothing here, for want of held-out ratings.
        """
        began = time.perf_counter()
        found = self.evaluate_many(configurations)
        seconds = (time.perf_counter() - began) / max(1, len(configurations))
        return [self.measurement(evaluation, seconds) for evaluation in found]

    def measurement(self, found: Evaluation, seconds: float) -> Measurement:
        """What an experiment found, from its figures.

        Raises:
            InputError: the objective says nothing here, for want of held-out ratings.
        """
        value = found.values[self.objective]
        if not np.isfinite(value):
            raise InputError(
                f"{self.objective} is {value}: no user has the held-out ratings it needs"
            )
        return Measurement(
            objective_value=value,
            metrics=finite(found.values),
            user_values=found.per_user[self.objective],
            seconds=seconds,
        )


def finite(values: Mapping[str, float]) -> dict[str, float | None]:
    """`values` with None for what is NaN or infinite.

    >>> finite({"mrr": 0.5, "accuracy": float("nan")})
    {'mrr': 0.5, 'accuracy': None}
    """
    return {name: value if np.isfinite(value) else None for name, value in values.items()}
