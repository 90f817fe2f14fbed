from pathlib import Path
from typing import Any

import pytest

from reeltune.ab_tests import manager as manager_module
from reeltune.ab_tests import production
from reeltune.ab_tests.assignment import assigned_arm
from reeltune.ab_tests.hourly import watch_due
from reeltune.ab_tests.ingest import take_served_events
from reeltune.ab_tests.watching import analyse, watch_once
from reeltune.db.ab_activity import load_ab_cursor
from reeltune.db.serving_rows import ServingEvent, save_serving_events
from reeltune.domain.ab_tests import ABTest
from reeltune.domain.errors import StorageError
from tests.ab_tests.managed import HOUR, Managed, managed


def watched_hours(
    found: Managed, test: ABTest, n_hours: int, rates: tuple[float, float], per_hour: int = 120
) -> list[Any]:
    reports = []
    for _ in range(n_hours):
        found.now += HOUR
        if per_hour:
            found.visits(test, per_hour, rates)
        reports += watch_once(found.manager)
    return reports


def test_a_challenger_that_harms_is_rolled_back_and_the_user_is_told(served_world: Path) -> None:
    told: list[dict[str, Any]] = []
    with managed(served_world) as found:
        test = found.started()
        for _ in range(24):
            found.now += HOUR
            found.visits(test, 300, (0.2, 0.1))
            watch_once(found.manager, told.append)
            if found.kinds()[-1] == "rolled back":
                break
        assert found.kinds()[-1] == "rolled back"
        assert [facts["state"] for facts in told] == ["rolled_back"]
        assert told[0]["action"].startswith(
            "rolled back: guardrail breached: clicks of challenger-1"
        )
        assert watch_once(found.manager) == []


def test_without_auto_rollback_a_breach_is_shown_and_nothing_done(served_world: Path) -> None:
    with managed(served_world) as found:
        test = found.started(auto_rollback=False)
        last = watched_hours(found, test, 24, (0.2, 0.05), 300)[-1]
        assert (last.state, last.action) == ("running", "")
        assert any(each.breached for each in last.figures.guardrails)
        assert last.figures.comparisons[0].verdict == "worse"


def test_equal_arms_stay_as_they_are_and_every_analysis_is_kept(served_world: Path) -> None:
    with managed(served_world) as found:
        test = found.started()
        reports = watched_hours(found, test, 12, (0.1, 0.1))
        assert {report.state for report in reports} == {"running"}
        assert found.kinds().count("analysed") == 12
        assert "alarm" not in found.kinds()


def test_a_better_challenger_promotes_itself_after_a_day_where_that_is_allowed(
    served_world: Path,
) -> None:
    with managed(served_world) as found:
        test = found.started(auto_promote=True)
        reports = watched_hours(found, test, 26, (0.1, 0.3))
        assert [r.figures.hours for r in reports if r.state == "promoted"] == [24.0]
        assert found.production() == 1


