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
