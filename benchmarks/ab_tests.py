"""Power and false finds of A/B tests, by the store and the code that serve.

    python -m benchmarks.ab_tests --part equal-events --tests 100 --first-seed 0

Each part prints one line of JSON per run of tests; docs/AB_TESTS.md has the table. Nothing here
has a formula of its own but for the two that are compared with: lists as units, and one fixed test
at the end.
"""

import argparse
import json
import math
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from reeltune.ab_tests.assignment import assigned_arm
from reeltune.ab_tests.figures import ArmComparison
from reeltune.ab_tests.live import load_live_tests
from reeltune.ab_tests.recording import record_exposures, record_outcomes
from reeltune.ab_tests.results import arm_comparisons, has_enough, live_guardrails, primary_sums
from reeltune.ab_tests.simulated_tests import (
    SimulatedAnalysis,
    simulated_analyses,
    start_simulated,
)
from reeltune.ab_tests.simulated_users import SimulatedSite, simulated_hours, simulated_visits
from reeltune.ab_tests.watching import decide
from reeltune.db.ab_records import load_sums
from reeltune.db.ab_tests import load_ab_test, save_ab_share
from reeltune.db.connection import Connection, transaction
from reeltune.db.serving_file import open_serving_file
from reeltune.domain.ab_tests import ABGuardrail, ABSettings, ABTest, ServedList, UserOutcome
from reeltune.serving.team_draft import team_draft
from reeltune.stats.cluster_sums import ClusterSums
from reeltune.stats.confidence_sequences import fixed_boundary, two_sided_boundary
from reeltune.stats.sequential_power import always_valid_drift

BEGAN = 1_800_000_000
FORTNIGHT = SimulatedSite(users=2_000, lists_per_user=4.0, heaviness=0.3)
THREE_GUARDRAILS = (
    ABGuardrail("clicks"),
    ABGuardrail("lists", 0.1),
    ABGuardrail("watched", 0.1),
)


def settings(**changes: Any) -> ABSettings:
    """Return settings for a simulated test."""
    values: dict[str, Any] = {"name": "simulated", "champion": 1, "challengers": (2,)}
    return ABSettings(**(values | changes)).check()


def started(folder: str, seed: int, **changes: Any) -> tuple[Connection, ABTest]:
    """Return a store in a folder, and a test that runs in it."""
    conn = open_serving_file(Path(folder) / "movies.serving.db", _migrations())
    conn.execute("PRAGMA synchronous = OFF")
    return conn, start_simulated(conn, settings(**changes), f"seed {seed}", BEGAN)


def _migrations() -> Path:
    from reeltune.serving.store import STORE_MIGRATIONS

    return STORE_MIGRATIONS


