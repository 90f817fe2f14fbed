import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reeltune.domain.errors import InputError
from reeltune.domain.strict_json import MAX_CHARACTERS, read_object

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_what_json_writes_comes_back(value: dict[str, object]) -> None:
    assert read_object(json.dumps(value), "it") == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1, "a": 2}', "the key 'a' occurs twice"),
        ('{"b": [{"a": 1, "a": 1}]}', "the key 'a' occurs twice"),
        ('{"a": NaN}', "NaN is not a number"),
        ('{"a": [-Infinity]}', "-Infinity is not a number"),
        ('{"a": 1e999}', "1e999 is too large"),
        ('{"a": ' + "9" * 301 + "}", "is too large"),
        ("[1]", "got list"),
        ("1", "got int"),
        ("", "Expecting value at line 1, column 1"),
        ('{"a": 1,\n "b" 2}', "at line 2, column 6"),
        ('{"a": 1} {}', "Extra data"),
        ('{"a": ' * 100_000, "recursion"),
    ],
)
def test_what_is_not_strict_json_is_refused_with_the_place_or_the_reason(
    text: str, said: str
) -> None:
    with pytest.raises(InputError) as refused:
        read_object(text, "the thing")
    message = str(refused.value)
    assert message.startswith("the thing must be a JSON object")
    assert said in message
    assert len(message) < 300


def test_a_whole_number_of_300_digits_is_read() -> None:
    assert read_object('{"a": ' + "9" * 300 + "}", "it") == {"a": 10**300 - 1}


def test_a_text_may_be_a_million_characters_long_and_no_longer() -> None:
    fits = "{}".ljust(MAX_CHARACTERS)
    assert read_object(fits, "it") == {}
    with pytest.raises(InputError, match="at most 1000000 characters, got 1000001"):
        read_object(fits + " ", "it")
