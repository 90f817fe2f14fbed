"""What a command of the user's is told, and when."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from reeltune.cli.notify import notified_on_failure, notify_user
from reeltune.domain.errors import BusyError


def told(path: Path) -> Any:
    return json.loads(path.read_text())


@pytest.mark.parametrize("command", ["exit 9", "no-such-command-at-all", "exit 0 <&-", "\0"])
def test_a_notification_that_fails_changes_nothing(command: str) -> None:
    notify_user(command, {"command": "tune"})


def test_a_notification_that_hangs_is_stopped(capfd: pytest.CaptureFixture[str]) -> None:
    began = time.monotonic()
    notify_user("trap '' TERM; sleep 100 & sleep 100", {"said": "x" * 10**6}, seconds=0.5)
    assert time.monotonic() - began < 5
    assert "took longer than 0.5 s and was stopped" in capfd.readouterr().err


def test_hostile_text_reaches_the_command_as_data_only(tmp_path: Path) -> None:
    said = "'; touch evil; $(touch evil) `touch evil` \x1b[2J\u202e\n\"\0"
    notify_user(f"cat > {tmp_path}/message", {"said": said})
    assert told(tmp_path / "message") == {"said": said}
    assert [path.name for path in tmp_path.iterdir()] == ["message"]


def test_an_alarm_is_raised_only_if_something_is_wrong(tmp_path: Path) -> None:
    database, message = tmp_path / "movies.db", tmp_path / "message"
    notify = f"cat > {message}"
    with notified_on_failure("status", database, notify) as result:
        result |= {"said": "well"}
    assert not message.exists()
    late = notified_on_failure("status", database, notify)
    with pytest.raises(SystemExit), late as result:
        sys.exit(result.update(said="late") or 7)
    found = told(message)
    assert (found["exit_code"], found["said"], found["command"]) == (7, "late", "status")
    assert found["database"] == str(database)
    assert found["result"] == {"said": "late"}
    with pytest.raises(BusyError), notified_on_failure("monitor", database, notify):
        raise BusyError("held")
    assert (told(message)["exit_code"], told(message)["said"]) == (4, "held")
