"""Counts what becomes of the rows of a source: taken, skipped, rejected, a cell left out."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from reeltune.db.imports import RejectedRow
from reeltune.db.movies import SourceName
from reeltune.domain.errors import RejectedRowsError
from reeltune.importers.rows import EMPTY, excerpt

MAX_REJECTED = 0.05  # share of rows
HOPELESS_ROWS = 250_000  # wrong ones before the first good one: reading ends there
DUPLICATE = "same user and movie twice: the newer row is kept"
SAME = "same {} twice: the fuller or later row is kept"
_ROWS_PER_WRITE = 10_000
_MAX_EXAMPLES = 3
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class FileReport:
    """Report of the rows of a file; `read` = `kept` + skipped + rejected."""

    source: SourceName
    file: str
    read: int
    skipped: dict[str, int]  # nothing wrong with them, but of no use here; count by reason
    rejected: dict[str, int]  # something is wrong with them; count by reason
    examples: dict[str, tuple[int, ...]]  # lines of a few such rows, by reason
    left_out: dict[str, int] = field(default_factory=dict)  # single cells of rows that were kept
    notes: tuple[str, ...] = ()  # what else there is to say

    @property
    def kept(self) -> int:
        """Rows taken."""
        return self.read - sum(self.skipped.values()) - sum(self.rejected.values())


@dataclass
class RowCounts:
    """Counts of what became of the rows of a source so far."""

    source: SourceName
    name: str
    save_rejected: Callable[[list[RejectedRow]], object] = lambda _: None
    read: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    _examples: dict[str, list[int]] = field(default_factory=dict)
    _unsaved: list[RejectedRow] = field(default_factory=list)

    def skip(self, line: int, reason: str) -> None:
        """Count a row that is of no use here."""
        self.skipped[reason] += 1
        self._keep_example(line, reason)

    def reject(self, line: int, reason: str, text: str) -> None:
        """Record a row with which something is wrong."""
        self.rejected[reason] += 1
        self._keep_example(line, reason)
        self._unsaved.append(RejectedRow(line, reason, excerpt(text)))
        if len(self._unsaved) >= _ROWS_PER_WRITE:
            self.flush()

    def leave_out(self, line: int, reason: str) -> None:
        """Count a cell that is not taken, of a row that is."""
        self.left_out[reason] += 1
        self._keep_example(line, reason)

    def is_hopeless(self, n_good: int) -> bool:
        """Tell whether no row is good so far, and too many are wrong for one to be hoped for."""
        return not n_good and self.rejected.total() + self.skipped[EMPTY] >= HOPELESS_ROWS

    def flush(self) -> None:
        """Hand on the rejected rows that were not handed on yet."""
        self.save_rejected(self._unsaved)
        self._unsaved.clear()

    def report(self) -> FileReport:
        """Return what has become of the rows so far."""
        return FileReport(
            self.source,
            self.name,
            self.read,
            self._by_count(self.skipped),
            self._by_count(self.rejected),
            {reason: tuple(sorted(lines)) for reason, lines in self._examples.items()},
            self._by_count(self.left_out),
            tuple(self.notes),
        )

    def _by_count(self, counts: Counter[str]) -> dict[str, int]:
        """Return the most frequent reason first; of equal ones, that of the earliest line."""
        known = self._examples
        order = sorted(counts, key=lambda reason: (-counts[reason], min(known[reason])))
        return {reason: counts[reason] for reason in order}

    def _keep_example(self, line: int, reason: str) -> None:
        lines = self._examples.setdefault(reason, [])
        if len(lines) < _MAX_EXAMPLES:
            lines.append(line)


def check_rejected_share(report: FileReport, limit: float) -> None:
    """Raise RejectedRowsError where no row was kept, or too many were rejected.

    A row that gave way to a newer or fuller one of the same does not count as rejected here: a
    table of ratings with titles has each movie many times.
    """
    wrong = {reason: n for reason, n in report.rejected.items() if not _gave_way(reason)}
    worst, n_rejected = next(iter(wrong), ""), sum(wrong.values())
    if not report.kept:
        reasons = {**report.rejected, **report.skipped}
        why = f", most because: {next(iter(reasons))}" if reasons else ""
        raise RejectedRowsError(
            f"{report.file!r} has {report.read:,} rows and none could be kept{why};"
            " nothing of it was imported"
        )
    if n_rejected > limit * report.read:
        raise RejectedRowsError(
            f"{n_rejected:,} of {report.read:,} rows of {report.file!r} are rejected, more than"
            f" {limit:.1%}, most because: {worst} (line"
            f" {', '.join(map(str, report.examples[worst]))}); correct them or allow more with"
            " --max-rejected; nothing of it was imported"
        )


def _gave_way(reason: str) -> bool:
    return reason == DUPLICATE or reason.endswith(SAME.partition("{}")[2])


def keep_fullest(
    file: RowCounts,
    rows: Iterable[tuple[int, Value]],
    thing: str,
    key: Callable[[Value], int],
    known: Callable[[Value], int],
) -> list[tuple[int, Value]]:
    """Line and value of the best row of each key, by key; the others are rejected.

    Args:
        file: the file of the rows.
        rows: line and value of each row, in order of lines.
        thing: what two rows of one key both are, for the reason.
        key: what makes two rows the same.
        known: how much a row knows; the row with most stays, of equal ones the later.
    """
    best: dict[int, tuple[int, Value]] = {}
    for line, row in rows:
        stays = loses = (line, row)
        if (earlier := best.get(key(row))) is not None:
            stays, loses = (
                (earlier, (line, row)) if known(earlier[1]) > known(row) else ((line, row), earlier)
            )
            file.reject(
                loses[0], SAME.format(thing), f"{thing} {key(row)}, kept is line {stays[0]}"
            )
        best[key(row)] = stays
    return [best[number] for number in sorted(best)]
