"""Visitors of the demo world: whom the service shows lists, and what they click, by true likings.

Users come again and again, a few of them often. A visit is a list of ten movies that the user has
not rated, the next ten of the version's each time, and again from the first after five. How readily
a movie is clicked depends on how the user truly likes it, and on how far down it stands.
"""

from pathlib import Path

import numpy as np

from reeltune.ab_tests.live import LiveTests
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.db.serving_rows import ServingEvent
from reeltune.db.versions import load_production
from reeltune.domain.arrays import Floats, Ints
from reeltune.importers.demo_settings import DemoSettings
from reeltune.importers.demo_users import late_likings
from reeltune.importers.demo_world import make_world
from reeltune.versioning.registry import load_model

MOVIES_PER_VISIT = 10
_N_LISTS = 5
_LISTS_PER_DAY = 0.3
_HEAVINESS = 0.5  # shape of the gamma distribution of visits
_OFFSET, _SLOPE, _FALL = -3.2, 1.0, 0.15  # of the chance of a click: base, liking, rank


class DemoVisitors:
    """Visitors of one world; the same traffic for the same seed."""

    def __init__(self, database: Path, settings: DemoSettings, seed: int) -> None:
        self._database = database
        self._rng = np.random.default_rng([seed, 30])
        self._true_likings = late_likings(make_world(settings), settings)  # (U, M)
        n_users = settings.users
        self._rates = self._rng.gamma(_HEAVINESS, _LISTS_PER_DAY / _HEAVINESS / 24, n_users)
        self._visits = np.zeros(n_users, dtype=np.int64)
        self._lists: dict[int, Ints] = {}
        with connection(database) as conn:
            data, production = load_dataset(conn), load_production(conn)
        assert production is not None
        self._ratings = data.ratings
        self.production = production.version
        self.began = int(data.ratings.rated_at.max()) + 3_600
        self.load(self.production)

    def load(self, version: int) -> None:
        """Make the lists of a version for all users."""
        with connection(self._database) as conn:
            loaded = load_model(conn, version)
        scores = loaded.model.score(np.arange(len(loaded.user_ids))).copy()  # (U, M)
        scores[self._ratings.users, self._ratings.movies] = -np.inf
        best = np.argsort(-scores, axis=1, kind="stable")[:, : MOVIES_PER_VISIT * _N_LISTS]
        self._lists[version] = best.astype(np.int64)

    def true_rates(self) -> dict[int, float]:
        """Return the expected clicks per list of each version, over all users alike."""
        return {
            version: float(
                np.mean(
                    [
                        self._chances(user, lists[user, :MOVIES_PER_VISIT]).sum()
                        for user in range(len(lists))
                    ]
                )
            )
            for version, lists in self._lists.items()
        }

    def hour(self, live: LiveTests, until: int) -> list[ServingEvent]:
        """Return what the service logs within the hour before a moment, in the order of time."""
        counts = self._rng.poisson(self._rates)
        users = np.repeat(np.arange(len(counts)), counts)
        moments = np.sort(until - 3_600 + self._rng.integers(0, 3_500, len(users)))
        events: list[ServingEvent] = []
        for user, moment in zip(
            self._rng.permutation(users).tolist(), moments.tolist(), strict=True
        ):
            events += self._visit(live, user, moment)
        return events

    def _visit(self, live: LiveTests, user: int, moment: int) -> list[ServingEvent]:
        name = f"{user + 1}"  # as the demo world's source writes it
        arm = live.assign(name)
        version = self.production if arm is None else arm.version
        begin = int(self._visits[user]) % _N_LISTS * MOVIES_PER_VISIT
        self._visits[user] += 1
        movies = self._lists[version][user, begin : begin + MOVIES_PER_VISIT]
        request = f"{moment}-{user}-{self._visits[user]}"
        shown = ServingEvent(
            key=f"shown:{request}",
            kind="shown",
            user=name,
            happened_at=moment,
            received_at=moment,
            movies=[int(movie) + 1 for movie in movies],
            request_id=request,
            version=version,
            ab_test=None if arm is None else arm.ab_test,
            arm=None if arm is None else arm.arm,
        )
        clicked = movies[self._rng.random(len(movies)) < self._chances(user, movies)]
        return [shown, *(self._click(name, moment, request, int(movie) + 1) for movie in clicked)]

    def _click(self, user: str, moment: int, request: str, movie: int) -> ServingEvent:
        return ServingEvent(
            key=f"clicked:{request}:{movie}",
            kind="clicked",
            user=user,
            happened_at=moment + 20,
            received_at=moment + 20,
            movie_id=movie,
            request_id=request,
        )

    def _chances(self, user: int, movies: Ints) -> Floats:
        """Return (k,) the chances that a user clicks the movies of a list."""
        logits = (
            _OFFSET + _SLOPE * self._true_likings[user, movies] - _FALL * np.arange(len(movies))
        )
        chances: Floats = 1.0 / (1.0 + np.exp(-logits))
        return chances
