from hypothesis import given
from hypothesis import strategies as st

from reeltune.tracking.plain_text import plain_text


@given(st.text(), st.sampled_from(["utf-8", "ascii", "latin-1", "cp1252"]))
def test_any_text_becomes_one_printable_line_in_any_encoding(text: str, encoding: str) -> None:
    shown = plain_text(text, encoding)
    assert all(c.isprintable() for c in shown)
    assert shown.encode(encoding).decode(encoding) == shown


def test_printable_text_stays_as_it_is() -> None:
    assert plain_text("  Amélie, 愛 [x]") == "  Amélie, 愛 [x]"
