"""The commands of A/B tests, as users run them."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from reeltune.commands.ab_test_picture import PictureRow, interval_picture, thinned_rows
from reeltune.commands.main import main
from reeltune.db.connection import connection
from reeltune.db.versions import load_production
from tests.serving.conftest import served_world, two_versions

__all__ = ["served_world", "two_versions"]


def reeltune(*words: str, db: Path | None = None, expect: int = 0) -> Result:
    where = [] if db is None else ["--db", str(db)]
    done = CliRunner(env={"COLUMNS": "80"}).invoke(main, ["ab-tests", *words, *where])
    assert done.exit_code == expect, done.output + done.stderr
    return done


def answer(*words: str, db: Path) -> Any:
    return json.loads(reeltune(*words, "--json", db=db).stdout)


def test_a_draft_says_what_the_traffic_can_show(served_world: Path) -> None:
    text = reeltune("create", "trial", "--challenger", "1", db=served_world).output
    assert "A/B test trial is a draft" in text
    assert "a rate of 10.0% is assumed" in text
    known = ("--users-per-day", "500", "--rate", "0.2")
    found = answer("create", "other", "--challenger", "1", *known, db=served_world)
    effects = found["detectable"]
    assert effects["a week"] > effects["a month"] > 0
    assert found["settings"]["champion"] == 2
    assert found["settings"]["expected_users"] == 15_000


def test_more_users_show_smaller_changes(served_world: Path) -> None:
    def effect(name: str, users: str) -> float:
        words = ("create", name, "--challenger", "1", "--users-per-day", users, "--rate", "0.1")
        return float(answer(*words, db=served_world)["detectable"]["a week"])

    assert effect("few", "100") > 2 * effect("many", "1000")


def test_a_test_runs_and_ends(served_world: Path) -> None:
    reeltune("create", "trial", "--challenger", "1", "--no-cuped", db=served_world)
    assert "is running" in reeltune("start", "trial", db=served_world).output
    assert answer("list", db=served_world)[0]["state"] == "running"
    assert "cannot tell" not in reeltune("watch", db=served_world).output
    text = reeltune("show", "trial", db=served_world).output
    assert "trial: running" in text
    assert max(map(len, text.splitlines())) <= 80
    assert reeltune("export", "trial", db=served_world).output.startswith("at,phase,arm")
    assert reeltune("promote", "trial", db=served_world, expect=3).stderr.startswith("error:")
    assert "is rolled back" in reeltune("rollback", "trial", db=served_world).output
    assert "no A/B test is running" in reeltune("watch", db=served_world).output


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["create", "x", "--challenger", "1", "--share", "2"], 1, "0 < share <= max_share <= 1"),
        (["create", "x y", "--challenger", "1"], 1, "name must be"),
        (["create", "x", "--challenger", "1", "--weights", "a"], 2, "numbers with commas"),
        (["create", "x", "--challenger", "1", "--guardrail", "clicks=x"], 2, "METRIC=MARGIN"),
        (["create", "x", "--challenger", "1", "--guardrail", "sales"], 1, "a guardrail is one of"),
        (["start", "none"], 1, "there is no A/B test 'none'"),
        (["export", "none"], 1, "there is no A/B test 'none'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    served_world: Path, words: list[str], status: int, message: str
) -> None:
    error = reeltune(*words, db=served_world, expect=status).stderr
    assert message in error
    assert status == 2 or error.count("\n") == 1


def test_a_test_is_of_a_database_that_is_there(tmp_path: Path) -> None:
    done = reeltune("list", db=tmp_path / "none.db", expect=1)
    assert "no database" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_interval_is_drawn_on_a_common_scale() -> None:
    rows = [PictureRow("1 d", -0.5, 0.1, 0.7), PictureRow("2 d", 0.0001, 0.1, 0.2, "better")]
    axis, first, last = interval_picture(rows, width=60)
    assert axis.split() == ["-20.0%", "0", "+20.0%"]
    assert "<" in first
    assert first.endswith(">")
    assert "|" in last  # 0 is left out
    assert last.index("|") < last.index("o")
    assert last.endswith("better")
    assert len(thinned_rows(rows * 50, 10)) == 10


@pytest.mark.slow
def test_a_simulated_month_promotes_the_better_and_rolls_back_the_worse(tmp_path: Path) -> None:
    words = ("simulate", "--days", "8", "--seed", "1", "--directory", str(tmp_path), "--json")
    found = json.loads(reeltune(*words).stdout)
    rates = {int(number): rate for number, rate in found["true_clicks_per_list"].items()}
    assert rates[found["better"]] > rates[found["worse"]]
    states = {test["name"]: test["state"] for test in found["tests"]}
    assert (states["tuned"], states["old-lists"]) == ("promoted", "rolled_back")
    assert found["production"] == found["better"]
    with connection(tmp_path / "movies.db") as conn:
        production = load_production(conn)
    assert production is not None
    assert production.version == found["better"]
