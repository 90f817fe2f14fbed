"""Figures that a function of the user's returned: checked, and as numbers per metric."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.errors import InputError
from reeltune.domain.evaluation import LARGEST


def checked_figures(found: object, names: Sequence[str]) -> Mapping[str, float | Floats]:
    """Return what a function returned by metric: a number, or (u,) numbers of its units.

    Raises:
        InputError: a metric is missing, unknown or not finite; all of them are named.
    """
    given = found
    if not isinstance(found, Mapping):
        if len(names) > 1:
            raise InputError(
                f"the function must return a dict with {', '.join(names)}, "
                f"got {type(found).__name__}"
            )
        given = {names[0]: found}
    assert isinstance(given, Mapping)
    faults = [f"{name} is missing" for name in names if name not in given]
    faults += [f"unknown metric {name!r}" for name in given if name not in names]
    figures: dict[str, float | Floats] = {}
    for name in names:
        if name in given:
            figures[name] = _as_figure(given[name])
            faults += _faults_of(name, given[name], figures[name])
    if faults:
        raise InputError("; ".join(faults))
    return figures


def _as_figure(given: object) -> float | Floats:
    """Return a number or (u,) numbers; NaN for a unit that has none, and for what is no number."""
    if isinstance(given, list | tuple):
        given = [np.nan if each is None else each for each in given]
    try:
        found = np.asarray(given)
        if found.ndim <= 1 and found.dtype.kind in "biuf":
            return found.astype(np.float64) if found.ndim else float(found)
    except Exception:  # noqa: S110 whatever an object of the user's does when it is looked at
        pass
    return np.nan


def _faults_of(name: str, given: object, figure: float | Floats) -> Iterator[str]:
    """Yield what is wrong with a metric that a function returned."""
    if isinstance(figure, float):
        if not _may_be(figure):
            yield f"{name} must be a finite number, or one per unit, got {_shown(given)}"
        return
    absent = [each is None for each in given] if isinstance(given, list | tuple) else ()
    places = np.flatnonzero(~_may_be(figure)).tolist()
    wrong = [n for n in places if not (absent and absent[n])]
    if wrong:
        yield f"{name} of unit {wrong[0]} must be finite or None, got {figure[wrong[0]]}"
    elif not np.isfinite(figure).any():
        yield f"{name} has no unit with a value"


def _may_be(figure: float | Floats) -> Any:
    """True where a value is finite, and not so great that sums of squares of it would not be."""
    return np.abs(figure) <= LARGEST


def _shown(given: object) -> str:
    """Return a value as messages show it, cut where it is long."""
    text = repr(given)
    return text if len(text) <= 60 else f"{text[:59]}…"


def mean_value(figure: float | Floats) -> float:
    """Return a metric's value: of units that have one, the mean."""
    return figure if isinstance(figure, float) else float(np.nanmean(figure))


def per_unit(figures: Mapping[str, float | Floats]) -> Iterator[tuple[str, Floats]]:
    """Yield the metrics that have a value per unit."""
    for name, figure in figures.items():
        if not isinstance(figure, float):
            yield name, figure


def at_positions(values: Floats, positions: Ints, n: int) -> Floats:
    """Return (n,) `values` (u,) at their `positions`, NaN elsewhere.

    >>> at_positions(np.array([0.5]), np.array([1]), 3)
    array([nan, 0.5, nan])
    """
    found = np.full(n, np.nan)
    found[positions] = values
    return found
