"""Model that is deployed: members refitted on all rows, their weights, and their calibration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.parameters import Configuration
from reeltune.table_models.blend import blended, with_temperature
from reeltune.table_models.encoder import TableEncoder
from reeltune.table_models.family import PackedModel
from reeltune.table_models.search_data import PreparedRows, TargetScale
from reeltune.tabular.columns import ColumnKind, ColumnSpec, DataTable
from reeltune.tabular.roles import column_roles
from reeltune.tabular.target import Prediction, Target


@dataclass(frozen=True, eq=False, kw_only=True)
class Member:
    """Model of a blend, its features' encoder, and its weight."""

    configuration: Configuration
    weight: float
    encoding: str  # a key of the blend's encoders
    model: PackedModel
    n_iterations: int


@dataclass(frozen=True, eq=False, kw_only=True)
class BlendedModel:
    """Model of a table: what it needs to see, and what it predicts."""

    target: str
    prediction: Prediction
    classes: tuple[str, ...]
    columns: tuple[ColumnSpec, ...]  # that it needs
    scale: TargetScale
    encoders: Mapping[str, TableEncoder]
    members: tuple[Member, ...]
    temperature: float = 1.0

    def predict(self, table: DataTable) -> Floats:
        """Return probabilities (N, K), or numbers (N, 1), for rows that have the columns."""
        features = {name: each.transform(table) for name, each in self.encoders.items()}
        predictions = [each.model.predict(features[each.encoding]) for each in self.members]
        mean = blended(predictions, [each.weight for each in self.members])
        return with_temperature(self.scale.restored(mean), self.temperature)

    def count_unknown(self, table: DataTable) -> Ints:
        """Return in how many columns (N,) a row has a level that was not there in the fit."""
        counts = [each.count_unknown(table) for each in self.encoders.values()]
        found: Ints = np.max(counts, axis=0)
        return found


def fit_blend(
    table: DataTable,
    target: Target,
    configurations: Sequence[Configuration],
    weights: Sequence[float],
    iterations: Sequence[int | None],
    temperature: float = 1.0,
    seconds: float | None = None,
) -> BlendedModel:
    """Return a blend fitted on all rows, each member with so many iterations.

    Args:
        table: the features.
        target: of all rows.
        configurations: of the members.
        weights: of the members, 1 in sum.
        iterations: of the members; None where a family has none.
        temperature: of the blend's calibration.
        seconds: after which no further iteration of a member begins; None: there is no limit.
    """
    rows = PreparedRows(table, target, np.arange(table.n_rows), [], watches=False, seconds=seconds)
    members: list[Member] = []
    encoders: dict[str, TableEncoder] = {}
    for configuration, weight, n_iterations in zip(
        configurations, weights, iterations, strict=True
    ):
        fitted, encoder = rows.fit(configuration, n_iterations)
        encoders[encoder.encoding] = encoder
        members.append(
            Member(
                configuration=configuration,
                weight=weight,
                encoding=encoder.encoding,
                model=fitted.packed(),
                n_iterations=fitted.n_iterations,
            )
        )
    return BlendedModel(
        target=target.name,
        prediction=target.prediction,
        classes=target.classes,
        columns=needed_columns(table),
        scale=rows.scale,
        encoders=encoders,
        members=tuple(members),
        temperature=temperature,
    )


def needed_columns(table: DataTable) -> tuple[ColumnSpec, ...]:
    """Return the columns that a model of a table learns from."""
    roles = column_roles(table)
    used = (spec for spec in table.specs if roles[spec.name].is_used)
    return tuple(spec for spec in used if spec.kind is not ColumnKind.ID)
