"""Kinds of tasks by name: how one is made for a run, and what is known of a run that tuned one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reeltune.db.connection import Connection
from reeltune.db.dataset import load_dataset
from reeltune.db.deployed import OWN_DEFAULTS
from reeltune.domain.errors import InputError
from reeltune.domain.experiment import TuningRun
from reeltune.domain.metric import Metric, metrics_of
from reeltune.domain.space import Space
from reeltune.domain.space_json import space_as_json, space_from_json
from reeltune.domain.study import FUNCTION, RATINGS, STUDY, TABULAR, StudyConfig
from reeltune.domain.subject import Subject
from reeltune.metrics.ranking_metrics import METRICS
from reeltune.rating_models.registry import model_class
from reeltune.table_models.families import table_space
from reeltune.tasks.examples import example_of_a_function, example_of_ratings
from reeltune.tasks.function import FunctionTask, load_objective
from reeltune.tasks.ratings import RatingsTask
from reeltune.tasks.tabular import TabularTask
from reeltune.tasks.tabular_examples import example_of_a_table
from reeltune.tasks.tabular_source import TabularSource
from reeltune.tasks.task import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskKind:
    """Kind of task.

    Whatever is registered is held to the contract that `tests/tasks/test_contract.py` states, on
    its own `example`.
    """

    of: Callable[[Connection, StudyConfig], Task]
    """Maker of the task of a study, with the data of the database."""
    space: Callable[[str], Space]
    """The hyperparameters of a model, by its name."""
    example: Callable[[int], Task]
    """A small task for tests, evaluated in milliseconds; another number makes other data."""
    metrics: Mapping[str, Metric] | None = None
    """Of all tasks of this kind; None where each has its own, and a run keeps them."""
    deploys: bool = False
    """True where a model comes of it, which is put into production."""
    is_interruptible: bool = False
    """True where a time limit ends an evaluation in this process, which then needs no other."""
    needs_data: bool = False
    """True where it tunes for what is in the database, which has to be there before."""


TASKS: dict[str, TaskKind] = {
    RATINGS: TaskKind(
        of=lambda conn, study: RatingsTask.of(load_dataset(conn), study),
        space=lambda model: model_class(model).space,
        example=example_of_ratings,
        metrics=METRICS,
        deploys=True,
        needs_data=True,
    ),
    FUNCTION: TaskKind(
        of=lambda _conn, study: FunctionTask.of(study.model),
        space=lambda model: load_objective(model).space,
        example=example_of_a_function,
    ),
    TABULAR: TaskKind(
        of=lambda _conn, study: TabularTask.of(study.model),
        space=lambda model: table_space(TabularSource.from_name(model).prediction),
        example=example_of_a_table,
        is_interruptible=True,
    ),
}


def task_kind(name: str) -> TaskKind:
    """Return the kind of task of that name.

    Raises:
        InputError: there is none.
    """
    if name == STUDY:
        raise InputError("a study is continued from Python: reeltune.Study.load(NAME, db=FILE)")
    if name not in TASKS:
        raise InputError(f"task must be one of {', '.join(TASKS)}, got {name!r}")
    return TASKS[name]


def space_of(study: StudyConfig) -> Space:
    """Return the hyperparameters that a study tunes.

    Raises:
        InputError: there is no such task or model.
    """
    return task_kind(study.task).space(study.model)


def described(task: Task) -> dict[str, Any]:
    """Return what a run keeps of its task among its settings, to be shown without the user's code.

    A run of a kind of task with the same metrics for all needs none of it.
    """
    if task_kind(task.name).metrics is not None:
        return {}
    metrics = {name: metric.direction.value for name, metric in task.metrics.items()}
    return {"space": space_as_json(task.space), "metrics": metrics}


def subject_of(run: TuningRun) -> Subject:
    """Return what a run tuned, as far as it is known: a model of the user's may be gone by now."""
    kind = TASKS.get(run.task)
    space, metrics = run.settings.get("space"), run.settings.get("metrics")
    if isinstance(space, list) and isinstance(metrics, dict):
        has_baseline = run.task != STUDY
        return Subject(space_from_json(space), metrics_of(metrics), has_baseline=has_baseline)
    if kind is None:
        return Subject(Space(()))
    try:
        found = kind.space(run.model)
    except InputError:
        found = Space(())
    is_deployed = run.settings.get("baseline") != OWN_DEFAULTS
    return Subject(found, kind.metrics or {}, kind.deploys, is_deployed=is_deployed)
