from reeltune.domain.space import Hyperparameter, Single, Space
from reeltune.views.changes import Change, changes


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
