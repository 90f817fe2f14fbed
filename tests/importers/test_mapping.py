import pytest

from reeltune.domain.errors import InputError
from reeltune.importers.mapping import SourceMap, parse_mapping
from reeltune.importers.ready import READY, ready_mapping

GOOD = {"user": "u", "movie": "m", "rating": "r"}


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("", "neither"),
        ("x = 1", "unknown part"),
        ("[ratings]\nuser = 'u'", "must name the column of the movie"),
        ("[ratings]\nmovie = 'm'\nusr = 'u'", "unknown key 'usr'"),
        ("[ratings]\nmovie = 'm'\nuser = 1", "user in .ratings. must be a text, got 1"),
        ("[ratings]\nmovie = 'm'\nrating = 'r'", "column of the user, or one_user"),
        ("[ratings]\nmovie = 'm'\nuser = 'u'\nweight = 'w'", "need relevant_from"),
        ("[ratings]\nmovie = 'm'\nuser = 'u'\nevent = 'e'", "give both"),
        ("[ratings]\nmovie = 'm'\nuser = 'u'\nscale = '1-10'", "events have no scale"),
        ("[ratings]\nmovie='m'\nuser='u'\nrating='r'\nscale='ten'", "scale must be"),
        ("[ratings]\nmovie='m'\nuser='u'\nrating='r'\nrelevant_from=8", "needs the scale"),
        ("[ratings]\nmovie='m'\nuser='u'\nrating='r'\ntime_zone='Mars'", "time_zone must be"),
        ("[ratings]\nmovie='m'\nevent='e'\nweights={a=-1}\none_user='me'", "0 or more"),
        ("[ratings]\nmovie='m'\nevent='e'\nweights={a=1e300}\none_user='me'", "up to 1e.12"),
        ("[ratings]\nmovie='m'\nrelevant_from=inf", "a number up to 1e.12, got inf"),
        ("[ratings]\nmovie='m'\nrelevant_from=" + "9" * 400, "a number up to 1e.12, got 999"),
        ("[ratings]\nmovie='m'\nrelevant_from=" + "9" * 9999, "is not TOML"),
        ("[ratings]\nmovie='m'\nn_fields=1e9", "n_fields in .ratings. must be 1 to 10,000"),
        ("[ratings", "is not TOML"),
        ("ratings = 7", "must be a table"),
    ],
)
def test_what_is_wrong_with_a_mapping_is_said(said: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_mapping(said, "map.toml")


def test_all_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(InputError, match=r"unknown key 'a'.*must be true or false"):
        parse_mapping("[ratings]\nmovie = 'm'\na = 1\nheader = 1", "map.toml")


@pytest.mark.parametrize("name", READY)
def test_a_ready_mapping_survives_being_kept(name: str) -> None:
    said = ready_mapping(name)
    assert SourceMap.from_dict(said.as_dict()) == said


def test_there_are_ready_mappings() -> None:
    assert set(READY) == {"letterboxd", "imdb", "trakt", "netflix-prize"}
