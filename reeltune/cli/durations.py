"""Durations as people write them."""

import re
from typing import Any

import click

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3_600.0}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*([smh]?)", re.IGNORECASE | re.ASCII)


class Seconds(click.ParamType[float]):
    """Duration in seconds, or with s, m or h."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the seconds that `value` means, above 0.

        >>> Seconds().convert("2m", None, None)
        120.0
        """
        if isinstance(value, int | float):
            return float(value)
        match = _DURATION.fullmatch(str(value).strip())
        seconds = float(match[1]) * _UNITS[match[2].lower()] if match else 0.0
        if seconds <= 0:
            self.fail(f"{value!r} is no duration: write it like 60s or 2m", param, ctx)
        return seconds