def analyses(
    seed: int, site: SimulatedSite, effect: float, *, hours: float = 1.0, **changes: Any
) -> Iterator[SimulatedAnalysis]:
    """Yield the analyses of one simulated test."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        conn, test = started(folder, seed, **changes)
        with closing(conn):
            yield from simulated_analyses(conn, test, site, effect, seed, began=BEGAN, hours=hours)


def equal_events(seed: int) -> dict[str, float]:
    """A/A, looked at after every list and every click: ours, and with lists as units."""
    site = SimulatedSite(users=600, lists_per_user=12.0, heaviness=0.3, own_rates=3.0)
    found = dict.fromkeys(("better or worse", "lists as units", "fixed interval", "rollback"), 0.0)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        conn, test = started(folder, seed, window_hours=0.0, expected_users=600)
        assert test.phase is not None
        live, visits = load_live_tests(conn), simulated_visits(site, seed)
        with closing(conn):
            for hour in simulated_hours(test, site, visits, 0.0, began=BEGAN):
                for event in _in_order(hour.served, hour.outcomes):
                    with transaction(conn):
                        if isinstance(event, ServedList):
                            record_exposures(conn, live, [event], hour.until)
                        else:
                            record_outcomes(conn, live, [event], hour.until)
                    _look(conn, test, found, hour.until)
    return found


def _in_order(served: list[ServedList], outcomes: list[UserOutcome]) -> list[Any]:
    return sorted([*served, *outcomes], key=lambda e: (e.happened_at, isinstance(e, UserOutcome)))


def _look(conn: Connection, test: ABTest, found: dict[str, float], now: int) -> None:
    assert test.phase is not None
    sums = primary_sums(conn, test, test.phase, now)
    (each,) = arm_comparisons(test, test.phase, sums, None)
    if each.verdict in ("better", "worse"):
        found["better or worse"] = 1.0
    if each.reason == "" and abs(_z(each)) > fixed_boundary(0.05):
        found["fixed interval"] = 1.0
    if _as_lists(sums.get(1, ClusterSums()), sums.get(0, ClusterSums())):
        found["lists as units"] = 1.0
    if any(guardrail.breached for guardrail in live_guardrails(conn, test, test.phase)):
        found["rollback"] = 1.0


def _as_lists(challenger: ClusterSums, champion: ClusterSums) -> bool:
    """Return whether the same interval, with lists taken as independent, leaves 0 out."""
    if not has_enough(challenger, champion):
        return False
    error = math.sqrt(
        sum(each.ratio * (1 - each.ratio) / each.x for each in (challenger, champion))
    )
    n = challenger.x + champion.x
    reach = float(two_sided_boundary(n, 3_200, 0.05)) * error
    return abs(challenger.ratio - champion.ratio) > reach


def equal_hours(seed: int) -> dict[str, float]:
    """A/A for 14 days, analysed every hour, with a window of a day and three guardrails."""
    found = {"better or worse": 0.0, "rollback": 0.0, "split alarm": 0.0, "gap": 0.0}
    for each in analyses(seed, FORTNIGHT, 0.0, expected_users=2_000, guardrails=THREE_GUARDRAILS):
        verdict = each.figures.comparisons[0].verdict
        found["better or worse"] += verdict in ("better", "worse")
        found["rollback"] += any(guardrail.breached for guardrail in each.figures.guardrails)
        found["split alarm"] += each.figures.split.alarm
        found["gap"] += bool(each.figures.gaps)
    return {name: float(count > 0) for name, count in found.items()}


def power(seed: int) -> dict[str, float]:
    """A gain of 25 %: found at all times, as planned, with a window, and by one test at the end."""
    site = SimulatedSite(users=4_000, lists_per_user=2.0, heaviness=0.5)
    found: dict[str, float] = {}
    ways: dict[str, dict[str, Any]] = {
        "at all times": {"window_hours": 0.0},
        "windows of a day": {"window_hours": 24.0},
        "planned, 5 analyses": {"window_hours": 0.0, "analysis": "planned"},
    }
    for name, changes in ways.items():
        last, users = None, 4_000.0
        for each in analyses(seed, site, 0.25, hours=6.0, expected_users=4_000, **changes):
            last = each.figures.comparisons[0]
            if last.verdict == "better":
                users = min(users, last.users)
        assert last is not None
        found[name] = float(last.verdict == "better")
        found[f"{name}, users"] = users
        if name == "at all times":
            found["one test at the end"] = float(_z(last) > fixed_boundary(0.05))
    return found


def _z(found: ArmComparison) -> float:
    return (found.difference or 0.0) / (found.standard_error or math.inf)


def _hours_to_rollback(seed: int, effect: float, hours: int) -> dict[str, float]:
    site = SimulatedSite(users=10_000 * hours // 24, hours=hours, lists_per_user=1.5)
    for each in analyses(seed, site, effect, window_hours=24.0, expected_users=140_000):
        if decide(each.test, each.figures)[0] == "rollback":
            return {"rolled back": 1.0, "hours": each.figures.hours}
    return {"rolled back": 0.0, "hours": math.inf}


def halved(seed: int) -> dict[str, float]:
    """Clicks halved, 5,000 users an arm and day: hours until the rollback."""
    return _hours_to_rollback(seed, -0.5, 16)


def fifth(seed: int) -> dict[str, float]:
    """A fifth of the clicks lost, 5,000 users an arm and day: hours until the rollback."""
    return _hours_to_rollback(seed, -0.2, 32)


def split(seed: int) -> dict[str, float]:
    """A log that loses lists of one arm, so that users come 52 to 48; and one that loses none."""
    return {
        name: float(_split_alarm(seed, lost))
        for name, lost in (("52:48", 1 - 48 / 52), ("50:50", 0.0))
    }


def _split_alarm(seed: int, lost: float) -> bool:
    site = SimulatedSite(users=20_800, one_list_each=True)
    rng = np.random.default_rng([seed, 52])

    def kept(test: ABTest, served: ServedList) -> bool:
        arm = assigned_arm(test, served.user)
        return arm is None or arm.number == 0 or rng.random() >= lost

    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        conn, test = started(folder, seed, window_hours=0.0)
        with closing(conn):
            return any(
                each.figures.split.alarm
                for each in simulated_analyses(
                    conn, test, site, 0.0, seed, began=BEGAN, hours=4.0, kept=kept
                )
            )


def interleaving(seed: int) -> dict[str, float]:
    """Users until team draft tells rankers apart, and those that an A/B test of them needs.

    A retuned model: 40 candidates with true worth, which both rankers see with a common error, and
    each with one of its own, the challenger a smaller one. Users come eight times on average, a few
    of them often, and differ in how readily they click; clicks fall with the rank.
    """
    found = {"found": 0.0, "wrong": 0.0, "users": math.inf, "A/B users": _ab_users_needed(seed)}
    rng = np.random.default_rng([seed, 7])
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        conn, test = started(folder, seed, design="interleaving", expected_users=1_000)
        live = load_live_tests(conn)
        assert test.phase is not None
        with closing(conn):
            for n in range(0, 3_000, 50):
                now = BEGAN + n * 30 + 3_600
                with transaction(conn):
                    lists, clicks = _interleaved(rng, test, range(n, n + 50), now - 60)
                    record_exposures(conn, live, lists, now)
                    record_outcomes(conn, live, clicks, now)
                sums = primary_sums(conn, test, test.phase, now)
                (each,) = arm_comparisons(test, test.phase, sums, None)
                if each.verdict in ("better", "worse"):
                    is_right = each.verdict == "better"
                    said = {"found": float(is_right), "wrong": float(not is_right)}
                    return found | said | {"users": n + 50.0}
    return found


def equal_rankers(seed: int) -> dict[str, float]:
    """Interleaving of rankers with errors of one size: how often either is said to be preferred."""
    rng = np.random.default_rng([seed, 9])
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        conn, test = started(folder, seed, design="interleaving", expected_users=1_000)
        live = load_live_tests(conn)
        assert test.phase is not None
        with closing(conn):
            for n in range(0, 1_000, 25):
                now = BEGAN + n * 30 + 3_600
                with transaction(conn):
                    rows = _interleaved(rng, test, range(n, n + 25), now - 60, errors=(0.4, 0.4))
                    record_exposures(conn, live, rows[0], now)
                    record_outcomes(conn, live, rows[1], now)
                sums = primary_sums(conn, test, test.phase, now)
                (each,) = arm_comparisons(test, test.phase, sums, None)
                if each.verdict in ("better", "worse"):
                    return {"better or worse": 1.0}
    return {"better or worse": 0.0}


OWN_ERRORS = (0.8, 0.2)  # of champion and challenger


def _visitor(rng: np.random.Generator) -> tuple[int, float]:
    """Return how often a user comes, and how readily the user clicks."""
    return 1 + int(rng.poisson(rng.gamma(0.5, 14.0))), float(rng.gamma(0.7, 1 / 0.7))


def _ranked(
    rng: np.random.Generator, errors: tuple[float, float] = OWN_ERRORS
) -> tuple[np.ndarray, list[int], list[int]]:
    worth = rng.normal(size=40)
    seen = worth + 0.8 * rng.normal(size=40)
    orders = [np.argsort(-(seen + error * rng.normal(size=40)))[:10].tolist() for error in errors]
    return worth, orders[0], orders[1]


def _chances(worth: np.ndarray, movies: list[int], readiness: float) -> np.ndarray:
    falling = 0.06 / (1 + 0.3 * np.arange(len(movies)))
    found: np.ndarray = np.minimum(
        0.9, readiness * falling * 2 / (1 + np.exp(-1.5 * worth[movies]))
    )
    return found


def _interleaved(
    rng: np.random.Generator,
    test: ABTest,
    users: range,
    at: int,
    errors: tuple[float, float] = OWN_ERRORS,
) -> tuple[list[ServedList], list[UserOutcome]]:
    lists, clicks = [], []
    for number in users:
        n_visits, readiness = _visitor(rng)
        user = str(number)
        for visit in range(n_visits):
            worth, champion, challenger = _ranked(rng, errors)
            request = f"{test.test_id}-{user}-{visit}"
            mixed = team_draft(champion, challenger, 10, request)
            movies = [int(movie) for movie in mixed.movies]
            lists.append(
                ServedList(
                    request_id=request,
                    user=user,
                    happened_at=at,
                    test=test.name,
                    movies=movies,
                    teams=mixed.teams,
                )
            )
            hits = rng.random(len(movies)) < _chances(worth, movies, readiness)
            clicks += [
                UserOutcome(
                    kind="clicked", user=user, happened_at=at, movie_id=movie, request_id=request
                )
                for movie, hit in zip(movies, hits, strict=True)
                if hit
            ]
    return lists, clicks


def _ab_users_needed(seed: int) -> float:
    """Return the users whom an A/B test needs to find the difference with a power of 80 %.

    Looked at all the time. The difference is that of the expected clicks on the same visits, so it
    has little noise; the spread is that of clicks per list, clustered by user.
    """
    rng = np.random.default_rng([seed, 8])
    sums, gains, n_lists = ClusterSums(), 0.0, 0
    for _ in range(1_500):
        n_visits, readiness = _visitor(rng)
        clicks = 0
        for _ in range(n_visits):
            worth, *orders = _ranked(rng)
            champion, challenger = (_chances(worth, order, readiness) for order in orders)
            clicks += int((rng.random(10) < champion).sum())
            gains += float(challenger.sum() - champion.sum())
        n_lists += n_visits
        sums += ClusterSums(
            n=1, x=n_visits, y=clicks, xx=n_visits**2, yy=clicks**2, xy=n_visits * clicks
        )
    drift = always_valid_drift(10_000, 10_000)
    return drift**2 * 4 * sums.variance / (gains / n_lists) ** 2


def assignments(seed: int) -> dict[str, float]:
    """A million users: are the shares as planned, does a ramp move anybody, and the time."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        conn, test = started(folder, seed, share=0.5)
        with closing(conn):
            save_ab_share(conn, test.test_id, 0, 1_000_000, 1_000_000)
            wider = load_ab_test(conn, test.name)
    users = [f"user-{n}" for n in range(1_000_000)]
    began = time.process_time()
    before = [assigned_arm(test, user) for user in users]
    seconds = time.process_time() - began
    after = [assigned_arm(wider, user) for user in users]
    inside = [arm.number for arm in before if arm is not None]
    return {
        "standard errors from even": abs(sum(inside) / len(inside) - 0.5) * 2 * len(inside) ** 0.5,
        "standard errors from the share": abs(len(inside) / 1e6 - 0.5) * 2e3,
        "moved": float(sum(a is not None and a != b for a, b in zip(before, after, strict=True))),
        "microseconds each": seconds,
    }


