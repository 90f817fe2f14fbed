"""Demo tables: cars with the structure of a market, and a table of what goes wrong in tables."""

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from reeltune.domain.errors import InputError
from reeltune.tabular.columns import ColumnValues

_Columns = Mapping[str, Sequence[Any] | npt.NDArray[Any]]
_MAKES = {  # price of a new one, thousands; loss of value a year; models
    "Volkswagen": (29.0, 0.115, ("Golf", "Polo", "Passat", "Tiguan")),
    "Toyota": (27.0, 0.095, ("Yaris", "Corolla", "RAV4", "Aygo")),
    "BMW": (47.0, 0.135, ("118", "320", "520", "X3")),
    "Renault": (22.0, 0.145, ("Clio", "Megane", "Captur", "Zoe")),
    "Skoda": (24.0, 0.11, ("Fabia", "Octavia", "Superb", "Kodiaq")),
    "Volvo": (44.0, 0.125, ("V40", "V60", "XC60", "XC90")),
    "Dacia": (14.0, 0.12, ("Sandero", "Duster", "Logan", "Jogger")),
}
_FUELS = (("petrol", 0.0), ("diesel", 0.04), ("hybrid", 0.12), ("electric", 0.18))
_EXTRAS = (
    *("sunroof", "tow bar", "heated seats", "navigation", "leather", "winter tyres", "camera"),
    *("alloy wheels", "cruise control", "roof rails", "parking sensors", "digital radio"),
)
_STATES = (("accident free", 0.03), ("small scratches", -0.04), ("needs repair", -0.25))


def car_columns(n_rows: int, seed: int) -> _Columns:
    """Return cars for sale: a price by make, model, age, mileage, state and the time of year."""
    rng = np.random.default_rng([seed, 1])
    names = list(_MAKES)
    make = rng.choice(len(names), n_rows, p=[0.28, 0.14, 0.12, 0.16, 0.14, 0.06, 0.10])
    model = rng.integers(0, 4, n_rows)
    new_price = np.array([_MAKES[name][0] for name in names])[make] * (0.75 + 0.22 * model)
    listed = rng.integers(0, 1_095, n_rows)  # days from the start of 2022
    age = rng.gamma(2.2, 2.6, n_rows).clip(0.1, 24)
    mileage = age * rng.lognormal(9.35, 0.42, n_rows)
    fuel = rng.choice(4, n_rows, p=[0.48, 0.34, 0.12, 0.06])
    power = new_price * rng.normal(3.6, 0.35, n_rows) + 25
    automatic = rng.random(n_rows) < 0.2 + 0.01 * np.clip(new_price - 15, 0, 40)
    state = rng.choice(3, n_rows, p=[0.72, 0.22, 0.06])
    extras = rng.random((n_rows, len(_EXTRAS))) < 0.3
    decay = np.array([_MAKES[name][1] for name in names])[make]
    season = 0.03 * np.cos(2 * np.pi * (listed - 120) / 365.25)
    logarithm = (
        np.log(new_price)
        - decay * age
        - 0.11 * (mileage / 100_000) * (1 + 0.6 * (fuel == 0))
        + np.array([worth for _, worth in _FUELS])[fuel] * np.exp(-age / 8)
        + 0.05 * automatic
        + np.array([worth for _, worth in _STATES])[state]
        + 0.018 * extras.sum(axis=1)
        + season
        + 0.06 * (listed / 365.25)
        + rng.normal(0, 0.09, n_rows)
    )
    order = rng.permutation(n_rows)
    days = np.datetime64("2022-01-01") + listed
    columns: _Columns = {
        "make": [names[m] for m in make],
        "model": [_MAKES[names[m]][2][k] for m, k in zip(make, model, strict=True)],
        "registered": (days - (age * 365.25).astype(int)).astype("datetime64[D]").astype(str),
        "listed": days.astype(str),
        "mileage_km": _with_gaps(rng, np.round(mileage, -2).astype(int), 0.03),
        "fuel": [_FUELS[f][0] for f in fuel],
        "gearbox": _with_gaps(rng, np.where(automatic, "automatic", "manual"), 0.05),
        "power_hp": np.round(power).astype(int),
        "owners": 1 + rng.poisson(age / 5),
        "description": [
            _described(_STATES[s][0], row) for s, row in zip(state, extras, strict=True)
        ],
        "price_eur": np.round(1_000 * np.exp(logarithm), -1).astype(int),
    }
    return {name: [column[row] for row in order] for name, column in columns.items()}


