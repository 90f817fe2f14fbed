"""A recommender that takes its time."""

import os
import time
from typing import Self

from examples.most_popular import MostPopular
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.table import RatingTable

PACE = "REELTUNE_TEST_PACE"  # says how many seconds it takes


class Slow(MostPopular):
    """Takes a minute to fit, or as long as it is told."""

    def fit(self, ratings: RatingTable, catalogue: Catalogue) -> Self:
        time.sleep(float(os.environ.get(PACE, "60")))
        return super().fit(ratings, catalogue)