def hostile_events(seed: int) -> dict[str, float]:
    """100,000 events, many of them doubled or forged, in any order: what is counted."""
    rng = np.random.default_rng([seed, 100])
    site = SimulatedSite(users=6_000, lists_per_user=8.0)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        conn, test = started(folder, seed, window_hours=0.0)
        live, visits = load_live_tests(conn), simulated_visits(site, seed)
        hours = list(simulated_hours(test, site, visits, 0.0, began=BEGAN))
        lists = [each for hour in hours for each in hour.served]
        clicks = [each for hour in hours for each in hour.outcomes]
        forged = [replace(each, user=f"{each.user}x") for each in clicks]
        moved = [replace(each, request_id=f"f{n}", arm="champion") for n, each in enumerate(lists)]
        false = [e for e in moved if (a := assigned_arm(test, e.user)) is not None and a.number]
        events: list[Any] = [*lists, *clicks, *forged, *false]
        events += [events[n] for n in rng.integers(0, len(events), 100_000 - len(events))]
        events = [events[n] for n in rng.permutation(len(events))]
        now, began = BEGAN + site.hours * 3_600, time.process_time()
        with closing(conn):
            for start in range(0, len(events), 500):
                batch = events[start : start + 500]
                with transaction(conn):
                    record_exposures(
                        conn, live, [e for e in batch if isinstance(e, ServedList)], now
                    )
                    record_outcomes(
                        conn, live, [e for e in batch if isinstance(e, UserOutcome)], now
                    )
            sums = load_sums(conn, test.test_id, 1, "clicks")
        return {
            "events": float(len(events)),
            "lists missing or too many": sum(each.x for each in sums.values()) - len(lists),
            "clicks missing or too many": sum(each.y for each in sums.values()) - len(clicks),
            "microseconds each": (time.process_time() - began) / len(events) * 1e6,
        }


