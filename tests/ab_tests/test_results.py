"""Simulated tests, few and with fixed seeds; `benchmarks/ab_tests.py` has many."""

from pathlib import Path
from typing import Any

import pytest

from reeltune.ab_tests.figures import figures_from_json
from reeltune.ab_tests.simulated_users import SimulatedSite
from tests.ab_tests.simulating import analysed

HEAVY = SimulatedSite(users=1_500, hours=7 * 24, lists_per_user=4.0, heaviness=0.3)


def verdicts(path: Path, effect: float, seed: int, **settings: Any) -> list[str]:
    site = SimulatedSite(users=3_000, hours=7 * 24)
    found = analysed(path, site, effect, seed, hours=6.0, **settings)
    return [figures.comparisons[0].verdict for _, figures in found]


def ever(path: Path, seed: int, what: str, effect: float, **settings: Any) -> bool:
    folder = path / f"{seed}"
    folder.mkdir()
    return what in verdicts(folder, effect, seed, **settings)


@pytest.mark.parametrize("window_hours", [0.0, 24.0])
def test_a_large_gain_is_found_and_a_large_loss_too(tmp_path: Path, window_hours: float) -> None:
    assert ever(tmp_path, 1, "better", 0.8, window_hours=window_hours)
    assert ever(tmp_path, 2, "worse", -0.8, window_hours=window_hours)


def test_equal_arms_are_not_told_apart(tmp_path: Path) -> None:
    false = sum(
        ever(tmp_path, seed, "better", 0.0, window_hours=0.0, expected_users=3_000)
        for seed in range(10, 20)
    )
    assert false == 0


def test_planned_analyses_are_made_at_their_shares_and_decide_between_them_nothing(
    tmp_path: Path,
) -> None:
    found = [
        figures
        for _, figures in analysed(
            tmp_path,
            SimulatedSite(users=3_000, hours=7 * 24),
            0.6,
            5,
            hours=6.0,
            window_hours=0.0,
            analysis="planned",
            n_analyses=4,
            expected_users=2_000,
        )
    ]
    assert len(found[-1].planned) == 4
    assert all(
        due <= share < due + 0.1
        for due, share in zip((0.25, 0.5, 0.75, 1.0), found[-1].planned, strict=True)
    )
    before = [f for f in found if not f.planned]
    assert all(f.comparisons[0].low is None for f in before)
    assert found[-1].comparisons[0].verdict == "better"
    assert found[-1].comparisons[0].reason == "all planned analyses have been made"


def test_with_a_window_a_user_counts_once_the_window_has_closed(tmp_path: Path) -> None:
    found = list(analysed(tmp_path, SimulatedSite(users=600, hours=72), 0.0, 3, window_hours=24.0))
    at_a_day = found[23][1]
    assert at_a_day.comparisons[0].users == 0
    assert at_a_day.comparisons[0].verdict == "no data"
    assert sum(arm.users for arm in at_a_day.arms) > 150
    last = found[-1][1]
    assert last.comparisons[0].users == pytest.approx(400, abs=60)


def test_a_split_that_is_not_as_planned_is_an_alarm(tmp_path: Path) -> None:
    site = SimulatedSite(users=2_000, hours=24, one_list_each=True)
    lost = list(analysed(tmp_path, site, 0.0, 1, hours=1.0, lose_challenger=0.2))
    assert lost[-1][1].split.alarm
    assert lost[-1][1].split.p_value < 0.001


def test_figures_are_stored_and_read_as_they_are(tmp_path: Path) -> None:
    *_, (_, figures) = analysed(tmp_path, HEAVY, 0.1, 1, hours=24.0)
    assert figures_from_json(figures.as_json()) == figures


def test_the_effect_that_traffic_can_show_shrinks_with_time(tmp_path: Path) -> None:
    *_, (_, figures) = analysed(tmp_path, HEAVY, 0.1, 1, hours=24.0, window_hours=0.0)
    found = figures.detectable
    assert found["24 hours"] > found["a week"] > found["a month"] > 0
