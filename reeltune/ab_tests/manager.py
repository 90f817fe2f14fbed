"""Manager of A/B tests: creates them, moves them from state to state, and changes them.

Each change is one transaction of the store that adds an append-only event. Where production
changes too, that lies between two events: one says what has begun, one how it ended, and what was
cut off between them is gone on with. Every action may be repeated: it is done once.
"""

import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reeltune.ab_tests.assignment import arm_ranges, free_range
from reeltune.ab_tests.covariates import past_liking
from reeltune.ab_tests.ingest import take_served_events
from reeltune.ab_tests.production import check_versions, promote_challenger, roll_back_to_champion
from reeltune.ab_tests.promotion import charged_alpha
from reeltune.ab_tests.states import BEGUN, ENDED, TRANSITIONS, ABAction, is_done
from reeltune.ab_tests.stores import ABStore
from reeltune.db.ab_activity import save_covariates
from reeltune.db.ab_tests import (
    add_ab_event,
    load_ab_test,
    load_ab_tests,
    load_keyed_ab_event,
    load_last_ab_event,
    load_reserved_shares,
    save_ab_phase,
    save_ab_settings,
    save_ab_share,
    save_ab_test,
)
from reeltune.db.connection import Connection, connection
from reeltune.domain.ab_tests import N_BUCKETS, ABPhase, ABSettings, ABTest, settings_from_json
from reeltune.domain.errors import BusyError, InputError, ReelTuneError

