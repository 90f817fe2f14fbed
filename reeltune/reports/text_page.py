"""Reports as Markdown, and the experiments of a run as CSV."""

import csv
import io
from collections.abc import Mapping

from reeltune.reports.figure import DataTable
from reeltune.reports.html_page import Page, cell_text, column_decimals, number_columns
from reeltune.views.run_report import Trace

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would compute


def render_markdown(page: Page) -> str:
    """Return a page as Markdown: all its words, and its figures as tables."""
    parts = [render_heading(page)]
    for section in page.sections:
        parts.append(f"## {section.title}")
        for figure in section.figures:
            parts += [
                f"### {_plain(figure.title)}",
                _plain(figure.note),
                render_table(figure.table),
            ]
    if page.commands:
        parts += ["## Next", *(f"```sh\n{command}\n```" for command in page.commands)]
    parts.append(" · ".join(f"{name} `{value}`" for name, value in page.facts))
    return "\n\n".join(part for part in parts if part) + "\n"


def render_heading(page: Page) -> str:
    """Return what stands at the top of a page: title, verdict, remarks, figures."""
    parts = [f"# {_plain(page.title)}", f"{page.kind}. **{_plain(page.verdict)}**"]
    parts += [_plain(remark) for remark in page.remarks]
    if page.tiles:
        tiles = tuple((tile.label, tile.value, tile.note) for tile in page.tiles)
        parts.append(render_table(DataTable(headings=("figure", "value", "note"), rows=tiles)))
    return "\n\n".join(parts)


def render_table(table: DataTable) -> str:
    """Return a table as Markdown; empty without rows."""
    if not table.rows:
        return ""
    n = len(table.headings)
    decimals, numbers = column_decimals(table.rows, n), number_columns(table.rows, n)
    lines = [
        " | ".join(map(_cell, table.headings)),
        " | ".join("--:" if is_number else "---" for is_number in numbers),
    ]
    for row in table.rows:
        cells = [cell_text(value, digits) for value, digits in zip(row, decimals, strict=True)]
        lines.append(" | ".join(map(_cell, cells)))
    more = f"\n\n{table.n_left_out:,} more rows are left out." if table.n_left_out else ""
    return "\n".join(f"| {line} |" for line in lines) + more


def _cell(text: str) -> str:
    return _plain(text).replace("|", "\\|")


def _plain(text: str) -> str:
    """Return text on one line that Markdown takes for text, also where HTML is in it."""
    found = " ".join(text.replace("\u00a0", " ").split())
    return found.replace("\\", "\\\\").replace("<", "&lt;").replace("*", "\\*").replace("`", "\\`")


def render_csv(traces: tuple[Trace, ...]) -> str:
    """Return the experiments of a run as CSV, a row each, hyperparameters and metrics as columns.

    Text that a spreadsheet would compute has an apostrophe before it.
    """
    members = dict.fromkeys(name for t in traces for name in t.hyperparameters)
    metrics = dict.fromkeys(name for t in traces for name in t.metrics)
    fixed = (
        "number",
        "experiment_id",
        "status",
        "phase",
        "value",
        "lower_bound",
        "gain",
        "seconds",
        "completed_at",
        "is_feasible",
        "error",
    )
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*fixed, *(f"hp.{n}" for n in members), *(f"metric.{n}" for n in metrics)])
    for trace in traces:
        row = [getattr(trace, name) for name in fixed]
        row += [_of(trace.hyperparameters, name) for name in members]
        row += [_of(trace.metrics, name) for name in metrics]
        writer.writerow([_safe(value) for value in row])
    return file.getvalue()


def _of(values: Mapping[str, object], name: str) -> object:
    return values.get(name)


def _safe(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value
