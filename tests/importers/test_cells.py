from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reeltune.importers.cells import cut_cell
from reeltune.importers.values import BadRowError

names = st.lists(st.text("abcdefgh&'- ", min_size=1).map(str.strip).filter(bool), unique=True)


@given(names=names, mark=st.sampled_from(["|", ";", ",", "/", "::", ", "]))
def test_what_was_joined_is_cut_again(names: list[str], mark: str) -> None:
    tidy = tuple(dict.fromkeys(" ".join(name.split()) for name in names))
    assert cut_cell(mark.join(names), mark) == tidy


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("", ()),
        ("Drama", ("Drama",)),
        ("Film-Noir|War", ("Film-Noir", "War")),
        ("Drama,  Comedy ,Drama", ("Drama", "Comedy")),
        ("Action & Adventure, War", ("Action & Adventure", "War")),
        ("Sci-Fi/Fantasy", ("Sci-Fi/Fantasy",)),  # a word, unless the slash is declared
        ("[]", ()),
        ('["Drama"]', ("Drama",)),
        ("{'id': 18, 'name': 'Drama'}", ("Drama",)),
    ],
)
def test_a_cell_is_cut_as_it_is_written(cell: str, expected: tuple[str, ...]) -> None:
    assert cut_cell(cell) == expected


@pytest.mark.parametrize("cell", ["[1, 2]", "[{'id': 1}]", "[oops", "{", "[" * 9_999, "[None]"])
def test_what_begins_like_a_list_and_is_none_is_no_name(cell: str) -> None:
    with pytest.raises(BadRowError):
        cut_cell(cell)


@given(text=st.text())
def test_no_text_makes_the_cutter_fail_in_another_way(text: str) -> None:
    with suppress(BadRowError):
        assert all(name == name.strip() and name for name in cut_cell(text))
