"""The parts of the score, one file each, and the registry that names them."""

from components.cast import Cast
from components.component import Component
from components.franchise import Franchise
from components.genre import Genre
from components.popularity import Popularity
from components.rating import Rating

# In the order in which the score adds them up, what is the same for all users first;
# `<name>_weight` is each one's share.
COMPONENTS: dict[str, type[Component]] = {
    component.name: component for component in (Rating, Popularity, Franchise, Genre, Cast)
}

__all__ = ["COMPONENTS", "Component"]
