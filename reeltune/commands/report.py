"""Command: report. Writes one file that shows a run, a version, nights, or several runs."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from reeltune.cli.command import Command, option
from reeltune.cli.options import option_db
from reeltune.db.connection import Connection, connection
from reeltune.db.versions import load_version
from reeltune.domain.clock import stamp
from reeltune.domain.errors import InputError, NotFoundError
from reeltune.domain.space import Space
from reeltune.domain.study import StudyConfig
from reeltune.gate.error_budget import budget_state
from reeltune.reports.comparison_page import comparison_page
from reeltune.reports.html_page import Page, render_page
from reeltune.reports.nights_page import nights_page
from reeltune.reports.notebook import render_notebook
from reeltune.reports.pdf import render_pdf
from reeltune.reports.run_page import run_page
from reeltune.reports.text_page import render_csv, render_markdown
from reeltune.reports.version_page import version_page
from reeltune.tasks.registry import space_of, subject_of
from reeltune.views.nights_report import report_nights
from reeltune.views.run_report import RunReport, Trace, report_run
from reeltune.views.runs_comparison import compare_runs
from reeltune.views.summary import summarise
from reeltune.views.version_report import report_version

FORMATS = ("html", "md", "csv", "json", "ipynb", "pdf")
TO_OUTPUT = ("md", "csv", "json")  # formats that are printed where no file is named
_VERSION = re.compile(r"v([1-9][0-9]{0,17})")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Report:
    """Report of whatever was asked for, before it is written."""

    name: str  # of its file, without an ending
    page: Callable[[], Page]
    record: Callable[[], dict[str, Any]]
    traces: tuple[Trace, ...] | None = None  # of a run: what CSV and a notebook hold


@click.command(
    "report",
    cls=Command,
    examples=(
        "",
        "bayesian_20260102_030405",
        "v2 --format pdf",
        "--nights 30",
        "--compare random_1 bayesian_2",
    ),
)
@click.argument(
    "subjects",
    nargs=-1,
    metavar="[RUN|VERSION]...",
    help="Run's id, or v3 of a version; default: the latest.",
)
@option(
    "Report",
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="html",
    show_default=True,
    metavar="NAME",
    help="html, md, csv, json, ipynb or pdf.",
)
@option(
    "Report",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="Write it here; - is standard output.",
)
@option("Report", "--nights", type=click.IntRange(1), metavar="DAYS", help="Of the last days.")
@option("Report", "--compare", "compares", is_flag=True, help="Put the runs side by side.")
@option_db
def report(
    subjects: tuple[str, ...],
    form: str,
    out: Path | None,
    nights: int | None,
    compares: bool,
    db_path: Path,
) -> None:
    """Write a report of a run or version: one file to send."""
    with connection(db_path) as conn:
        found = _found(conn, subjects, nights, compares)
    content = _rendered(found, form, db_path)
    if out is None and form not in TO_OUTPUT:
        out = Path(f"{found.name}.{form}")
    if out is None or str(out) == "-":
        click.echo(content, nl=False)
        return
    _write(out, content)
    click.echo(f"wrote {out} ({len(content) / 1000:,.0f} kB)", err=True)


def _found(
    conn: Connection, subjects: tuple[str, ...], nights: int | None, compares: bool
) -> _Report:
    """Return the report of what was asked for.

    Raises:
        InputError: it is not clear what is meant.
    """
    if nights is not None:
        if subjects or compares:
            raise InputError("--nights reports days: name no run or version beside it")
        found = report_nights(conn, nights, budget=budget_state(conn, stamp()).message)
        return _Report(
            name=f"nights-{found.until[:10]}",
            page=lambda: nights_page(found),
            record=found.as_dict,
        )
    if compares:
        compared = compare_runs(conn, subjects)
        return _Report(
            name="runs-compared",
            page=lambda: comparison_page(compared),
            record=compared.as_dict,
        )
    if len(subjects) > 1:
        raise InputError("one run or version is reported at a time: several need --compare")
    version = _VERSION.fullmatch(subjects[0]) if subjects else None
    return _of_version(conn, int(version[1])) if version else _of_run(conn, *subjects)


def _of_version(conn: Connection, number: int) -> _Report:
    model = load_version(conn, number).training.model
    try:
        space = space_of(StudyConfig(model=model))
    except InputError:  # a model of the user's that is gone by now
        space = Space(())
    budget = budget_state(conn, stamp()).message
    found = report_version(conn, number, space=space, budget=budget)
    return _Report(name=f"version-{number}", page=lambda: version_page(found), record=found.as_dict)


def _of_run(conn: Connection, run_id: str | None = None) -> _Report:
    """Return the report of a run; by default of the latest with results.

    Raises:
        NotFoundError: there is none with results.
    """
    if run_id is None:
        summary = summarise(conn, subject_of=subject_of)
        if summary.findings is None:
            raise NotFoundError(f"there is nothing to report yet: {summary.next_command}")
        run_id = summary.findings.run.tuning_run_id
    found = report_run(conn, run_id, subject_of=subject_of)
    if found is None:
        raise NotFoundError(f"no experiment of run {run_id} has been completed or failed yet")
    run: RunReport = found
    return _Report(name=run_id, page=lambda: run_page(run), record=run.as_dict, traces=run.traces)


def _rendered(found: _Report, form: str, db_path: Path) -> str | bytes:
    """Return the report in a format.

    Raises:
        InputError: it has none of that kind.
    """
    if form in ("csv", "ipynb") and found.traces is None:
        raise InputError(f"--format {form} is of a run: name one, or write html, md, json or pdf")
    if form == "json":
        return json.dumps(found.record(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if form == "csv":
        return render_csv(found.traces or ())
    page = found.page()
    if form == "md":
        return render_markdown(page)
    if form == "ipynb":
        return render_notebook(page, found.name, db_path.resolve())
    html = render_page(page)
    return render_pdf(html) if form == "pdf" else html


def _write(path: Path, content: str | bytes) -> None:
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content, encoding="utf-8", newline="\n")
