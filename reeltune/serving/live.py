"""Live state of a worker: the versions in memory, and what came since; replaced, never changed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from reeltune.db.serving_rows import ServedRating
from reeltune.serving.arms import ArmAssigner, NoTests, ServedArm
from reeltune.serving.current_data import CurrentData
from reeltune.serving.kept_lists import KeptLists
from reeltune.serving.problems import ProblemError
from reeltune.serving.recommendations import Recommendations


@dataclass(frozen=True, slots=True, eq=False)
class LiveVersion:
    """Version in memory, and the lists that were made by it."""

    recommendations: Recommendations
    kept: KeptLists

    @classmethod
    def of(cls, recommendations: Recommendations) -> "LiveVersion":
        """Return a version of which no list is kept yet."""
        return cls(recommendations, KeptLists(recommendations))

    def with_ratings(self, ratings: Iterable[ServedRating]) -> "LiveVersion":
        """Return the version knowing newer ratings; lists of their users are made anew."""
        rows = list(ratings)
        newer = self.recommendations.with_ratings(
            (row.user, row.movie, row.rating, row.rated_at) for row in rows
        )
        self.kept.forget({row.user for row in rows}, newer)
        return LiveVersion(newer, self.kept)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LiveState:
    """State that a request is answered by, whatever happens meanwhile."""

    current: CurrentData
    production: int | None  # None: nothing is in production
    versions: Mapping[int, LiveVersion]
    arms: ArmAssigner = field(default_factory=NoTests)
    last_rating: int = 0  # number of the last rating of the store that the versions know

    def version_for(self, user: str | None) -> tuple[LiveVersion, ServedArm | None]:
        """Return the version that serves a user, and the arm it does so for.

        Raises:
            ProblemError: no version is in production.
        """
        arm = None if user is None else self.arms.assign(user)
        needed = set() if arm is None else {arm.version, arm.mixed_with} - {None}
        if arm is not None and needed <= self.versions.keys():
            return self.versions[arm.version], arm
        if self.production is None:
            raise ProblemError(503, "no version is in production: retrain and promote one first")
        return self.versions[self.production], None

    def with_ratings(self, ratings: list[ServedRating]) -> "LiveState":
        """Return the state knowing newer ratings, which are in the order of their numbers."""
        if not ratings:
            return self
        versions = {number: each.with_ratings(ratings) for number, each in self.versions.items()}
        return replace(self, versions=versions, last_rating=ratings[-1].number)
