"""Components of the score, one file each, and their registry."""

from reeltune.components.cast import Cast
from reeltune.components.component import Component
from reeltune.components.franchise import Franchise
from reeltune.components.genre import Genre
from reeltune.components.popularity import Popularity
from reeltune.components.rating import Rating

# In the order in which the score adds them up, what is the same for all users first;
# `<name>_weight` is each one's share.
COMPONENTS: dict[str, type[Component]] = {
    component.name: component for component in (Rating, Popularity, Franchise, Genre, Cast)
}

__all__ = ["COMPONENTS", "Component"]
