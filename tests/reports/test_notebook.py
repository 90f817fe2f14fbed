import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from reeltune.db.connection import connection
from reeltune.reports.notebook import render_notebook
from reeltune.reports.run_page import run_page
from tests.reports.reported import RUN, reported, write_run

EXECUTE = """
import sys, nbformat, nbclient
notebook = nbformat.read(sys.argv[1], as_version=4)
nbformat.validate(notebook)
nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[1])
"""


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    database, path = tmp_path / "movies.db", tmp_path / "run.ipynb"
    with connection(database, create=True) as conn:
        write_run(conn)
        page = run_page(reported(conn))
    path.write_text(render_notebook(page, RUN, database), encoding="utf-8")
    return path


@pytest.mark.slow
def test_a_notebook_is_valid_and_runs_to_its_end(notebook: Path) -> None:
    if not all(find_spec(name) for name in ("nbclient", "ipykernel", "pandas")):
        pytest.skip("nbclient, ipykernel and pandas are not all installed: `make test` does")
    done = subprocess.run(
        [sys.executable, "-c", EXECUTE, notebook],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    outputs = [cell["outputs"] for cell in cells if cell["cell_type"] == "code"]
    assert len(outputs) == 3
    assert all(outputs)
    best = outputs[1][0]["data"]["text/plain"]
    assert "completed" in "".join(best)


def test_every_figure_is_attached_as_a_picture_with_its_table(notebook: Path) -> None:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    pictures = [name for cell in cells for name in cell.get("attachments", {})]
    assert {"history-0.svg", "importance-0.svg", "slices-7.svg"} <= set(pictures)
    text = "".join("".join(cell["source"]) for cell in cells)
    for name in pictures:
        assert f"](attachment:{name})" in text
    assert len({cell["id"] for cell in cells}) == len(cells)