def _described(state: str, extras: ColumnValues) -> str:
    chosen = [name for name, has in zip(_EXTRAS, extras, strict=True) if has]
    return f"{state}, {', '.join(chosen)}" if chosen else f"{state}, basic equipment only"


def _with_gaps(rng: np.random.Generator, values: ColumnValues, share: float) -> list[Any]:
    gaps = rng.random(len(values)) < share
    return ["" if gap else value for value, gap in zip(values.tolist(), gaps, strict=True)]


def audit_columns(n_rows: int, seed: int) -> _Columns:
    """Return accounts of which few are fraudulent, in columns of everything that goes wrong."""
    rng = np.random.default_rng([seed, 2])
    amount = rng.lognormal(4, 1.2, n_rows)
    amount[rng.random(n_rows) < 0.004] *= 10_000  # outliers
    branch = rng.zipf(1.35, n_rows) % 400
    risk = rng.normal(0, 1, 400)[branch]
    hour = rng.integers(0, 24, n_rows)
    clicks = rng.poisson(6, n_rows)
    logit = (
        -4.6
        + 0.9 * risk
        + 0.55 * np.minimum(np.log(amount) - 4, 4)
        + 1.2 * ((hour < 5) | (hour > 22))
        - 0.12 * clicks
    )
    fraud = rng.random(n_rows) < 1 / (1 + np.exp(-logit))
    texts = [f"{value:.2f}" for value in amount]
    wrong = rng.random(n_rows) < 0.02
    income = np.where(rng.random(n_rows) < 0.45, np.nan, rng.normal(3_000, 900, n_rows))
    return {
        "account_id": [f"AC-{number:08d}" for number in rng.permutation(n_rows) + 10_000],
        "amount": ["n/a" if bad else text for bad, text in zip(wrong, texts, strict=True)],
        "branch": [f"B{number:03d}" for number in branch],
        "hour": hour,
        "clicks": clicks,
        "income": ["" if value != value else f"{value:.0f}" for value in income],
        "currency": ["EUR"] * n_rows,
        "remarks": [""] * n_rows,
        "clicks_again": clicks,
        "noise": [f"{value:.4f}" for value in rng.normal(size=n_rows)],
        "opened": (np.datetime64("2019-03-01") + rng.integers(0, 1_500, n_rows)).astype(str),
        "fraud": np.where(fraud, "yes", "no"),
    }


DEMO_TABLES: dict[str, tuple[Callable[[int, int], _Columns], int, str]] = {
    "cars": (car_columns, 15_000, "price_eur"),
    "audit": (audit_columns, 8_000, "fraud"),
}
"""By name: what makes the columns, rows by default, and the target."""


def demo_columns(name: str, n_rows: int | None = None, seed: int = 0) -> _Columns:
    """Return the columns of a demo table; the same arguments make the same ones.

    Raises:
        InputError: there is no such table, or it would have too few rows.
    """
    if name not in DEMO_TABLES:
        raise InputError(f"the demo must be one of {', '.join(DEMO_TABLES)}, got {name!r}")
    make, default, _ = DEMO_TABLES[name]
    n = default if n_rows is None else n_rows
    if not 10 <= n <= 5_000_000:
        raise InputError(f"the number of rows must be in [10, 5000000], got {n}")
    return make(n, seed)


def write_demo(path: Path, name: str, n_rows: int | None = None, seed: int = 0) -> int:
    """Write a demo table as CSV; return how many rows it has.

    Raises:
        InputError: there is no such table, or it cannot be written.
    """
    columns = demo_columns(name, n_rows, seed)
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(zip(*columns.values(), strict=True))
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be written: {error.strerror}") from error
    return len(next(iter(columns.values())))
