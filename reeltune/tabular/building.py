"""Building of a column in memory from texts, a chunk of rows at a time."""

from collections.abc import Sequence

import numpy as np

from reeltune.domain.arrays import Floats
from reeltune.importers.tables import Chunk
from reeltune.importers.times import UNITS
from reeltune.tabular.columns import (
    CODED,
    MISSING,
    ColumnKind,
    ColumnSpec,
    ColumnValues,
    DataColumn,
)
from reeltune.tabular.texts import DateTexts, NumberTexts, is_missing_text

MAX_REFUSED = 0.2  # share of a column's values that may be no numbers or dates
_MAX_REMEMBERED = 200_000


class Levels(dict[str, int]):
    """Codes of levels by their texts, in the order in which they come."""

    def __missing__(self, text: str) -> int:
        plain = text.strip()
        if is_missing_text(plain):
            code = MISSING
        elif plain != text:
            code = self[plain]
        else:
            code = self[text] = len(self.names)
            self.names.append(text)
            return code
        self[text] = code
        return code

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []


class ColumnBuilder:
    """Builder of a column: takes its texts or numbers, and counts what is of another kind."""

    def __init__(self, spec: ColumnSpec) -> None:
        self.spec = spec
        self.n_refused = self.n_rows = self.n_missing = 0
        self.refused: set[str] = set()
        self._pieces: list[ColumnValues] = []
        self._levels = Levels()
        self._numbers: NumberTexts | DateTexts = (
            DateTexts(spec.date_format or "iso")
            if spec.kind is ColumnKind.DATE
            else NumberTexts(spec.number_style)
        )

    def add(self, chunk: Chunk) -> None:
        """Add the column's values of a chunk."""
        self.n_rows += len(chunk)
        if self.spec.kind in CODED:
            codes = self._levels
            texts = chunk.texts(self.spec.name)
            self._pieces.append(np.fromiter((codes[t] for t in texts), np.int32, len(texts)))
            return
        column = chunk.columns[self.spec.name]
        if isinstance(column, np.ndarray) and column.dtype.kind in "iuf":
            self._pieces.append(self._plain_numbers(column.astype(np.float64)))
            return
        self._add_texts(chunk.texts(self.spec.name))

    def _plain_numbers(self, found: Floats) -> Floats:
        found = np.where(np.isfinite(found), found, np.nan)
        form = self.spec.date_format
        return found / UNITS[form] if form in UNITS else found

    def _add_texts(self, texts: Sequence[str]) -> None:
        known = self._numbers
        found = known.convert(list(texts))
        missing = np.flatnonzero(np.isnan(found))
        n_refused = sum(texts[row] in known.refused for row in missing.tolist())
        self.n_refused += n_refused
        self.n_missing += len(missing) - n_refused
        self.refused |= known.refused
        if len(known) > _MAX_REMEMBERED:
            known.clear()
        self._pieces.append(found)

    @property
    def is_refusing(self) -> bool:
        """True where too many values are of another kind for them to be missing ones."""
        return self.n_refused > MAX_REFUSED * max(1, self.n_rows - self.n_missing)

    @property
    def was_empty_at_first(self) -> bool:
        """True where the first chunks had no value, and later ones have."""
        if self.spec.kind not in CODED or len(self._pieces) < 2:
            return False
        return bool((self._pieces[0] == MISSING).all()) and bool(self._levels.names)

    def distinct_texts(self) -> list[str]:
        """Return the levels, of a coded column."""
        return self._levels.names

    def build(self) -> DataColumn:
        """Return the column."""
        if self.spec.kind in CODED:
            codes: ColumnValues = np.zeros(0, np.int32)
            codes = np.concatenate(self._pieces) if self._pieces else codes
            return DataColumn(spec=self.spec, codes=codes, levels=tuple(self._levels.names))
        numbers = np.concatenate(self._pieces) if self._pieces else np.zeros(0)
        return DataColumn(spec=self.spec, numbers=numbers, n_refused=self.n_refused)
