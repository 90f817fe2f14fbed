"""Commands: tabular recommend and knowledge. What is tried first, and what earlier runs found."""

import csv
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from reeltune.cli.command import Command, option
from reeltune.cli.console import print_json, result_console
from reeltune.cli.options import argument, option_format, option_json
from reeltune.commands.tabular_options import DATA, option_tables_db, reading_options
from reeltune.commands.tabular_tune import task_of
from reeltune.db.connection import connection
from reeltune.db.warm_starts import load_warm_start_sources
from reeltune.domain.errors import InputError
from reeltune.domain.study import comparable_model
from reeltune.domain.warm_start import WarmStartSource
from reeltune.reports.prescription_tables import print_knowledge, print_prescription
from reeltune.tuning.tabular_budget import Budget
from reeltune.tuning.tabular_prescription import prescription_for
from reeltune.tuning.warm_start import is_reliable, success_rate


@click.command(
    cls=Command,
    examples=("cars.csv --target price_eur", "cars.csv --json", "cars.csv --db other.db"),
)
@argument("source", "File, archive or database.", type=click.Path(path_type=Path))
@reading_options
@option_tables_db
@option_json
@option_format
def recommend(source: Path, db_path: Path, as_json: bool, **given: Any) -> None:
    """Say what a search for a table begins with; nothing is fitted.

    The first trials are the same for all tables with such a target. What was best on similar
    tables, of those that the database knows, is tried after them.
    """
    task = task_of(source, {**given, "no_test": False}, Budget())
    with connection(db_path) if db_path.exists() else nullcontext() as conn:
        found = prescription_for(task, conn)
    if as_json:
        print_json(found.as_dict())
    else:
        print_prescription(result_console(), found)


@click.command(cls=Command, examples=("", "--json", "--csv knowledge.csv"))
@option(
    DATA,
    "--csv",
    "csv_path",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write all of it as CSV.",
)
@option_tables_db
@option_json
@option_format
def knowledge(csv_path: Path | None, db_path: Path, as_json: bool) -> None:
    """Show what earlier runs on tables found, and how often it helped."""
    with connection(db_path) as conn:
        sources = [each for each in load_warm_start_sources(conn) if _is_of_table(each)]
    records = [_record(each) for each in sources]
    if csv_path is not None:
        _write(csv_path, records)
    if as_json:
        print_json(records)
    else:
        print_knowledge(result_console(), records)


def _is_of_table(source: WarmStartSource) -> bool:
    return comparable_model(source.model) != source.model


def _record(source: WarmStartSource) -> dict[str, Any]:
    best = source.best[0] if source.best else None
    return {
        "tuning_run_id": source.tuning_run_id,
        "table": source.model.rpartition("?")[0],
        "target": comparable_model(source.model).removeprefix("table of "),
        "objective": source.objective,
        "gain": None if best is None else best.gain,
        "family": None if best is None else best.hyperparameters["family"],
        "n_used": source.n_used,
        "n_helped": source.n_helped,
        "success_rate": success_rate(source),
        "is_used": is_reliable(source),
        **source.profile,
    }


def _write(path: Path, records: Sequence[dict[str, Any]]) -> None:
    names = list(dict.fromkeys(name for record in records for name in record))
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, names, lineterminator="\n")
            writer.writeheader()
            writer.writerows(records)
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be written: {error.strerror}") from error
