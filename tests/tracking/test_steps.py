import io
from contextlib import ExitStack

import pytest
from rich.console import Console

from reeltune.domain.progress import report_progress
from reeltune.tracking import steps
from reeltune.tracking.steps import steps_shown


def console(*, is_terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=is_terminal, width=80)


def shown(where: Console, monkeypatch: pytest.MonkeyPatch, *, quiet: bool = False) -> str:
    """What is seen of a step that takes 100 s, told every second."""
    now = 0.0
    monkeypatch.setattr(steps, "monotonic", lambda: now)
    with ExitStack() as stack:
        stack.enter_context(steps_shown(where, quiet=quiet))
        for second in range(101):
            now = float(second)
            report_progress("measuring", second / 100)
    assert isinstance(where.file, io.StringIO)
    return where.file.getvalue()


def test_a_log_has_a_line_now_and_then_with_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown(console(is_terminal=False), monkeypatch).splitlines()
    assert [line.split(" ", 1)[1] for line in lines[:2]] == [
        "measuring: 5%, 95 s left",
        "measuring: 15%, 85 s left",
    ]
    assert len(lines) == 10


def test_a_terminal_has_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "measuring" in shown(console(is_terminal=True), monkeypatch)


def test_who_wants_quiet_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not shown(console(is_terminal=False), monkeypatch, quiet=True)


def test_a_short_step_is_not_spoken_of(monkeypatch: pytest.MonkeyPatch) -> None:
    where = console(is_terminal=False)
    with steps_shown(where, quiet=False):
        for share in (0.2, 0.8, 1.0):
            report_progress("measuring", share)
    assert isinstance(where.file, io.StringIO)
    assert not where.file.getvalue()


def test_without_a_listener_nothing_happens() -> None:
    report_progress("measuring", 0.5)
