"""Recommendations of a version from memory: whom they serve, by what, and what they leave out."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import reeltune
from reeltune.db.connection import Connection, connection, transaction
from reeltune.db.dataset import load_dataset
from reeltune.db.withdrawals import withdraw_movie
from reeltune.domain.errors import InputError, NotFoundError
from reeltune.domain.recommendation import RecommendationList
from reeltune.domain.study import StudyConfig
from reeltune.rating_models.popular import popular_scores
from reeltune.rating_models.recommend import recommend
from reeltune.serving import Recommendations
from reeltune.serving.folding import OwnRatings
from reeltune.serving.scorers import Selection
from reeltune.storage.run_lock import run_lock
from reeltune.versioning.erasure import erase, readmit
from reeltune.versioning.registry import load_model, promote
from reeltune.versioning.request import RetrainingRequest
from reeltune.versioning.retraining import retrain
from tests.versioning.erased import ANNA, bring_in
from tests.versioning.versions import RATINGS, registered

NEWCOMER, NOBODY = 10_001, 10_002


@pytest.fixture(name="deployed")
def _deployed(world: Path) -> Path:
    with connection(world) as conn:
        request = RetrainingRequest(study=StudyConfig(), accuracy_threshold=0.0)
        assert retrain(conn, load_dataset(conn), request).verdict == "promoted"
    return world


@pytest.fixture(name="path", scope="module")
def _path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with texts for ids, and a version in production."""
    path = tmp_path_factory.mktemp("texts") / "movies.db"
    with connection(path, create=True) as conn:
        bring_in(conn)
        request = RetrainingRequest(study=StudyConfig(), accuracy_threshold=0.0)
        assert retrain(conn, load_dataset(conn), request).verdict == "promoted"
    return path


@pytest.fixture(name="served")
def _served(deployed: Path) -> Recommendations:
    return Recommendations.open(deployed)


def ids(found: RecommendationList) -> list[int | str]:
    return [each.movie_id for each in found]


def rate(path: Path, user: int, movies: list[int], stars: float = 4.5) -> None:
    with connection(path) as conn, transaction(conn):
        conn.executemany(
            "INSERT INTO ratings (user_id, movie_id, rating, rated_at) VALUES (?, ?, ?, ?)",
            [(user, movie, stars - 3 * (movie % 2), 1_700_000_000 + movie) for movie in movies],
        )


def test_the_lists_are_those_of_recommend(deployed: Path) -> None:
    served = reeltune.Recommendations.open(str(deployed))
    with connection(deployed) as conn:
        loaded, ratings = load_model(conn), load_dataset(conn).ratings
    assert served.version == 1
    for user in loaded.user_ids.tolist():
        found = served.for_user(user, explain=True)
        expected = recommend(loaded.model, ratings, user)
        assert ids(found) == [each.movie_id for each in expected]
        assert [each.score for each in found] == [each.score for each in expected]
        assert [dict(each.parts) for each in found] == [each.parts for each in expected]
        assert [each.rank for each in found] == list(range(1, 11))
        assert (found.source, found.because, found.version) == ("fitted", "", 1)
        assert served.for_user(user)[0].parts == {}


def test_who_has_no_ratings_is_shown_what_is_popular_and_varied(served: Recommendations) -> None:
    data = served.movies.current.data
    best = data.ratings.movie_ids[int(np.argmax(popular_scores(data.ratings, data.catalogue)))]
    for user in (NOBODY, "a stranger"):
        found = served.for_user(user)
        assert (found.source, found.because) == ("popular", "no ratings yet: popular and varied")
        assert found[0].movie_id == best
        assert ids(found) == ids(served.popular())
        assert not served.has_ratings(user)


