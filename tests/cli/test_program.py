import sys

import pytest

from reeltune.cli.program import command_line


@pytest.mark.parametrize(
    ("called", "line"),
    [
        ("/app/retrain_model.py", "python tune_orchestrator.py --resume"),
        ("tune_orchestrator.py", "python tune_orchestrator.py --resume"),
        ("/venv/bin/reeltune", "reeltune runs resume"),
        ("/venv/lib/reeltune/__main__.py", "python -m reeltune runs resume"),
        ("/venv/lib/pytest/__main__.py", "reeltune runs resume"),
        ("", "reeltune runs resume"),
    ],
)
def test_a_command_line_is_of_the_program_that_was_called(
    called: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [called])
    assert command_line("runs resume", "tune_orchestrator.py --resume") == line
