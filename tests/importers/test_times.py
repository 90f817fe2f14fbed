from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reeltune.domain.errors import InputError
from reeltune.importers.times import LATEST, Times, check_zone, recognise_format
from reeltune.importers.values import BadRowError

moments = st.integers(0, LATEST)


@given(at=moments, form=st.sampled_from(["seconds", "milliseconds", "microseconds", "iso"]))
def test_what_was_written_is_read_again(at: int, form: str) -> None:
    unit = {"seconds": 1, "milliseconds": 1_000, "microseconds": 1_000_000}.get(form)
    text = str(at * unit) if unit else datetime.fromtimestamp(at, UTC).isoformat()
    assert Times(form)[text] == at


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        (["1260759144"], "seconds"),
        (["0", "978300760"], "seconds"),
        (["1260759144000"], "milliseconds"),
        (["1260759144000000"], "microseconds"),
        (["2014-05-13"], "iso"),
        (["2014-05-13 18:00:00"], "iso"),
        (["2014-05-13T18:00:00.5+02:00", "2014-05-13T18:00:00Z"], "iso"),
        (["13/05/2014"], "%d/%m/%Y"),
        (["01/02/2014", "05/13/2014"], "%m/%d/%Y"),
        (["13.05.2014"], "%d.%m.%Y"),
        (["01/02/2014"], None),  # of which month cannot be told
        (["yesterday"], None),
        (["", " "], None),
    ],
)
def test_formats_are_recognised_or_not_guessed(texts: list[str], form: str | None) -> None:
    assert recognise_format(texts) == form


def test_a_time_without_zone_is_of_the_zone_declared() -> None:
    noon = "2024-07-01 12:00:00"
    assert Times("iso")[noon] - Times("iso", check_zone("Europe/Berlin"))[noon] == 2 * 3600
    assert Times("iso", check_zone("Europe/Berlin"))[noon + "Z"] == Times("iso")[noon]


@pytest.mark.parametrize("zone", ["Mars", "../etc/passwd", "", "/etc/localtime"])
def test_what_is_no_zone_is_refused(zone: str) -> None:
    with pytest.raises(InputError, match="time_zone"):
        check_zone(zone)


def test_what_is_no_format_is_refused() -> None:
    with pytest.raises(InputError, match="time_format"):
        Times("fortnights")


@given(text=st.text(), form=st.sampled_from(["seconds", "iso", "%d/%m/%Y"]))
def test_no_text_makes_a_time_fail_in_another_way(text: str, form: str) -> None:
    with suppress(BadRowError):
        assert 0 <= Times(form)[text] <= LATEST
