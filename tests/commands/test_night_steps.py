"""What the steps of a night come to: its exit status and its line."""

from pathlib import Path

import pytest

from reeltune.cli import exits
from reeltune.commands.night_steps import SERIOUSNESS, NightRun, NightSettings, StepOutcome
from reeltune.commands.tuning_session import TuningSession
from reeltune.domain.errors import ReelTuneError
from reeltune.domain.study import StudyConfig
from reeltune.tuning.plan import Plan
from reeltune.versioning.night import NightReport

REPORT = NightReport(
    ended_at="2026-11-27T03:15:00Z",
    verdict="renewed",
    version=3,
    search="nothing better was found",
    gain=None,
    gain_said=None,
    ratings_behind=0,
    seconds=1.0,
)


def night(*codes: int) -> NightRun:
    settings = NightSettings(
        session=TuningSession(db_path=Path("movies.db")),
        study=StudyConfig(),
        plan=Plan(method="random", n_configs=1),
        given=(),
        movielens=None,
        tmdb=None,
        syncs=True,
        max_rejected=0.05,
        backups=Path("kept"),
        keep_backups=7,
    )
    found = NightRun(settings, lambda _: None)
    found.outcomes = [
        StepOutcome(ended_at="", step=f"step {n}", exit_code=code, message="why", seconds=0.0)
        for n, code in enumerate(codes)
    ]
    return found


@pytest.mark.parametrize(
    ("codes", "worst"),
    [((), 0), ((0, 0), 0), ((3, 0, 5), 5), ((3, 5, 8, 4), 8), ((8, 1, 0), 1), ((1, 130), 130)],
)
def test_the_most_serious_step_decides_the_exit_status(codes: tuple[int, ...], worst: int) -> None:
    assert night(*codes).exit_code == worst


def test_every_status_that_an_error_can_have_is_ranked() -> None:
    kinds = [ReelTuneError]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        assert exits.exit_code(kind.__new__(kind)) in SERIOUSNESS, kind


def test_the_line_names_what_failed_but_not_a_refusal() -> None:
    found = night(0, 1, 3)
    found.report = REPORT
    assert "; 0 ratings behind; failed: step 1; " in found.line
    assert found.report_dict()["failed"] == ["step 1"]


def test_degradation_is_told_and_is_no_failure() -> None:
    found = night(5, 0)
    found.report = REPORT
    assert "; what was in production had degraded; " in found.line
    assert "failed" not in found.line


@pytest.mark.parametrize(
    ("codes", "words"),
    [((0, 1), "failed: step 1: why; "), ((0, 130), "interrupted: step 1: why; ")],
)
def test_without_a_report_the_line_tells_of_the_most_serious_step(
    codes: tuple[int, ...], words: str
) -> None:
    assert night(*codes).line.split(" ", 1)[1].startswith(words)
