"""Command: reeltune. Every command of the project, by name."""

import importlib
from typing import NamedTuple

import click

from reeltune.cli.command import Group
from reeltune.cli.options import option_version


class _Entry(NamedTuple):
    """Place of a command and its line in the help, so that help imports none of them."""

    module: str
    function: str
    help: str


COMMANDS = {
    "init": _Entry("init", "init", "Write a file of settings for a database, with comments."),
    "import": _Entry("imports", "importers", "Fill the database with movies and ratings."),
    "tune": _Entry("tune", "main", "Try configurations and show which is best."),
    "runs": _Entry("runs", "runs", "List, show, watch, resume, stop and compare tuning runs."),
    "predict-ratings": _Entry(
        "predict_ratings", "predict_ratings", "Measure the stars that models predict."
    ),
    "candidates": _Entry(
        "candidates", "candidates", "Propose candidates and store them for a later run to try."
    ),
    "warm-starts": _Entry(
        "warm_starts", "warm_starts", "Show what new runs may start from, and how often it helped."
    ),
    "retrain": _Entry(
        "retrain", "main", "Retrain with the deployed hyperparameters, gate and promote."
    ),
    "versions": _Entry(
        "versions", "model_versioning", "Show, promote and roll back versions of the model."
    ),
    "recommend": _Entry(
        "recommend", "recommend", "Recommend movies to a user, by the version in production."
    ),
    "similar": _Entry("recommend", "similar", "List the movies that have most in common with one."),
    "export-lists": _Entry(
        "export_lists", "export_lists", "Write the lists of all users who have ratings to one file."
    ),
    "nightly": _Entry(
        "nightly", "nightly", "Do all of a night: import, monitor, tune, deploy, back up."
    ),
    "serve": _Entry("serve", "serve", "Answer requests over HTTP by the version in production."),
    "schedule": _Entry(
        "schedule", "schedule", "Print the line of cron for a night, or write systemd units."
    ),
    "ab-tests": _Entry(
        "ab_tests", "ab_tests", "Test versions on live users, with results at any time."
    ),
    "tabular": _Entry(
        "tabular",
        "tabular",
        "Tune, package and apply models of tables.",
    ),
    "status": _Entry(
        "status", "status_command", "Check production and the last runs, for monitoring."
    ),
    "report": _Entry("report", "report", "Write a report of a run or version: one file to send."),
    "export": _Entry("export_runs", "export", "Write a run for other programs: Optuna, Parquet."),
    "tracking": _Entry(
        "tracking", "tracking", "Tell MLflow, OpenTelemetry or a file of what was done."
    ),
    "withdraw": _Entry(
        "withdraw", "withdraw", "Withdraw movies: no longer recommended, still learned from."
    ),
    "erase": _Entry("erase", "erase", "Erase users from the database, the models and the caches."),
    "db": _Entry("database", "db", "Back up, restore, check and repair the database."),
}


class _Commands(Group):
    """Group that imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order of a first walk."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name; None if there is none."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module = importlib.import_module(f"reeltune.commands.{entry.module}")
        command: click.Command = getattr(module, entry.function)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first of `args` names.

        Raises:
            NoSuchCommand: there is none; the message suggests similar names.
        """
        name = args[0]
        if name not in COMMANDS and not (name.startswith("-") or ctx.resilient_parsing):
            raise click.NoSuchCommand(name, possibilities=COMMANDS, ctx=ctx)
        return super().resolve_command(ctx, args)

    def summary(self, ctx: click.Context, name: str) -> str:
        """Return the line about one of the commands, without importing it."""
        return COMMANDS[name].help


@click.command(
    cls=_Commands,
    examples=("import demo", "tune --method bayesian --configs 20", "retrain --apply-hp best"),
)
@option_version
def main() -> None:
    """Retune and redeploy a recommender on one SQLite file, and prove that it is better."""
