"""How far production is behind, and how often running the gate refused, with exit statuses."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from reeltune.commands.main import main
from reeltune.commands.versions import model_versioning
from reeltune.db.command_runs import CommandRun, save_command_run
from reeltune.db.connection import Connection, connection
from reeltune.db.dataset import load_dataset
from reeltune.domain.clock import stamp
from reeltune.domain.study import StudyConfig
from reeltune.versioning.request import RetrainingRequest
from reeltune.versioning.retraining import retrain


def status(world: Path, *words: str, expect: int = 0) -> Any:
    options = ["status", "--db", str(world), "--json", *words]
    result = CliRunner().invoke(model_versioning, options)
    assert result.exit_code == expect, result.output
    return json.loads(result.stdout)


def night(conn: Connection, days_ahead: int, code: int = 0) -> None:
    """Record that a command began so many days from now, and how it ended."""
    moment = stamp(datetime.now(UTC) + timedelta(days=days_ahead, minutes=1))
    run = CommandRun(
        command="tune", started_at=moment, ended_at=stamp(), exit_code=code, said="done"
    )
    save_command_run(conn, run)


def rate(conn: Connection, moment: datetime) -> None:
    values = (int(moment.timestamp()),)
    conn.execute(
        "INSERT INTO ratings (user_id, movie_id, rating, rated_at) SELECT 999, movie_id,"
        " 4.0, ? FROM movies LIMIT 3",
        values,
    )


@pytest.fixture
def served(world: Path) -> Path:
    with connection(world) as conn:
        request = RetrainingRequest(study=StudyConfig(), accuracy_threshold=0.0)
        assert retrain(conn, load_dataset(conn), request).verdict == "promoted"
        night(conn, 0)
    return world


def test_where_no_rating_is_new_no_night_is_behind(served: Path) -> None:
    with connection(served) as conn:
        night(conn, 1)
    found = status(served)
    assert (found["ratings_behind"], found["nights_behind"]) == (0, 0)
    assert found["production_age_hours"] < 1


def test_nights_that_left_ratings_unseen_are_counted_and_end_with_9(served: Path) -> None:
    with connection(served) as conn:
        rate(conn, datetime.now(UTC) - timedelta(days=900))
        for day in (1, 1, 2, 3):  # two on one day are one
            night(conn, day, code=3)
    found = status(served, "--max-behind", "3", expect=9)
    assert (found["verdict"], found["ratings_behind"], found["nights_behind"]) == ("behind", 3, 4)
    assert status(served, "--max-behind", "4")["verdict"] == "healthy"


def test_nights_before_the_unseen_ratings_were_given_do_not_count(served: Path) -> None:
    with connection(served) as conn:
        for day in (-3, -2, -1):
            night(conn, day)
        rate(conn, datetime.now(UTC))
        conn.execute("UPDATE model_versions SET created_at = '2020-01-01T00:00:00Z'")
        night(conn, 1)
    assert status(served)["nights_behind"] == 2  # today's and tomorrow's


@pytest.mark.parametrize(("decision", "name"), [("nightly", "changes"), ("routine", "renewals")])
def test_refusals_in_a_row_end_with_10_until_one_is_not_refused(
    served: Path, decision: str, name: str
) -> None:
    with connection(served) as conn:
        judge(conn, decision, "promote", "refused", "refused")
    found = status(served, "--max-refusals", "2", expect=10)
    assert (found["verdict"], found[f"{name}_refused"]) == ("refused in a row", 2)
    assert status(served, "--max-refusals", "3")["verdict"] == "healthy"
    with connection(served) as conn:
        judge(conn, decision, "cannot tell")
    assert status(served, "--max-refusals", "1")[f"{name}_refused"] == 0


def judge(conn: Connection, decision: str, *verdicts: str) -> None:
    for verdict in verdicts:
        conn.execute(
            """
            INSERT INTO test_looks (looked_at, decision, model, split, objective, data_fingerprint,
                                    experiment_id, level, difference, p_value, verdict)
            SELECT looked_at, ?, model, split, objective, data_fingerprint, experiment_id, level,
                   difference, p_value, ? FROM test_looks LIMIT 1
            """,
            (decision, verdict),
        )


def test_what_is_damaged_comes_before_what_is_behind(served: Path) -> None:
    with connection(served) as conn:
        rate(conn, datetime.now(UTC) - timedelta(days=900))
        night(conn, 1)
        conn.execute("UPDATE model_versions SET artifact_sha256 = printf('%064d', 0)")
    assert status(served, "--max-behind", "0", expect=6)["nights_behind"] == 2


def test_the_error_budget_left_is_what_nightly_decisions_have_not_spent(served: Path) -> None:
    whole = status(served)["budget"]
    assert (whole["left"], whole["spent"], whole["n_looks"]) == (0.5, 0.0, 0)
    with connection(served) as conn:
        judge(conn, "nightly", "refused")
        conn.execute(
            """
            INSERT INTO test_looks (looked_at, decision, model, split, objective, data_fingerprint,
                                    experiment_id, level, difference, p_value, verdict)
            SELECT looked_at, decision, model, split, objective, data_fingerprint, experiment_id,
                   0.05, difference, p_value, verdict
              FROM test_looks WHERE decision = 'nightly'
            """
        )
    found = status(served)["budget"]
    assert (round(found["left"], 6), found["spent"], found["n_looks"]) == (0.45, 0.05, 1)
    assert found["level"] < whole["level"]


def test_people_are_told_what_monitoring_programs_are(served: Path) -> None:
    with connection(served) as conn:
        rate(conn, datetime.now(UTC) - timedelta(days=900))
    both = [
        CliRunner().invoke(command, words)
        for command, words in (
            (model_versioning, ["status", "--db", str(served)]),
            (main, ["status", "--db", str(served)]),
        )
    ]
    assert both[0].stdout == both[1].stdout
    rows = [" ".join(line.split()) for line in both[0].stdout.splitlines()]
    assert rows[0] == "healthy"
    assert any(row.startswith("in production version 1, fitted ") for row in rows)
    assert "behind 3 ratings, 1 nights" in rows
    assert "refused in a row 0 changes, 0 renewals" in rows
    assert rows[-1] == ("error budget 0.5 of 0.5 a year left, 0.05 for the next change")
    assert max(map(len, both[0].stdout.splitlines())) <= 80
