"""Runs: the list, one run live, its full report, and one experiment."""

from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from reeltune.dashboard.experiment_page import experiment_context
from reeltune.dashboard.pages import Pages, html_answer, render
from reeltune.dashboard.run_reports import RunReports
from reeltune.dashboard.shown_runs import (
    EXPERIMENT_HEADINGS,
    RUN_HEADINGS,
    experiment_cells,
    gain_verdict,
    gain_words,
    run_cells,
)
from reeltune.dashboard.tables import PageCell, PageTable, moment, page_table, path_of
from reeltune.db.connection import Connection
from reeltune.db.run_pages import (
    RunRow,
    load_best_rows,
    load_experiment_rows,
    load_history_points,
    load_run_row,
    load_run_rows,
)
from reeltune.db.tuning_runs import load_run
from reeltune.domain.experiment import TuningRun
from reeltune.domain.shown import figure
from reeltune.reports.html_page import Tile
from reeltune.serving.answers import json_answer
from reeltune.serving.parsing import id_of
from reeltune.serving.problems import ProblemError

PAGE = 50
_LATER = ("metrics", "importance")  # figures that a page gets once it is shown
STATES = ("running", "completed", "interrupted", "failed", "planned")
METHODS = ("bayesian", "random", "gp", "tpe", "cmaes", "sobol", "evolution", "grid")


