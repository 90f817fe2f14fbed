"""Notebook of a run's report: its figures and tables, and code that loads the experiments."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

from reeltune.reports.figure import Figure
from reeltune.reports.html_page import Page, plain_svg
from reeltune.reports.text_page import render_heading, render_table

_LOAD = """import reeltune

experiments = reeltune.to_dataframe({run!r}, db={database!r})
experiments[["number", "status", "value", "lower_bound", "gain", "seconds"]].describe()"""
_BEST = """completed = experiments[experiments.status == "completed"]
completed.sort_values("gain", ascending=False).head(10)"""
_CORRELATED = """numbers = completed.filter(like="hp.").select_dtypes("number")
numbers.corrwith(completed["value"], method="spearman").dropna().sort_values(ascending=False)"""


def render_notebook(page: Page, run_id: str, database: Path) -> str:
    """Return a notebook (nbformat 4.5) of the page of a run.

    Its code needs ReelTune, pandas and the database where it is now.
    """
    cells = [
        _words(render_heading(page)),
        _words("## The experiments"),
        _code(_LOAD.format(database=str(database), run=run_id)),
        _code(_BEST),
        _code(_CORRELATED),
    ]
    for section in page.sections:
        cells.append(_words(f"## {section.title}"))
        cells += [_figure(figure) for figure in section.figures]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    notebook = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _figure(figure: Figure) -> dict[str, Any]:
    """Return a cell with the drawings attached as images, and the table below."""
    pictures = {
        f"{figure.name}-{k}.svg": b64encode(plain_svg(drawing).encode()).decode()
        for k, drawing in enumerate(figure.drawings)
    }
    shown = [f"![{figure.title}](attachment:{name})" for name in pictures]
    parts = [f"### {figure.title}", *shown, figure.note, render_table(figure.table)]
    cell = _words("\n\n".join(part for part in parts if part))
    attached = {name: {"image/svg+xml": content} for name, content in pictures.items()}
    return cell | ({"attachments": attached} if attached else {})


def _words(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text.splitlines(keepends=True)}


def _code(text: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": text.splitlines(keepends=True),
    }
