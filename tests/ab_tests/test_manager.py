import sqlite3
from pathlib import Path

import pysqlite3
import pytest

from reeltune.ab_tests import manager as manager_module
from reeltune.ab_tests.manager import Caller
from reeltune.ab_tests.production import production_alarm
from reeltune.db.ab_tests import save_ab_share
from reeltune.db.connection import connection
from reeltune.db.test_evaluations import load_test_evaluations
from reeltune.db.versions import load_events
from reeltune.domain.clock import stamp_of
from reeltune.domain.errors import BusyError, GateError, InputError, NotFoundError
from reeltune.gate.error_budget import budget_state
from reeltune.rating_models.hand_weighted import HandWeighted
from reeltune.versioning.registry import promote
from reeltune.versioning.retention import remove_old
from tests.ab_tests.helpers import some_settings
from tests.ab_tests.managed import HOUR, Managed, managed


def shown_better(found: Managed, **changes: object) -> None:
    """A test that has run for 30 hours and has found its challenger better."""
    test = found.started(**changes)
    for _ in range(30):
        found.now += HOUR
        found.visits(test, 120, (0.1, 0.3))


def test_a_test_goes_from_draft_to_stopped_and_every_step_is_an_event(served_world: Path) -> None:
    with managed(served_world) as found:
        found.started()
        for action in ("pause", "resume", "stop"):
            found.manager.act("trial", action)
        assert found.kinds() == ["created", "started", "paused", "resumed", "stopped"]


@pytest.mark.parametrize("action", ["start", "pause", "stop"])
def test_an_action_done_twice_is_done_once(served_world: Path, action: str) -> None:
    with managed(served_world) as found:
        found.started()
        first = found.manager.act("trial", action)  # type: ignore[arg-type]
        assert found.manager.act("trial", action) == first  # type: ignore[arg-type]
        assert len(found.kinds()) == len(set(found.kinds()))


@pytest.mark.parametrize("action", ["pause", "resume", "promote", "rollback"])
def test_what_a_draft_cannot_do_is_refused(served_world: Path, action: str) -> None:
    with managed(served_world) as found:
        found.manager.create(some_settings(champion=2, challengers=(1,)))
        with pytest.raises(InputError, match=f"is draft: {action} is for one that is"):
            found.manager.act("trial", action)  # type: ignore[arg-type]


def test_a_request_that_comes_again_creates_no_second_test(served_world: Path) -> None:
    with managed(served_world) as found:
        caller = Caller(request_key="k1")
        settings = some_settings(champion=2, challengers=(1,))
        first = found.manager.create(settings, caller)
        assert found.manager.create(settings, caller) == first
        with pytest.raises(InputError, match="already"):
            found.manager.create(settings, Caller(request_key="k2"))


def test_who_saw_another_state_is_refused(served_world: Path) -> None:
    with managed(served_world) as found:
        test = found.started()
        found.manager.act("trial", "pause")
        with pytest.raises(BusyError, match="has changed since you looked"):
            found.manager.act("trial", "stop", Caller(expected_event=test.last_event))


def test_events_are_neither_changed_nor_deleted(served_world: Path) -> None:
    with managed(served_world) as found:
        found.started()
        path = found.store.path
        with sqlite3.connect(path) as conn:
            for statement in (
                "UPDATE ab_test_events SET reason = 'x'",
                "DELETE FROM ab_test_events",
            ):
                with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                    conn.execute(statement)


def test_the_champion_must_be_in_production_and_the_challenger_servable(
    served_world: Path,
) -> None:
    with managed(served_world) as found:
        found.manager.create(some_settings(champion=1, challengers=(2,)))
        with pytest.raises(
            InputError, match="champion, version 1, is not in production: version 2"
        ):
            found.manager.act("trial", "start")
        found.manager.create(some_settings(name="other", champion=2, challengers=(9,)))
        with pytest.raises(NotFoundError):
            found.manager.act("other", "start")
        assert found.kinds() == ["created", "created"]


def test_two_tests_of_a_layer_divide_its_users_or_the_second_waits(served_world: Path) -> None:
    with managed(served_world) as found:
        found.started(share=0.4, max_share=0.5)
        values = {"champion": 2, "challengers": (1,), "share": 0.4}
        found.manager.create(some_settings(name="half", max_share=0.5, **values))
        half = found.manager.act("half", "start")
        assert (half.share_low, half.reserved_high) == (500_000, 1_000_000)
        found.manager.create(some_settings(name="more", max_share=0.5, **values))
        with pytest.raises(BusyError, match="other tests have 100%"):
            found.manager.act("more", "start")
        found.manager.create(some_settings(name="elsewhere", layer="similar", **values))
        assert found.manager.act("elsewhere", "start").share_low == 0
        found.manager.act("trial", "stop")
        assert found.manager.act("more", "start").share_low == 0


