import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reeltune.domain.ab_tests import ABGuardrail, ABSettings, settings_from_json
from reeltune.domain.errors import InputError

LEAST: dict[str, Any] = {"name": "trial", "champion": 1, "challengers": [2]}
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


def test_settings_are_read_as_they_are_written() -> None:
    settings = ABSettings(
        name="trial",
        champion=1,
        challengers=(2, 3),
        weights=(2.0, 1.0, 1.0),
        guardrails=(ABGuardrail("watched", 0.05),),
        ramp=(1.0,),
    )
    assert settings_from_json(json.loads(json.dumps(settings.as_json()))) == settings
    assert settings.arm_shares == (0.5, 0.25, 0.25)


@given(st.dictionaries(st.sampled_from([*ABSettings.__dataclass_fields__, "more"]), anything))
def test_whatever_is_sent_is_either_good_or_an_error_in_words(document: dict[str, Any]) -> None:
    with suppress(InputError):
        settings = settings_from_json(LEAST | document)
        assert settings.check() == settings


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"challengers": []}, "1 to 8 challengers"),
        ({"challengers": [2, 2]}, "named twice"),
        ({"design": "interleaving", "challengers": [2, 3]}, "one challenger"),
        ({"weights": [1, 0]}, "numbers above 0"),
        ({"weights": [1000, 1]}, "at least 1 %"),
        ({"ramp": [0.5, 0.2], "share": 0.1}, "ramp must ascend"),
        ({"share": 0.5, "max_share": 0.4}, "share <= max_share"),
        ({"guardrails": [{"metric": "clicks"}, {"metric": "clicks"}]}, "each metric once"),
        ({"guardrails": [{"metric": "clicks", "margin": 1}]}, "less than 1"),
        ({"min_hours": 2}, "24 <= min_hours"),
        ({"auto_promote": "yes"}, "auto_promote must be yes or no"),
        ({"champion": True}, "champion must be a whole number"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        settings_from_json(LEAST | changes)


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InputError, match=r"share.*; .*alpha"):
        settings_from_json(LEAST | {"share": 2, "alpha": 0})
