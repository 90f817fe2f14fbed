from hypothesis import given
from hypothesis import strategies as st

from reeltune.serving.team_draft import team_draft

some_lists = st.lists(st.integers(0, 30), unique=True, max_size=20)


@given(some_lists, some_lists, st.integers(1, 15), st.text(max_size=8))
def test_each_movie_is_drafted_once_by_a_ranker_that_has_it(
    champion: list[int], challenger: list[int], k: int, request: str
) -> None:
    mixed = team_draft(champion, challenger, k, request)
    lists = (champion, challenger)
    assert len(mixed.movies) == len(mixed.teams) == min(k, len({*champion, *challenger}))
    assert len(set(mixed.movies)) == len(mixed.movies)
    for n, (movie, team) in enumerate(zip(mixed.movies, mixed.teams, strict=True)):
        better = [each for each in lists[int(team)] if each not in mixed.movies[:n]]
        assert better[0] == movie


@given(some_lists.filter(lambda movies: len(movies) >= 10), st.text(max_size=8))
def test_rankers_that_agree_share_a_list_evenly(movies: list[int], request: str) -> None:
    mixed = team_draft(movies, movies, 10, request)
    assert list(mixed.movies) == movies[:10]
    assert mixed.teams.count("0") == mixed.teams.count("1") == 5


def test_a_coin_says_who_is_first() -> None:
    first = [team_draft([1], [2], 1, f"request {n}").teams for n in range(2_000)]
    assert 900 < first.count("0") < 1_100
