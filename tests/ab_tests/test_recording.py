import random
from pathlib import Path
from typing import Any

import pytest

from reeltune.ab_tests.live import load_live_tests
from reeltune.ab_tests.recording import record_exposures, record_outcomes
from reeltune.ab_tests.totals import summed_metrics, sums_of
from reeltune.db.ab_activity import load_user_rows
from reeltune.db.ab_records import load_sums, load_totals
from reeltune.db.connection import Connection, transaction
from reeltune.domain.ab_tests import ABTest, RecordedRows, ServedList, UserOutcome, UserTotals
from reeltune.stats.cluster_sums import ClusterSums
from tests.ab_tests.helpers import BEGAN, DAY, arm_of, click, opened, running, served


def exposed(conn: Connection, *lists: ServedList, after: int = DAY) -> RecordedRows:
    with transaction(conn):
        return record_exposures(conn, load_live_tests(conn), lists, BEGAN + after)


def clicked(conn: Connection, *outcomes: UserOutcome, after: int = DAY) -> RecordedRows:
    with transaction(conn):
        return record_outcomes(conn, load_live_tests(conn), outcomes, BEGAN + after)


def totals(conn: Connection, test: ABTest, user: str) -> tuple[int, int]:
    found = load_totals(conn, test.test_id, 1, user)
    assert found is not None
    return found.lists, found.clicked


def recounted(conn: Connection, test: ABTest, metric: str) -> dict[int, ClusterSums]:
    found: dict[int, ClusterSums] = {}
    for row in load_user_rows(conn, test.test_id):
        values = {name: row[name] for name in row.keys() - {"phase", "user"}}
        each = UserTotals(**values)
        found[each.arm] = found.get(each.arm, ClusterSums()) + sums_of(each, metric)
    return found


def test_a_list_and_a_click_count_once_however_often_they_come(tmp_path: Path) -> None:
    with opened(tmp_path) as conn:
        test = running(conn)
        for _ in range(3):
            exposed(conn, served("u", "r1"), served("u", "r1"))
            clicked(conn, click("u", "r1", 5), click("u", "r1", 5))
        assert totals(conn, test, "u") == (1, 1)
        assert exposed(conn, served("u", "r1")) == RecordedRows(duplicates=1)


def test_a_click_that_comes_before_its_list_waits_for_it(tmp_path: Path) -> None:
    with opened(tmp_path) as conn:
        test = running(conn)
        assert clicked(conn, click("u", "r1", 5)) == RecordedRows(waiting=1)
        exposed(conn, served("u", "r1"))
        assert totals(conn, test, "u") == (1, 1)
        assert clicked(conn, click("u", "r1", 5)) == RecordedRows(duplicates=1)


def test_a_waiting_click_on_somebody_elses_list_is_dropped(tmp_path: Path) -> None:
    with opened(tmp_path) as conn:
        test = running(conn)
        clicked(conn, click("thief", "r1", 5))
        assert clicked(conn, click("u", "r1", 6)).waiting == 1  # the false one is not in its way
        exposed(conn, served("u", "r1"))
        assert totals(conn, test, "u") == (1, 1)
        assert conn.execute("SELECT count(*) FROM ab_outcomes").fetchone()[0] == 1


def test_without_a_request_the_users_last_list_with_the_movie_counts(tmp_path: Path) -> None:
    with opened(tmp_path) as conn:
        running(conn)
        exposed(conn, served("u", "r1", 0, movies=[7]), served("u", "r2", 60, movies=[8]))
        assert clicked(conn, click("u", None, 120, movie=7)).counted == 1
        row = conn.execute("SELECT exposure_id FROM ab_outcomes").fetchone()
        first = conn.execute("SELECT exposure_id FROM ab_exposures WHERE request_id = 'r1'")
        assert row[0] == first.fetchone()[0]
        assert clicked(conn, click("u", None, 130, movie=9)).rejected[0][1].startswith("no list")


@pytest.mark.parametrize(
    ("served_list", "reason"),
    [
        (served("u", "r", arm="no-such-arm"), "not in arm"),
        (served("u", "r", test="other"), "no such test"),
        (served("u", "r", 2 * DAY), "lies ahead"),
        (served("u", "r", -3600), "before the test"),
        (served("u", "r", teams="01", movies=[1, 2]), "no teams"),
        (served("u", "r", layer="similar"), "no running test"),
    ],
)
def test_a_list_that_cannot_be_true_is_refused(
    tmp_path: Path, served_list: ServedList, reason: str
) -> None:
    with opened(tmp_path) as conn:
        running(conn)
        found = exposed(conn, served_list)
        assert found.counted == 0
        assert reason in found.rejected[0][1]


