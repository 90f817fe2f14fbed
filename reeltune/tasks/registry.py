"""Tasks by name, and what is tuned in each by the name under which a run is stored."""

from collections.abc import Callable

from reeltune.domain.errors import InputError
from reeltune.domain.space import Space
from reeltune.domain.study import RATINGS, StudyConfig
from reeltune.rating_models.registry import model_class

TASKS: dict[str, Callable[[str], Space]] = {RATINGS: lambda model: model_class(model).space}
"""By the kind of task, what gives the space of a model by its name."""


def space_of(study: StudyConfig) -> Space:
    """Return the hyperparameters that a study tunes.

    Raises:
        InputError: there is no such task or model.
    """
    if study.task not in TASKS:
        raise InputError(f"task must be one of {', '.join(TASKS)}, got {study.task!r}")
    return TASKS[study.task](study.model)
