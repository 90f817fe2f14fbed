import io
import re

import numpy as np
import pytest
from rich.console import Console

from reeltune.db.connection import Connection, transaction
from reeltune.db.experiments import save_guardrails
from reeltune.domain.guardrail_figure import GuardrailFigure
from reeltune.reports.tuning_tables import render_found, render_next
from reeltune.tasks.registry import subject_of
from reeltune.views.summary import summarise
from tests.views.stored_runs import StoredRun

HOSTILE = "KeyError: [bold]not bold[/bold] [/] \x1b[31mred\nnext line \\"


def rendered(
    conn: Connection, *, width: int = 120, terminal: bool = False, encoding: str = "utf-8"
) -> str:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
    console = Console(file=file, width=width, force_terminal=terminal, highlight=False)
    found = summarise(conn, subject_of=subject_of)
    render_found(console, found)
    render_next(console, found)
    file.seek(0)
    return file.read()


@pytest.fixture
def tuned(conn: Connection) -> Connection:
    rng = np.random.default_rng(1)
    users = rng.random(570)
    with transaction(conn):
        run = StoredRun(conn, "bayesian_20261120_210000")
        run.completed(0.6, users)
        for k in range(12):
            run.completed(0.59 + k / 200, users + 0.03 + 0.05 * rng.standard_normal(570))
        run.failed(HOSTILE)
        planned = StoredRun(conn, "random_20261120_220000", "planned", stop_reason=None)
        for _ in range(12):
            planned.pending()
    return conn


def test_an_empty_database_gets_two_lines_and_a_command(conn: Connection) -> None:
    assert rendered(conn).splitlines() == [
        "No experiment has been completed yet.",
        "Next: reeltune tune --method bayesian --configs 20",
    ]


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_wider_than_the_console(tuned: Connection, width: int) -> None:
    lines = rendered(tuned, width=width).splitlines()
    assert max(len(line) for line in lines[:-1]) <= width  # the last is the command to copy


def test_each_configuration_has_one_line_at_80_columns(tuned: Connection) -> None:
    lines = rendered(tuned, width=80).splitlines()
    first = lines.index("Best configurations") + 3
    ids = [line.split()[1] for line in lines[first : first + 10]]
    assert ids == [f"bayesian_20261120_210000_{n:03}" for n in [12, 11, 10, 9, 8, 7, 6, 5, 4, 0]]
    assert "bayesian_20261120_210000_000: the deployed configuration" in lines


def test_the_interval_and_the_verdict_are_in_words(tuned: Connection) -> None:
    text = rendered(tuned, width=80)
    assert re.search(r"Accuracy \+0\.0[23]\d\d, 95 % confidence interval \+0\.\d{4} to", text)
    assert "over 570 users" in text
    assert "Better beyond noise" in text
    assert "picked out of 12 candidates" in text


def test_hostile_text_in_an_error_is_shown_as_it_is(tuned: Connection) -> None:
    text = rendered(tuned, terminal=False)
    assert r"KeyError: [bold]not bold[/bold] [/] \x1b[31mred next line " in text
    assert "\x1b" not in text
    assert r"\x1b[31mred" in rendered(tuned, terminal=True)


def test_a_terminal_gets_colour_and_a_pipe_none(tuned: Connection) -> None:
    assert "\x1b[" in rendered(tuned, terminal=True)
    assert "\x1b" not in rendered(tuned, terminal=False)


def test_a_console_that_knows_ascii_only_gets_ascii_only(tuned: Connection) -> None:
    text = rendered(tuned, encoding="ascii")
    assert text.isascii()
    assert "Best so far" in text


def test_the_next_command_is_on_one_line_however_narrow_the_console(tuned: Connection) -> None:
    last = rendered(tuned, width=40).splitlines()[-1]
    assert last.startswith("Next: reeltune retrain --apply-hp bayesian_20261120_210000_012")


def test_only_the_latest_runs_are_shown_and_the_others_counted(conn: Connection) -> None:
    for k in range(13):
        StoredRun(conn, f"random_{k:02d}").completed(0.6)
    text = rendered(conn)
    assert "random_02 " not in text
    assert "random_03 " in text
    assert "3 earlier ones are not shown" in text


@pytest.mark.parametrize("width", [80, 120])
def test_where_guardrails_keep_all_gains_out_a_front_shows_what_each_costs(
    conn: Connection, width: int
) -> None:
    with transaction(conn):
        run = StoredRun(conn)
        ids = [run.completed(value) for value in (0.6, 0.7, 0.65, 0.5)]
        for id_, coverage in zip(ids, (0.4, 0.1, 0.15, 0.3), strict=True):
            figure = GuardrailFigure(
                figure=coverage, error=None, bound=0.2, constraint=0.2 - coverage
            )
            save_guardrails(conn, id_, {"coverage@10": figure})
    text = rendered(conn, width=width)
    assert max(len(line) for line in text.splitlines()[:-1]) <= width
    assert "the 2 that are better violate one, mostly coverage@10" in " ".join(text.split())
    assert "2 candidates violate a guardrail: listed last, and never the best" in text
    front = text[text.index("Trade-off: Accuracy against coverage@10") :].splitlines()[3:6]
    assert [line.split() for line in front] == [
        ["1", "0.7000", "+0.1000", "0.1000", "violated"],
        ["2", "0.6500", "+0.0500", "0.1500", "violated"],
        ["0", "0.6000", "0.0000", "0.4000", "(deployed)"],
    ]
    assert "coverage@10 may be 0.2000 at worst" in text
