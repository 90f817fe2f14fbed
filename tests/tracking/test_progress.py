import io
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

from reeltune.domain.experiment import Experiment, ExperimentStatus, TuningRun, experiment_id
from reeltune.tracking.progress import LogWatcher, SilentWatcher, TerminalWatcher, Watcher, watcher

RUN = TuningRun(
    tuning_run_id="random_1",
    created_at="2026-11-20T21:00:00Z",
    method="random",
    objective="accuracy",
    model="hand-weighted",
    split="user-time",
    space_fingerprint="",
    seed=7,
    n_configs=20,
    status="running",
)
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
Make = Callable[[Console], Watcher]


class Clock:
    """Stands still until it is told to go on."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def experiment(
    number: int, value: float | None = 0.6, *, error: str | None = None, gain: float | None = None
) -> Experiment:
    status: ExperimentStatus = "completed" if error is None else "failed"
    return Experiment(
        experiment_id=experiment_id(RUN.tuning_run_id, number),
        tuning_run_id=RUN.tuning_run_id,
        number=number,
        status=status,
        created_at=RUN.created_at,
        hyperparameters={},
        objective_value=value if error is None else None,
        improvement_from_baseline=gain,
        tuning_method="random",
        exploration_phase="explore",
        seed=7,
        duration_seconds=0.5,
        error=error,
    )


def console(*, terminal: bool = False, width: int = 80, encoding: str = "utf-8") -> Console:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
    return Console(file=file, force_terminal=terminal, width=width)


def text(of: Console) -> str:
    of.file.seek(0)
    return of.file.read()


def test_the_watcher_follows_from_the_console() -> None:
    assert isinstance(watcher(console(terminal=True), quiet=False), TerminalWatcher)
    assert isinstance(watcher(console(), quiet=False), LogWatcher)
    assert isinstance(watcher(console(terminal=True), quiet=True), SilentWatcher)
    assert isinstance(watcher(Console(quiet=True), quiet=False), SilentWatcher)


@pytest.mark.parametrize("make", [TerminalWatcher, LogWatcher, lambda _: SilentWatcher()])
def test_every_watcher_survives_a_run_without_a_result(make: Make) -> None:
    with make(console(terminal=True)) as watching:
        watching.started(RUN, 1, 0)
        watching.finished(experiment(1, error="out of memory"), None, 1)
        watching.ended("all configurations are tried")
    with make(console()) as watching:
        watching.ended("nothing to do")


def test_the_silent_watcher_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with SilentWatcher() as watching:
        watching.started(RUN, 1, 0)
        watching.finished(experiment(0), experiment(0), 1)
        watching.ended("done")
    assert capsys.readouterr() == ("", "")


def test_a_log_has_one_line_per_experiment_and_one_at_each_end() -> None:
    to, clock = console(), Clock()
    with LogWatcher(to, clock) as watching:
        watching.started(RUN, 21, 0)
        for number in range(5):
            clock.now += 1
            watching.finished(experiment(number), experiment(0), number + 1)
        watching.ended("interrupted")
    lines = text(to).splitlines()
    assert len(lines) == 7
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", line) for line in lines)
    assert "21 experiments, objective accuracy" in lines[0]
    assert "interrupted; 5 of 21 experiments, best 0.6000 (baseline), 5.0 s, 1.0/s" in lines[-1]


def test_the_lines_of_a_log_are_aligned() -> None:
    to, clock = console(), Clock()
    watching = LogWatcher(to, clock)
    watching.started(RUN, 121, 0)
    for done, number in enumerate((0, 7, 120), 1):
        clock.now += 1
        watching.finished(experiment(number, 0.61, gain=0.01), experiment(7, 0.61), done)
    lines = text(to).splitlines()[1:]
    assert len({line.index("completed") for line in lines}) == 1
    assert len({line.index("best") for line in lines}) == 1


def test_a_fast_run_does_not_flood_the_log_and_each_new_best_is_told() -> None:
    to, clock = console(), Clock()
    watching = LogWatcher(to, clock)
    watching.started(RUN, 1000, 0)
    for number in range(1000):
        clock.now += 0.01
        best = experiment(500, 0.7) if number >= 500 else experiment(0)
        watching.finished(best if number == 500 else experiment(number), best, number + 1)
    lines = text(to).splitlines()[1:]
    assert len(lines) <= 10 * 5  # ten seconds
    assert any("no. 500  completed  0.7000" in line for line in lines)
    assert "1000/1000" in lines[-1]


def test_a_log_never_has_control_codes_even_on_a_terminal_or_from_an_error() -> None:
    to = console(terminal=True)
    watching = LogWatcher(to)
    watching.started(replace(RUN, model="\x1b]0;title\x07"), 2, 0)
    watching.finished(experiment(1, error="[red]bad[/red] \x1b[31m\r\nend"), None, 1)
    watching.ended("stopped\x1b[2J")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text(to))
    assert r"[red]bad[/red] \x1b[31m end" in text(to)
    assert len(text(to).splitlines()) == 3


def test_a_log_in_ascii_takes_any_error() -> None:
    to = console(encoding="ascii")
    watching = LogWatcher(to)
    watching.started(RUN, 2, 0)
    watching.finished(experiment(1, error="Amélie"), None, 1)
    assert r"Am\xe9lie" in text(to)


def test_the_pace_of_a_resumed_run_counts_only_what_is_done_now() -> None:
    to, clock = console(), Clock()
    watching = LogWatcher(to, clock)
    watching.started(RUN, 21, 15)
    for number in (16, 17, 18):
        clock.now += 2
        watching.finished(experiment(number), experiment(0), number)
    assert "15 done before" in text(to)
    assert "30.0/min" in text(to)


@pytest.mark.parametrize("width", [80, 120])
def test_the_terminal_shows_count_best_gain_pace_and_time_left(width: int) -> None:
    to, clock = console(terminal=True, width=width), Clock()
    with TerminalWatcher(to, clock) as watching:
        watching.started(RUN, 21, 0)
        for number in range(4):
            clock.now += 1
            watching.finished(experiment(number, gain=0.0), experiment(3, 0.62), number + 1)
        to.file.flush()
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text(to))
    line = r"━+.* 4/21 tried best 0\.6200 \+0\.0200 \(no\. 3\) +1\.0/s 17 s left"
    assert re.search(line, shown)


@pytest.mark.parametrize("make", [TerminalWatcher, LogWatcher])
def test_a_best_of_a_lower_value_is_explained(make: Callable[[Console], Watcher]) -> None:
    to = console(terminal=make is TerminalWatcher)
    with make(to) as watching:
        watching.started(RUN, 21, 0)
        watching.finished(experiment(1, 0.7), experiment(1, 0.7), 1)
        watching.finished(experiment(2, 0.69), experiment(2, 0.69), 2)
    assert "best is now no. 2: its value 0.6900 is behind the 0.7000 of no. 1" in text(to)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_the_terminal_is_left_intact_whatever_ends_the_run(error: type[BaseException]) -> None:
    to = console(terminal=True)

    def run() -> None:
        with TerminalWatcher(to) as watching:
            watching.started(RUN, 21, 0)
            raise error

    with pytest.raises(error):
        run()
    shown = text(to)
    assert HIDE_CURSOR in shown
    assert shown.rindex(SHOW_CURSOR) > shown.rindex(HIDE_CURSOR)


def test_the_terminal_shows_the_first_failures_and_counts_the_rest() -> None:
    to = console(terminal=True)
    with TerminalWatcher(to) as watching:
        watching.started(RUN, 21, 0)
        for number in range(1, 9):
            watching.finished(experiment(number, error=f"[bold]bad {number}"), None, number)
        watching.ended("the first all failed")
    assert "[bold]bad 5" in text(to)
    assert "[bold]bad 6" not in text(to)
    assert "8 failed" in text(to)


def test_a_terminal_watcher_can_watch_one_run_after_another() -> None:
    to = console(terminal=True)
    with TerminalWatcher(to) as watching:
        for n_total in (3, 5):
            watching.started(RUN, n_total, 0)
            watching.finished(experiment(0), experiment(0), 1)
            watching.ended("stopped")
    assert "1 of 3 experiments" in text(to)
    assert "1 of 5 experiments" in text(to)


def test_a_terminal_shows_the_bound_of_the_best_and_the_last_against_the_baseline() -> None:
    to = console(terminal=True, width=100)
    before = replace(experiment(0, 0.6), hyperparameters={"genre_weight": 0.4, "kind": "a"})
    after = replace(
        experiment(1, 0.65, gain=0.05),
        hyperparameters={"genre_weight": 0.1, "kind": "a"},
        improvement_error=0.01,
    )
    with TerminalWatcher(to, Clock()) as watching:
        watching.started(RUN, 3, 0)
        watching.finished(before, before, 1)
        watching.finished(after, after, 2)
        watching.ended("done")
    shown = text(to)
    assert "best no. 1: 0.6500, 95 % surely at least 0.6336 (+0.0336 on the 0.6000" in shown
    assert "last no. 1: 0.6500  genre_weight 0.1 (0.4)" in shown