def test_a_promotion_that_fails_is_told_and_the_test_goes_on(
    served_world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with managed(served_world) as found:
        test = found.started(auto_promote=True)
        watched_hours(found, test, 22, (0.1, 0.3))

        def failing(*_: object, **__: object) -> None:
            raise StorageError("its artifact cannot be trusted")

        monkeypatch.setattr(production, "promote", failing)
        last = watched_hours(found, test, 4, (0.1, 0.3))[-1]
        assert last.state == "running"
        assert last.action == "promote failed: its artifact cannot be trusted"
        assert found.production() == 2


def test_an_hour_without_lists_is_an_alarm_and_decides_nothing(served_world: Path) -> None:
    with managed(served_world) as found:
        test = found.started(auto_promote=True)
        watched_hours(found, test, 23, (0.1, 0.3))
        (gap,) = watched_hours(found, test, 1, (0.1, 0.3), per_hour=0)
        assert gap.figures.comparisons[0].verdict == "better"
        assert gap.figures.gaps == ("no list was recorded in the last hour, 120 were expected",)
        assert gap.alarms == gap.figures.gaps
        assert (gap.state, gap.action) == ("running", "")
        (again,) = watched_hours(found, test, 1, (0.1, 0.3), per_hour=0)
        assert again.alarms == ()  # told once
        (after,) = watched_hours(found, test, 1, (0.1, 0.3))
        assert after.state == "promoted"


def test_lists_without_any_outcome_are_an_alarm(served_world: Path) -> None:
    with managed(served_world) as found:
        test = found.started()
        watched_hours(found, test, 6, (0.2, 0.2))
        (gap,) = watched_hours(found, test, 1, (0.0, 0.0))
        assert "no outcome was recorded of the 120 lists" in gap.alarms[0]


def test_hours_without_an_analysis_are_an_alarm(served_world: Path) -> None:
    with managed(served_world) as found:
        test = found.started()
        watched_hours(found, test, 2, (0.1, 0.1))
        found.now += 5 * HOUR
        found.visits(test, 120, (0.1, 0.1))
        (report,) = watch_once(found.manager)
        assert "nobody has analysed the test for 5 hours" in report.alarms


def test_a_ramp_widens_step_by_step_and_not_while_data_are_missing(served_world: Path) -> None:
    with managed(served_world) as found:
        test = found.started(share=0.1, ramp=(0.25, 1.0), ramp_hours=4.0)
        assert test.share_high == 100_000
        found.now += 5 * HOUR
        (report,) = watch_once(found.manager)
        assert report.action == "share widened to 25%"
        found.now += 4 * HOUR
        (report,) = watch_once(found.manager)
        assert report.action == "share widened to 100%"
        assert watch_once(found.manager)[0].action == ""


def count_events_before(found: Managed) -> int:
    return found.store.write(load_ab_cursor)


def test_what_the_service_logged_is_counted_once(served_world: Path) -> None:
    with managed(served_world) as found:
        old = ServingEvent(
            key="old",
            kind="shown",
            user="u",
            happened_at=found.now - 999,
            received_at=found.now - 999,
            movies=[1],
        )
        found.store.write(lambda conn: save_serving_events(conn, [old]))
        test = found.started()
        found.now += HOUR

        def event(kind: str, n: int, **more: Any) -> ServingEvent:
            return ServingEvent(
                key=f"{kind}{n}",
                kind=kind,  # type: ignore[arg-type]
                user=f"u{n}",
                happened_at=found.now - 60,
                received_at=found.now - 60,
                request_id=f"r{n}",
                **more,
            )

        def shown(n: int) -> ServingEvent:
            arm = assigned_arm(test, f"u{n}")
            assert arm is not None
            return event(
                "shown", n, movies=[7, 8], ab_test="trial", arm=arm.name, version=arm.version
            )

        events = [shown(n) for n in range(20)]
        events += [event("clicked", n, movie_id=7) for n in range(5)]
        events += [event("clicked", 5, movie_id=99), event("rated", 6, movie_id=8, value=5.0)]
        found.store.write(lambda conn: save_serving_events(conn, events))
        assert count_events_before(found) == 1  # it was there before the test began
        taken = [found.store.write(lambda c: take_served_events(c, found.now)) for _ in range(2)]
        assert taken == [27, 0]
        for _ in range(2):
            (report,) = watch_once(found.manager)
            found.now += 60
        assert sum(arm.lists for arm in report.figures.arms) == 20
        clicks = sum(round((arm.value or 0) * arm.lists) for arm in report.figures.arms)
        assert clicks == 5


def test_a_promotion_that_was_cut_off_is_gone_on_with_by_the_watch(
    served_world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with managed(served_world) as found:
        test = found.started()
        watched_hours(found, test, 25, (0.1, 0.3))

        def killed(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(manager_module.ABTestManager, "_move", killed)
            with pytest.raises(KeyboardInterrupt):
                found.manager.act("trial", "promote")
        assert watch_once(found.manager) == []
        assert found.kinds()[-1] == "promoted"


def test_of_several_workers_one_analyses_what_is_due(served_world: Path) -> None:
    with managed(served_world) as found:
        test = found.started()
        assert watch_due(found.manager) == []  # not before an hour has passed
        found.now += HOUR
        found.visits(test, 50, (0.1, 0.1))
        assert watch_due(found.manager) == ["trial"]
        assert watch_due(found.manager) == []
        assert analyse(found.manager, "trial", not_after=found.now - HOUR) is None
        assert found.kinds().count("analysed") == 1
