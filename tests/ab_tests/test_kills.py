"""What is acknowledged is there after a kill, and nothing is half done."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reeltune.ab_tests.totals import summed_metrics, sums_of
from reeltune.db.ab_activity import load_user_rows
from reeltune.db.ab_records import load_sums
from reeltune.db.ab_tests import load_ab_events, load_ab_tests
from reeltune.domain.ab_tests import UserTotals
from reeltune.stats.cluster_sums import ClusterSums
from tests.ab_tests.helpers import opened
from tests.running import ROOT, environment

WRITER = """
import sys
from pathlib import Path
from reeltune.ab_tests.live import load_live_tests
from reeltune.ab_tests.recording import record_exposures, record_outcomes
from reeltune.ab_tests.manager import ABTestManager
from reeltune.ab_tests.simulated_tests import start_simulated
from reeltune.ab_tests.stores import DirectStore
from tests.ab_tests.helpers import BEGAN, click, served, some_settings

folder, run = Path(sys.argv[1]), sys.argv[2]
store = DirectStore(folder / "movies.serving.db")
manager = ABTestManager(store, folder / "movies.db", lambda: BEGAN + 60)
for n in range(100_000):
    name = f"run-{run}-{n}"
    test = start_simulated(store.conn, some_settings(name=name, layer=name), name, BEGAN)
    live = load_live_tests(store.conn)
    lists = [served(f"u{i}", f"{name}-{i}", test=name) for i in range(20)]
    clicks = [click(f"u{i}", f"{name}-{i}", 5) for i in range(0, 20, 2)]
    store.write(lambda conn: record_exposures(conn, live, lists, BEGAN + 60))
    store.write(lambda conn: record_outcomes(conn, live, clicks, BEGAN + 60))
    print(f"counted {name}", flush=True)
    manager.act(name, "pause")
    manager.act(name, "stop")
    print(f"stopped {name}", flush=True)
"""


@pytest.mark.slow
def test_after_kills_all_that_was_acknowledged_is_there_and_sums_are_right(tmp_path: Path) -> None:
    acknowledged: list[tuple[str, str]] = []
    for run in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(run)],
            cwd=ROOT,
            env=environment() | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        for _ in range(5 + 3 * run):  # so many lines, then at whatever it is doing
            what, _, name = process.stdout.readline().strip().partition(" ")
            acknowledged.append((what, name))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    assert len(acknowledged) == 38
    with opened(tmp_path) as conn:
        tests = {test.name: test for test in load_ab_tests(conn)}
        for what, name in acknowledged:
            assert (
                sum(sums.y for sums in load_sums(conn, tests[name].test_id, 1, "clicks").values())
                == 10
            )
            assert what == "counted" or tests[name].state == "stopped"
        for test in tests.values():
            kinds = [event.kind for event in load_ab_events(conn, test.test_id)]
            assert kinds == ["started", "paused", "stopped"][: len(kinds)]
            for metric in summed_metrics(test):
                again: dict[int, ClusterSums] = {}
                for row in load_user_rows(conn, test.test_id):
                    values = {key: row[key] for key in row.keys() - {"phase", "user"}}
                    each = UserTotals(**values)
                    again[each.arm] = again.get(each.arm, ClusterSums()) + sums_of(each, metric)
                assert load_sums(conn, test.test_id, 1, metric) == again
