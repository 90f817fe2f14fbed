"""Margins of guardrails, as people write them, from the command line and from the settings."""

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from reeltune.commands.guardrail_options import Margins
from reeltune.commands.main import main
from reeltune.db.connection import connection
from reeltune.db.tuning_runs import load_runs
from reeltune.gate.guardrails import margin_names, margins_text
from reeltune.tuning.plan import Plan


def margins(text: Any) -> dict[str, float]:
    return Margins().convert(text, None, None)


@pytest.mark.parametrize("name", margin_names())
@pytest.mark.parametrize(
    ("share", "value"),
    [("0", 0), ("30%", 0.3), (".25", 0.25), ("1", 1), ("100 %", 1), ("7.5%", 0.075)],
)
def test_a_margin_is_a_share_or_a_percentage(name: str, share: str, value: float) -> None:
    found = margins(f" {name} = {share} ")
    assert found == pytest.approx({name: value})
    assert margins(margins_text(found)) == pytest.approx(found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("coverage=0.3", "there is no guardrail 'coverage': accuracy, ndcg@10, coverage@10"),
        ("coverage@10", "is a share from 0 to 1, or 0% to 100%, got ''"),
        ("coverage@10=3", "got '3'"),
        ("coverage@10=-1%", "got '-1%'"),
        ("coverage@10=101%", "got '101%'"),
        ("coverage@10=nan", "got 'nan'"),
        ("segments=5%, segments=6%", "segments is given twice"),
    ],
)
def test_what_is_no_margin_is_named(text: str, said: str) -> None:
    with pytest.raises(click.BadParameter, match=r".") as found:
        margins(text)
    assert said in found.value.message


def test_nothing_given_is_no_margin() -> None:
    assert margins("") == margins(" , ") == margins({}) == {}


def test_a_run_keeps_the_margins_of_the_settings_file(world: Path) -> None:
    world.with_suffix(".toml").write_text('gate.guardrails = "coverage@10=100%, segments=0"\n')
    ran = CliRunner().invoke(
        main, ["tune", "--method", "random", "--configs", "2", "--db", str(world), "--jobs", "1"]
    )
    assert ran.exit_code == 0, ran.output
    with connection(world) as conn:
        (run,) = load_runs(conn)
        assert Plan.of(run).margins == {"coverage@10": 1.0, "segments": 0.0}
        stored = conn.execute(
            "SELECT guardrails -> '$.\"coverage@10\".bound' FROM hp_experiments"
        ).fetchall()
    assert {row[0] for row in stored} == {"0.0"}