def test_what_was_rated_since_is_left_out_at_once_and_newcomers_are_folded_in(
    deployed: Path, served: Recommendations
) -> None:
    first = int(served.movies.loaded.user_ids[0])
    shown = ids(served.for_user(first))
    strangers = ids(served.for_user(NEWCOMER))
    newer = served.with_ratings(
        [(first, shown[0], 4.0, 2_000_000_000), (NEWCOMER, strangers[2], 5.0, 2_000_000_000)]
    )
    assert ids(newer.for_user(first))[:9] == shown[1:]
    assert newer.for_user(NEWCOMER).source == "folded in"
    assert strangers[2] not in ids(newer.for_user(NEWCOMER, 10_000))
    assert ids(served.for_user(first)) == shown  # nothing of the first has changed
    assert served.for_user(NEWCOMER).source == "popular"
    assert newer.has_ratings(NEWCOMER)
    newest = newer.with_ratings([(NEWCOMER, strangers[3], 1.0, 2_000_000_001)])
    assert strangers[3] not in ids(newest.for_user(NEWCOMER, 10_000))
    assert strangers[3] in ids(newer.for_user(NEWCOMER, 10_000))
    again = newest.with_ratings([(NEWCOMER, strangers[3], 5.0, 2_000_000_002)])
    assert list(again.for_user(NEWCOMER)) != list(newest.for_user(NEWCOMER))
    rate(deployed, NEWCOMER, [5, 6, 7])
    opened = Recommendations.open(deployed).for_user(NEWCOMER)
    assert opened.source == "folded in"
    assert "after version 1 was fitted" in opened.because


def test_ratings_given_with_the_question_serve_as_stored_ones_do(
    deployed: Path, served: Recommendations
) -> None:
    given: list[tuple[int | str, float]] = [(1, 1.5), (2, 4.5), (4, 4.5)]
    by_question = served.for_ratings(given, explain=True)
    by_event = served.with_ratings([(NEWCOMER, m, stars, 9) for m, stars in given])
    assert list(by_question) == list(by_event.for_user(NEWCOMER, explain=True))
    assert not {1, 2, 4} & set(ids(served.for_ratings(given, 10_000)))
    assert served.for_ratings([]).source == "popular"
    assert list(served.for_ratings([(2, 1.0), (2, 4.5)])) == list(served.for_ratings([(2, 4.5)]))


def test_of_ratings_given_the_last_is_the_latest(served: Recommendations) -> None:
    asked: list[OwnRatings] = []

    class Asked:
        can_fold_in = True

        def best_of_folded(self, own: OwnRatings, *_: object, **__: object) -> Selection:
            asked.append(own)
            return Selection(np.zeros(0, np.int32), np.zeros(0), {})

    replace(served, scorer=Asked()).for_ratings([(4, 3.0), (2, 4.5), (1, 2.0), (4, 5.0)])  # type: ignore[arg-type]
    (own,) = asked
    assert served.movies.loaded.movie_ids[own.movies].tolist() == [2, 1, 4]
    assert own.stars.tolist() == [4.5, 2.0, 5.0]
    assert np.all(np.diff(own.rated_at) > 0)
    assert own.rated_at[0] > served.ratings.table.rated_at.max()


def test_excluded_withdrawn_and_other_genres_are_left_out(
    deployed: Path, served: Recommendations
) -> None:
    user = int(served.movies.loaded.user_ids[1])
    everything = ids(served.for_user(user, 10_000))
    with connection(deployed) as conn, transaction(conn):
        withdraw_movie(conn, int(everything[0]), "rights ended")
    opened = Recommendations.open(deployed)
    assert ids(opened.for_user(user, 10_000)) == everything[1:]
    assert everything[0] not in ids(opened.popular(10_000))
    assert everything[0] not in ids(opened.new(10_000))
    some = [everything[0], everything[2], 10**9, "no such movie"]
    assert ids(served.for_user(user, 10_000, exclude=some)) == [everything[1], *everything[3:]]
    catalogue = served.movies.catalogue
    name = catalogue.genre_names[0]
    found = ids(served.for_user(user, 10_000, genre=name.upper()))
    has = catalogue.movie_ids[np.repeat(np.arange(240), np.diff(catalogue.genre_starts))]
    with_it = set(has[catalogue.genres == 0].tolist())
    assert found == [movie for movie in everything if movie in with_it]
    assert 0 < len(found) < len(everything)


