"""JSON from outside, read strictly: no duplicate keys, no NaN, no infinity, nothing too large."""

import json
import math
from typing import Any

from reeltune.domain.errors import InputError

MAX_CHARACTERS = 1_000_000
_MAX_DIGITS = 300  # of a whole number; a float ends at 1.8e308


def read_object(text: str, what: str) -> dict[str, Any]:
    """Return the JSON object in `text`; `what` names it in messages.

    Raises:
        InputError: it is no JSON object, a key occurs twice, or a number is not finite.

    >>> read_object('{"genre_weight": 0.42}', "hyperparameters")
    {'genre_weight': 0.42}
    """
    if len(text) > MAX_CHARACTERS:
        raise InputError(f"{what} must have at most {MAX_CHARACTERS} characters, got {len(text)}")
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_refuse,
            parse_float=_finite,
            parse_int=_whole,
        )
    except json.JSONDecodeError as error:
        raise InputError(
            f"{what} must be a JSON object: {error.msg} at line {error.lineno}, "
            f"column {error.colno}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{what} must be a JSON object: {error}") from error
    if not isinstance(value, dict):
        raise InputError(f"{what} must be a JSON object, got {type(value).__name__}")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for name, value in pairs:
        if name in seen:
            raise ValueError(f"the key {name[:80]!r} occurs twice")
        seen[name] = value
    return seen


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is not a number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits[:40]} is too large")
    return number


def _whole(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:  # or it could not even be compared with a bound
        raise ValueError(f"{digits[:40]}... is too large")
    return int(digits)
