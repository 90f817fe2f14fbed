"""Encoder of a table as a matrix of features: fitted on some rows, applied to any others."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np

from reeltune.domain.arrays import Floats, Floats32, Ints
from reeltune.table_models.blocks import DateBlock, NumberBlock, ScaledBlock, SpanBlock, WavesBlock
from reeltune.table_models.levels import (
    MAX_ENCODED_CLASSES,
    MAX_FLAGS,
    FlagsBlock,
    KnownLevels,
    TargetsBlock,
    WordsBlock,
)
from reeltune.tabular.columns import ColumnKind, DataTable
from reeltune.tabular.roles import column_roles
from reeltune.tabular.target import Prediction, Target

Encoding = Literal["trees", "linear"]
"""Encodings: numbers as they are, for trees; or all scaled and nothing missing, for sums."""

FeatureBlock = (
    NumberBlock
    | ScaledBlock
    | DateBlock
    | WavesBlock
    | SpanBlock
    | FlagsBlock
    | TargetsBlock
    | WordsBlock
)
N_WORDS: Mapping[Encoding, int] = {"trees": 64, "linear": 256}  # places of words
_LARGEST = 3e38  # that single precision holds
MAX_DATES = 4  # whose spans are features
MAX_FLAGS_OF_SUMS = 40  # levels with a flag each, where features are summed
_BLOCKS = {
    block.__name__: block
    for block in (
        NumberBlock,
        ScaledBlock,
        DateBlock,
        WavesBlock,
        SpanBlock,
        FlagsBlock,
        TargetsBlock,
        WordsBlock,
    )
}


@dataclass(frozen=True, kw_only=True)
class TableEncoder:
    """Encoder fitted on rows: blocks of features, each of one column or of two."""

    encoding: Encoding
    blocks: tuple[FeatureBlock, ...]

    @classmethod
    def fit(
        cls, table: DataTable, target: Target, encoding: Encoding
    ) -> tuple["TableEncoder", Floats32]:
        """Return the encoder, and the features (N, F) of the rows that it is fitted on.

        Nothing else than these rows enters it. Constant columns and names of rows are left out.
        """
        blocks: list[FeatureBlock] = []
        features: list[Floats] = []
        targets = target_columns(target)
        used = [name for name, role in column_roles(table).items() if role.is_used]
        for name in used:
            block, own = _fitted(table, name, targets, encoding)
            blocks.append(block)
            features.append(block.transform(table) if own is None else own)
        dates = [name for name in used if table.columns[name].kind is ColumnKind.DATE]
        for pair in combinations(dates[:MAX_DATES], 2):
            span = SpanBlock.fit(table, pair, scaled=encoding == "linear")
            blocks.append(span)
            features.append(span.transform(table))
        encoder = cls(encoding=encoding, blocks=tuple(blocks))
        return encoder, _stacked(features, table.n_rows)

    @property
    def names(self) -> list[str]:
        """Names of the features (F)."""
        return [name for block in self.blocks for name in block.names]

    def transform(self, table: DataTable) -> Floats32:
        """Return the features (N, F) of any rows that have the columns."""
        return _stacked([block.transform(table) for block in self.blocks], table.n_rows)

    def count_unknown(self, table: DataTable) -> Ints:
        """Return in how many columns (N,) a row has a level that was not there in the fit."""
        counts = np.zeros(table.n_rows, dtype=np.int64)
        for block in self.blocks:
            if isinstance(block, FlagsBlock | TargetsBlock):
                counts += block.known.are_unknown(table)
        return counts

    def as_json(self) -> dict[str, Any]:
        """Return the encoder as JSON has it."""
        blocks = [{"block": type(block).__name__, **asdict(block)} for block in self.blocks]
        return {"encoding": self.encoding, "blocks": blocks}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "TableEncoder":
        """Return the encoder that `as_json` described."""
        return cls(
            encoding=stored["encoding"], blocks=tuple(_restored(each) for each in stored["blocks"])
        )


def _fitted(
    table: DataTable, name: str, targets: Floats, encoding: Encoding
) -> tuple[FeatureBlock, Floats | None]:
    """Return the block of a column; and the features of its own rows, where they differ."""
    column = table.columns[name]
    is_linear = encoding == "linear"
    if column.kind is ColumnKind.NUMBER:
        return (ScaledBlock.fit(column) if is_linear else NumberBlock.fit(column)), None
    if column.kind is ColumnKind.DATE:
        return (WavesBlock.fit(column) if is_linear else DateBlock.fit(column)), None
    if column.kind is ColumnKind.TEXT:
        return WordsBlock.fit(table, name, N_WORDS[encoding]), None
    most = MAX_FLAGS_OF_SUMS if is_linear else MAX_FLAGS
    n_levels = column.n_distinct
    if n_levels <= most or targets.shape[1] > MAX_ENCODED_CLASSES:
        return FlagsBlock.fit(column, most), None
    return TargetsBlock.fit(table, name, targets)


def target_columns(target: Target) -> Floats:
    """Return (N, T) numbers that levels are encoded by: the target scaled, or a class each."""
    if target.prediction is Prediction.NUMBERS:
        values = target.values.astype(np.float64)
        scaled: Floats = (values - values.mean()) / (values.std() or 1.0)
        return scaled[:, None]
    flags: Floats = (target.values[:, None] == np.arange(target.n_classes)).astype(np.float64)
    return flags[:, 1:] if target.n_classes == 2 else flags


def _stacked(features: Sequence[Floats], n_rows: int) -> Floats32:
    if not features:
        return np.zeros((n_rows, 1), dtype=np.float32)
    found = np.clip(np.concatenate(features, axis=1), -_LARGEST, _LARGEST)
    return np.ascontiguousarray(found, dtype=np.float32)


def _restored(stored: Mapping[str, Any]) -> FeatureBlock:
    fields = {name: _tuples(value) for name, value in stored.items() if name != "block"}
    for name, kind in (("known", KnownLevels), ("dates", DateBlock), ("days", ScaledBlock)):
        if name in fields:
            fields[name] = kind(**fields[name])
    if fields.get("scale") is not None:
        fields["scale"] = ScaledBlock(**fields["scale"])
    found: FeatureBlock = _BLOCKS[stored["block"]](**fields)
    return found


def _tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_tuples, value))
    if isinstance(value, dict):
        return {name: _tuples(each) for name, each in value.items()}
    return value
