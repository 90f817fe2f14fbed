"""The line of cron and the units of systemd run what they say, whatever the path."""

import configparser
import subprocess
from pathlib import Path

import pytest

from reeltune.commands.schedule import crontab_line
from tests.running import environment, run


def scheduled(*words: str | Path, expect: int = 0) -> str:
    done = run("-m", "reeltune", "schedule", *words, expect=expect)
    return done.stdout if expect == 0 else done.stderr


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database's path with what shells, cron and systemd take for their own."""
    (tmp_path / "a b%c$d").mkdir()
    path = tmp_path / "a b%c$d" / "it's.db"
    path.touch()
    return path


def test_the_line_of_cron_runs_the_night_and_mails_its_last_line(database: Path) -> None:
    line = scheduled("--db", database)
    minute, hour, *_, command = line.rstrip("\n").split(" ", 5)
    assert (minute, hour) == ("15", "3")
    shell = command.replace(r"\%", "%")  # as cron does
    done = subprocess.run(  # an empty file is no database: the night fails, and says so
        ["sh", "-c", shell], capture_output=True, text=True, env=environment(), cwd="/"
    )
    assert done.stdout.startswith("error: ")
    assert len(done.stdout.splitlines()) == 1
    assert done.stdout == (database.parent / "it's.log").read_text()


def test_the_settings_say_when(database: Path) -> None:
    database.with_suffix(".toml").write_text('[schedule]\nat = "23:05"\n')
    assert scheduled("--db", database).startswith("5 23 * * * ")
    assert scheduled("--db", database, "--at", "00:00").startswith("0 0 * * * ")
    database.with_suffix(".toml").write_text('[schedule]\nat = "24:00"\n')
    assert "line 2: schedule.at: must be a time of day" in scheduled("--db", database, expect=1)


def test_units_name_the_database_and_its_owner(database: Path, tmp_path: Path) -> None:
    scheduled("--db", database, "--at", "04:30", "--systemd", tmp_path / "units")
    service, timer = (
        configparser.RawConfigParser(strict=True, interpolation=None) for _ in range(2)
    )
    service.read(tmp_path / "units" / "reeltune-it-s.service")
    timer.read(tmp_path / "units" / "reeltune-it-s.timer")
    command = service["Service"]["ExecStart"]
    assert command.split(" ", 1)[1] == f'nightly --db "{tmp_path}/a b%%c$$d/it\'s.db"'
    assert service["Service"]["User"] == database.owner()
    assert timer["Timer"]["OnCalendar"] == "*-*-* 04:30:00"


def test_where_there_is_no_database_nothing_is_scheduled(tmp_path: Path) -> None:
    assert "no database" in scheduled("--db", tmp_path / "none.db", expect=1)
    (tmp_path / "file").touch()
    (tmp_path / "a.db").touch()
    words = ("--db", tmp_path / "a.db", "--systemd", tmp_path / "file" / "x")
    assert "cannot be written" in scheduled(*words, expect=1)


def test_a_simple_path_makes_a_simple_line() -> None:
    line = crontab_line(
        "04:05", ["/srv/reeltune", "nightly", "--db", "/srv/a.db"], Path("/srv/a.db")
    )
    assert line.startswith("5 4 * * * /srv/reeltune nightly --db /srv/a.db >> /srv/a.log 2>&1")
