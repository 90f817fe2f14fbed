"""Commands: tabular predict and explain. Apply a package, and say what is in it."""

from pathlib import Path
from typing import Any

import click

from reeltune.cli.command import Command, option
from reeltune.cli.console import print_json, remark_console, result_console
from reeltune.cli.options import argument, option_format, option_json, option_quiet
from reeltune.commands.tabular_options import DATA, format_options
from reeltune.reports.explanation_tables import print_explanation
from reeltune.table_models.explaining import explanation_of
from reeltune.table_models.package import load_package
from reeltune.table_models.predicting import predict_rows
from reeltune.tabular.reading import ReadOptions


@click.command(
    cls=Command,
    examples=(
        "model.zip rows.csv",
        "model.zip rows.parquet --json",
        "model.zip app.db --table cars --out p.csv",
    ),
)
@argument("package", "Package that `tune` wrote.", type=click.Path(path_type=Path))
@argument("source", "Rows to predict.", type=click.Path(path_type=Path))
@option(
    DATA,
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default="predictions.csv",
    show_default=True,
    metavar="FILE",
    help="Written CSV.",
)
@format_options
@option_json
@option_quiet
def predict(
    package: Path, source: Path, out: Path, as_json: bool, quiet: bool, **given: Any
) -> None:
    """Predict rows by a package, one line of output for each.

    Columns may come in any order, with others among them. A level that was not there in the fit is
    a missing value, and counted in unknown_levels. No library of models is needed.
    """
    model, _ = load_package(package)
    found = predict_rows(model, source, ReadOptions(**given))
    found.write(out)
    n, n_unknown = len(found.values), int((found.n_unknown > 0).sum())
    if as_json:
        print_json({"file": str(out), "rows": n, "rows_with_unknown_levels": n_unknown})
        return
    result_console().print(f"{out}: {n:,} predictions of {model.target}", markup=False)
    if n_unknown:
        remark = f"{n_unknown:,} rows have levels that were not there in the fit"
        remark_console(quiet=quiet).print(remark, markup=False)


@click.command(cls=Command, examples=("model.zip", "model.zip --json", "cars.zip --rows cars.csv"))
@argument("package", "Package that `tune` wrote.", type=click.Path(path_type=Path))
@option(
    DATA,
    "--rows",
    "source",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Rows with the target: what each column is worth.",
)
@format_options
@option_json
@option_format
def explain(package: Path, source: Path | None, as_json: bool, **given: Any) -> None:
    """Say what is in a package, and what each column is worth to it.

    With --rows, each column is shuffled among these rows: the loss that this costs is what the
    column is worth. Without, columns are ranked by how much of the model reads them.
    """
    model, report = load_package(package)
    found = explanation_of(model, report, source, ReadOptions(**given))
    if as_json:
        print_json(found.as_dict())
    else:
        print_explanation(result_console(), found)
