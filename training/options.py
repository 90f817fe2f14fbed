"""The options that say what is tuned and retrained."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from evaluation.splits import SPLITS
from hyperparameter_tuner import OBJECTIVES, Study
from model import BUILT_IN


def option_study(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--model`, `--split`, `--objective` and `--seed`; handed on as one `study`."""

    @wraps(function)
    def with_study(
        *args: Any, model: str, split: str, objective: str, seed: int | None, **rest: Any
    ) -> Any:
        study = Study(model=model, split=split, objective=objective, seed=seed)
        return function(*args, study=study, **rest)

    for option in reversed(_OPTIONS):
        with_study = option(with_study)
    return with_study


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
        help="What is held out: each user's latest ratings, or the latest days.",
    ),
    click.option(
        "--objective",
        type=click.Choice(OBJECTIVES),
        default="accuracy",
        show_default=True,
        help="What to maximise on the validation part.",
    ),
    click.option(
        "--seed",
        type=click.IntRange(0, 2**31 - 1),
        metavar="N",
        help="Of everything random.  [default: the number of earlier runs]",
    ),
)
