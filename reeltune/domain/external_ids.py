"""Ids as other programs write them, and the whole numbers by which they are stored."""

import re
from hashlib import blake2b
from typing import Literal

FIRST_GENERATED = 2**62  # ids from here on are ours, and stand for what was not a plain number

Kind = Literal["user", "movie", "person", "collection"]
_PLAIN = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)


def plain_number(text: str) -> int | None:
    """Return the id that `text` is of itself; None where it has to be given one.

    >>> plain_number("7"), plain_number("007"), plain_number("0"), plain_number("tt0114709")
    (7, None, None, None)
    """
    if _PLAIN.fullmatch(text):
        number = int(text)
        if number < FIRST_GENERATED:
            return number
    return None


def generated_id(kind: Kind, text: str, attempt: int = 0) -> int:
    """Return the id from 2^62 on that stands for `text`, the same on every machine and day.

    `attempt` counts the ids before it that were taken: one in 2^62 is, for each that there is.

    >>> generated_id("user", "007") >= FIRST_GENERATED, generated_id("user", "007") < 2**63
    (True, True)
    """
    digest = blake2b(f"{kind}\n{attempt}\n{text}".encode(), digest_size=8).digest()
    return FIRST_GENERATED | (int.from_bytes(digest, "big") & (FIRST_GENERATED - 1))
