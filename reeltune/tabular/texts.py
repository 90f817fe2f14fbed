"""Values of outside texts: numbers in several styles, dates, and markers of what is missing."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import chain

import numpy as np

from reeltune.domain.arrays import Floats
from reeltune.importers.times import UNITS, recognise_format

MISSING_MARKERS = frozenset(
    {"", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "<na>", "nat", "?", "-", "--", "."}
)
"""Texts, in lower case, that say that there is no value."""

_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:[, ']\d{3})+(?:\.\d+)?", re.ASCII)
_COMMA = re.compile(
    r"[+-]?(?:[1-9]\d{0,2}(?:[. ']\d{3})+|\d+)?(?:,\d*)?(?:[eE][+-]?\d+)?", re.ASCII
)
_UNITS = "%$€£ \u00a0"
_DIGIT = re.compile(r"\d", re.ASCII)
MIN_SHARE = 0.95  # of the different texts of a column that must be of a kind
_DATE_SAMPLE = 1_000  # texts by which the format of dates is recognised


def is_missing_text(text: str) -> bool:
    """Return whether a text says that there is no value.

    >>> is_missing_text(" N/A "), is_missing_text("no")
    (True, False)
    """
    return text.strip().lower() in MISSING_MARKERS


def _plain(text: str) -> float:
    if _PLAIN.fullmatch(text):
        return float(text)
    if _THOUSANDS.fullmatch(text):
        return float(re.sub("[, ']", "", text))
    return np.nan


def _comma(text: str) -> float:
    if _DIGIT.search(text) and _COMMA.fullmatch(text):
        return float(re.sub("[. ']", "", text).replace(",", "."))
    return _plain(text)


NUMBER_STYLES = {"plain": _plain, "comma": _comma}
"""By name, what makes a number of a text: with a decimal point, or with a decimal comma."""


def parsed_number(text: str, style: str = "plain") -> float:
    """Return the number that a text is, NaN for what is none or not finite.

    Signs of currencies and percent are left out: 12 % is 12.

    >>> parsed_number("1,234.5"), parsed_number("1.234,5", "comma"), parsed_number("€ 7")
    (1234.5, 1234.5, 7.0)
    """
    value = NUMBER_STYLES[style](text.strip(_UNITS))
    return value if np.isfinite(value) else np.nan


class NumberTexts(dict[str, float]):
    """Numbers by the text that they are written as; `refused` has what is none."""

    def __init__(self, style: str) -> None:
        super().__init__()
        self.style = style
        self.refused: set[str] = set()

    def __missing__(self, text: str) -> float:
        value = parsed_number(text, self.style)
        if value != value and not is_missing_text(text):
            self.refused.add(text)
        self[text] = value
        return value

    def convert(self, texts: list[str]) -> Floats:
        """Return the numbers (N,) of texts, NaN where there is none."""
        if self.style == "plain":
            try:
                found = np.array(list(map(float, texts)))
            except ValueError:
                pass
            else:
                if np.isfinite(found).all() and not any("_" in text for text in texts):
                    return found
        return np.array([self[text] for text in texts], dtype=np.float64)


class DateTexts(dict[str, float]):
    """Seconds since 1970, UTC, by the text that a date is written as; NaN for what is none."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self.form = form
        self.refused: set[str] = set()

    def __missing__(self, text: str) -> float:
        value = self._seconds(text.strip())
        if value != value and not is_missing_text(text):
            self.refused.add(text)
        self[text] = value
        return value

    def convert(self, texts: list[str]) -> Floats:
        """Return the seconds (N,) of texts, NaN where there is none."""
        return np.array([self[text] for text in texts], dtype=np.float64)

    def _seconds(self, text: str) -> float:
        try:
            if self.form in UNITS:
                return float(text) / UNITS[self.form]
            if self.form == "iso":
                moment = datetime.fromisoformat(text)
            else:
                moment = datetime.strptime(text, self.form)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            return (moment - _EPOCH).total_seconds()
        except (ValueError, OverflowError):
            return np.nan


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Patterns beside those that importers know, each by a full match of nearly all texts.
_FURTHER = (
    (re.compile(r"\d{4}/\d{1,2}/\d{1,2}"), "%Y/%m/%d"),
    (re.compile(r"\d{1,2}/\d{1,2}/\d{4}"), "%m/%d/%Y"),
    (re.compile(r"\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d\d"), "%m/%d/%Y %H:%M"),
    (re.compile(r"\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d\d:\d\d"), "%m/%d/%Y %H:%M:%S"),
    (re.compile(r"\d{1,2}\.\d{1,2}\.\d{4} \d{1,2}:\d\d"), "%d.%m.%Y %H:%M"),
    (re.compile(r"\d{1,2}-[A-Za-z]{3}-\d{4}"), "%d-%b-%Y"),
    (re.compile(r"[A-Za-z]{3,9} \d{1,2}, \d{4}"), "%B %d, %Y"),
)
_DAY_FIRST = re.compile(r"(1[3-9]|2\d|3[01])/")


def date_format(distinct: Iterable[str]) -> str | None:
    """Return the format of dates that nearly all texts are written in; None where there is none.

    Plain numbers are no dates.

    >>> date_format(["2014-05-13"]), date_format(["5/13/2014 10:00"]), date_format(["12"])
    ('iso', '%m/%d/%Y %H:%M', None)
    """
    texts = [text.strip() for text in distinct if text.strip()][:_DATE_SAMPLE]
    if not texts or all(_PLAIN.fullmatch(text) for text in texts):
        return None
    known = recognise_format(texts)
    further = [form for pattern, form in _FURTHER if _mostly(pattern, texts)]
    if any(_DAY_FIRST.match(text) for text in texts):
        further = [form.replace("%m/%d", "%d/%m") for form in further]
    short = [form.replace("%B", "%b") for form in further]
    for form in chain([known] if known and known not in UNITS else [], further, short):
        dates = DateTexts(form).convert(texts)
        if np.isfinite(dates).mean() >= MIN_SHARE:
            return form
    return None


def _mostly(pattern: re.Pattern[str], texts: list[str]) -> bool:
    return sum(bool(pattern.fullmatch(text)) for text in texts) >= MIN_SHARE * len(texts)
