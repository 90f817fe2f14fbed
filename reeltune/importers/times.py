"""Times as sources write them, in Unix seconds: recognised by the first of them, or declared."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from reeltune.domain.errors import InputError
from reeltune.importers.values import BadRowError

LATEST = 4_102_444_799  # the end of 2099
UNITS = {"seconds": 1, "milliseconds": 1_000, "microseconds": 1_000_000}
_MAX_REMEMBERED = 100_000
_DIGITS = re.compile(r"\d{1,18}(?:\.\d*)?", re.ASCII)
_BAD = "time is not {}"
_RANGE = "time lies before 1970 or after 2099"
_PATTERNS = (  # by the order of day and month, which a value above 12 tells
    (re.compile(r"(1[3-9]|2\d|3[01])/\d{1,2}/\d{4}"), "%d/%m/%Y"),
    (re.compile(r"\d{1,2}/(1[3-9]|2\d|3[01])/\d{4}"), "%m/%d/%Y"),
    (re.compile(r"\d{1,2}\.\d{1,2}\.\d{4}"), "%d.%m.%Y"),
)


def check_zone(name: str) -> tzinfo:
    """Return a time zone by its name.

    Raises:
        InputError: there is none.
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"time_zone must be one like Europe/Berlin, got {name!r}") from error


def recognise_format(texts: Iterable[str]) -> str | None:
    """Return the format of `texts`: a unit, `iso` or a pattern; None where it cannot be told.

    >>> recognise_format(["1260759144"]), recognise_format(["2014-05-13T18:00:00+02:00"])
    ('seconds', 'iso')
    """
    some = [text.strip() for text in texts if text.strip()]
    if not some:
        return None
    if all(_DIGITS.fullmatch(text) for text in some):
        longest = max(len(text.partition(".")[0]) for text in some)
        return "seconds" if longest <= 10 else "milliseconds" if longest <= 13 else "microseconds"
    for pattern, form in _PATTERNS:
        if any(pattern.fullmatch(text) for text in some):
            return form
    n_iso = sum(_is_iso(text) for text in some)
    return "iso" if n_iso * 2 > len(some) else None


class Times(dict[str, int]):
    """Unix seconds by the text they are written as, in one format."""

    def __init__(self, form: str, zone: tzinfo = UTC) -> None:
        super().__init__()
        self.form, self.zone = form, zone
        if form not in UNITS and form != "iso" and "%" not in form:
            raise InputError(
                f"time_format must be {', '.join(UNITS)}, iso or a pattern like %d/%m/%Y,"
                f" got {form!r}"
            )

    def __missing__(self, text: str) -> int:
        """Return the time; raise BadRowError where it is none."""
        value = self._number(text) if self.form in UNITS else self._moment(text)
        if not 0 <= value <= LATEST:
            raise BadRowError(_RANGE)
        if len(self) < _MAX_REMEMBERED:
            self[text] = value
        return value

    def _number(self, text: str) -> int:
        digits = text.strip()
        if not _DIGITS.fullmatch(digits):
            raise BadRowError(_BAD.format(self.form))
        return int(digits.partition(".")[0]) // UNITS[self.form]

    def _moment(self, text: str) -> int:
        try:
            stripped = text.strip()
            moment = (
                datetime.fromisoformat(stripped)
                if self.form == "iso"
                else datetime.strptime(stripped, self.form)
            )
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=self.zone)
            return int(moment.timestamp() // 1)
        except (ValueError, OverflowError) as error:
            raise BadRowError(_BAD.format(f"written as {self.form}")) from error


def _is_iso(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
