"""Tables of the replay: means over night and user, gains with intervals, what the nights did."""

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.replay_measure import METRICS
from benchmarks.replay_pieces import Piece
from reeltune.domain.arrays import Floats, Ints
from reeltune.stats.paired_tests import Comparison, paired_difference

GROUPS = ("known", "new")  # users with a rating before the night, and those without


def names(pieces: Iterable[Piece]) -> list[str]:
    """Return the names of the models, in order."""
    return list(dict.fromkeys(piece.name for piece in pieces))


def values_of(pieces: Iterable[Piece], name: str, metric: str, group: str) -> tuple[Ints, Floats]:
    """Return users (N,) and values (N,) of a model over all nights, NaN where there is none."""
    users: list[int] = []
    values: list[float] = []
    for piece in pieces:
        if piece.name != name:
            continue
        found = piece.measured
        rows = zip(found["users"], found["known"], found["values"][metric], strict=True)
        for user, known, value in rows:
            if known == (group == "known"):
                users.append(user)
                values.append(np.nan if value is None else value)
    return np.array(users, dtype=np.int64), np.array(values)


def mean_of(pieces: Iterable[Piece], name: str, metric: str, group: str) -> float:
    """Return the mean over night and user."""
    values = values_of(pieces, name, metric, group)[1]
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def compare(pieces: Sequence[Piece], a: str, b: str, metric: str, group: str) -> Comparison:
    """Compare two models over the same nights and users, paired.

    The difference is the mean over night and user. A user's nights are no independent
    observations, so whole users are resampled: each counts by the sum of its differences, divided
    by the mean number of them.
    """
    users, of_a = values_of(pieces, a, metric, group)
    _, of_b = values_of(pieces, b, metric, group)
    known = np.isfinite(of_a) & np.isfinite(of_b)
    _, place = np.unique(users[known], return_inverse=True)
    difference = of_a[known] - of_b[known]
    mean = float(difference.mean()) if len(difference) else float("nan")
    # Linearised ratio: a user's part of the error of the mean, about that mean.
    total = np.bincount(place, difference).astype(np.float64)
    count = np.bincount(place).astype(np.float64)
    parts = mean + (total - mean * count) / count.mean() if len(count) else total
    return paired_difference(parts, np.zeros(len(parts)))


def print_means(console: Console, pieces: Sequence[Piece]) -> None:
    """Print each model's means."""
    table = Table("", box=None, title="Means over night and user, on what came after each night")
    for metric in METRICS:
        for group in GROUPS:
            table.add_column(f"{metric} {group}", justify="right")
    table.add_column("coverage@10", justify="right")
    for name in names(pieces):
        means = [mean_of(pieces, name, metric, group) for metric in METRICS for group in GROUPS]
        coverage = np.mean([p.measured["coverage"] for p in pieces if p.name == name])
        table.add_row(name, *(f"{mean:.4f}" for mean in means), f"{coverage:.4f}")
    console.print(table)


def print_gains(console: Console, pieces: Sequence[Piece], first: str) -> None:
    """Print the gain of the first tool over each other model, with its 95 % interval."""
    table = Table("", box=None, title=f"Gain of {first!r} over the others, 95 % interval")
    for metric in METRICS:
        for group in GROUPS:
            table.add_column(f"{metric} {group}", justify="right")
    for name in names(pieces):
        if name != first:
            cells = [
                _gain(compare(pieces, first, name, metric, group))
                for metric in METRICS
                for group in GROUPS
            ]
            table.add_row(name, *cells)
    console.print(table)


def print_shares(console: Console, pieces: Sequence[Piece]) -> None:
    """Print how many users and ratings were served by what these users had rated before."""
    table = Table("", box=None, title="Served by their own ratings, share of those measured")
    for heading in ("users with ratings", "all users", "all ratings"):
        table.add_column(heading, justify="right")
    for name in names(pieces):
        found = [piece.measured for piece in pieces if piece.name == name]
        own, known, n = (_joined(found, key) for key in ("personal", "known", "n_ratings"))
        shares = own[known == 1].mean(), own.mean(), (own * n).sum() / n.sum()
        table.add_row(name, *(f"{share:.1%}" for share in shares))
    console.print(table)


def print_nights(console: Console, pieces: Sequence[Piece]) -> None:
    """Print what the nights of each tool did and cost."""
    table = Table("", box=None, title="Nights")
    headings = (
        "changed, renewed, kept, failed",
        "searched",
        "change refused / cannot tell",
        "looks",
        "CPU s a night",
        "alarms of monitor",
    )
    for heading in headings:
        table.add_column(heading, justify="right")
    for name in names(pieces):
        reports = [p.night_report for p in pieces if p.name == name and p.night_report]
        if reports:
            table.add_row(name, *_night_cells(reports))
    console.print(table)


def _night_cells(reports: list[dict[str, Any]]) -> list[str]:
    verdicts = Counter(report["verdict"] for report in reports)
    changes = Counter(report["change"]["verdict"] for report in reports if report["change"])
    alarms = sum(report["monitor"]["health"] == "fallen" for report in reports)
    kinds = ("changed", "renewed", "kept", "failed")
    return [
        ", ".join(str(verdicts[kind]) for kind in kinds),
        str(sum(report["searched"] for report in reports)),
        f"{changes['refused']} / {changes['cannot tell']}",
        str(reports[-1]["looks"]),
        f"{median(report['cpu_seconds'] for report in reports):.1f}",
        f"{alarms} of {len(reports)}",
    ]


def _gain(found: Comparison) -> str:
    return f"{found.difference:+.4f} ({found.low:+.4f} to {found.high:+.4f})"


def _joined(found: list[dict[str, Any]], key: str) -> Floats:
    return np.concatenate([np.array(each[key], dtype=np.float64) for each in found])
