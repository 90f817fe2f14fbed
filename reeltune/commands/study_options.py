"""Options that say what is tuned and retrained."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import click
from click.core import ParameterSource

from reeltune.cli.command import Decorator, option, options
from reeltune.db.connection import Connection
from reeltune.db.versions import load_production
from reeltune.domain.errors import InputError
from reeltune.domain.objectives import read_objectives
from reeltune.domain.study import BUILT_IN, StudyConfig
from reeltune.metrics.objectives import all_objectives, deciding_objectives
from reeltune.rating_models.registry import resolved_name
from reeltune.ratings.splits import SPLITS

WHAT_IS_TUNED = "What is tuned"


class ObjectiveList(click.ParamType[tuple[str, ...]]):
    """List of one to three objectives with commas between."""

    name = "objective"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Return the names."""
        if isinstance(value, tuple):
            return value
        try:
            return read_objectives(str(value), deciding_objectives(), all_objectives())
        except InputError as error:
            self.fail(str(error), param, ctx)


def study_options(topic: str = WHAT_IS_TUNED) -> Decorator:
    """Return a decorator that adds the options of a study, for `study_from_click`."""
    return options(
        option(
            topic,
            "--model",
            setting="study.model",
            default=BUILT_IN,
            metavar="NAME",
            help="The recommender.  [default: in production]",
        ),
        option(
            topic,
            "--objective",
            setting="study.objective",
            type=ObjectiveList(),
            default="accuracy",
            show_default=True,
            metavar="NAME[,NAME...]",
            help="What to optimise.",
        ),
        option(
            topic,
            "--split",
            setting="study.split",
            type=click.Choice(list(SPLITS)),
            default="user-time",
            show_default=True,
            metavar="NAME",
            help="What is held out.",
        ),
        option_seed(topic),
    )


def option_seed(topic: str = WHAT_IS_TUNED) -> Decorator:
    """Return the option for the seed."""
    return option(
        topic,
        "--seed",
        type=click.IntRange(0, 2**31 - 1),
        metavar="N",
        help="Random seed.  [default: number of runs]",
    )


def study_from_click(given: Mapping[str, Any]) -> StudyConfig:
    """Return the study that the values of these options describe."""
    return StudyConfig(
        model=resolved_name(given["model"]),
        split=given["split"],
        objective=given["objective"][0],
        further_objectives=given["objective"][1:],
        seed=given["seed"],
    )


def given_names() -> frozenset[str]:
    """Return which of the options of a study are not left at their defaults."""
    context = click.get_current_context()
    names = ("model", "objective", "split")
    return frozenset(n for n in names if context.get_parameter_source(n) not in _BY_DEFAULT)


def following_production(
    conn: Connection, study: StudyConfig, given: Collection[str]
) -> StudyConfig:
    """Return the study with the model in production, unless one is among the `given` options."""
    production = load_production(conn)
    if production is None or "model" in given:
        return study
    return replace(study, model=production.training.model)


_BY_DEFAULT = (None, ParameterSource.DEFAULT)
_FURTHER = [name for name in all_objectives() if name not in deciding_objectives()]

STUDY_PARAGRAPHS = {
    "Objectives": f"{', '.join(deciding_objectives())}. A list of two or three with commas makes a "
    f"Pareto front; its later ones may also be {', '.join(_FURTHER)}.",
    "Splits": "user-time holds out the latest ratings of each user, user-random random ones, "
    "calendar the latest days of all.",
}
"""Paragraphs of help that say which values the options take."""
