"""Team draft: one list of two rankers' movies, drafted in turns, with a coin for who goes first.

Source: Radlinski, Kurup and Joachims 2008, "How does clickthrough data reflect retrieval quality?".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from reeltune.domain.recommendation import ShownId


@dataclass(frozen=True, slots=True)
class MixedList:
    """Interleaved list."""

    movies: tuple[ShownId, ...]
    teams: str  # of each movie: 0 the champion's, 1 the challenger's


def team_draft(
    champion: Sequence[ShownId], challenger: Sequence[ShownId], k: int, request_id: str
) -> MixedList:
    """Return the first `k` movies that two rankers draft; the same for the same request.

    In each round either ranker adds its best movie that is not on the list yet; a coin, by BLAKE2b
    of the request, says who is first. A ranker without movies left is passed over.

    >>> team_draft([1, 2, 3], [1, 2, 3], 3, "r").movies
    (1, 2, 3)
    >>> team_draft([1, 2], [3, 4], 4, "r1")
    MixedList(movies=(1, 3, 2, 4), teams='0101')
    """
    left = (iter(champion), iter(challenger))
    movies: list[ShownId] = []
    teams = ""
    seen: set[ShownId] = set()
    for turn in _turns(request_id):
        found = next((movie for movie in left[turn] if movie not in seen), None)
        if found is None:
            found = next((movie for movie in left[1 - turn] if movie not in seen), None)
            turn = 1 - turn
        if found is None or len(movies) >= k:
            break
        seen.add(found)
        movies.append(found)
        teams += str(turn)
    return MixedList(tuple(movies), teams)


def _turns(request_id: str) -> Iterator[int]:
    """Yield 0 and 1 in rounds of both, each round in an order of its own."""
    n_round = 0
    while True:
        text = f"{request_id} {n_round // 64}".encode("utf-8", "surrogatepass")
        bits = int.from_bytes(blake2b(text, digest_size=8).digest(), "big")
        first = bits >> (n_round % 64) & 1
        yield first
        yield 1 - first
        n_round += 1
