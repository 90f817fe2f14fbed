"""Explanation of a package: its members, and what each column is worth to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reeltune.domain.arrays import Floats
from reeltune.table_models.blended_model import BlendedModel, Member
from reeltune.table_models.blocks import SpanBlock
from reeltune.table_models.encoder import FeatureBlock
from reeltune.table_models.families import FAMILIES, FAMILY
from reeltune.table_models.levels import FlagsBlock, TargetsBlock
from reeltune.table_models.losses import TABLE_METRICS
from reeltune.table_models.predicting import check_schema
from reeltune.table_models.trees import LEAF
from reeltune.tabular.columns import ColumnKind, ColumnSpec, DataTable
from reeltune.tabular.reading import ReadOptions, read_table
from reeltune.tabular.target import Prediction, split_target
from reeltune.views.json_ready import json_ready

_MAX_ROWS = 5_000  # that are predicted for each column
_SEED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberLine:
    """Member of a blend, as it is shown."""

    family: str
    weight: float
    size: str  # trees, or weights
    hyperparameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Explanation of a package."""

    target: str
    prediction: str
    classes: tuple[str, ...]
    verdict: str
    temperature: float
    members: tuple[MemberLine, ...]
    by: str  # how columns are ranked
    columns: dict[str, float]  # the most valuable first

    def as_dict(self) -> dict[str, Any]:
        """Return the explanation as JSON has it."""
        return json_ready(self)


def explanation_of(
    model: BlendedModel,
    report: Mapping[str, Any],
    source: Path | None = None,
    options: ReadOptions | None = None,
) -> Explanation:
    """Return what is in a package.

    Args:
        model: of the package.
        report: of its tuning.
        source: rows with the target, by which columns are ranked; None: by the model alone.
        options: by which the rows are read.

    Raises:
        SchemaError: the rows lack a column.
        InputError: they cannot be read, or have no target.
    """
    if source is None:
        values, by = used_shares(model), "share of the model that reads the column"
    else:
        name = next(iter(TABLE_METRICS[model.prediction]))
        values, by = shuffled_losses(model, source, options), f"{name} that shuffling it costs"
    ranked = dict(sorted(values.items(), key=lambda item: -item[1]))
    return Explanation(
        target=model.target,
        prediction=model.prediction.value,
        classes=model.classes,
        verdict=str(report.get("verdict", "")),
        temperature=model.temperature,
        members=tuple(_line(each) for each in model.members),
        by=by,
        columns=ranked,
    )


def _line(member: Member) -> MemberLine:
    trees, weights = member.model.trees, member.model.weights
    size = f"{len(trees.roots):,} trees" if trees is not None else "constant"
    if weights is not None:
        size = f"{np.count_nonzero(weights):,} weights"
    return MemberLine(
        family=FAMILIES[member.configuration[FAMILY]].title,
        weight=member.weight,
        size=size,
        hyperparameters={n: v for n, v in member.configuration.items() if n != FAMILY},
    )


def used_shares(model: BlendedModel) -> dict[str, float]:
    """Return by column the share of splits, or of absolute weights, that read it."""
    totals = dict.fromkeys((spec.name for spec in model.columns), 0.0)
    for member in model.members:
        encoder = model.encoders[member.encoding]
        uses = _uses(member)
        uses = uses / (uses.sum() or 1.0)
        start = 0
        for block in encoder.blocks:
            end = start + len(block.names)
            for name in _columns_of(block):
                totals[name] += (
                    member.weight * float(uses[start:end].sum()) / len(_columns_of(block))
                )
            start = end
    return totals


def _uses(member: Member) -> Floats:
    """Return (F,) splits of each feature, or its absolute weights."""
    if member.model.weights is not None:
        found: Floats = np.abs(member.model.weights).sum(axis=1)
        return found
    assert member.model.trees is not None
    feature = member.model.trees.feature
    return np.bincount(feature[feature != LEAF], minlength=100_000).astype(np.float64)


def _columns_of(block: FeatureBlock) -> tuple[str, ...]:
    if isinstance(block, SpanBlock):
        return block.columns
    if isinstance(block, FlagsBlock | TargetsBlock):
        return (block.known.column,)
    return (block.column,)


def shuffled_losses(
    model: BlendedModel, source: Path, options: ReadOptions | None = None
) -> dict[str, float]:
    """Return by column how much worse the first metric is where the column is shuffled.

    Source: Breiman 2001, "Random forests", section 10.

    Raises:
        SchemaError: the rows lack a column.
        InputError: they cannot be read, or have no target.
    """
    kind = ColumnKind.CATEGORY if model.classes else ColumnKind.NUMBER
    specs = (*model.columns, ColumnSpec(name=model.target, kind=kind))
    whole = read_table(source, (options or ReadOptions()).with_specs(specs))
    table, target = split_target(whole, model.target, model.prediction.value)
    check_schema(model, table)
    rng = np.random.default_rng(_SEED)
    rows = np.sort(rng.permutation(table.n_rows)[:_MAX_ROWS])
    table = table.take(rows)
    metric = next(iter(TABLE_METRICS[model.prediction].values()))
    truth = np.asarray(target.values)[rows]
    if model.prediction is Prediction.CLASSES:
        place = {name: k for k, name in enumerate(model.classes)}
        truth = np.array([place.get(name, 0) for name in target.classes])[truth.astype(int)]

    def loss(rows_of: DataTable) -> float:
        return -metric.direction.upwards(metric.value_of(truth, model.predict(rows_of)))

    before, order = loss(table), rng.permutation(table.n_rows)
    found = {}
    for spec in model.columns:
        shuffled = {**table.columns, spec.name: table.columns[spec.name].take(order)}
        found[spec.name] = loss(DataTable(table.name, shuffled, table.n_rows)) - before
    return found