PARTS: dict[str, Callable[[int], dict[str, float]]] = {
    "equal-events": equal_events,
    "equal-hours": equal_hours,
    "power": power,
    "halved": halved,
    "fifth": fifth,
    "split": split,
    "interleaving": interleaving,
    "equal-rankers": equal_rankers,
    "assignments": assignments,
    "hostile-events": hostile_events,
}


def main() -> None:
    """Run one part and print its shares and medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=sorted(PARTS), required=True)
    parser.add_argument("--tests", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=230.0, help="of the processor, at most")
    given = parser.parse_args()
    rows = []
    began = time.process_time()
    for seed in range(given.first_seed, given.first_seed + given.tests):
        rows.append(PARTS[given.part](seed))
        if time.process_time() - began > given.seconds:
            break
    seconds = round(time.process_time() - began)
    names = rows[0]
    print(
        json.dumps(
            {"part": given.part, "tests": len(rows), "cpu seconds": seconds}
            | {name: _summary([row[name] for row in rows]) for name in names}
        ),
        flush=True,
    )


def _summary(values: list[float]) -> str | dict[str, float]:
    """Return how often it happened, or the median and the ninth decile of a number."""
    if set(values) <= {0.0, 1.0}:
        return f"{sum(values):.0f} of {len(values)}"
    middle, most = np.quantile(values, [0.5, 0.9], method="higher")
    return {"median": round(float(middle), 1), "90 %": round(float(most), 1)}


if __name__ == "__main__":
    main()
