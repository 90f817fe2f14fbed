"""A recommender that takes a minute to fit."""

import time
from typing import Self

from domain.catalogue import Catalogue
from domain.ratings import RatingTable
from examples.most_popular import MostPopular


class Slow(MostPopular):
    """Takes its time."""

    def fit(self, ratings: RatingTable, catalogue: Catalogue) -> Self:
        time.sleep(60)
        return super().fit(ratings, catalogue)
