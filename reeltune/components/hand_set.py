"""Hand-weighted components as sources of scores for a combiner, without boosts and thresholds."""

from collections.abc import Mapping
from dataclasses import fields
from typing import ClassVar, Self

import numpy as np

from reeltune.components.cast import Cast
from reeltune.components.component import Component
from reeltune.components.hyperparameters import GENRE_BOOSTS, SPACE
from reeltune.components.learned_component import History, Planes
from reeltune.domain.arrays import AnyArray, Ints
from reeltune.domain.parameters import Hyperparameter
from reeltune.domain.space import Configuration

PLAIN: Configuration = SPACE.defaults() | {boost.name: 0.0 for boost in GENRE_BOOSTS}


class HandSet:
    """Component of the hand-weighted recommender with default values, and no boost."""

    name: ClassVar[str]
    kind: ClassVar[type[Component]]
    hyperparameters: ClassVar[tuple[Hyperparameter, ...]] = ()
    planes: ClassVar[tuple[str, ...]]

    def __init__(self, part: Component) -> None:
        self.part = part

    @classmethod
    def fit(cls, history: History, values: Configuration) -> Self:
        """Fit the component, once for all configurations."""
        return history.kept(
            cls.name, 0.0, lambda: cls(cls.kind.fit(history.centred, history.catalogue))
        )

    def score(self, users: Ints) -> Planes:
        """Return the score, (U, M)."""
        return {self.name: self.part.score(users, PLAIN).astype(np.float32)}

    def fold_in(self, history: History) -> Self:
        """Return the component for other users."""
        return type(self).fit(history, {})

    def arrays(self) -> dict[str, AnyArray]:
        """Return the fields of the component."""
        return {each.name: getattr(self.part, each.name) for each in fields(self.part)}

    @classmethod
    def load(cls, arrays: Mapping[str, AnyArray]) -> Self:
        """Return the component with these fields."""
        return cls(cls.kind(**arrays))


class CastMatch(HandSet):
    """Match of the movie's people with those the user likes."""

    name = "cast"
    kind = Cast
    planes: ClassVar[tuple[str, ...]] = ("cast",)
