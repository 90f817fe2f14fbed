"""Reports opened in Chromium: every figure drawn, no script, no error, no request."""

import shutil
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner

from reeltune.commands.main import main
from reeltune.db.connection import connection
from reeltune.db.tuning_runs import load_runs
from reeltune.reports.pdf import render_pdf
from tests.browser import DESKTOP, PHONE, browser, opened
from tests.reports.reported import make_lived_in

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pages(new_world: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of each kind."""
    browser()
    folder = tmp_path_factory.mktemp("pages")
    path = Path(shutil.copy(new_world, folder / "movies.db"))
    make_lived_in(path)
    with connection(path) as conn:
        runs = [run.tuning_run_id for run in load_runs(conn)]
    asked = {
        "run": [runs[0]],
        "promoted": ["v3"],
        "refused": ["v2"],
        "nights": ["--nights", "30"],
        "compared": ["--compare", *runs],
    }
    for name, words in asked.items():
        out = ["--out", str(folder / f"{name}.html"), "--db", str(path)]
        done = CliRunner().invoke(main, ["report", *words, *out])
        assert done.exit_code == 0, done.output
    return {name: folder / f"{name}.html" for name in asked}


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("name", ["run", "promoted", "refused", "nights", "compared"])
def test_a_page_is_drawn_without_errors_requests_or_sideways_scrolling(
    pages: dict[str, Path], name: str, size: tuple[int, int], tmp_path: Path
) -> None:
    html = pages[name].read_text(encoding="utf-8")
    found = opened(pages[name], tmp_path, size)
    assert found.errors == []
    assert found.foreign == []
    assert len(found.figures) == html.count("<svg") > 0
    for figure in found.figures:
        assert float(figure["width"]) > 200, figure
        assert float(figure["height"]) > 50, figure
        assert int(figure["drawn"]) >= 0.7 * int(figure["marks"]) > 3, figure
    assert found.width == size[0]
    assert found.page_width <= size[0]


class Counting(BaseHTTPRequestHandler):
    """Answers nothing."""

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def host() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Counting)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_request_an_error_and_a_wide_page_would_be_noticed(host: str, tmp_path: Path) -> None:
    browser()
    page = tmp_path / "bad.html"
    page.write_text(
        f'<body><img src="{host}/picture.png"><div style="width: 3000px">wide</div>'
        "<script>throw new Error('a fault')</script></body>"
    )
    found = opened(page, tmp_path)
    assert any("a fault" in line for line in found.errors)
    assert f"{host}/picture.png" in found.foreign
    assert found.page_width >= 3000


def test_what_the_policy_of_a_page_forbids_would_be_noticed(
    pages: dict[str, Path], host: str, tmp_path: Path
) -> None:
    page = tmp_path / "smuggled.html"
    html = pages["nights"].read_text(encoding="utf-8")
    page.write_text(html.replace("<main>", f'<main><img src="{host}/p.png">'), encoding="utf-8")
    found = opened(page, tmp_path)
    assert any("Content Security Policy" in line for line in found.errors)


def test_a_page_is_printed_as_pdf(pages: dict[str, Path]) -> None:
    found = render_pdf(pages["promoted"].read_text(encoding="utf-8"))
    assert found.startswith(b"%PDF-")
    assert len(found) > 20_000