def test_an_arm_of_somebody_else_is_refused_and_the_own_is_not(tmp_path: Path) -> None:
    with opened(tmp_path) as conn:
        test = running(conn)
        names = ("champion", "challenger-1")
        own = arm_of(test, "u")
        assert exposed(conn, served("u", "r1", arm=names[1 - own])).rejected
        assert exposed(conn, served("u", "r2", arm=names[own])).counted == 1


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (click("thief", "r1", 5), "another user"),
        (click("u", "r1", 5, movie=99), "not on the list"),
        (click("u", "r1", -120), "before its list"),
        (click("u", "r1", DAY + 60), "more than a day"),
        (click("u", "r1", 3 * DAY), "lies ahead"),
        (click("u", "r1", 5, kind="rated", value=7.0), "stars"),
        (click("u", "r1", 5, kind="watched", value=float("nan")), "a number"),
        (click("nobody", None, 5), "no list"),
    ],
)
def test_an_outcome_that_cannot_be_true_is_refused(
    tmp_path: Path, outcome: UserOutcome, reason: str
) -> None:
    with opened(tmp_path) as conn:
        test = running(conn)
        exposed(conn, served("u", "r1", movies=[1, 2]))
        found = clicked(conn, outcome, after=int(1.5 * DAY))
        assert reason in found.rejected[0][1]
        assert totals(conn, test, "u") == (1, 0)


def test_sums_of_arms_are_those_of_their_users_whatever_comes(tmp_path: Path) -> None:
    rng = random.Random(4)
    with opened(tmp_path) as conn:
        test = running(conn, primary="value", window_hours=0.0)
        lists = [
            served(f"u{rng.randrange(40)}", f"r{n}", rng.randrange(DAY), movies=[1, 2, 3])
            for n in range(300)
        ]
        outcomes = [
            click(
                each.user,
                each.request_id,
                each.happened_at - BEGAN + rng.randrange(100),
                movie=rng.randrange(1, 4),
                kind=rng.choice(["clicked", "watched", "rated"]),
                value=rng.choice([1.0, 4.0, 5.0]),
            )
            for each in lists
            for _ in range(rng.randrange(4))
        ]
        stream = [*lists, *outcomes, *rng.sample(outcomes, 100), *rng.sample(lists, 50)]
        rng.shuffle(stream)
        for start in range(0, len(stream), 37):
            batch = stream[start : start + 37]
            exposed(conn, *(e for e in batch if isinstance(e, ServedList)), after=2 * DAY)
            clicked(conn, *(e for e in batch if isinstance(e, UserOutcome)), after=2 * DAY)
        distinct = {(o.request_id, o.kind, o.movie_id) for o in outcomes}
        assert conn.execute("SELECT count(*) FROM ab_outcomes").fetchone()[0] == len(distinct)
        assert sum(load_sums(conn, test.test_id, 1, "lists")[arm].y for arm in (0, 1)) == 300
        for metric in summed_metrics(test):
            again = recounted(conn, test, metric)
            for arm, sums in load_sums(conn, test.test_id, 1, metric).items():
                for name in ("n", "x", "y", "xx", "yy", "xy"):
                    assert getattr(sums, name) == pytest.approx(getattr(again[arm], name))


def test_the_window_holds_what_was_shown_and_done_in_it(tmp_path: Path) -> None:
    with opened(tmp_path) as conn:
        test = running(conn, window_hours=24.0)
        exposed(conn, served("u", "r1"), served("u", "r2", DAY - 60), served("u", "r3", DAY + 60))
        late = click("u", "r2", DAY + 30)
        clicked(conn, click("u", "r1", 10), late, click("u", "r3", DAY + 70), after=2 * DAY)
        found = load_totals(conn, test.test_id, 1, "u")
        assert found is not None
        assert (found.lists, found.clicked) == (3, 3)
        assert (found.window_lists, found.window_counted) == (2, 1)


def test_clicks_on_an_interleaved_list_say_who_won_it(tmp_path: Path) -> None:
    with opened(tmp_path) as conn:
        test = running(conn, design="interleaving")
        mixed: dict[str, Any] = {"movies": [1, 2, 3, 4], "teams": "0110"}
        exposed(conn, served("u", "r1", **mixed), served("u", "r2", **mixed))

        def won_and_lost() -> tuple[int, int]:
            found = load_totals(conn, test.test_id, 1, "u")
            assert found is not None
            return found.won, found.lost

        clicked(conn, click("u", "r1", 5, movie=2))
        assert won_and_lost() == (1, 0)
        clicked(conn, click("u", "r1", 6, movie=1))
        assert won_and_lost() == (0, 0)  # a tie is no list decided
        clicked(conn, click("u", "r1", 7, movie=4), click("u", "r2", 7, movie=4))
        assert won_and_lost() == (0, 2)
