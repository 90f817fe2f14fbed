"""Budget of a tuning of a table: seconds for the search, for each fit, and for the refit."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

SEARCH_SHARE = 0.75  # of the time that is left, before the members are fitted on all rows
FIT_SHARE = 0.2  # of the search, in which an experiment begins its last iteration
END_SECONDS = 0.25  # for the blend, the test part and the package
MIN_SEARCH_SECONDS = 1.5  # with less, only the first two configurations are tried
MIN_REFIT_SECONDS = 0.3  # of a member, whatever is left: a model that is cut short is none
REFIT_SHARE = 0.85  # of what is left, that fits may be expected to take


@dataclass(frozen=True)
class Budget:
    """Budget in seconds; None: there is none."""

    seconds: float | None = None
    spent: float = 0.0  # before it was begun, as by starting the program
    began: float = field(default_factory=lambda: time.perf_counter())

    @property
    def left(self) -> float:
        """Seconds that are left; infinite without a budget."""
        if self.seconds is None:
            return float("inf")
        return self.seconds - self.spent - (time.perf_counter() - self.began)

    @property
    def search_seconds(self) -> float | None:
        """Seconds of the search, as of now; None without a budget."""
        if self.seconds is None:
            return None
        return max(0.2, SEARCH_SHARE * (self.left - END_SECONDS))

    @property
    def fit_seconds(self) -> float | None:
        """Seconds within which an experiment begins its last iteration; None without a budget."""
        if self.seconds is None:
            return None
        return max(0.1, round(FIT_SHARE * SEARCH_SHARE * self.seconds, 2))

    @property
    def is_tiny(self) -> bool:
        """True where only the first two configurations can be tried."""
        search = self.search_seconds
        return search is not None and search < MIN_SEARCH_SECONDS

    def allows(self, seconds: float) -> bool:
        """Return whether work of so many seconds leaves half of what is left for the refit."""
        return seconds <= 0.5 * (self.left - END_SECONDS)

    def affordable(
        self, weights: Mapping[int, float], seconds: Sequence[float], refit_share: float
    ) -> dict[int, float]:
        """Return the members that can be fitted again in what is left, the heaviest first.

        Args:
            weights: by position of the member.
            seconds: that each position's experiment took, on all folds.
            refit_share: rows of a refit for each row that an experiment was fitted on.
        """
        room = REFIT_SHARE * max(0.0, self.left - END_SECONDS)
        kept: dict[int, float] = {}
        for place in sorted(weights, key=lambda k: (-weights[k], k)):
            needed = seconds[place] * refit_share
            if needed <= room or not kept:
                kept[place] = weights[place]
                room -= needed
        return dict(sorted(kept.items()))

    def seconds_of_refit(self, n_members: int) -> float | None:
        """Return the seconds within which a member begins its last iteration."""
        if self.seconds is None:
            return None
        return max(MIN_REFIT_SECONDS, (self.left - END_SECONDS) / n_members)
