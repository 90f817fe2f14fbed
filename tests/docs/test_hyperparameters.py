"""The page of hyperparameters says what is declared."""

from pathlib import Path

from reeltune.components.hyperparameters import SPACE
from reeltune.domain.space import Hyperparameter, Single, Space
from reeltune.reports.hyperparameter_page import hyperparameter_page
from tests.docs.pages import ROOT
from tests.mixed_model import Mixed
from tests.running import run

PAGE = ROOT / "docs" / "HYPERPARAMETERS.md"
PROGRAM = ("-m", "reeltune.reports.hyperparameter_page")


def test_the_page_is_up_to_date() -> None:
    run(*PROGRAM, "--check", PAGE)


def test_the_page_has_a_row_for_each_hyperparameter() -> None:
    page = hyperparameter_page(SPACE)
    for name, member in SPACE.hyperparameters.items():
        assert page.count(f"| `{name}` | {member.default:g} |") == 1
        assert member.meaning in page


def test_a_page_that_differs_is_told_in_one_line(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    for written in (None, "", PAGE.read_text(encoding="utf-8") + " "):
        if written is not None:
            page.write_text(written, encoding="utf-8")
        said = run(*PROGRAM, "--check", page, expect=1).stderr
        assert said.startswith("error: ")
        assert said.count("\n") == 1
        assert (page.read_text(encoding="utf-8") if page.exists() else None) == written


def test_what_is_written_passes_the_check(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    run(*PROGRAM, page)
    run(*PROGRAM, "--check", page)
    assert page.read_bytes() == PAGE.read_bytes()


def test_another_declaration_makes_another_page() -> None:
    knob = Hyperparameter(name="depth", default=3, low=1, high=9, integer=True, meaning="how deep")
    page = hyperparameter_page(Space((Single(knob),)))
    assert "| `depth` | 3 | 1 to 9, whole | 1 | how deep |" in page
    assert "There are 1, of which 1 are searched, in 1 dimensions" in page


def test_the_page_says_of_every_kind_what_it_may_be_and_when_it_applies() -> None:
    page = hyperparameter_page(Mixed.space)
    for row in (
        "| `kind` | `count` | `count` or `mean` or `genre` | 1 | what counts |",
        "| `new first` | false | false or true | 1 | turns the order round |",
        "| `noise` | 1e-06 | 1e-09 to 1, log | 1 | added to a score |",
        "| `prior` | 5 | 1 to 1000, whole, log | 1 | ",
        "| ratings at the mean; only while `kind` is `mean` |",
        "| a word; only while `kind` is `mean` or `genre` |",
    ):
        assert row in page
