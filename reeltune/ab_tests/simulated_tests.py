"""Simulated tests: users who are simulated, counted and analysed by the code that serves.

Versions are numbers only: no database of movies is needed, and nothing is promoted.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from reeltune.ab_tests.assignment import arm_ranges
from reeltune.ab_tests.figures import ABFigures
from reeltune.ab_tests.live import load_live_tests
from reeltune.ab_tests.recording import record_exposures, record_outcomes
from reeltune.ab_tests.simulated_users import (
    SimulatedSite,
    simulated_hours,
    simulated_visits,
)
from reeltune.ab_tests.watching import keep_analysis
from reeltune.db.ab_tests import (
    add_ab_event,
    load_ab_test,
    save_ab_phase,
    save_ab_share,
    save_ab_test,
)
from reeltune.db.connection import Connection, transaction
from reeltune.domain.ab_tests import N_BUCKETS, ABPhase, ABSettings, ABTest, ServedList

Kept = Callable[[ABTest, ServedList], bool]


@dataclass(frozen=True, slots=True)
class SimulatedAnalysis:
    """Analysis of a simulated test."""

    test: ABTest
    figures: ABFigures


def start_simulated(conn: Connection, settings: ABSettings, salt: str, began: int) -> ABTest:
    """Start a test of versions that need not exist, at a moment in Unix seconds."""
    with transaction(conn):
        test_id = save_ab_test(conn, settings, salt, began)
        save_ab_share(conn, test_id, 0, round(settings.share * N_BUCKETS), N_BUCKETS)
        if settings.design == "interleaving":
            arms = arm_ranges([settings.champion], [1.0])
        else:
            arms = arm_ranges([settings.champion, *settings.challengers], settings.arm_shares)
        alpha = settings.alpha / len(settings.challengers)
        save_ab_phase(conn, test_id, ABPhase(1, began, alpha, arms))
        add_ab_event(conn, test_id, "started", "running", began, actor="simulation")
    return load_ab_test(conn, settings.name)


def simulated_analyses(
    conn: Connection,
    test: ABTest,
    site: SimulatedSite,
    effect: float,
    seed: int,
    *,
    began: int,
    hours: float = 1.0,
    kept: Kept | None = None,
) -> Iterator[SimulatedAnalysis]:
    """Yield the analyses of a test, one after each `hours` of simulated users.

    `effect` is the relative change of the click rate in the challengers' arms. Lists for which
    `kept` is false are lost on the way.
    """
    live = load_live_tests(conn)
    visits = simulated_visits(site, seed)
    for hour in simulated_hours(test, site, visits, effect, began=began, hours=hours):
        lists = [each for each in hour.served if kept is None or kept(test, each)]
        with transaction(conn):
            record_exposures(conn, live, lists, hour.until)
            record_outcomes(conn, live, hour.outcomes, hour.until)
            _, figures, _ = keep_analysis(conn, test.name, hour.until)
        yield SimulatedAnalysis(test, figures)
