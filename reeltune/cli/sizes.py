"""Sizes of memory as people write them."""

import re
from typing import Any

import click

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_SIZE = re.compile(r"(\d{1,15})([KMGT]?)(?:i?B)?", re.IGNORECASE | re.ASCII)


class ByteSize(click.ParamType[int]):
    """Number of bytes, in powers of 1024 with K, M, G or T."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number of bytes that `value` means, 1 or more.

        >>> ByteSize().convert("2G", None, None)
        2147483648
        """
        if isinstance(value, int):
            return value
        match = _SIZE.fullmatch(str(value))
        size = int(match[1]) * _UNITS[match[2].upper()] if match else 0
        if size < 1:
            self.fail(f"{value!r} is no size: write it like 500M or 2G", param, ctx)
        return size
