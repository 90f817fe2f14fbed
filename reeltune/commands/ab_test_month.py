"""Month of simulated traffic on the demo world: from a night to live tests and their verdicts."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.text import Text

from reeltune.ab_tests.demo_visitors import DemoVisitors
from reeltune.ab_tests.documents import ab_document, load_path
from reeltune.ab_tests.live import load_live_tests
from reeltune.ab_tests.manager import ABTestManager, Caller
from reeltune.ab_tests.site_traffic import site_traffic
from reeltune.ab_tests.states import shown_state
from reeltune.ab_tests.stores import DirectStore
from reeltune.ab_tests.traffic import effects_before
from reeltune.ab_tests.watching import watch_once
from reeltune.cli.console import progress_bar, remark_console
from reeltune.commands.ab_test_tables import (
    comparison_line,
    print_detectable,
    print_path,
    warnings_of,
)
from reeltune.commands.nightly import nightly
from reeltune.db.ab_tests import load_ab_test
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.db.serving_rows import save_serving_events
from reeltune.db.versions import load_production
from reeltune.domain.ab_tests import ABSettings, ABTest
from reeltune.domain.errors import InputError
from reeltune.domain.study import StudyConfig
from reeltune.importers.demo import import_demo
from reeltune.importers.demo_settings import DemoSettings
from reeltune.rating_models.hand_weighted import HandWeighted
from reeltune.versioning.registry import rollback
from reeltune.versioning.request import RetrainingRequest
from reeltune.versioning.retraining import retrain

_HOUR = 3600
_MAX_NIGHTS = 6
_WORLD = DemoSettings(users=3_000, movies=800, ratings=120_000)
_POPULAR_FIRST = {
    "genre_weight": 0.0,
    "cast_weight": 0.0,
    "franchise_weight": 0.0,
    "rating_weight": 0.05,
    "popularity_weight": 0.95,
}


def simulate_month(
    days: int,
    seed: int,
    directory: Path | None,
    remarks: Console,
    console: Console,
    as_json: bool,
) -> dict[str, Any]:
    """Simulate a month; print what happens as it happens, and return it for --json."""
    with _directory(directory) as folder:
        month = _Month(folder / "movies.db", days, seed, remarks, None if as_json else console)
        return month.run()


@contextmanager
def _directory(given: Path | None) -> Iterator[Path]:
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given
        return
    with TemporaryDirectory(prefix="reeltune-month-") as name:
        yield Path(name)


class _Month:
    """Database, visitors and clock of the month."""

    def __init__(
        self, database: Path, days: int, seed: int, remarks: Console, console: Console | None
    ) -> None:
        self.database, self.days, self.seed = database, days, seed
        self.remarks, self.console = remarks, console
        self.now = self.began = 0
        self.world = replace(_WORLD, seed=seed)

    def run(self) -> dict[str, Any]:
        """Run it all."""
        self._deploy_by_hand()
        better = self._nights()
        visitors = DemoVisitors(self.database, self.world, self.seed)
        self.now = self.began = visitors.began
        found: dict[str, Any] = {"days": self.days, "seed": self.seed, "tests": []}
        tests = {
            "tuned": (better, "the night's version"),
            "old-lists": (1, "an editor misses the old lists"),
            "same": (better, "the same version again, as a check (A/A)"),
        }
        with closing(DirectStore.open(self.database)) as store:
            salts = (f"month {self.seed} {n}" for n in count())
            manager = ABTestManager(store, self.database, lambda: self.now, lambda: next(salts))
            for name, (version, why) in tests.items():
                visitors.load(version)
                found["tests"].append(self._test(manager, visitors, name, version, why))
                if self._is_over:
                    break
            with connection(self.database) as conn:
                production = load_production(conn)
        found |= {
            "production": None if production is None else production.version,
            "true_clicks_per_list": visitors.true_rates(),
            "better": better,
            "worse": 1,
        }
        self._say_the_end(found)
        return found

    def _deploy_by_hand(self) -> None:
        self._say(
            f"Day 0. A demo world of {self.world.users:,} users; popular movies first, by hand."
        )
        with connection(self.database, create=True) as conn:
            with progress_bar(remark_console(quiet=True), "") as bar:
                import_demo(conn, self.world, bar)
            request = RetrainingRequest(
                study=StudyConfig(),
                hyperparameters=HandWeighted.space.defaults() | _POPULAR_FIRST,
                accuracy_threshold=0.0,
                reason="popular movies first",
            )
            retrain(conn, load_dataset(conn), request)

    def _nights(self) -> int:
        """Run nights until one promotes; return its version, which is then only a challenger."""
        for night in range(1, _MAX_NIGHTS + 1):
            arguments = ["--db", str(self.database), "--configs", "24", "--quiet", "--json"]
            arguments += ["--seed", str(night), "--retune", "always", "--keep-backups", "0"]
            _quietly(lambda: nightly.main(arguments, standalone_mode=False))  # noqa: B023
            with connection(self.database) as conn:
                production = load_production(conn)
                assert production is not None
                if production.version == 1:
                    self._say(f"Night {night}. 24 candidates; the gate lets none into production.")
                    continue
                rollback(conn, 1, reason="first a test on live users")
            self._say(
                f"Night {night}. Of 24 candidates the gate promotes version {production.version}."
                " Version 1 is put back:\nlive users are to say whether it is better."
            )
            return production.version
        raise InputError(f"no night of {_MAX_NIGHTS} promoted a version: take another --seed")

    def _test(
        self, manager: ABTestManager, visitors: DemoVisitors, name: str, version: int, why: str
    ) -> dict[str, Any]:
        with connection(self.database) as conn:
            production = load_production(conn)
        assert production is not None
        settings = ABSettings(
            name=name,
            champion=production.version,
            challengers=(version,),
            window_hours=0.0,
            expected_users=self.world.users,
            auto_promote=True,
        )
        manager.create(settings)
        test = manager.act(name, "start", Caller(actor="simulation"))
        self._say(
            f"\n{self._day()}. Test {name!r}: champion version {settings.champion},"
            f" challenger version {version} ({why})."
        )
        self._show_traffic(manager, settings)
        alarms: list[str] = []
        while test.state == "running" and not self._is_over:
            self.now += _HOUR
            with closing(manager.store.reader()) as conn:
                live = load_live_tests(conn)
            events = visitors.hour(live, self.now)
            manager.store.write(lambda conn: save_serving_events(conn, events))  # noqa: B023
            for report in watch_once(manager):
                alarms += report.alarms
                if report.action:
                    self._say(f"{self._day()}. {report.action}")
            test = _test_of(manager, name)
        self._show(manager, test)
        return self._document(manager, test, alarms)

    def _show_traffic(self, manager: ABTestManager, settings: ABSettings) -> None:
        if self.console is None:
            return
        with connection(self.database) as conn, closing(manager.store.reader()) as store:
            traffic = site_traffic(store, conn, settings.primary, self.now)
        effects = effects_before(settings, traffic, settings.alpha)
        print_detectable(self.console, effects, traffic.source)

    def _show(self, manager: ABTestManager, test: ABTest) -> None:
        if self.console is None:
            return
        with closing(manager.store.reader()) as conn:
            path = load_path(conn, test)
        self.console.print()
        print_path(self.console, test, path, "challenger-1")
        lines = [comparison_line(path[-1].comparisons[0]), *warnings_of(path[-1])]
        lines.append(f"the test is {shown_state(test.state)}")
        for line in lines:
            self.console.print(Text(line))

    def _document(self, manager: ABTestManager, test: ABTest, alarms: list[str]) -> dict[str, Any]:
        with closing(manager.store.reader()) as conn:
            last = load_path(conn, test)[-1]
        return ab_document(test) | {
            "hours": last.hours,
            "results": last.as_json(),
            "alarms": alarms,
        }

    def _say_the_end(self, found: dict[str, Any]) -> None:
        rates = found["true_clicks_per_list"]
        self._say(
            f"\n{self._day()}. Version {found['production']} is in production. True clicks per list"
            " of all users, which\nno test has seen: "
            + ", ".join(f"version {number} {rate:.3f}" for number, rate in rates.items())
            + "."
        )

    @property
    def _is_over(self) -> bool:
        return self.now >= self.began + self.days * 24 * _HOUR

    def _day(self) -> str:
        return f"Day {(self.now - self.began) / 86_400:.1f}"

    def _say(self, text: str) -> None:
        if self.console is not None:
            self.console.print(Text(text))


def _test_of(manager: ABTestManager, name: str) -> ABTest:
    with closing(manager.store.reader()) as conn:
        return load_ab_test(conn, name)


def _quietly(run: Callable[[], object]) -> None:
    """Run a command whose output nobody reads."""
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            run()
        except SystemExit as end:
            if end.code not in (0, 3, None):
                raise
