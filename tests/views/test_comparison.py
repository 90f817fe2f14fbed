import pytest

from reeltune.stats.paired_tests import Comparison
from reeltune.views.comparison import Difference, compared_verdict


def comparison(low: float, high: float, p_value: float) -> Comparison:
    return Comparison(100, (low + high) / 2, low, high, p_value)


@pytest.mark.parametrize(
    ("low", "high", "p_value", "verdict"),
    [
        (0.01, 0.03, 0.001, "better"),
        (0.01, 0.03, 0.06, "cannot tell"),
        (-0.03, -0.01, 0.001, "worse"),
        (-0.03, -0.01, 0.06, "cannot tell"),
        (-0.01, 0.03, 0.04, "cannot tell"),
        (0.01, 0.03, float("nan"), "cannot tell"),
    ],
)
def test_it_is_better_or_worse_only_where_interval_and_p_value_agree(
    low: float, high: float, p_value: float, verdict: str
) -> None:
    assert compared_verdict(comparison(low, high, p_value)) == verdict


def test_what_is_said_is_why_it_cannot_be_told() -> None:
    apart = Difference(metric="accuracy", low=0.01, high=0.03, p_value=0.06)
    assert apart.sentence == (
        "cannot tell: the interval does not contain 0, but the p-value is above 0.05"
    )
    contained = Difference(metric="accuracy", low=-0.01, high=0.03, p_value=0.3)
    assert "the interval contains 0" in contained.sentence