def test_a_share_only_widens(served_world: Path) -> None:
    with managed(served_world) as found:
        test = found.started(share=0.2)
        wider = found.manager.change("trial", {"share": 0.5})
        assert (wider.share_low, wider.share_high) == (test.share_low, 500_000)
        assert wider.phase == test.phase
        with pytest.raises(InputError, match="only widens"):
            found.manager.change("trial", {"share": 0.3})
        with pytest.raises(pysqlite3.IntegrityError, match="only widens"):
            found.store.write(lambda conn: save_ab_share(conn, 1, 0, 100, 1_000_000))


def test_other_weights_begin_a_phase_with_arms_of_its_own(served_world: Path) -> None:
    with managed(served_world) as found:
        found.started()
        changed = found.manager.change("trial", {"weights": [3, 1]})
        assert changed.phase is not None
        assert (changed.phase.number, changed.phase.arms[0].share) == (2, 0.75)
        assert found.kinds()[-1] == "reweighted"
        found.manager.change("trial", {"weights": [6, 2]})
        assert found.kinds()[-1] == "changed"  # the same shares


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shares": 0.5}, "has no 'shares'"),
        ({"primary": "watched"}, "primary is not changed once"),
        ({"name": "x"}, "keeps its name"),
        ({"share": "half"}, "share must be a number"),
        ({"weights": [1]}, "weights must be 2 numbers"),
        ({"min_hours": 1}, "24 <= min_hours"),
    ],
)
def test_a_change_that_is_not_possible_changes_nothing(
    served_world: Path, changes: dict[str, object], message: str
) -> None:
    with managed(served_world) as found:
        test = found.started(share=0.2)
        with pytest.raises(InputError, match=message):
            found.manager.change("trial", changes)
        assert found.manager.change("trial", {}) == test


def test_a_challenger_shown_to_be_better_is_promoted_through_the_gate(served_world: Path) -> None:
    with managed(served_world) as found:
        shown_better(found)
        assert found.manager.act("trial", "promote").state == "promoted"
        assert found.production() == 1
        with connection(served_world) as conn:
            event = load_events(conn, 1)[-1]
        assert event.event == "promoted"
        assert event.evidence["ab_test"] == "trial"
        assert [rule["name"] for rule in event.evidence["rules"]][:2] == [
            "better for live users",
            "observed long enough",
        ]


def test_a_challenger_not_shown_to_be_better_is_not_promoted(served_world: Path) -> None:
    with managed(served_world) as found:
        test = found.started()
        for _ in range(30):
            found.now += HOUR
            found.visits(test, 40, (0.1, 0.1))
        with pytest.raises(GateError, match=r"not promoted \(cannot tell\)"):
            found.manager.act("trial", "promote")
        assert found.production() == 2
        assert found.kinds()[-2:] == ["promoting", "promotion refused"]


def test_a_day_must_have_passed(served_world: Path) -> None:
    with managed(served_world) as found:
        test = found.started()
        for _ in range(20):
            found.now += HOUR
            found.visits(test, 200, (0.1, 0.3))
        with pytest.raises(GateError, match=r"20\.0 hours, 24 are needed"):
            found.manager.act("trial", "promote")


def test_a_challenger_that_is_in_production_already_is_promoted_without_the_gate(
    served_world: Path,
) -> None:
    with managed(served_world) as found:
        shown_better(found, challengers=(1,), champion=2)
        with connection(served_world) as conn:
            promote(conn, 1, "meanwhile")
        # The challenger is in production already: the test takes note.
        assert found.manager.act("trial", "promote").state == "promoted"


def test_a_rollback_of_a_promoted_challenger_brings_the_champion_back(served_world: Path) -> None:
    with managed(served_world) as found:
        shown_better(found)
        found.manager.act("trial", "promote")
        assert found.manager.act("trial", "rollback").state == "rolled_back"
        assert found.production() == 2


