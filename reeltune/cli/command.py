"""Commands: help in named groups of options with examples at the end, expected errors in one line.

Every option's help takes one line of a terminal of 80 columns; a test holds all commands to that.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from reeltune.cli.console import FORMAT_KEY
from reeltune.cli.exits import expected_errors
from reeltune.cli.sources import explain, explaining_option, explains, setting_of, use_settings

OUTPUT = "Database and output"
MAX_WIDTH = 80  # columns of help, however wide the terminal is
MAX_UNGROUPED = 8  # options under one heading
_MAX_NAMES_WIDTH = 30  # columns of an option's names and its value

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class Option(click.Option):
    """Option with the heading that it stands under in the help, and the setting that sets it."""

    def __init__(
        self, *names: Any, topic: str = OUTPUT, setting: str | None = None, **settings: Any
    ) -> None:
        super().__init__(*names, **settings)
        self.topic = topic
        self.setting = setting

    def get_help_extra(self, ctx: click.Context) -> Any:
        """Return what is shown in brackets: the default, not the range, which errors state."""
        extra = super().get_help_extra(ctx)
        extra.pop("range", None)
        return extra


def option(topic: str, *names: str, **settings: Any) -> Decorator:
    """Return a decorator that adds an option under the heading `topic`."""
    return click.option(*names, cls=Option, topic=topic, **settings)


def options(*declared: Decorator) -> Decorator:
    """Return a decorator that adds options in the order given."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(declared):
            function = decorator(function)
        return function

    return add


class _Help(click.Command):
    """Help of a command or a group: options by topic, paragraphs with headings, examples."""

    def __init__(
        self,
        *args: Any,
        examples: Sequence[str] = (),
        paragraphs: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> None:
        """Create a command.

        Args:
            args: as click takes them.
            examples: command lines, without the name of the program.
            paragraphs: further text by heading, between options and examples.
            settings: as click takes them.
        """
        defaults = {"help_option_names": ["-h", "--help"], "max_content_width": MAX_WIDTH}
        settings["context_settings"] = defaults | (settings.get("context_settings") or {})
        super().__init__(*args, **settings)
        self.examples = tuple(examples)
        self.paragraphs = dict(paragraphs or {})

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the parameters; with options that a setting sets, how to have them explained."""
        found = super().get_params(ctx)
        if not any(setting_of(each) for each in self.params):
            return found
        return [*found[:-1], explaining_option(), found[-1]]  # help last

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse what was typed, over what the settings file of the database says.

        Raises:
            UsageError: --json and --format are both there.
        """
        with expected_errors():
            use_settings(self, ctx, args)
        rest = super().parse_args(ctx, args)
        if ctx.params.get("as_json") and FORMAT_KEY in ctx.meta:
            raise click.UsageError("--json prints no tables: give it or --format, not both", ctx)
        if explains(ctx):
            explain(ctx)
            ctx.exit()
        return rest

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options by topic."""
        write_options(self, ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the paragraphs and the examples."""
        for heading, text in self.paragraphs.items():
            with formatter.section(heading):
                formatter.write_text(text)
        if self.examples:
            with formatter.section("Examples"):
                for line in example_lines(ctx, self.examples):
                    formatter.write(f"{'':{formatter.current_indent}}{line}\n")


class Command(_Help):
    """Command whose expected errors are one line and an exit status."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command's function."""
        with expected_errors():
            return super().invoke(ctx)


class Group(_Help, click.Group):
    """Group of such commands."""

    command_class = Command

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options by topic, then the commands."""
        write_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, each with the first sentence of its help."""
        rows = [(name, self.summary(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse what comes before the command.

        Raises:
            UsageError: there is an option that only commands have; the message says so.
        """
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if error.possibilities or self.invoke_without_command:
                raise
            text = f"{error.message} Options come after the command."
            raise click.UsageError(text, ctx) from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which they were added."""
        return list(self.commands)

    def summary(self, ctx: click.Context, name: str) -> str:
        """Return the line about one of its commands."""
        command = self.get_command(ctx, name)
        assert command is not None
        return first_sentence(command.help or "")


class CommandGroup(Group):
    """Group that is a command itself where no other is named."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command's function."""
        with expected_errors():
            return super().invoke(ctx)


def write_options(
    command: click.Command, ctx: click.Context, formatter: click.HelpFormatter
) -> None:
    """Write the options of a command, under the heading of each topic if there are many."""
    by_topic: dict[str, list[tuple[str, str]]] = {}
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None and not isinstance(parameter, click.Argument):
            topic = parameter.topic if isinstance(parameter, Option) else OUTPUT
            by_topic.setdefault(topic, []).append(record)
    every = [record for records in by_topic.values() for record in records]
    if len(every) <= MAX_UNGROUPED:
        by_topic = {"Options": every}
    elif OUTPUT in by_topic:
        by_topic[OUTPUT] = by_topic.pop(OUTPUT)  # last
    width = min(max(len(names) for names, _ in every), _MAX_NAMES_WIDTH)
    for topic, records in by_topic.items():
        with formatter.section(topic):
            formatter.write_dl([(names.ljust(width), text) for names, text in records])


def example_lines(ctx: click.Context, examples: Sequence[str]) -> list[str]:
    """Return examples as they are typed, with the program as it was called."""
    program = ctx.command_path
    if program.partition(" ")[0].endswith(".py"):
        program = f"python {program}"
    return [f"{program} {example}".rstrip() for example in examples]


def first_sentence(text: str) -> str:
    """Return the first sentence of a help text, on one line.

    >>> first_sentence("Show runs.\\n\\nThe latest last.")
    'Show runs.'
    """
    paragraph = " ".join(text.strip().partition("\n\n")[0].split())
    head, stop, _ = paragraph.partition(". ")
    return head + stop.rstrip() if stop else paragraph
