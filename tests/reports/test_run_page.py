import re
from xml.etree import ElementTree

import pytest

from reeltune import Measurement as TrialMeasurement
from reeltune import SearchSpace, Study
from reeltune.db.connection import Connection, transaction
from reeltune.reports.figure import MAX_TABLE_ROWS, DataTable
from reeltune.reports.html_page import Page, plain_svg, render_page
from reeltune.reports.run_page import run_page
from reeltune.reports.text_page import render_csv, render_markdown
from tests.reports.reported import HOSTILE, RUN, reported, write_run
from tests.views.stored_runs import StoredRun

EXPECTED = {
    "metrics",
    "segments",
    "feasibility",
    "top",
    "history",
    "distribution",
    "front",
    "cost",
    "timeline",
    "failures",
    "importance",
    "changes",
    "correlations",
    "slices",
    "contours",
    "ranks",
    "parallel-coordinates",
    "settings",
    "configuration",
}
TABLES = {"top", "failures", "changes", "settings", "configuration"}  # figures without a drawing


@pytest.fixture
def page(conn: Connection) -> Page:
    write_run(conn)
    return run_page(reported(conn))


def test_every_figure_is_there_once_with_its_drawing_and_its_table(page: Page) -> None:
    figures = {figure.name: figure for section in page.sections for figure in section.figures}
    n = sum(len(section.figures) for section in page.sections)
    assert set(figures) == EXPECTED
    assert n == len(figures)
    assert {name for name, figure in figures.items() if not figure.drawings} == TABLES
    for figure in figures.values():
        assert figure.table.rows, figure.name
        assert {len(row) for row in figure.table.rows} == {len(figure.table.headings)}


def test_every_drawing_is_well_formed_and_says_what_it_shows(page: Page) -> None:
    drawings = [d for s in page.sections for f in s.figures for d in f.drawings]
    assert len(drawings) > 20
    for drawing in drawings:
        root = ElementTree.fromstring(drawing)
        assert len(root.attrib["aria-label"]) > 10
        assert not re.search(r"\bnan\b|\binf\b", drawing)


def test_the_page_escapes_what_came_from_outside_and_holds_no_script(page: Page) -> None:
    html = render_page(page)
    assert "&lt;script&gt;alert(" in html
    assert "<script" not in html
    assert "</style> <" not in html
    assert html.count("</style>") == 1
    assert not re.findall(r'(?:src|href)="(?!#|data:)', html)
    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)", html) == []


def test_the_verdict_is_the_first_that_is_read(page: Page) -> None:
    html = render_page(page)
    assert page.tone == "good"
    assert "over the deployed configuration, better beyond noise" in page.verdict
    assert html.index('class="verdict good"') < html.index("<figure")


def test_best_stays_within_the_guardrails_and_the_figures_say_which_bound(conn: Connection) -> None:
    write_run(conn)
    report = reported(conn)
    (row,) = report.guardrails
    assert report.findings.best is not None
    assert report.findings.best.is_feasible
    assert 0 < row.n_violated < row.n_known == 39
    assert 0 < row.n_better_violated <= row.n_violated


def test_the_importance_of_the_run_is_that_of_the_weight_that_decides(conn: Connection) -> None:
    write_run(conn)
    found = reported(conn).importance
    assert found is not None
    assert found.effects[0].name == "genre_weight"
    assert found.effects[0].share > 0.5


def test_a_run_with_nothing_but_a_baseline_has_a_page(conn: Connection) -> None:
    with transaction(conn):
        StoredRun(conn, RUN).completed(0.6, [0.5, 0.7])
    html = render_page(run_page(reported(conn)))
    assert "Nothing beat" in html
    assert "Optimisation history" in html


def test_a_run_with_failures_only_has_a_page(conn: Connection) -> None:
    with transaction(conn):
        StoredRun(conn, RUN).failed(HOSTILE)
    page = run_page(reported(conn))
    assert page.verdict == "no experiment has been completed yet"
    assert "KeyError" in render_page(page)


def test_markdown_has_every_figure_as_a_table_and_no_html_of_others(page: Page) -> None:
    text = render_markdown(page)
    for section in page.sections:
        for figure in section.figures:
            assert f"### {figure.title}" in text
    assert "<script" not in text
    assert "| hyperparameter | share | low | high |" in text


def test_csv_has_a_row_for_each_experiment_and_no_formulas(conn: Connection) -> None:
    run = StoredRun(conn, RUN)
    with transaction(conn):
        run.completed(0.6)
        run.failed("=cmd|' /C calc'!A0")
    lines = render_csv(reported(conn).traces).splitlines()
    assert len(lines) == 3
    assert "hp.genre_weight" in lines[0]
    assert "metric.ndcg@10" in lines[0]
    assert ",'=cmd|" in lines[2]


def test_a_long_table_says_what_it_leaves_out() -> None:
    table = DataTable.of(("a",), [(k,) for k in range(MAX_TABLE_ROWS + 5)])
    assert (len(table.rows), table.n_left_out) == (MAX_TABLE_ROWS, 5)


def test_a_drawing_by_itself_has_colours_and_no_variables(page: Page) -> None:
    drawing = page.sections[0].figures[0].drawings[0]
    alone = plain_svg(drawing)
    ElementTree.fromstring(alone)
    assert "var(" not in alone
    assert ".gain" in alone


def test_a_study_with_choices_logarithms_and_conditions_is_drawn(conn: Connection) -> None:
    space = SearchSpace()
    kind = space.root.add_categorical_param("kind", ["a", "<b>", "c"])
    kind.select_values(["a"]).add_float_param("depth", 0, 1)
    space.root.add_float_param("rate", 1e-5, 1e-1, scale_type="log")
    metrics = {"loss": "minimize", "size": "minimize"}
    study = Study.create_or_load("mixed", space, metrics, "random", db="movies.db", seed=3)
    for trial in study.suggest(count=25):
        loss = float(trial.parameters["rate"]) * 10 + len(str(trial.parameters["kind"]))
        size = float(trial.parameters.get("depth", 2.0))
        trial.complete(TrialMeasurement({"loss": loss, "size": size}))
    page = run_page(reported(conn, "mixed"))
    figures = {figure.name: figure for section in page.sections for figure in section.figures}
    assert page.verdict.startswith("The best of 25 trials, number ")
    assert figures["front"].title == "Pareto front"
    assert {"importance", "slices", "parallel-coordinates", "correlations"} <= set(figures)
    html = render_page(page)
    assert "<b>" not in html
    assert not re.search(r"\bnan\b", html)
