"""What pages tell their readers to run does run."""

import re
import shutil
from pathlib import Path

import pytest

from reeltune.db.catalogue import load_catalogue
from reeltune.db.connection import connection
from reeltune.db.external_ids import find_id
from reeltune.db.ratings import count_ratings
from reeltune.db.versions import load_production
from tests.docs.pages import GUIDE, ROOT, Step, blocks, pages, steps
from tests.docs.workplace import SIZES, Workplace
from tests.running import run

RUNNABLE = [page for page in pages() if steps(page.read_text(encoding="utf-8"))]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world in which the gate lets the defaults pass."""
    path = tmp_path_factory.mktemp("demo") / "movies.db"
    run("-m", "reeltune", "import", "demo", "--db", path, *SIZES)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: page.stem)
def test_the_commands_of_a_page_do_what_it_says(page: Path, demo: Path, tmp_path: Path) -> None:
    workplace = Workplace(tmp_path, demo)
    for step in steps(page.read_text(encoding="utf-8")):
        workplace.run(step)


@pytest.mark.slow
def test_five_lines_lead_from_an_apps_database_to_a_promoted_version(
    demo: Path, tmp_path: Path
) -> None:
    text = GUIDE.read_text(encoding="utf-8")
    section = text.partition("## From your app's database, in five lines\n")[2].partition("\n## ")[
        0
    ]
    five = steps(section)
    assert len(five) == 5
    workplace = Workplace(tmp_path, demo)
    for step in five:
        workplace.run(step)
    with connection(tmp_path / "app-movies.db") as conn, connection(demo) as world:
        production = load_production(conn)
        assert production is not None
        assert production.training.n_ratings == count_ratings(world) > 0
        assert find_id(conn, "user", "u-0001") is not None
        assert set(load_catalogue(conn).genre_names) == set(load_catalogue(world).genre_names)


def test_a_command_that_fails_fails_its_page(demo: Path, tmp_path: Path) -> None:
    workplace = Workplace(tmp_path, demo)
    workplace.run(Step("console", "false", (1,)))
    for wrong in (
        Step("console", "false"),
        Step("console", "true", (1, 3)),
        Step("python", "raise SystemExit(1)"),
    ):
        with pytest.raises(AssertionError):
            workplace.run(wrong)


def test_every_page_with_commands_is_run() -> None:
    names = {page.stem for page in RUNNABLE}
    assert names >= {
        "README",
        "QUICK_START_TUNING",
        "HYPERPARAMETER_TUNER_GUIDE",
        "MODEL_OPTIMIZATION_STRATEGY",
        "PERIODIC_TUNING",
        "DATA",
    }


def test_blocks_have_a_language_that_says_whether_they_are_run() -> None:
    known = {"console", "sql", "python", "sh", "text", "json", "ini", "yaml", "diff"}
    for page in pages():
        text = page.read_text(encoding="utf-8")
        assert {language for language, _ in blocks(text)} <= known, page
        assert text.count("\n```") == 2 * len(blocks(text)), f"{page}: a block without a language"


def test_make_has_every_target_that_pages_name() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    for page in pages():
        named = re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.M)
        assert set(named) <= targets, page


def test_the_shell_is_there() -> None:
    assert shutil.which("bash")
