"""Conversion of a data set to named arrays and back."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from reeltune.domain.arrays import AnyArray
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.dataset import ArrayStore, Dataset
from reeltune.ratings.table import RatingTable

_NAMES = "genre_names"  # the one field that is no array


def is_a_dataset(arrays: Mapping[str, AnyArray]) -> bool:
    """Return True if `arrays` have the names that this program gives a data set's.

    Another version of the program may save other fields.
    """
    parts = (("ratings", RatingTable), ("catalogue", Catalogue))
    fields_of_parts = {f"{prefix}.{name}" for prefix, kind in parts for name in _names_of(kind)}
    return arrays.keys() == fields_of_parts | {"fingerprint"}


def to_arrays(data: Dataset) -> dict[str, AnyArray]:
    """Return all arrays of `data`, and its fingerprint, so that it need not be computed again."""
    found: dict[str, AnyArray] = {"fingerprint": _bytes(data.fingerprint)}
    for prefix, part in (("ratings", data.ratings), ("catalogue", data.catalogue)):
        for field in fields(part):
            value = getattr(part, field.name)
            is_names = field.name == _NAMES
            found[f"{prefix}.{field.name}"] = _bytes("\n".join(value)) if is_names else value
    return found


def from_arrays(
    arrays: Mapping[str, AnyArray], cache: ArrayStore | None, last_change: int | None = None
) -> Dataset:
    """Return the data set of which `to_arrays` made these."""
    ratings: dict[str, Any] = {n: arrays[f"ratings.{n}"] for n in _names_of(RatingTable)}
    catalogue: dict[str, Any] = {n: arrays[f"catalogue.{n}"] for n in _names_of(Catalogue)}
    names = _text(catalogue.pop(_NAMES))
    return Dataset(
        ratings=RatingTable(**ratings),
        catalogue=Catalogue(**catalogue, genre_names=tuple(names.split("\n")) if names else ()),
        cache=cache,
        known_fingerprint=_text(arrays["fingerprint"]),
        last_change=last_change,
    )


def _names_of(kind: type[RatingTable] | type[Catalogue]) -> list[str]:
    return [field.name for field in fields(kind)]


def _bytes(text: str) -> AnyArray:
    return np.frombuffer(text.encode(), dtype=np.uint8)


def _text(content: AnyArray) -> str:
    return content.tobytes().decode()
