"""Registry of engines that measure a recommender's configurations faster than the reference.

Imported when first used: what one of them is made of decides nothing of other recommenders.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, cast

from reeltune.domain.arrays import Ints
from reeltune.domain.evaluation import Evaluation
from reeltune.domain.space import Configuration
from reeltune.domain.study import HYBRID
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.table import RatingTable

_ENGINES = {HYBRID: ("reeltune.engine.hybrid_engine", "HybridEngine")}


class ModelEngine(Protocol):
    """Engine that measures what the reference does, to the last bit, by every metric."""

    def __init__(self, fitting: RatingTable, held_out: RatingTable, catalogue: Catalogue) -> None:
        """Set what models are fitted to, and what they are measured on."""

    def applies(self) -> bool:
        """Return if it covers these ratings; the reference measures on others."""

    def evaluate(
        self, configurations: Sequence[Configuration], units: Ints | None = None
    ) -> list[Evaluation]:
        """Measure on the users at positions `units`; None: on all with a held-out rating."""


def engine_class(model: str) -> type[ModelEngine] | None:
    """Return the engine of that recommender; None where there is none."""
    if model not in _ENGINES:
        return None
    module, name = _ENGINES[model]
    return cast("type[ModelEngine]", getattr(import_module(module), name))
