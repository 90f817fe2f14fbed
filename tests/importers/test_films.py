from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reeltune.importers.films import (
    METADATA,
    TORN,
    parse_cast,
    parse_collection,
    parse_film,
    parse_genres,
)
from reeltune.importers.values import BadRowError

FILM = {
    "id": "862",
    "title": "Toy Story",
    "imdb_id": "tt0114709",
    "release_date": "1995-10-30",
    "runtime": "81.0",
    "original_language": "en",
    "popularity": "21.9",
    "vote_average": "7.7",
    "vote_count": "5415",
    "genres": "[{'id': 16, 'name': 'Animation'}, {'id': 10751, 'name': 'Family'}]",
    "belongs_to_collection": "{'id': 10194, 'name': 'Toy Story Collection', 'poster_path': None}",
}


def row(**changed: str) -> list[str]:
    return [(FILM | changed)[name] for name in METADATA.columns]


def test_a_good_row_is_taken_whole() -> None:
    film = parse_film(row())
    assert film.genres == ("Animation", "Children")
    assert film.collection == (10194, "Toy Story Collection")
    assert (film.runtime_minutes, film.vote_average, film.vote_count) == (81.0, 7.7, 5415)
    assert film.n_known == 8


def test_zero_is_unknown() -> None:
    film = parse_film(row(runtime="0.0", vote_average="0.0", vote_count="0"))
    assert (film.runtime_minutes, film.vote_average, film.vote_count) == (None, None, None)


def test_an_average_without_a_count_is_unknown() -> None:
    assert parse_film(row(vote_count="")).vote_average is None


def test_an_average_of_zero_from_one_vote_is_known() -> None:
    assert parse_film(row(vote_average="0.0", vote_count="1")).vote_average == 0.0


def test_empty_cells_are_unknown_and_no_fault() -> None:
    film = parse_film(["9", "Heat", *[""] * 9])
    assert film.n_known == 0


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("release_date", "1"),
        ("runtime", "[]"),
        ("popularity", "Beware Of Frost Bites"),
        ("vote_average", "11"),
        ("vote_count", "nan"),
        ("genres", "False"),
        ("genres", "[1]"),
        ("genres", "[{'id': [1], 'name': 'Drama'}]"),
        ("genres", "[{'id': True, 'name': 'Drama'}]"),
        ("belongs_to_collection", "0.065736"),
        ("belongs_to_collection", "{'id': 0, 'name': 'None'}"),
        ("belongs_to_collection", "{'id': 5, 'name': ' '}"),
        ("belongs_to_collection", "{'id': 10**99}"),
    ],
)
def test_a_cell_of_the_wrong_kind_is_left_out_named_and_costs_nothing_else(
    column: str, cell: str
) -> None:
    good, film = parse_film(row()), parse_film(row(**{column: cell}))
    (reason,) = film.left_out
    assert reason.startswith(column)
    assert film.tmdb_id == good.tmdb_id
    lost = 0 if column in ("vote_count", "vote_average") else 1
    assert film.n_known >= good.n_known - max(lost, 1)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"id": "1997-08-20"}, "id is not"),
        ({"title": " "}, "title is empty"),
        ({"release_date": "1", "runtime": "[]", "popularity": "x", "genres": "False"}, TORN),
    ],
)
def test_a_torn_row_is_rejected(cells: dict[str, str], reason: str) -> None:
    with pytest.raises(BadRowError, match=reason):
        parse_film(row(**cells))


def test_genres_that_movielens_does_not_have_are_left_out() -> None:
    for number, name in ((36, "History"), (10765, "Sci-Fi & Fantasy"), (77, "of tomorrow")):
        cell = str([{"id": number, "name": name}, {"id": 18, "name": "Drama"}])
        assert parse_genres(cell) == ("Drama",)


def test_quotation_marks_and_escapes_in_names_are_kept() -> None:
    assert parse_collection(r"""{'id': 5, 'name': "Workin\u2019 Man's \"Best\""}""") == (
        5,
        'Workin’ Man\'s "Best"',
    )


def cast(*people: tuple[int, str, int]) -> list[str]:
    return ["862", str([{"id": p, "name": name, "order": order} for p, name, order in people])]


def test_who_plays_twice_has_the_better_place() -> None:
    assert parse_cast(cast((7, "Ann", 4), (8, "Bob", 1), (7, "Ann", 2))).billing == {7: 2, 8: 1}


def test_holes_and_shared_places_stay_as_they_are() -> None:
    assert parse_cast(cast((7, "Ann", 2), (8, "Bob", 2), (9, "Cid", 40))).billing == {
        7: 2,
        8: 2,
        9: 40,
    }


def test_two_people_of_one_name_are_two() -> None:
    assert parse_cast(cast((7, "Ann", 0), (8, "Ann", 1))).names == {7: "Ann", 8: "Ann"}


def test_names_are_stripped_and_the_nameless_left_out() -> None:
    assert parse_cast(cast((7, " Ann ", 0), (8, " ", 1))).names == {7: "Ann"}


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "['Ann']",
        "[{'id': 1, 'name': 'Ann'}]",
        "[{'id': '1', 'name': 'Ann', 'order': 0}]",
        "[{'id': 1, 'name': None, 'order': 0}]",
        "[{'id': 1, 'name': 'Ann', 'order': -1}]",
        "[{'id': 1, 'name': 'Ann', 'order': 9999999999}]",
        "[{'id': 1, 'name': 'Ann', 'order': True}]",
    ],
)
def test_a_cast_of_the_wrong_kind_ends_its_row(text: str) -> None:
    with pytest.raises(BadRowError, match="cast"):
        parse_cast(["862", text])


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "name", "order", "x"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(text=values.map(repr) | st.text(max_size=20), number=st.sampled_from(["862", "x"]))
def test_no_literal_makes_a_parser_fail_in_another_way(text: str, number: str) -> None:
    for parse in (
        lambda: parse_cast([number, text]),
        lambda: parse_film(row(id=number, genres=text)),
        lambda: parse_film(row(belongs_to_collection=text, popularity=text, title=text)),
    ):
        with suppress(BadRowError):
            parse()
