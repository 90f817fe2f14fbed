"""Prescription for a table: what is tried first, what it costs, and where it is known from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reeltune.db.connection import Connection
from reeltune.db.warm_starts import load_warm_start_sources
from reeltune.domain.space import Configuration
from reeltune.domain.study import comparable_model
from reeltune.domain.warm_start import WarmStartSource
from reeltune.table_models.families import FAMILY, family_of
from reeltune.table_models.family import FitSize
from reeltune.tasks.tabular import TabularTask
from reeltune.tuning.initial_design import meta_features
from reeltune.tuning.warm_start import MIN_SIMILARITY, carried_over, is_reliable, success_rate
from reeltune.views.json_ready import json_ready

MAX_SIMILAR = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class PrescribedTrial:
    """Configuration that is tried, and why."""

    family: str
    origin: str  # `tuned default`, `portfolio`, or the run on a similar table
    seconds: float  # about what its fits take on one core
    hyperparameters: Configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarTable:
    """Earlier run on a table with the same kind of target."""

    tuning_run_id: str
    model: str
    similarity: float  # of the data, 0 to 1
    success_rate: float
    best: Configuration | None  # None where nothing was better than the default


@dataclass(frozen=True, slots=True, kw_only=True)
class Prescription:
    """Prescription for a table."""

    folds: str
    trials: tuple[PrescribedTrial, ...]
    similar: tuple[SimilarTable, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the prescription as JSON has it."""
        return json_ready(self)


def prescription_for(task: TabularTask, conn: Connection | None) -> Prescription:
    """Return what a search for a table begins with; without a database, nothing of earlier runs."""
    similar = [] if conn is None else find_similar(task, load_warm_start_sources(conn))
    defaults = task.space.defaults()
    first = [_trial(task, defaults, "tuned default")]
    first += [
        _trial(task, each, "portfolio")
        for each in task.initial_configurations(task.space, "", 0, defaults)
    ]
    first += [
        _trial(task, carried_over(task.space, defaults, each.best), each.tuning_run_id)
        for each in similar
        if each.best is not None
    ]
    return Prescription(folds=task.folds.describe(), trials=tuple(first), similar=tuple(similar))


def find_similar(task: TabularTask, sources: Sequence[WarmStartSource]) -> list[SimilarTable]:
    """Return earlier runs on similar tables that may be started from, the most similar first."""
    data = meta_features(task)
    kind = comparable_model(task.model)
    found = [
        SimilarTable(
            tuning_run_id=source.tuning_run_id,
            model=source.model,
            similarity=data.similarity(source.profile),
            success_rate=success_rate(source),
            best=source.best[0].hyperparameters if source.best else None,
        )
        for source in sources
        if comparable_model(source.model) == kind and is_reliable(source)
    ]
    near = [each for each in found if each.similarity >= MIN_SIMILARITY]
    return sorted(near, key=lambda each: -each.similarity)[:MAX_SIMILAR]


def _trial(task: TabularTask, configuration: Configuration, origin: str) -> PrescribedTrial:
    family, values = family_of(configuration)
    n_fitted = sum(len(fold.fitting) for fold in task.folds.folds)
    size = FitSize(n_fitted, len(task.table.columns), max(1, task.target.n_classes))
    return PrescribedTrial(
        family=family.name,
        origin=origin,
        seconds=family.cost(size, values),
        hyperparameters={n: v for n, v in configuration.items() if n != FAMILY},
    )
