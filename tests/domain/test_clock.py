from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reeltune.domain.clock import duration, stamp

moments = st.datetimes(timezones=st.just(UTC))


@given(one=moments, other=moments)
def test_moments_are_in_the_same_order_as_their_texts(one: datetime, other: datetime) -> None:
    one, other = one.replace(microsecond=0), other.replace(microsecond=0)
    assert (stamp(one) < stamp(other)) == (one < other)
    assert datetime.fromisoformat(stamp(one)) == one


def test_a_moment_elsewhere_is_written_in_utc_without_its_fraction() -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    assert stamp(datetime(2026, 11, 1, 2, 0, 0, 999_999, east)) == "2026-10-31T20:30:00Z"


def test_now_is_now() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    assert before <= datetime.fromisoformat(stamp()) <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, "<1 s"),
        (0.999, "<1 s"),
        (1.0, "1 s"),
        (119.4, "119 s"),
        (120.0, "2.0 min"),
        (7_199.0, "120.0 min"),
        (7_200.0, "2.0 h"),
        (100_000.0, "27.8 h"),
    ],
)
def test_a_duration_is_said_in_the_unit_that_reads_best(seconds: float, said: str) -> None:
    assert duration(seconds) == said