class RunPages:
    """Handlers of the pages of runs."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self.reports = RunReports()

    async def list_runs(self, request: Request) -> Response:
        """Return a page of runs, the latest first."""
        before = _place(request, "before")
        state = request.query_params.get("state") or None
        if state not in (None, *STATES):
            raise ProblemError(422, f"a run's state is one of {', '.join(STATES)}")
        rows = await self.pages.read(
            lambda conn: load_run_rows(conn, before=before, status=state, limit=PAGE + 1)
        )
        suffix = f"&state={state}" if state else ""
        first = f"/runs?state={state}" if state else "/runs"
        table = page_table(
            "Runs",
            (*RUN_HEADINGS, "created"),
            [(*run_cells(row), moment(row.created_at)) for row in rows[:PAGE]],
            empty="There is no such run yet.",
            next_href=f"/runs?before={rows[PAGE - 1].place}{suffix}" if len(rows) > PAGE else None,
            first_href=first if before is not None else None,
        )
        return self.pages.answer(
            request,
            "runs.html.j2",
            kind="Tuning",
            title="Runs",
            table=table,
            states=STATES,
            state=state,
            methods=METHODS,
        )

    async def show_run(self, request: Request) -> Response:
        """Return a run: progress, best against deployed, history."""
        run_id = id_of(request, "run")
        after = _place(request, "after")
        found = await self.pages.read(partial(run_context, run_id=run_id, after=after))
        live = f"run:{run_id}" if found["row"].status in ("running", "planned") else None
        return self.pages.answer(request, "run.html.j2", live=live, **found)

    async def show_points(self, request: Request) -> Response:
        """Return the history of a run as columns, for its chart."""
        run_id = id_of(request, "run")
        points = await self.pages.read(lambda conn: load_history_points(conn, run_id))
        return json_answer(
            {
                "number": [each.number for each in points],
                "kept": [each.value if each.is_feasible else None for each in points],
                "violated": [None if each.is_feasible else each.value for each in points],
                "best": [each.best for each in points],
            }
        )

    async def show_importance(self, request: Request) -> Response:
        """Return the figures of a run that take longest to make, as a piece of its page."""
        run_id = id_of(request, "run")
        page = await self.pages.read(partial(self.reports.page, run_id=run_id))
        found = [f for section in page.sections for f in section.figures if f.name in _LATER]
        return html_answer(request, render("importance.html.j2", figures=found))

    async def show_report(self, request: Request) -> Response:
        """Return the full report of a run, with importance, slices and pairs."""
        run_id = id_of(request, "run")
        page = await self.pages.read(partial(self.reports.page, run_id=run_id))
        return self.pages.answer(
            request,
            "report.html.j2",
            kind="Report of a run",
            title=page.title,
            verdict=page.verdict,
            tone=page.tone,
            remarks=page.remarks,
            tiles=page.tiles,
            sections=page.sections,
            commands=page.commands,
            back=(f"Run {run_id}", path_of("runs", run_id)),
        )

    async def show_experiment(self, request: Request) -> Response:
        """Return one experiment: metrics, hyperparameters, guardrails."""
        id_ = id_of(request, "experiment")
        found = await self.pages.read(partial(experiment_context, id_=id_))
        return self.pages.answer(request, "experiment.html.j2", **found)


def run_head(conn: Connection, run_id: str) -> dict[str, Any]:
    """Return what a run's page has at its head, and what of it is live.

    Raises:
        NotFoundError: there is no such run.
    """
    run, row = load_run(conn, run_id), load_run_row(conn, run_id)
    assert row is not None
    sure, tone = gain_verdict(row.best_gain, row.best_error)
    verdict = "No experiment has been completed yet."
    if row.best_experiment_id is not None and row.best_gain == 0:
        verdict, tone = "Nothing beats the deployed configuration so far.", "unsure"
    elif row.best_value is not None:
        verdict = f"Best against deployed: {sure}, gain {_gain(row)}."
    return {
        "kind": f"Tuning run, {run.method}",
        "title": run_id,
        "verdict": verdict,
        "tone": tone,
        "tiles": tuple(_run_tiles(row)),
        "row": row,
        "run": run,
    }


def run_context(conn: Connection, run_id: str, after: int | None = None) -> dict[str, Any]:
    """Return what the page of a run needs.

    Raises:
        NotFoundError: there is no such run.
    """
    head, here = run_head(conn, run_id), path_of("runs", run_id)
    run: TuningRun = head["run"]
    begin = -1 if after is None else after
    rows = load_experiment_rows(conn, run_id, after=begin, limit=PAGE + 1)
    is_more = len(rows) > PAGE
    return head | {
        "here": here,
        "best": page_table(
            "Best configurations",
            EXPERIMENT_HEADINGS,
            [experiment_cells(each, run.task) for each in load_best_rows(conn, run_id)],
            empty="No experiment has been completed yet.",
        ),
        "experiments": page_table(
            "All experiments",
            EXPERIMENT_HEADINGS,
            [experiment_cells(each, run.task) for each in rows[:PAGE]],
            next_href=f"{here}?after={rows[PAGE - 1].number}#experiments" if is_more else None,
            first_href=here if after is not None else None,
        ),
        "facts": _facts(run),
    }


def _gain(row: RunRow) -> str:
    return gain_words(row.best_gain, row.best_error, row.task)


def _run_tiles(row: RunRow) -> list[Tile]:
    tiles = [
        Tile(
            label="Experiments",
            value=f"{row.n_done:,} of {row.n_total:,}",
            note=f"{row.n_failed:,} failed, {row.n_pruned:,} stopped early",
        )
    ]
    if row.best_value is not None:
        note = f"experiment {row.best_experiment_id}"
        value = figure(row.best_value, row.task)
        tiles.append(Tile(label=f"Best {row.objective}", value=value, note=note))
    if row.baseline_value is not None:
        tiles.append(Tile(label="Deployed", value=figure(row.baseline_value, row.task)))
    if row.best_gain:
        tiles.append(Tile(label="Gain", value=_gain(row).partition(" ")[0], note=_gain(row)))
    return tiles


def _facts(run: TuningRun) -> PageTable:
    rows: list[tuple[PageCell, ...]] = [
        ("state", run.status if run.stop_reason is None else f"{run.status}: {run.stop_reason}"),
        ("what", f"{run.task} {run.model}"),
        ("objectives", ", ".join(run.objectives)),
        ("split", run.split),
        ("seed", str(run.seed)),
        ("created", moment(run.created_at)),
        ("began, ended", f"{moment(run.started_at)}, {moment(run.finished_at)}"),
        ("data", (run.data_fingerprint or "unknown")[:16]),
        ("program", run.code_version),
    ]
    return page_table("Settings", ("what", "value"), rows)


def _place(request: Request, name: str) -> int | None:
    """Return a number of the query; None where it is not there.

    Raises:
        ProblemError: it is no number.
    """
    text = request.query_params.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 18):
        raise ProblemError(422, f"{name} must be a whole number")
    return int(text)
