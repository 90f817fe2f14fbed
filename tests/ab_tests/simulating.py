"""Simulated tests in a store of their own."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reeltune.ab_tests.figures import ABFigures
from reeltune.ab_tests.simulated_tests import simulated_analyses, start_simulated
from reeltune.ab_tests.simulated_users import SimulatedSite
from reeltune.domain.ab_tests import ABTest, ServedList
from tests.ab_tests.helpers import BEGAN, arm_of, opened, some_settings


def analysed(
    tmp_path: Path,
    site: SimulatedSite,
    effect: float,
    seed: int,
    *,
    hours: float = 1.0,
    lose_challenger: float = 0.0,
    **settings: Any,
) -> Iterator[tuple[ABTest, ABFigures]]:
    """The analyses of one simulated test, one after each `hours`.

    `lose_challenger` is the share of the challenger's lists that are lost on the way.
    """
    rng = random.Random(seed)

    def kept(test: ABTest, served: ServedList) -> bool:
        return not arm_of(test, served.user) or rng.random() >= lose_challenger

    with opened(tmp_path) as conn:
        conn.execute("PRAGMA synchronous = OFF")
        test = start_simulated(conn, some_settings(**settings), f"salt {seed}", BEGAN)
        for found in simulated_analyses(
            conn, test, site, effect, seed, began=BEGAN, hours=hours, kept=kept
        ):
            yield found.test, found.figures
