"""Feature blocks of numbers and dates: fitted on rows, applied to any others."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reeltune.domain.arrays import Floats
from reeltune.tabular.columns import DataColumn, DataTable
from reeltune.tabular.moments import Moments

DAY_SECONDS = 86_400.0
CLIP = 6.0  # standard deviations from the mean that a scaled number is cut at
SKEWED = 2.0  # skewness from which on a number is scaled by its logarithm


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberBlock:
    """Number as it is, NaN where it is missing."""

    column: str

    @classmethod
    def fit(cls, column: DataColumn) -> "NumberBlock":
        """Return the block of a column."""
        return cls(column=column.name)

    @property
    def names(self) -> list[str]:
        """Names of the features."""
        return [self.column]

    def transform(self, table: DataTable) -> Floats:
        """Return the features (N, 1)."""
        return numbers_of(table.columns[self.column])[:, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaledBlock:
    """Number scaled to mean 0 and deviation 1, of skewed ones the logarithm; and its gaps."""

    column: str
    is_skewed: bool
    center: float  # the median, which stands for missing values, and the unit of the logarithm
    unit: float
    mean: float
    deviation: float
    has_missing: bool

    @classmethod
    def fit(cls, column: DataColumn) -> "ScaledBlock":
        """Return the block fitted on the rows of a column."""
        return cls.of(column.name, numbers_of(column))

    @classmethod
    def of(cls, name: str, values: Floats) -> "ScaledBlock":
        """Return the block fitted on values (N,), NaN where they are missing."""
        known = values[np.isfinite(values)]
        center = float(np.median(known)) if len(known) else 0.0
        spread = float(np.median(np.abs(known - center))) if len(known) else 0.0
        unit = spread or float(np.std(known)) if len(known) else 1.0
        skewness = Moments.of(known[:, None]).skewness[0] if len(known) > 2 else 0.0
        is_skewed = bool(abs(skewness) > SKEWED)
        bent = _bent(known, center, unit or 1.0) if is_skewed else known
        return cls(
            column=name,
            is_skewed=is_skewed,
            center=center,
            unit=unit or 1.0,
            mean=float(bent.mean()) if len(bent) else 0.0,
            deviation=(float(bent.std()) if len(bent) else 0.0) or 1.0,
            has_missing=len(known) < len(values),
        )

    @property
    def names(self) -> list[str]:
        """Names of the features."""
        return [self.column, f"{self.column} is missing"] if self.has_missing else [self.column]

    def transform(self, table: DataTable) -> Floats:
        """Return the features (N, 1 or 2)."""
        return self.scaled(numbers_of(table.columns[self.column]))

    def scaled(self, values: Floats) -> Floats:
        """Return the features (N, 1 or 2) of values (N,)."""
        is_missing = ~np.isfinite(values)
        filled = np.where(is_missing, self.center, values)
        bent = _bent(filled, self.center, self.unit) if self.is_skewed else filled
        scaled = np.clip((bent - self.mean) / self.deviation, -CLIP, CLIP)
        return np.column_stack([scaled, is_missing]) if self.has_missing else scaled[:, None]


def _bent(values: Floats, center: float, unit: float) -> Floats:
    """Return the signed logarithm of the distance from `center`, in units."""
    distance = (values - center) / unit
    found: Floats = np.sign(distance) * np.log1p(np.abs(distance))
    return found


def numbers_of(column: DataColumn) -> Floats:
    """Return the numbers (N,) of a column; of one that was read as something else, none."""
    if column.numbers is None:
        return np.full(len(column), np.nan)
    return column.numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class DateBlock:
    """Date unfolded: its trend in days, year, month, days of month, week and year, and the hour."""

    column: str
    first: float  # seconds, of the earliest one that was seen
    has_hours: bool

    @classmethod
    def fit(cls, column: DataColumn) -> "DateBlock":
        """Return the block fitted on the rows of a column."""
        values = numbers_of(column)
        known = values[np.isfinite(values)]
        return cls(
            column=column.name,
            first=float(known.min()) if len(known) else 0.0,
            has_hours=bool((known % DAY_SECONDS != 0).any()),
        )

    @property
    def names(self) -> list[str]:
        """Names of the features."""
        parts = ["days", "year", "month", "day of month", "weekday", "day of year"]
        return [f"{self.column}: {part}" for part in parts + ["hour"] * self.has_hours]

    def transform(self, table: DataTable) -> Floats:
        """Return the features (N, 6 or 7), NaN where the date is missing."""
        seconds = numbers_of(table.columns[self.column])
        is_missing = ~np.isfinite(seconds)
        whole = np.where(is_missing, 0.0, np.clip(seconds, -6e10, 2.5e11)).astype(np.int64)
        moments = whole.astype("datetime64[s]")
        days, months = moments.astype("datetime64[D]"), moments.astype("datetime64[M]")
        years = moments.astype("datetime64[Y]")
        parts = [
            (whole - self.first) / DAY_SECONDS,
            years.astype(np.int64) + 1970.0,
            (months - years.astype("datetime64[M]")).astype(np.int64) + 1.0,
            (days - months.astype("datetime64[D]")).astype(np.int64) + 1.0,
            (days.astype(np.int64) + 3) % 7.0,  # the first of 1970 was a Thursday; Monday is 0
            (days - years.astype("datetime64[D]")).astype(np.int64) + 1.0,
        ]
        if self.has_hours:
            parts.append((whole % DAY_SECONDS) / 3_600.0)
        found = np.column_stack(parts)
        found[is_missing] = np.nan
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class WavesBlock:
    """Waves of a date: sine and cosine of the day of the year and of the hour, and the weekday."""

    dates: DateBlock
    days: ScaledBlock

    @classmethod
    def fit(cls, column: DataColumn) -> "WavesBlock":
        """Return the block fitted on the rows of a column."""
        dates = DateBlock.fit(column)
        table = DataTable("", {column.name: column}, len(column))
        days = ScaledBlock.of(column.name, dates.transform(table)[:, 0])
        return cls(dates=dates, days=days)

    @property
    def column(self) -> str:
        """Name of the column."""
        return self.dates.column

    @property
    def names(self) -> list[str]:
        """Names of the features."""
        waves = [f"{wave} of {part}" for part in self._periods for wave in ("sine", "cosine")]
        weekdays = [f"weekday {day}" for day in range(7)]
        return [*self.days.names, *(f"{self.column}: {each}" for each in waves + weekdays)]

    @property
    def _periods(self) -> dict[str, tuple[int, float]]:
        hours = {"hour": (6, 24.0), "half day": (6, 12.0)} if self.dates.has_hours else {}
        return {"year": (5, 365.25), "half year": (5, 182.625), **hours}

    def transform(self, table: DataTable) -> Floats:
        """Return the features (N, W); 0 where the date is missing."""
        parts = self.dates.transform(table)
        angles = [2 * np.pi * parts[:, at] / period for at, period in self._periods.values()]
        waves = [wave(angle) for angle in angles for wave in (np.sin, np.cos)]
        weekdays = [parts[:, 4] == day for day in range(7)]
        found = np.column_stack([self.days.scaled(parts[:, 0]), *waves, *weekdays])
        return np.where(np.isfinite(found), found, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanBlock:
    """Span from one date to another, in days."""

    columns: tuple[str, str]
    scale: ScaledBlock | None  # None: in days as they are

    @classmethod
    def fit(cls, table: DataTable, columns: Sequence[str], *, scaled: bool) -> "SpanBlock":
        """Return the block fitted on the rows of a table."""
        first, second = columns
        plain = cls(columns=(first, second), scale=None)
        if not scaled:
            return plain
        days = plain.transform(table)[:, 0]
        return cls(columns=(first, second), scale=ScaledBlock.of(plain.names[0], days))

    @property
    def names(self) -> list[str]:
        """Names of the features."""
        own = f"{self.columns[0]} to {self.columns[1]}: days"
        return [own] if self.scale is None else self.scale.names

    def transform(self, table: DataTable) -> Floats:
        """Return the features (N, 1 or 2)."""
        first, second = (numbers_of(table.columns[name]) for name in self.columns)
        days = (second - first) / DAY_SECONDS
        return days[:, None] if self.scale is None else self.scale.scaled(days)
