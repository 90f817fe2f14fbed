"""Docstrings begin with a verb or a noun, and names are the field's words, in the rooms listed."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import PACKAGE, begins_well, defined_twice, docstrings, modules, room_of

DONE = {
    "ab_tests",
    "components",
    "dashboard",
    "db",
    "domain",
    "engine",
    "executors",
    "gate",
    "importers",
    "metrics",
    "monitoring",
    "rating_models",
    "ratings",
    "search",
    "serving",
    "stats",
    "storage",
    "table_models",
    "tabular",
    "tasks",
    "tracking",
    "training",
    "tuning",
    "versioning",
}
# Names that say nothing to a reader of the field; what they are called is in the guide's glossary.
_OLD_NAMES = """
    world worlds kept_world place_of_world lots panel panel_part opinions liking likings squashed
    taste tastes luck lucky winner winners rival rivals contest contests look looks looked_at
    load_looks n_looks contrast contrasts terms judgement said told fallen has_fallen watch watching
    brake opening standing sitting aftermath seal surely cloud promise climbed telling star ring
    World Place Opinions Luck Contrast Terms Judgement Measured Watch Side Look Contest Brake
    Opening Standing Sitting Cloud
"""
OLD_NAMES = frozenset(_OLD_NAMES.split())
OLD_PREFIXES = ("MOST_", "LEAST_", "FEWEST_")
# Stored, shown or promised under these names: artifacts, columns, keys of settings and of JSON,
# arguments of promised Python names.
STORED = {
    "ab_tests": {"looked_at", "terms"},
    "components": {"likings", "taste"},
    "dashboard": {"said"},
    "db": {"looked_at", "said"},
    "domain": {"panel"},
    "engine": {"likings", "taste"},
    "gate": {"looked_at", "n_looks", "terms"},
    "monitoring": {"fallen", "said"},
    "serving": {"likings", "taste"},
    "tuning": {"panel", "watch"},
    "versioning": {"contrasts", "looked_at", "n_looks", "panel", "said"},
}


def done() -> list[Path]:
    return [path for path in modules() if room_of(path) in DONE]


def names(path: Path) -> Iterator[str]:
    """Yield the names that a module defines and uses."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.arg | ast.keyword):
            yield node.arg or ""
        elif isinstance(node, ast.Attribute):
            yield node.attr


def test_the_rooms_are_there() -> None:
    assert {room_of(path) for path in done()} == DONE


def test_docstrings_begin_with_a_verb_or_a_noun() -> None:
    wrong = [
        f"{each.path.relative_to(PACKAGE)} {each.name}: {each.text.splitlines()[0]}"
        for path in done()
        for each in docstrings(path)
        if not begins_well(each)
    ]
    assert wrong == []


def test_names_are_the_words_of_the_field() -> None:
    wrong = {
        f"{path.relative_to(PACKAGE)}: {name}"
        for path in done()
        for name in names(path)
        if name.lstrip("_") in OLD_NAMES - STORED.get(room_of(path), set())
        or name.lstrip("_").startswith(OLD_PREFIXES)
    }
    assert wrong == set()


def test_no_exception_is_left_over() -> None:
    used = {(room_of(path), name) for path in done() for name in names(path)}
    assert {(room, name) for room, found in STORED.items() for name in found} <= used


def test_no_two_of_the_rooms_define_the_same_public_name() -> None:
    files = {str(path.relative_to(PACKAGE)) for path in done()}
    assert {n: where for n, where in defined_twice().items() if len(files & set(where)) > 1} == {}


@pytest.mark.parametrize(
    ("text", "is_well"),
    [
        ("Return the mean.", True),
        ("The mean of what is not NaN.", False),
        ("(U,) the users.", False),
        ("`a - b` of the users.", False),
        ("Whether it ended.", False),
        ("Mean of the values.", False),
        ("Returns the mean.", False),
        ("Making a process.", False),
    ],
)
def test_the_first_word_of_a_function_is_judged(tmp_path: Path, text: str, is_well: bool) -> None:
    path = tmp_path / "module.py"
    path.write_text(f'"""Module."""\n\ndef f():\n    """{text}"""\n')
    assert [begins_well(each) for each in docstrings(path)] == [True, is_well]


# Riddles, metaphors and words that are rare in the field, each of which has stopped a reader.
STOPPED_READERS = (
    "by lot",
    "throws of dice",
    "by dice",
    "by identity",
    "is that in production",
    "may take 0",
    "said to be running",
    "of use here",
    "made-up",
    "look at the test",
    "looks at the test",
    "looked at the test",
)
PAGES = sorted((PACKAGE.parent / "docs").glob("*.md"))


def strings(path: Path) -> Iterator[str]:
    """Yield the texts in a module that are no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    statements = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    yield from (
        node.value
        for node in constants
        if isinstance(node.value, str) and id(node) not in statements
    )


def test_nothing_that_is_printed_has_a_phrase_that_stopped_a_reader() -> None:
    found = {
        f"{path.relative_to(PACKAGE)}: {text}"
        for path in modules()
        for text in strings(path)
        if any(phrase in text for phrase in STOPPED_READERS)
    }
    assert found == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_page_has_a_phrase_that_stopped_a_reader(page: Path) -> None:
    text = " ".join(page.read_text(encoding="utf-8").split())
    assert [phrase for phrase in STOPPED_READERS if phrase in text] == []
