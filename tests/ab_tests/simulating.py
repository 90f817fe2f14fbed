"""Simulated tests through the store and the code that the service runs."""

import random
from collections.abc import Iterator
from pathlib import Path

from reeltune.ab_tests.figures import ABFigures
from reeltune.ab_tests.live import load_live_tests
from reeltune.ab_tests.recording import record_exposures, record_outcomes
from reeltune.ab_tests.simulated_users import SimulatedSite, simulated_hours, simulated_visits
from reeltune.ab_tests.watching import keep_analysis
from reeltune.db.connection import transaction
from reeltune.domain.ab_tests import ABTest
from tests.ab_tests.helpers import BEGAN, arm_of, opened, running


def analysed(
    tmp_path: Path,
    site: SimulatedSite,
    effect: float,
    seed: int,
    *,
    hours: float = 1.0,
    lose_challenger: float = 0.0,
    **settings: object,
) -> Iterator[tuple[ABTest, ABFigures]]:
    """The analyses of one simulated test, one after each `hours`.

    `lose_challenger` is the share of the challenger's lists that are lost on the way.
    """
    with opened(tmp_path) as conn:
        conn.execute("PRAGMA synchronous = OFF")
        test = running(conn, salt=f"salt {seed}", **settings)
        live = load_live_tests(conn)
        rng = random.Random(seed)
        for hour in simulated_hours(
            test, site, simulated_visits(site, seed), effect, began=BEGAN, hours=hours
        ):
            lists = [
                each
                for each in hour.served
                if not arm_of(test, each.user) or rng.random() >= lose_challenger
            ]
            with transaction(conn):
                record_exposures(conn, live, lists, hour.until)
                record_outcomes(conn, live, hour.outcomes, hour.until)
                _, figures, _ = keep_analysis(conn, test.name, hour.until)
            yield test, figures
