"""Recommendation list: what a user is shown, and what it rests on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, overload

ShownId = int | str  # a whole number, or the text by which the user's data name it

ListSource = Literal["fitted", "folded in", "popular", "similar", "new"]


@dataclass(frozen=True, slots=True)
class RecommendedMovie:
    """Movie on a list, with what its score is made of where that was asked for."""

    movie_id: ShownId
    title: str
    score: float
    rank: int  # 1 is the best
    parts: Mapping[str, float] = field(default_factory=dict)  # by component; they add up to `score`
    reasons: tuple[str, ...] = ()  # in words, the strongest first


@dataclass(frozen=True, slots=True)
class RecommendationList(Sequence[RecommendedMovie]):
    """List of movies, the best first.

    >>> found = RecommendationList((RecommendedMovie(7, "Seven (1995)", 0.5, 1),), 3, "fitted", "")
    >>> len(found), found[0].title, [each.movie_id for each in found]
    (1, 'Seven (1995)', [7])
    """

    items: tuple[RecommendedMovie, ...]
    version: int
    source: ListSource
    because: str  # in words, where the list rests on anything but the ratings of the fit; or ""

    @overload
    def __getitem__(self, place: int) -> RecommendedMovie: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[RecommendedMovie, ...]: ...
    def __getitem__(self, place: int | slice) -> RecommendedMovie | tuple[RecommendedMovie, ...]:
        """Return the movie at a place, from 0 on."""
        return self.items[place]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[RecommendedMovie]:
        return iter(self.items)

    def to_json(self) -> dict[str, Any]:
        """Return the list as it is written to JSON."""
        return {
            "version": self.version,
            "source": self.source,
            "because": self.because,
            "items": [_item_json(each) for each in self.items],
        }


def _item_json(item: RecommendedMovie) -> dict[str, Any]:
    """Return a movie; without parts and reasons where there are none."""
    found: dict[str, Any] = {
        "rank": item.rank,
        "movie_id": item.movie_id,
        "title": item.title,
        "score": item.score,
    }
    if item.parts:
        found["parts"] = dict(item.parts)
    if item.reasons:
        found["reasons"] = list(item.reasons)
    return found