CHANGEABLE = (
    "share",
    "weights",
    "ramp",
    "ramp_hours",
    "min_hours",
    "auto_rollback",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Caller of an action, and why."""

    actor: str = "command line"
    reason: str = ""
    request_key: str | None = None  # the same key again does nothing more
    expected_event: int | None = None  # the test's last event, as the caller has seen it


def random_salt() -> str:
    """Return a salt that nobody can guess, so that nobody chooses an arm by choosing a name."""
    return secrets.token_hex(8)


def unix_now() -> int:
    """Return the time of this machine in Unix seconds."""
    return int(time.time())


class ABTestManager:
    """Manager of the tests of one database; safe to use from several threads and processes."""

    def __init__(
        self,
        store: ABStore,
        database: Path,
        clock: Callable[[], int] = unix_now,
        new_salt: Callable[[], str] = random_salt,
    ) -> None:
        self.store, self.database = store, database
        self.clock, self.new_salt = clock, new_salt

    def create(self, settings: ABSettings, caller: Caller = Caller()) -> ABTest:
        """Create a draft.

        Raises:
            InputError: the settings are no good, or the name is taken.
        """
        settings.check()

        def write(conn: Connection) -> ABTest:
            if caller.request_key and load_keyed_ab_event(conn, caller.request_key):
                return load_ab_test(conn, settings.name)
            if any(test.name == settings.name for test in load_ab_tests(conn)):
                raise InputError(
                    f"there is an A/B test {settings.name!r} already: take another name"
                )
            now = self.clock()
            test_id = save_ab_test(conn, settings, self.new_salt(), now)
            self._event(conn, test_id, "created", "draft", caller, settings.as_json())
            return load_ab_test(conn, str(test_id))

        return self.store.write(write)

    def act(
        self,
        name: str,
        action: ABAction,
        caller: Caller = Caller(),
        *,
        version: int | None = None,
    ) -> ABTest:
        """Move a test to where an action leads; nothing happens where it is there already.

        `version` is the challenger to promote, where there are several.

        Raises:
            BusyError: the test has changed since the caller looked, or its users are taken.
            GateError: the gate does not let the challenger into production.
            InputError: the action is not possible from the test's state.
            NotFoundError: there is no such test.
        """
        test = self._seen(name, caller)
        if is_done(test, action):
            return test
        if action == "start":
            return self._start(test, caller)
        if action == "promote":
            return self._promote(test, caller, version)
        if action == "rollback" and test.state == "promoted":
            return self._roll_back_production(test, caller)
        return self._move(test.name, action, caller)

    def change(self, name: str, changes: Mapping[str, Any], caller: Caller = Caller()) -> ABTest:
        """Change the settings named, and only these.

        A draft may be changed in all but its name. Of a test that runs, the share widens, other
        weights begin a new phase, and the rest of `CHANGEABLE` is taken as it is.

        Raises:
            BusyError: the test has changed since the caller looked, or its users are taken.
            InputError: a setting is not known, may not be changed any more, or is no good.
        """
        test = self._seen(name, caller)
        changed = settings_from_json(test.settings.as_json() | dict(changes))
        _check_changes(test, changed)
        if changed == test.settings:
            return test
        has_new_weights = test.phase is not None and changed.arm_shares != test.settings.arm_shares
        alpha = None
        if has_new_weights:
            assert test.phase is not None
            with connection(self.database) as conn:
                alpha = charged_alpha(conn, test, test.phase.number + 1, self.clock())

        def write(conn: Connection) -> ABTest:
            found = self._unchanged(conn, test)
            take_served_events(conn, self.clock())
            save_ab_settings(conn, test.test_id, changed)
            if found.phase is not None:
                _widen(conn, found, changed.share)
            if alpha is not None and found.phase is not None:
                self._new_phase(conn, found.test_id, changed, found.phase.number + 1, alpha)
            kind = "reweighted" if has_new_weights else "changed"
            self._event(conn, test.test_id, kind, found.state, caller, dict(changes))
            return load_ab_test(conn, name)

        return self.store.write(write)

    def widen(self, name: str, share: float, caller: Caller) -> ABTest:
        """Widen the share of a test that runs, as its ramp says."""

        def write(conn: Connection) -> ABTest:
            test = load_ab_test(conn, name)
            if test.state == "running" and _widen(conn, test, share):
                self._event(conn, test.test_id, "ramped", test.state, caller, {"share": share})
            return load_ab_test(conn, name)

        return self.store.write(write)

    def resume_interrupted(self, caller: Caller = Caller(actor="resumed")) -> list[str]:
        """Go on with promotions and rollbacks that were cut off; return what was done."""
        with _reading(self.store) as conn:
            tests = load_ab_tests(conn)
            begun = [
                (test, event)
                for test in tests
                if (event := load_last_ab_event(conn, test.test_id, (*BEGUN, *ENDED)))
                and event.kind in BEGUN
            ]
        done = []
        for test, event in begun:
            caller = replace(caller, reason=event.reason)
            try:
                if event.kind == "promoting":
                    self._finish_promotion(test, caller, event.details["version"])
                else:
                    self._finish_rollback(test, caller)
                done.append(f"{test.name}: {event.kind} was gone on with")
            except ReelTuneError as error:
                done.append(f"{test.name}: {event.kind} was ended: {error}")
        return done

    def _start(self, test: ABTest, caller: Caller) -> ABTest:
        with connection(self.database) as conn:
            check_versions(conn, test)
            alpha = charged_alpha(conn, test, 1, self.clock())
            covariates = past_liking(conn) if test.settings.cuped else {}

        def write(conn: Connection) -> ABTest:
            found = load_ab_test(conn, str(test.test_id))
            if is_done(found, "start"):
                return found
            take_served_events(conn, self.clock())
            settings = found.settings
            size = round(settings.max_share * N_BUCKETS)
            low = free_range(load_reserved_shares(conn, settings.layer), size, settings.layer)
            high = low + max(1, round(settings.share * N_BUCKETS))
            save_ab_share(conn, found.test_id, low, min(high, low + size), low + size)
            self._new_phase(conn, found.test_id, settings, 1, alpha)
            save_covariates(conn, found.test_id, covariates)
            details = {"alpha": alpha, "covariates": len(covariates)}
            self._event(conn, found.test_id, "started", "running", caller, details)
            return load_ab_test(conn, found.name)

        return self.store.write(write, n_rows=1 + len(covariates))

    def _promote(self, test: ABTest, caller: Caller, version: int | None) -> ABTest:
        details = {"version": version}
        self._begin(test, "promote", caller, details)
        return self._finish_promotion(test, caller, version)

    def _finish_promotion(self, test: ABTest, caller: Caller, version: int | None) -> ABTest:
        def refused(error: Exception) -> None:
            self._add(test, "promotion refused", caller, {"error": str(error)})

        try:
            with _reading(self.store) as conn:
                evidence = promote_challenger(
                    conn, self.database, test, caller.reason, version, self.clock()
                )
        except ReelTuneError as error:
            refused(error)
            raise
        return self._move(test.name, "promote", caller, evidence)

    def _roll_back_production(self, test: ABTest, caller: Caller) -> ABTest:
        self._begin(test, "rollback", caller, {})
        return self._finish_rollback(test, caller)

    def _finish_rollback(self, test: ABTest, caller: Caller) -> ABTest:
        try:
            with _reading(self.store) as conn:
                promoted = load_last_ab_event(conn, test.test_id, ["promoted"])
            replaced = None if promoted is None else promoted.details.get("replaced")
            evidence = roll_back_to_champion(self.database, test, caller.reason, replaced)
        except ReelTuneError as error:
            self._add(test, "rollback refused", caller, {"error": str(error)})
            raise
        return self._move(test.name, "rollback", caller, evidence)

    def _begin(
        self, test: ABTest, action: ABAction, caller: Caller, details: Mapping[str, Any]
    ) -> None:
        """Say what begins; the key of the request is kept for how it ends."""

        def write(conn: Connection) -> None:
            found = self._unchanged(conn, test)
            take_served_events(conn, self.clock())
            begun = TRANSITIONS[action].begun
            assert begun is not None
            keyless = replace(caller, request_key=None)
            self._event(conn, found.test_id, begun, found.state, keyless, details)

        self.store.write(write)

    def _add(self, test: ABTest, kind: str, caller: Caller, details: Mapping[str, Any]) -> None:
        def write(conn: Connection) -> None:
            found = load_ab_test(conn, test.name)
            keyless = replace(caller, request_key=None)
            self._event(conn, found.test_id, kind, found.state, keyless, details)

        self.store.write(write)

    def _move(
        self,
        name: str,
        action: ABAction,
        caller: Caller,
        details: Mapping[str, Any] | None = None,
    ) -> ABTest:
        def write(conn: Connection) -> ABTest:
            test = load_ab_test(conn, name)
            if not is_done(test, action):
                take_served_events(conn, self.clock())
                transition = TRANSITIONS[action]
                self._event(
                    conn, test.test_id, transition.event, transition.target, caller, details or {}
                )
            return load_ab_test(conn, name)

        return self.store.write(write)

    def _new_phase(
        self, conn: Connection, test_id: int, settings: ABSettings, number: int, alpha: float
    ) -> None:
        if settings.design == "interleaving":
            arms = arm_ranges([settings.champion], [1.0])
        else:
            arms = arm_ranges([settings.champion, *settings.challengers], settings.arm_shares)
        save_ab_phase(conn, test_id, ABPhase(number, self.clock(), alpha, arms))

    def _event(
        self,
        conn: Connection,
        test_id: int,
        kind: str,
        state: Any,
        caller: Caller,
        details: Mapping[str, Any],
    ) -> None:
        add_ab_event(
            conn,
            test_id,
            kind,
            state,
            self.clock(),
            actor=caller.actor,
            reason=caller.reason,
            details=details,
            request_key=caller.request_key,
        )

    def _seen(self, name: str, caller: Caller) -> ABTest:
        with _reading(self.store) as conn:
            test = load_ab_test(conn, name)
        if caller.expected_event not in (None, test.last_event):
            raise BusyError(
                f"A/B test {test.name!r} has changed since you looked: its last event is"
                f" {test.last_event}, not {caller.expected_event}"
            )
        return test

    def _unchanged(self, conn: Connection, test: ABTest) -> ABTest:
        found = load_ab_test(conn, str(test.test_id))
        if (found.state, found.settings, found.phase) != (test.state, test.settings, test.phase):
            raise BusyError(f"A/B test {test.name!r} changed meanwhile: look again")
        return found


def _widen(conn: Connection, test: ABTest, share: float) -> bool:
    """Widen the share of a test; false where it is as wide already."""
    high = min(test.reserved_high, test.share_low + round(share * N_BUCKETS))
    if high <= test.share_high:
        return False
    save_ab_share(conn, test.test_id, test.share_low, high, test.reserved_high)
    return True


def _check_changes(test: ABTest, changed: ABSettings) -> None:
    if test.has_ended:
        raise InputError(f"A/B test {test.name!r} has ended: it is not changed any more")
    before, after = test.settings.as_json(), changed.as_json()
    names = sorted(name for name in before if before[name] != after[name])
    if "name" in names:
        raise InputError("a test keeps its name")
    if test.state == "draft":
        return
    fixed = [name for name in names if name not in CHANGEABLE]
    if fixed:
        raise InputError(
            f"{fixed[0]} is not changed once a test has started: only {', '.join(CHANGEABLE)}"
        )
    if changed.share < test.settings.share:
        raise InputError(
            f"a share only widens: it is {test.settings.share:g}; pause or stop the test instead"
        )
    if changed.arm_shares != test.settings.arm_shares and changed.design == "interleaving":
        raise InputError("interleaved lists have no weights")


def _reading(store: ABStore) -> closing[Connection]:
    return closing(store.reader())
