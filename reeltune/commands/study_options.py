"""The options that say what is tuned and retrained."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from reeltune.domain.errors import InputError
from reeltune.domain.objectives import read_objectives
from reeltune.domain.study import BUILT_IN, StudyConfig
from reeltune.metrics.objectives import all_objectives, deciding_objectives
from reeltune.rating_models.registry import resolved_name
from reeltune.ratings.splits import SPLITS


def option_study(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--model`, `--split`, `--objective` and `--seed`; handed on as one `study`."""

    @wraps(function)
    def with_study(
        *args: Any,
        model: str,
        split: str,
        objective: tuple[str, ...],
        seed: int | None,
        **rest: Any,
    ) -> Any:
        study = StudyConfig(
            model=resolved_name(model),
            split=split,
            objective=objective[0],
            further_objectives=objective[1:],
            seed=seed,
        )
        return function(*args, study=study, **rest)

    for option in reversed(_OPTIONS):
        with_study = option(with_study)
    return with_study


class ObjectiveList(click.ParamType[tuple[str, ...]]):
    """One to three objectives with commas between."""

    name = "objective"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """The names."""
        if isinstance(value, tuple):
            return value
        try:
            return read_objectives(str(value), deciding_objectives(), all_objectives())
        except InputError as error:
            self.fail(str(error), param, ctx)


_ONLY_FURTHER = [name for name in all_objectives() if name not in deciding_objectives()]

OPTION_SEED = click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    metavar="N",
    help="Of everything random.  [default: the number of earlier runs]",
)

_OPTIONS = (
    click.option(
        "--model",
        default=BUILT_IN,
        show_default=True,
        metavar="MODULE:NAME",
        help="The recommender: built-in, or a class of yours. Retrained is that in production.",
    ),
    click.option(
        "--split",
        type=click.Choice(list(SPLITS)),
        default="user-time",
        show_default=True,
        help="What is held out: each user's latest ratings, some at random, or the latest days.",
    ),
    click.option(
        "--objective",
        type=ObjectiveList(),
        default="accuracy",
        show_default=True,
        metavar="NAME[,NAME...]",
        help="What to be best at on the validation part: "
        f"{', '.join(deciding_objectives())}; or a list of two or three, also of "
        f"{', '.join(_ONLY_FURTHER)}.",
    ),
    OPTION_SEED,
)
