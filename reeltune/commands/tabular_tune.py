"""Command: tabular tune. Finds a model of a table, and packages it."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from reeltune.cli.command import Command, option
from reeltune.cli.console import print_json, remark_console, result_console
from reeltune.cli.durations import Seconds
from reeltune.cli.options import (
    RESOURCES,
    RESULT,
    argument,
    option_format,
    option_json,
    option_quiet,
    option_wait,
)
from reeltune.commands.tabular_options import analyzer_of, option_tables_db, reading_options
from reeltune.db.connection import connection
from reeltune.domain.errors import InputError
from reeltune.reports.tabular_tables import print_found, print_task
from reeltune.search import STRATEGIES
from reeltune.storage.run_lock import run_lock
from reeltune.table_models.families import load_libraries
from reeltune.table_models.package import save_package
from reeltune.tabular.analyzer import DatasetAnalyzer
from reeltune.tasks.tabular import TabularTask
from reeltune.tasks.tabular_source import TabularSource
from reeltune.tracking.progress import watcher
from reeltune.tuning.plan import Plan
from reeltune.tuning.stopping import StopRules
from reeltune.tuning.tabular import TabularTuning
from reeltune.tuning.tabular_budget import Budget

SEARCH_TOPIC = "Search"
DEFAULT_CONFIGS_OF_TABLES = 30
_MAX_CONFIGS_IN_BUDGET = 1_000
_MAX_STARTING_SECONDS = 3.0  # of a program: what it used before, it used for something else


@click.command(
    cls=Command,
    examples=(
        "cars.csv --target price_eur --budget 60s",
        "audit.csv --target fraud --configs 20",
        "cars.csv --configs 20 --resume --out cars.zip",
    ),
)
@argument("source", "File, archive or database.", type=click.Path(path_type=Path))
@reading_options
@option(
    SEARCH_TOPIC,
    "--budget",
    type=Seconds(),
    metavar="TIME",
    help="For all of it, like 60s or 2m.",
)
@option(
    SEARCH_TOPIC,
    "--configs",
    type=click.IntRange(1),
    metavar="N",
    help=f"Configurations to try.  [default: {DEFAULT_CONFIGS_OF_TABLES}]",
)
@option(SEARCH_TOPIC, "--metric", metavar="NAME", help="What is to be best.  [default: by target]")
@option(
    SEARCH_TOPIC,
    "--method",
    type=click.Choice(list(STRATEGIES)),
    default="tpe",
    show_default=True,
    metavar="NAME",
    help="How candidates are proposed.",
)
@option(
    SEARCH_TOPIC, "--seed", type=int, metavar="N", help="Of the search.  [default: runs so far]"
)
@option(SEARCH_TOPIC, "--no-racing", is_flag=True, help="Fit every configuration on all folds.")
@option(SEARCH_TOPIC, "--no-test", is_flag=True, help="Keep no rows for a test at the end.")
@option(SEARCH_TOPIC, "--resume", is_flag=True, help="Go on with the run that was interrupted.")
@option(
    RESOURCES,
    "--jobs",
    type=click.IntRange(1, 256),
    default=1,
    metavar="N",
    help="Processes.  [default: 1]",
)
@option_wait
@option(
    RESULT,
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default="model.zip",
    show_default=True,
    metavar="FILE",
    help="The package.",
)
@option(
    RESULT,
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Report.  [default: report.json beside it]",
)
@option_tables_db
@option_json
@option_format
@option_quiet
def tune(source: Path, out: Path, report: Path | None, **given: Any) -> None:
    """Find a model of a table, and write it as a package.

    Tries a tuned default, a linear model and others that are good on many tables, then searches
    over all families; blends the best, measures the blend once on rows kept for that, and fits it
    again on all rows. Kinds of columns, target, folds and metric are chosen by the data, and said.
    """
    budget = Budget(given["budget"], spent=min(_MAX_STARTING_SECONDS, time.process_time()))
    check_writable(out)
    task = task_of(source, given, budget)
    load_libraries(task.target.prediction)
    quiet = given["quiet"] or given["as_json"]
    if not quiet:
        print_task(remark_console(), task.table, task.target, task.folds.describe())
    with run_lock(given["db_path"], given["wait"]), _connected(given) as conn:
        tuning = TabularTuning(
            conn,
            task,
            metric=given["metric"],
            seed=given["seed"],
            jobs=given["jobs"],
            watch=watcher(remark_console(), quiet=quiet),
        )
        found = (
            tuning.resume(budget) if given["resume"] else tuning.run(_plan(given, budget), budget)
        )
    document = {"table": task.table.name, "folds": task.folds.describe(), **found.as_dict()}
    size = save_package(out, found.model, _reproducible(document))
    target = report or out.with_name("report.json")
    _write(target, document | {"package": str(out), "package_bytes": size})
    if given["as_json"]:
        print_json(document | {"package": str(out), "package_bytes": size})
    else:
        print_found(result_console(), document, out, size)


@contextmanager
def _connected(given: dict[str, Any]) -> Iterator[Any]:
    with connection(given["db_path"], create=True, wait_seconds=given["wait"]) as conn:
        yield conn


def task_of(source: Path, given: dict[str, Any], budget: Budget) -> TabularTask:
    """Return the task that the options describe, with its table read.

    Raises:
        InputError: the table cannot be read, or there is nothing to predict.
        NotFoundError: it is not there.
    """
    analyzer: DatasetAnalyzer = analyzer_of(source, given)
    table, target = analyzer.split()
    read = ("table", "separator", "encoding", "decimal")
    described = TabularSource(
        path=source.resolve(),
        target=target.name,
        prediction=target.prediction,
        read={name: given[name] for name in read if given[name] is not None},
        header=given["header"],
        kinds=given["kinds"],
        has_test=not given["no_test"],
        seconds=budget.fit_seconds,
    )
    return TabularTask.from_table(described, table, target)


def _plan(given: dict[str, Any], budget: Budget) -> Plan:
    """Return the plan of the search: so many configurations, or as many as there is time for."""
    pruner = None if given["no_racing"] else "paired"
    n_configs = given["configs"]
    if budget.seconds is None:
        n = n_configs or DEFAULT_CONFIGS_OF_TABLES
        return Plan(method=given["method"], n_configs=n, pruner=pruner)
    if budget.is_tiny:
        return Plan(method=given["method"], n_configs=1)
    return Plan(
        method=given["method"],
        n_configs=n_configs or _MAX_CONFIGS_IN_BUDGET,
        stop=StopRules(timeout_seconds=budget.search_seconds),
        pruner=pruner,
    )


def check_writable(path: Path) -> None:
    """Refuse a place that a package cannot be written to, before anything is done.

    Raises:
        InputError: its directory is not there.
    """
    if not path.absolute().parent.is_dir():
        raise InputError(f"{str(path)!r} cannot be written: make its directory first")


def _reproducible(document: dict[str, Any]) -> dict[str, Any]:
    """Return a report without what differs from one run to the next: times, and names of runs."""
    changing = ("hpo_duration_seconds", "hpo_study_name", "stop_reason")
    return {name: value for name, value in document.items() if name not in changing}


def _write(path: Path, document: dict[str, Any]) -> None:
    try:
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
        path.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be written: {error.strerror}") from error