@pytest.mark.parametrize("place", ["promote_challenger", "_move"])
def test_a_promotion_that_is_cut_off_is_gone_on_with(
    served_world: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    with managed(served_world) as found:
        shown_better(found)

        def killed(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            owner = (
                manager_module if place == "promote_challenger" else manager_module.ABTestManager
            )
            patch.setattr(owner, place, killed)
            with pytest.raises(KeyboardInterrupt):
                found.manager.act("trial", "promote")
        assert found.kinds()[-1] == "promoting"
        assert found.manager.resume_interrupted() == ["trial: promoting was gone on with"]
        assert found.production() == 1
        assert found.kinds()[-1] == "promoted"
        assert found.manager.resume_interrupted() == []


def test_a_rollback_that_is_cut_off_is_gone_on_with(
    served_world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with managed(served_world) as found:
        shown_better(found)
        found.manager.act("trial", "promote")

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(manager_module, "roll_back_to_champion", killed)
            with pytest.raises(KeyboardInterrupt):
                found.manager.act("trial", "rollback")
        found.manager.resume_interrupted()
        assert found.production() == 2
        assert found.kinds()[-1] == "rolled back"


def test_a_test_that_promotes_by_itself_spends_the_yearly_budget_once(served_world: Path) -> None:
    with managed(served_world) as found:
        with connection(served_world) as conn:
            before = budget_state(conn, stamp_of(found.now)).spent
        test = found.started(auto_promote=True)
        found.manager.act("trial", "start")
        assert test.phase is not None
        assert test.phase.alpha == pytest.approx(0.05)
        with connection(served_world) as conn:
            assert budget_state(conn, stamp_of(found.now)).spent - before == pytest.approx(0.025)
        alphas = []
        for name in ("second", "third", "fourth"):
            found.manager.create(
                some_settings(
                    name=name, layer=name, champion=2, challengers=(1,), auto_promote=True
                )
            )
            later = found.manager.act(name, "start")
            assert later.phase is not None
            alphas.append(later.phase.alpha)
        assert alphas == pytest.approx([0.05, 0.05, 0.025])  # what is left pays for less


def test_a_test_whose_promotion_a_person_decides_is_counted_and_spends_nothing(
    served_world: Path,
) -> None:
    with managed(served_world) as found:
        test = found.started()
        with connection(served_world) as conn:
            last = load_test_evaluations(conn)[-1]
        assert last.data_fingerprint == f"ab-test {test.salt} phase 1"
        assert last.level == 0.0


def test_a_start_that_is_cut_off_after_its_charge_is_charged_once(
    served_world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with managed(served_world) as found:
        settings = some_settings(champion=2, challengers=(1,), auto_promote=True)
        found.manager.create(settings)

        def killed(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(manager_module, "save_ab_share", killed)
            with pytest.raises(KeyboardInterrupt):
                found.manager.act("trial", "start")
        assert found.kinds() == ["created"]
        assert found.manager.act("trial", "start").state == "running"
        with connection(served_world) as conn:
            charges = [e for e in load_test_evaluations(conn) if "ab-test" in e.data_fingerprint]
        assert len(charges) == 1


def test_a_night_that_renews_the_champion_stops_no_promotion_and_is_what_comes_back(
    served_world: Path,
) -> None:
    with managed(served_world) as found:
        shown_better(found)
        renewed = found.retrained()
        assert found.production() == renewed == 3
        assert production_alarm(served_world, found.manager.act("trial", "start")) is None
        found.manager.act("trial", "promote")
        assert found.production() == 1
        found.manager.act("trial", "rollback")
        assert found.production() == renewed


def test_another_configuration_in_production_by_now_refuses_a_promotion(
    served_world: Path,
) -> None:
    with managed(served_world) as found:
        shown_better(found)
        values = HandWeighted.space.defaults()
        values |= {"genre_weight": 0.2, "rating_weight": values["rating_weight"] + 0.2}
        other = found.retrained(hyperparameters=values)
        with connection(served_world) as conn:
            promote(conn, other, "by hand")
        with pytest.raises(InputError, match="version 3 is in production by now, not the champion"):
            found.manager.act("trial", "promote")
        assert found.production() == other
        assert found.kinds()[-1] == "promotion refused"


def test_versions_under_test_keep_their_models(served_world: Path) -> None:
    with managed(served_world) as found:
        found.manager.create(some_settings(champion=2, challengers=(1,)))
        for _ in range(2):
            found.retrained()
        with connection(served_world) as conn:
            assert remove_old(conn, 1, dry_run=True).versions == ()
        found.manager.act("trial", "stop")
        with connection(served_world) as conn:
            assert remove_old(conn, 1, dry_run=True).versions == (1, 2)