def test_similar_movies_share_genres_people_or_a_collection(served: Recommendations) -> None:
    catalogue = served.movies.catalogue
    seed = int(catalogue.movie_ids[int(np.argmax(np.diff(catalogue.cast_starts)))])
    found = served.similar(seed, 10_000)
    assert seed not in ids(found)
    scores = [each.score for each in found]
    assert scores == sorted(scores, reverse=True)
    assert 0 < scores[-1] <= scores[0] <= 1
    assert all(sum(each.parts.values()) == pytest.approx(each.score) for each in found)

    def genres(movie: object) -> set[int]:
        at = int(np.searchsorted(catalogue.movie_ids, movie))  # type: ignore[call-overload]
        return set(catalogue.genres[catalogue.genre_starts[at] : catalogue.genre_starts[at + 1]])

    for each in found:
        assert (each.parts["genre"] > 0) == bool(genres(each.movie_id) & genres(seed))


def test_new_movies_are_those_released_last_also_after_the_fit(deployed: Path) -> None:
    with connection(deployed) as conn, transaction(conn):
        conn.execute("INSERT INTO movies (movie_id, title, year) VALUES (900001, 'Late', 2026)")
        conn.execute("INSERT INTO movies (movie_id, title, year) VALUES (900002, 'Next', 2099)")
    found = Recommendations.open(deployed).new(10_000)
    assert (found[0].movie_id, found[0].score) == (900_001, 2026.0)
    assert 900_002 not in ids(found)
    years = [each.score for each in found]
    assert years == sorted(years, reverse=True)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda r: r.for_user(1, 0), "k must be 1 or more, got 0"),
        (lambda r: r.for_user(1, genre="Nonsense"), "'Nonsense': there are"),
        (lambda r: r.for_ratings([(1, 5.5)]), "0.5 to 5.0 stars, got movie 1: 5.5"),
        (lambda r: r.for_ratings([(1, float("nan"))]), "got movie 1: nan"),
        (lambda r: r.with_ratings([(1, 1, 0.0, 0)]), "got movie 1: 0.0"),
        (lambda r: r.new(-1), "k must be 1"),
    ],
)
def test_wrong_questions_are_refused(
    served: Recommendations, ask: Callable[[Recommendations], RecommendationList], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        ask(served)


def test_unknown_movies_are_named(served: Recommendations) -> None:
    with pytest.raises(NotFoundError, match="version 1 knows no movie 1000000000"):
        served.similar(10**9)
    with pytest.raises(NotFoundError, match="version 1 knows no movie 'x'"):
        served.for_ratings([("x", 4.0)])


def test_a_closed_version_answers_nothing(deployed: Path) -> None:
    with Recommendations.open(deployed) as served:
        other = served.with_ratings([])
    questions: list[Callable[[], object]] = [
        lambda: served.for_user(1),
        lambda: served.for_user(NOBODY),
        lambda: served.similar(1),
        served.popular,
        served.new,
    ]
    for ask in questions:
        with pytest.raises(InputError, match="version 1 was closed: open it again"):
            ask()
    assert len(other.for_user(1)) == 10


def test_refreshed_knows_what_the_database_holds_now(
    deployed: Path, served: Recommendations
) -> None:
    shown = ids(served.for_user(NEWCOMER))
    rate(deployed, NEWCOMER, [5, 6, 7])
    with connection(deployed) as conn, transaction(conn):
        withdraw_movie(conn, int(shown[0]), "rights ended")
    now = served.refreshed()
    assert now.for_user(NEWCOMER).source == "folded in"
    assert shown[0] not in ids(now.popular(10_000))
    assert now.movies.loaded is served.movies.loaded
    assert ids(served.for_user(NEWCOMER)) == shown


def test_who_is_erased_is_refused_and_the_model_is_read_again(deployed: Path) -> None:
    served = Recommendations.open(deployed)
    with run_lock(deployed), connection(deployed) as conn:
        erase(conn, "7")
    now = served.refreshed()
    assert 7 in served.movies.loaded.user_ids
    assert 7 not in now.movies.loaded.user_ids
    for user in (7, "7"):
        for ask in (now.for_user, now.has_ratings):
            with pytest.raises(NotFoundError, match=r"user 7 was erased.*readmit 7"):
                ask(user)
    assert now.for_user(8).source == "fitted"
    with run_lock(deployed), connection(deployed) as conn:
        readmit(conn, "7")
    assert now.refreshed().for_user(7).source == "popular"


def test_a_user_whose_ratings_are_gone_has_no_profile_left(deployed: Path) -> None:
    with connection(deployed) as conn, transaction(conn):
        conn.execute("DELETE FROM ratings WHERE user_id = 7")
    served = Recommendations.open(deployed)
    assert served.for_user(7).source == "popular"
    assert not served.has_ratings(7)


def test_ratings_of_movies_that_came_after_the_fit_make_no_profile(deployed: Path) -> None:
    with connection(deployed) as conn, transaction(conn):
        conn.execute("INSERT INTO movies (movie_id, title) VALUES (900001, 'Late')")
    rate(deployed, NEWCOMER, [900_001])
    found = Recommendations.open(deployed).for_user(NEWCOMER, 10_000)
    assert found.source == "popular"
    assert 900_001 not in ids(found)
    given = Recommendations.open(deployed).with_ratings([(NEWCOMER, 900_001, 4.0, 5)])
    assert given.for_user(NEWCOMER).source == "popular"


def test_users_and_movies_are_named_as_in_their_data(path: Path) -> None:
    served = Recommendations.open(path)
    found = served.for_user(ANNA)
    assert found.source == "fitted"
    assert all(str(each.movie_id).startswith("m-") for each in found)
    newer = served.with_ratings(
        [(ANNA, found[0].movie_id, 4.0, 2_000_000_000), ("u-new", "m-3", 4.0, 2_000_000_000)]
    )
    assert ids(newer.for_user(ANNA, 9)) == ids(found)[1:]
    assert newer.for_user("u-new").source == "folded in"
    assert "m-3" not in ids(newer.for_user("u-new", 10_000))
    assert found[1].movie_id not in ids(served.for_user(ANNA, exclude=[found[1].movie_id]))
    assert served.for_user("u-new").source == "popular"


def test_a_model_of_ones_own_serves_its_users_and_shows_others_what_is_popular(
    conn: Connection,
) -> None:
    promote(conn, registered(conn), "first")
    for movie in RATINGS.movie_ids.tolist():
        conn.execute("INSERT INTO movies (movie_id, title) VALUES (?, ?)", (movie, f"Film {movie}"))
    conn.executemany(
        "INSERT INTO ratings VALUES (?, ?, 4.0, 5)", [(99, 10), (1, 10), (1, 20), (7, 30)]
    )
    served = Recommendations.open("movies.db")
    found = served.for_user(99, explain=True)
    assert (found.source, 10 in ids(found)) == ("popular", False)
    assert found.because == (
        "version 1 knows no user who came after it was fitted: popular and varied"
    )
    assert set(ids(served.for_user(1))) == {30, 40}
    assert served.for_user(1).source == "fitted"


def test_many_threads_get_what_one_gets(served: Recommendations) -> None:
    users = served.movies.loaded.user_ids.tolist() * 5
    alone = [served.for_user(user, explain=True) for user in users]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda user: served.for_user(user, explain=True), users))
    assert together == alone
