from pathlib import Path

import pytest

from reeltune.db.catalogue import (
    Coverage,
    load_catalogue,
    load_coverage,
    load_titles,
)
from reeltune.db.columns import snapshot
from reeltune.db.connection import Connection, connect
from reeltune.db.movies import (
    CastMember,
    Link,
    Metadata,
    Movie,
    load_linked_movies,
    load_wrong_links,
    save_cast,
    save_collections,
    save_genres,
    save_links,
    save_metadata,
    save_movies,
    save_people,
    save_wrong_links,
)


@pytest.fixture
def conn(tmp_path: Path) -> Connection:
    """Three movies: 3 with all there is, 5 with a little, 9 with nothing."""
    conn = connect(tmp_path / "movies.db", create=True)
    save_movies(conn, [Movie(9, "Nothing"), Movie(3, "All (1995)", 1995), Movie(5, "Little")])
    save_genres(conn, "movielens", {3: ("War", "Drama"), 5: ("Action",), 9: ()})
    save_links(conn, [Link(3, "tt0000003", 30), Link(5, None, 50), Link(9, None, None)])
    save_collections(conn, {77: "Long Saga", 8: "Unused"})
    save_metadata(conn, [Metadata(3, collection_id=77, release_date="1995-01-02")])
    save_people(conn, {100: "Ann", 200: "Bob", 300: "Cid", 400: "Unused"})
    save_cast(conn, [3, 5], [CastMember(3, 300, 0), CastMember(3, 100, 4), CastMember(5, 200, 2)])
    return conn


def test_an_empty_database_gives_an_empty_catalogue(tmp_path: Path) -> None:
    catalogue = load_catalogue(connect(tmp_path / "movies.db", create=True))
    assert (catalogue.n_movies, catalogue.genre_names) == (0, ())
    assert catalogue.genre_starts.tolist() == catalogue.cast_starts.tolist() == [0]


def test_each_movie_has_its_own_genres_by_name(conn: Connection) -> None:
    catalogue = load_catalogue(conn)
    assert catalogue.movie_ids.tolist() == [3, 5, 9]
    assert catalogue.genre_names == ("Action", "Drama", "War")
    assert catalogue.genre_starts.tolist() == [0, 2, 3, 3]
    assert catalogue.genres.tolist() == [1, 2, 0]


def test_each_movie_has_its_own_cast_by_billing_order(conn: Connection) -> None:
    catalogue = load_catalogue(conn)
    assert catalogue.person_ids.tolist() == [100, 200, 300]
    assert catalogue.cast_starts.tolist() == [0, 2, 3, 3]
    assert catalogue.cast.tolist() == [2, 0, 1]
    assert catalogue.billing.tolist() == [0, 4, 2]


def test_a_collection_is_a_position_and_none_is_minus_one(conn: Connection) -> None:
    catalogue = load_catalogue(conn)
    assert catalogue.collection_ids.tolist() == [77]
    assert catalogue.collections.tolist() == [0, -1, -1]


def test_the_fingerprint_changes_with_the_cast_and_not_with_a_title(conn: Connection) -> None:
    before = load_catalogue(conn).fingerprint
    save_movies(conn, [Movie(3, "Another title", 1995)])
    assert load_catalogue(conn).fingerprint == before
    save_cast(conn, [5], [CastMember(5, 200, 3)])
    assert load_catalogue(conn).fingerprint != before


def test_titles_come_by_id(conn: Connection) -> None:
    assert load_titles(conn) == {3: "All (1995)", 5: "Little", 9: "Nothing"}


def test_the_coverage_counts_movies_not_entries(conn: Connection) -> None:
    assert load_coverage(conn) == Coverage(3, 2, 1, 1, 2)


def test_a_saved_cast_replaces_the_old_one_of_these_movies_alone(conn: Connection) -> None:
    save_cast(conn, [3], [CastMember(3, 200, 1)])
    rows = conn.execute("SELECT movie_id, person_id FROM cast_members ORDER BY movie_id")
    assert [tuple(row) for row in rows] == [(3, 200), (5, 200)]


def test_the_same_link_again_forgets_nothing_and_another_all(conn: Connection) -> None:
    before = load_catalogue(conn).fingerprint
    save_links(conn, [Link(3, "tt0000003", 30)])
    assert load_catalogue(conn).fingerprint == before
    save_links(conn, [Link(3, "tt0000003", 31)])
    catalogue = load_catalogue(conn)
    assert catalogue.cast_starts.tolist() == [0, 0, 1, 1]
    assert catalogue.collections.tolist() == [-1, -1, -1]
    assert catalogue.genre_starts.tolist() == [0, 2, 3, 3]


def test_a_wrong_link_is_remembered_until_metadata_or_another_link_come(conn: Connection) -> None:
    assert [movie.tmdb_id for movie in load_linked_movies(conn)] == [30, 50]
    save_wrong_links(conn, [3, 5])
    assert load_wrong_links(conn) == {3, 5}
    save_metadata(conn, [Metadata(3)])
    save_links(conn, [Link(5, None, 51)])
    assert load_wrong_links(conn) == set()


def test_a_snapshot_does_not_see_what_is_written_meanwhile(
    conn: Connection, tmp_path: Path
) -> None:
    other = connect(tmp_path / "movies.db")
    with snapshot(conn):
        assert len(load_titles(conn)) == 3
        save_movies(other, [Movie(10, "Meanwhile")])
        assert len(load_titles(conn)) == load_catalogue(conn).n_movies == 3
    assert len(load_titles(conn)) == 4
