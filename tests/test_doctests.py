"""The examples in docstrings give what they say."""

import doctest
import importlib

import pytest

from tests.test_architecture import ROOT, modules

WITH_EXAMPLES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in sorted(modules())
    if ">>>" in path.read_text(encoding="utf-8")
]
NAMES = {"np": importlib.import_module("numpy")}


def test_there_are_examples() -> None:
    assert len(WITH_EXAMPLES) > 20


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_give_what_they_say(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name), extraglobs=NAMES)
    assert found.attempted > 0
    assert found.failed == 0
