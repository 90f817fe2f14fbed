from dataclasses import replace

import pytest

from reeltune.monitoring.retuning import RetuneMode, RetuningFacts, decide_retuning

QUIET = RetuningFacts(has_production=True, age_days=2.0, n_known=1_000, n_new=40)


def test_a_quiet_night_is_not_searched_and_says_all_figures() -> None:
    found = decide_retuning("auto", QUIET)
    assert not found.searches
    assert found.line == (
        "not searched: the latest search was 2 days ago (at most 14), "
        "40 ratings are new since (4.0%, at most 20%), no drift"
    )


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (replace(QUIET, has_production=False), "nothing is in production"),
        (replace(QUIET, age_days=None), "nothing was searched for yet"),
        (replace(QUIET, age_days=13.9), "the latest search was 14 days ago, at most 14"),
        (replace(QUIET, n_new=200), "200 ratings are new since the latest search (20.0%"),
        (replace(QUIET, drifted=("genres", "ratings")), "genres and ratings drifted since"),
        (replace(QUIET, n_new=100, gain_open=True), "which found a gain that could not be shown"),
    ],
)
def test_one_reason_is_enough_to_search(facts: RetuningFacts, reason: str) -> None:
    found = decide_retuning("auto", facts)
    assert found.searches
    assert reason in found.line
    assert found.line.startswith("searched: ")


@pytest.mark.parametrize(
    "facts",
    [
        replace(QUIET, age_days=13.4),
        replace(QUIET, n_new=199),
        replace(QUIET, n_new=99, gain_open=True),
        replace(QUIET, n_known=None, n_new=0),
    ],
)
def test_short_of_each_limit_nothing_is_searched(facts: RetuningFacts) -> None:
    assert not decide_retuning("auto", facts).searches


@pytest.mark.parametrize(("mode", "searches"), [("always", True), ("never", False)])
def test_what_is_asked_for_is_done(mode: RetuneMode, *, searches: bool) -> None:
    for facts in (QUIET, replace(QUIET, has_production=False, age_days=None)):
        assert decide_retuning(mode, facts).searches == searches
