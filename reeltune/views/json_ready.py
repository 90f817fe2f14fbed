"""Records as JSON has them."""

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any


def json_ready(record: object) -> dict[str, Any]:
    """Return a dataclass as a dict, its parts likewise; NaN and infinity become None."""
    assert is_dataclass(record)
    return {field.name: _ready(getattr(record, field.name)) for field in fields(record)}


def _ready(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _ready(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_ready(part) for part in value]
    return json_ready(value) if is_dataclass(value) else value
