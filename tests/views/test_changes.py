from reeltune.domain.space import Hyperparameter, Single, Space
from reeltune.views.changes import Change, changes
from tests.mixed_model import Mixed

DEPLOYED = Mixed.space.defaults()


def test_a_choice_or_what_newly_applies_is_all_of_its_range_and_has_no_difference() -> None:
    found = changes(DEPLOYED, {**DEPLOYED, "kind": "mean", "noise": 1e-5, "prior": 7}, Mixed.space)
    assert found == (
        Change("kind", "count", "mean", None),
        Change("prior", None, 7, None),
        Change("noise", 1e-6, 1e-5, 9e-6),
    )


def test_a_logarithmic_axis_is_measured_by_ratios() -> None:
    """A tenfold noise is 1/9 of its axis, a prior of 10 instead of 5 is 1/10 of its own."""
    before = {"kind": "mean", "new first": True, "noise": 1e-9, "prior": 5, "genre_weight": "low"}
    after = {**before, "noise": 1e-8, "prior": 10}
    assert [c.name for c in changes(before, after, Mixed.space)] == ["noise", "prior"]
    assert changes(before, {**after, "prior": 20}, Mixed.space)[0].name == "prior"


def test_what_no_longer_applies_is_told_by_its_parent_alone() -> None:
    before = {**DEPLOYED, "kind": "mean", "prior": 5, "genre_weight": "low"}
    assert [c.name for c in changes(before, DEPLOYED, Mixed.space)] == ["kind"]


def knob(name: str, high: float, *, integer: bool = False) -> Single:
    return Single(
        Hyperparameter(name=name, default=0, low=0, high=high, meaning=name, integer=integer)
    )


SPACE = Space((knob("share", 1), knob("count", 100, integer=True), knob("days", 10)))


def test_what_changed_most_by_its_range_is_first() -> None:
    deployed = {"share": 0.3, "count": 50, "days": 5.0}
    wanted = {"count": 60, "share": 0.1, "days": 5.0}
    assert changes(deployed, wanted, SPACE) == (
        Change("share", 0.3, 0.1, -0.2),
        Change("count", 50, 60, 10),
    )


def test_a_difference_has_no_noise_of_binary_fractions_and_whole_ones_stay_whole() -> None:
    (found,) = changes({"share": 0.1}, {"share": 0.3}, SPACE)
    assert found.delta == 0.2
    (found,) = changes({"count": 3}, {"count": 1}, SPACE)
    assert (found.delta, type(found.delta)) == (-2, int)


def test_nothing_is_told_where_nothing_differs_or_nothing_is_known() -> None:
    assert changes({"share": 0.3}, {"share": 0.3}, SPACE) == ()
    assert changes(None, {"share": 0.3}, SPACE) == ()


def test_of_another_space_what_both_know_is_compared() -> None:
    found = changes({"share": 0.5, "old": 1.0}, {"share": 0.4, "new": 1.0}, SPACE)
    assert [change.name for change in found] == ["share"]
    found = changes({"share": 0.5, "old": 1.0}, {"share": 0.4, "old": 1.5}, SPACE)
    assert [change.name for change in found] == ["old", "share"]  # by itself, without a range
