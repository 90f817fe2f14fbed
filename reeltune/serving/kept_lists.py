"""Kept lists: the best movies of users who asked lately, as long as nothing of theirs changes."""

import threading
from array import array
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from reeltune.domain.recommendation import RecommendationList, ShownId
from reeltune.serving.recommendations import Recommendations
from reeltune.serving.settings import KEPT_USERS, MAX_K


@dataclass(frozen=True, slots=True, eq=False)
class KeptList:
    """Best movies of one user, 24 bytes each: ids and titles are those of the catalogue."""

    version: int
    source: str
    because: str
    movie_ids: tuple[ShownId, ...]
    titles: tuple[str, ...]
    scores: "array[float]"

    @classmethod
    def of(cls, found: RecommendationList) -> "KeptList":
        """Return a list without what only an explanation needs."""
        return cls(
            found.version,
            found.source,
            found.because,
            tuple(item.movie_id for item in found.items),
            tuple(item.title for item in found.items),
            array("d", [item.score for item in found.items]),
        )

    def items(self, k: int) -> list[dict[str, Any]]:
        """Return the first `k` as JSON has them."""
        ids, titles, scores = self.movie_ids, self.titles, self.scores
        return [
            {"rank": n + 1, "movie_id": ids[n], "title": titles[n], "score": scores[n]}
            for n in range(min(k, len(ids)))
        ]


class KeptLists:
    """Lists of one version by user, those asked for last; any thread may ask.

    `owner` is the object that lists must have been made by: a list that was begun before a rating
    came is not kept after it. Users without ratings share one list.
    """

    def __init__(self, owner: Recommendations, most: int = KEPT_USERS) -> None:
        self.owner, self.most = owner, most
        self._lists: OrderedDict[str, KeptList] = OrderedDict()
        self._of_strangers: KeptList | None = None
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._lists)

    def get(self, user: str, by: Recommendations) -> KeptList | None:
        """Return the list of a user; None if none is kept.

        Raises:
            NotFoundError: the user was erased.
        """
        with self._lock:
            found = self._lists.get(user)
            if found is not None:
                self._lists.move_to_end(user)
                return found
        if self._of_strangers is None or by.has_ratings(user):
            return None
        return self._of_strangers

    def make(self, user: str, by: Recommendations) -> KeptList:
        """Make the list of a user, and keep it.

        Raises:
            NotFoundError: the user was erased.
        """
        found = KeptList.of(by.for_user(user, MAX_K))
        if not by.has_ratings(user):
            self._of_strangers = found
            return found
        with self._lock:
            if by is self.owner:
                self._lists[user] = found
                self._lists.move_to_end(user)
                if len(self._lists) > self.most:
                    self._lists.popitem(last=False)
        return found

    def forget(self, users: Iterable[str], owner: Recommendations) -> None:
        """Drop the lists of users whose ratings have changed; `owner` knows the new ones."""
        with self._lock:
            self.owner = owner
            for user in users:
                self._lists.pop(user, None)

    def latest_users(self, n: int) -> list[str]:
        """Return the users who asked last."""
        with self._lock:
            return list(self._lists)[-n:]
