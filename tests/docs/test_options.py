"""The guide names every option there is, and no other."""

import re

import click
import pytest

from reeltune.commands import retrain as retrain_model
from reeltune.commands import tune as tune_orchestrator
from reeltune.commands import versions as model_versioning
from reeltune.commands.ab_tests import ab_tests
from reeltune.commands.candidates import candidates
from reeltune.commands.database import db as database
from reeltune.commands.erase import erase
from reeltune.commands.export_lists import export_lists
from reeltune.commands.export_runs import export
from reeltune.commands.imports import importers
from reeltune.commands.init import init
from reeltune.commands.nightly import nightly
from reeltune.commands.predict_ratings import predict_ratings
from reeltune.commands.recommend import recommend, similar
from reeltune.commands.report import report
from reeltune.commands.runs import runs
from reeltune.commands.schedule import schedule
from reeltune.commands.serve import serve
from reeltune.commands.tracking import tracking
from reeltune.commands.warm_starts import warm_starts
from reeltune.commands.withdraw import withdraw
from tests.docs.pages import GUIDE

COMMANDS: dict[str, click.Command] = {
    "reeltune init": init,
    "reeltune import": importers,
    "reeltune nightly": nightly,
    "reeltune schedule": schedule,
    "reeltune serve": serve,
    "reeltune ab-tests": ab_tests,
    "reeltune runs": runs,
    "reeltune candidates": candidates,
    "reeltune report": report,
    "reeltune export": export,
    "reeltune tracking": tracking,
    "reeltune warm-starts": warm_starts,
    "reeltune predict-ratings": predict_ratings,
    "tune_orchestrator.py": tune_orchestrator.main,
    "retrain_model.py": retrain_model.main,
    "model_versioning.py": model_versioning.model_versioning,
    "reeltune recommend": recommend,
    "reeltune similar": similar,
    "reeltune export-lists": export_lists,
    "db": database,
    "reeltune erase": erase,
    "reeltune withdraw": withdraw,
}


OF_EVERY_PROGRAM = {"--version"}  # named once, in the table of shared options


def section(title: str) -> str:
    """The text under a heading of the third level, up to the next heading."""
    text = GUIDE.read_text(encoding="utf-8")
    found = re.search(rf"^### {re.escape(title)}\n(.*?)(?=^##)", text, re.M | re.S)
    assert found is not None, f"the guide has no section '### {title}'"
    return found[1]


def options(command: click.Command) -> set[str]:
    """The names of a command's options, those of its subcommands too."""
    found = {
        name
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in (*parameter.opts, *parameter.secondary_opts)
        if name.startswith("--") and name not in OF_EVERY_PROGRAM
    }
    if isinstance(command, click.Group):
        for part in command.commands.values():
            found |= options(part)
    return found


def named_options(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", text))


@pytest.mark.parametrize("name", COMMANDS)
def test_the_guide_names_every_option(name: str) -> None:
    assert options(COMMANDS[name]) - named_options(section(name)) == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_guide_names_no_option_that_there_is_not(name: str) -> None:
    everywhere = {option for command in COMMANDS.values() for option in options(command)}
    assert named_options(section(name)) - everywhere == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_guide_names_every_subcommand(name: str) -> None:
    command = COMMANDS[name]
    parts = command.commands if isinstance(command, click.Group) else {}
    for part in parts:
        assert re.search(rf"`[^`]*\b{part}\b[^`]*`", section(name)), part


def test_the_guide_names_what_every_program_has() -> None:
    shared = (
        GUIDE.read_text(encoding="utf-8").partition("\n## Commands\n")[2].partition("\n### ")[0]
    )
    assert named_options(shared) >= OF_EVERY_PROGRAM | {"--help"}


def test_commands_have_options_at_all() -> None:
    assert all("--db" in options(command) for command in COMMANDS.values())
