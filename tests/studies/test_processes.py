"""Studies are crash-exact: real processes share one, and some of them are killed."""

import json
import random
import signal
import subprocess
from pathlib import Path

import pytest

from reeltune import TrialStatus
from tests.running import ROOT, command, environment
from tests.studies.worker import opened


def worker(db: Path, client: str, n: int, pause: float = 0.0) -> subprocess.Popen[str]:
    """Start a client."""
    words = command("-m", "tests.studies.worker", db, client, str(n), str(pause))
    return subprocess.Popen(words, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True)


def finished(process: subprocess.Popen[str]) -> list[int]:
    """Wait for a client; the ids that it completed."""
    said, _ = process.communicate(timeout=300)
    return [int(line.split()[1]) for line in said.splitlines() if line.startswith("done")]


def test_processes_share_a_study_that_none_of_them_has_made_before(tmp_path: Path) -> None:
    db = tmp_path / "study.db"
    clients = [worker(db, f"client {n}", 6) for n in range(4)]
    done = [number for client in clients for number in finished(client)]
    assert all(client.returncode == 0 for client in clients)
    trials = opened(db).trials()
    assert sorted(done) == [trial.id for trial in trials] == list(range(1, 25))
    assert {trial.status for trial in trials} == {TrialStatus.COMPLETED}
    assert len({json.dumps(dict(trial.parameters)) for trial in trials}) == 24


@pytest.mark.slow
def test_no_trial_is_lost_and_none_is_told_twice_where_clients_are_killed(tmp_path: Path) -> None:
    db, rng = tmp_path / "study.db", random.Random(5)
    acknowledged: list[int] = []
    for _ in range(5):
        clients = [worker(db, f"client {n}", 1_000, 0.01) for n in range(3)]
        for client in clients:
            assert client.stdout is not None
            said = [client.stdout.readline() for _ in range(rng.randint(3, 8))]
            client.send_signal(signal.SIGKILL)
            rest, _ = client.communicate()
            lines = [*said, *rest.splitlines()]
            acknowledged += [int(x.split()[1]) for x in lines if x.startswith("done")]
    study = opened(db)
    trials = study.trials()
    assert [trial.id for trial in trials] == list(range(1, len(trials) + 1))
    completed = [trial.id for trial in trials if trial.status is TrialStatus.COMPLETED]
    assert len(set(acknowledged)) == len(acknowledged)
    assert set(acknowledged) <= set(completed)
    assert len(completed) - len(acknowledged) <= 15  # killed before they could say so
    assert len({json.dumps(dict(trial.parameters)) for trial in trials}) == len(trials)
    left = [trial for trial in trials if trial.status is TrialStatus.ACTIVE]
    assert len(left) <= 3
    for trial in left:  # each client takes up what it left
        assert trial.client_id is not None
        assert study.suggest(client_id=trial.client_id) == [trial]
