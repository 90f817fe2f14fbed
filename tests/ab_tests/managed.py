"""A manager over a database with two versions, of which 2 is in production, and a clock to set."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from reeltune.ab_tests.assignment import assigned_arm
from reeltune.ab_tests.live import load_live_tests
from reeltune.ab_tests.manager import ABTestManager
from reeltune.ab_tests.recording import record_exposures, record_outcomes
from reeltune.ab_tests.stores import DirectStore
from reeltune.db.ab_tests import load_ab_events
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.db.versions import load_production
from reeltune.domain.ab_tests import ABTest, ServedList, UserOutcome
from reeltune.domain.study import StudyConfig
from reeltune.versioning.request import RetrainingRequest
from reeltune.versioning.retraining import retrain
from tests.ab_tests.helpers import BEGAN, some_settings

HOUR = 3600


@dataclass
class Managed:
    database: Path
    store: DirectStore
    now: int = BEGAN

    salts: Iterator[str] = field(default_factory=lambda: (f"salt {n}" for n in count()))

    @property
    def manager(self) -> ABTestManager:
        return ABTestManager(self.store, self.database, lambda: self.now, lambda: next(self.salts))

    def started(self, **changes: object) -> ABTest:
        values = {"champion": 2, "challengers": (1,), "window_hours": 0.0, "cuped": False} | changes
        self.manager.create(some_settings(**values))
        return self.manager.act("trial", "start")

    def visits(
        self, test: ABTest, n_users: int, rates: tuple[float, float], name: str = ""
    ) -> None:
        """A list for each of so many new users, clicked at the rate of the arm, within an hour."""
        lists, clicks = [], []
        n_of_arm = [0, 0]
        for n in range(n_users):
            user = f"{name}{self.now}-{n}"
            arm = assigned_arm(test, user)
            assert arm is not None
            moment = self.now - HOUR + n * HOUR // n_users
            lists.append(ServedList(request_id=user, user=user, happened_at=moment, test=test.name))
            rate, number = rates[arm.number], n_of_arm[arm.number]
            n_of_arm[arm.number] += 1
            if int((number + 1) * rate) > int(number * rate):
                clicks.append(
                    UserOutcome(
                        kind="clicked", user=user, happened_at=moment, request_id=user, movie_id=1
                    )
                )

        def write(conn):  # type: ignore[no-untyped-def]
            live = load_live_tests(conn)
            record_exposures(conn, live, lists, self.now)
            record_outcomes(conn, live, clicks, self.now)

        self.store.write(write)

    def retrained(self, **request: Any) -> int:
        """The version that a retraining has made; by default of the deployed configuration."""
        with connection(self.database) as conn:
            values: dict[str, Any] = {
                "study": StudyConfig(),
                "force": True,
                "accuracy_threshold": 0.0,
            }
            version = retrain(
                conn, load_dataset(conn), RetrainingRequest(**(values | request))
            ).version
        assert version is not None
        return version

    def kinds(self) -> list[str]:
        with closing(self.store.reader()) as conn:
            return [event.kind for event in load_ab_events(conn)]

    def production(self) -> int | None:
        with connection(self.database) as conn:
            found = load_production(conn)
            return None if found is None else found.version


@contextmanager
def managed(database: Path) -> Iterator[Managed]:
    with closing(DirectStore.open(database)) as store:
        yield Managed(database, store)
