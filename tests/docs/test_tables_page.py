"""The page about tables names every option and command of `reeltune tabular`, and no other."""

import re

import click

from reeltune.commands.tabular import tabular
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "TABLES.md").read_text(encoding="utf-8")
OF_EVERY_COMMAND = {"--help", "--json", "--format", "--quiet", "--db"}


def commands() -> dict[str, click.Command]:
    assert isinstance(tabular, click.Group)
    context = click.Context(tabular)
    found = {name: tabular.get_command(context, name) for name in tabular.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


def options() -> set[str]:
    return {
        name
        for command in commands().values()
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in (*parameter.opts, *parameter.secondary_opts)
        if name.startswith("--")
    }


def test_the_page_names_every_option_and_no_other() -> None:
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", PAGE))
    assert options() - OF_EVERY_COMMAND - named == set()
    assert named - options() - OF_EVERY_COMMAND == set()


def test_the_page_names_every_command() -> None:
    assert len(commands()) == 7
    for name in commands():
        assert f"reeltune tabular {name}" in PAGE


def test_the_page_has_a_line_for_each_figure() -> None:
    from reeltune.tabular.dna import DataDna

    assert all(f"`{name}`" in PAGE for name in DataDna.__slots__)
