from pathlib import Path

import pytest

from reeltune.db.catalogue import load_catalogue
from reeltune.db.connection import Connection
from reeltune.db.imports import load_rejected_rows
from reeltune.db.movies import LinkedMovie
from reeltune.domain.errors import InputError, NotFoundError
from reeltune.importers.counts import SAME
from reeltune.importers.films import Film
from reeltune.importers.tmdb import (
    NOT_LINKED,
    ONLY_WRONG_LINKS,
    WRONG_LINK,
    find_tmdb,
    is_wrong_link,
)
from tests.importers.imports import (
    CREDITS,
    LINKS,
    METADATA,
    MOVIES,
    dump,
    fresh,
    import_all,
    select,
    write,
)

GENRES = "SELECT movie_id, name FROM movie_genres JOIN genres USING (genre_id) ORDER BY 1, 2"
CAST = "SELECT movie_id, person_id, billing FROM cast_members ORDER BY 1, 3, 2"
LINKED: dict[str, str | bytes] = {
    "movies_csv": f"{MOVIES}1,Heat (1995),Crime\n2,Heat again (1995),\n3,Camille (1988),\n",
    "links_csv": f"{LINKS}1,0113277,949\n2,0113277,949\n3,0094828,110428\n",
}
HEAT = "949,Heat,tt0113277,1995-12-15,170,en,17.9,7.7,1886,{},{}\n".format(
    "\"[{'id': 28, 'name': 'Action'}, {'id': 878, 'name': 'Science Fiction'}]\"",
    "\"{'id': 5, 'name': 'Heat Collection'}\"",
)
HEAT_BARE = "949,Heat,,1995-12-15,,,,,,[],\n"
CAMILLE_1915 = "110428,Camille Claudel 1915,tt2018086,2013-03-13,95,fr,0.1,6.9,22,[],\n"


def people(*ids: int) -> str:
    entries = [{"id": i, "name": f"Person {i}", "order": n} for n, i in enumerate(ids)]
    return f'"{entries}"'


HEAT_CAST = f"{people(7, 8)},[],949\n"


def import_tmdb(conn: Connection, tmp_path: Path, **files: str) -> dict[str, dict[str, int]]:
    """Import rows of metadata and credits; the counts of rows not taken, per file and reason."""
    heads = {"movies_metadata_csv": METADATA, "credits_csv": CREDITS}
    written = {name: heads[name] + rows for name, rows in files.items()}
    reports = import_all(conn, write(tmp_path / "files", **LINKED, **written), tmdb=True)
    return {name: report.skipped | report.rejected for name, report in reports.items()}


def test_two_movies_of_one_film_both_get_what_is_known_of_it(tmp_path: Path) -> None:
    conn = fresh(tmp_path)
    import_tmdb(conn, tmp_path, movies_metadata_csv=HEAT, credits_csv=HEAT_CAST)
    known = "SELECT movie_id, collection_id, release_date, runtime_minutes, vote_count FROM movies"
    assert select(conn, f"{known} WHERE movie_id < 3") == [
        (1, 5, "1995-12-15", 170.0, 1886),
        (2, 5, "1995-12-15", 170.0, 1886),
    ]
    assert select(conn, CAST) == [(1, 7, 0), (1, 8, 1), (2, 7, 0), (2, 8, 1)]
    assert select(conn, "SELECT * FROM people") == [(7, "Person 7"), (8, "Person 8")]


def test_genres_of_movielens_rule_and_those_of_tmdb_fill_a_gap(tmp_path: Path) -> None:
    conn = fresh(tmp_path)
    import_tmdb(conn, tmp_path, movies_metadata_csv=HEAT)
    assert select(conn, GENRES) == [(1, "Crime"), (2, "Action"), (2, "Sci-Fi")]


def test_genres_of_tmdb_give_way_when_movielens_names_some(tmp_path: Path) -> None:
    conn = fresh(tmp_path)
    import_tmdb(conn, tmp_path, movies_metadata_csv=HEAT)
    import_all(conn, write(tmp_path / "new", movies_csv=f"{MOVIES}2,Heat again (1995),War\n"))
    assert select(conn, GENRES) == [(1, "Crime"), (2, "War")]


def test_importing_again_changes_nothing_with_or_without_tmdb(tmp_path: Path) -> None:
    conn = fresh(tmp_path)
    rows = HEAT + HEAT_BARE + CAMILLE_1915
    import_tmdb(conn, tmp_path, movies_metadata_csv=rows, credits_csv=HEAT_CAST)
    before = dump(conn)
    import_tmdb(conn, tmp_path, movies_metadata_csv=rows, credits_csv=HEAT_CAST)
    assert dump(conn) == before
    import_all(conn, tmp_path / "files")
    assert dump(conn) == before


@pytest.mark.parametrize("rows", [HEAT + HEAT_BARE, HEAT_BARE + HEAT])
def test_of_two_rows_of_a_film_the_fuller_stays(tmp_path: Path, rows: str) -> None:
    conn = fresh(tmp_path)
    counts = import_tmdb(conn, tmp_path, movies_metadata_csv=rows)
    assert counts["movies_metadata.csv"] == {SAME.format("film"): 1}
    assert select(conn, "SELECT vote_count FROM movies WHERE movie_id = 1") == [(1886,)]


def test_of_two_rows_that_know_as_much_the_later_stays(tmp_path: Path) -> None:
    conn = fresh(tmp_path)
    import_tmdb(conn, tmp_path, movies_metadata_csv=HEAT + HEAT.replace("17.9", "18.1"))
    assert select(conn, "SELECT tmdb_popularity FROM movies WHERE movie_id = 1") == [(18.1,)]


def test_of_two_casts_of_a_film_the_longer_stays(tmp_path: Path) -> None:
    conn = fresh(tmp_path)
    counts = import_tmdb(conn, tmp_path, credits_csv=HEAT_CAST + f"{people(9)},[],949\n")
    assert counts["credits.csv"] == {SAME.format("film"): 1}
    assert load_catalogue(conn).person_ids.tolist() == [7, 8]


def test_by_a_wrong_link_nothing_is_taken_neither_metadata_nor_cast(tmp_path: Path) -> None:
    conn = fresh(tmp_path)
    counts = import_tmdb(
        conn, tmp_path, movies_metadata_csv=CAMILLE_1915, credits_csv=f"{people(9)},[],110428\n"
    )
    assert counts["movies_metadata.csv"] == {WRONG_LINK: 1}
    assert counts["credits.csv"] == {ONLY_WRONG_LINKS: 1}
    assert select(conn, "SELECT release_date FROM movies WHERE movie_id = 3") == [(None,)]
    assert select(conn, CAST) == []


def test_a_link_mended_later_brings_what_belongs_to_it_and_drops_the_rest(tmp_path: Path) -> None:
    conn = fresh(tmp_path)
    import_tmdb(conn, tmp_path, movies_metadata_csv=HEAT, credits_csv=HEAT_CAST)
    import_all(conn, write(tmp_path / "new", links_csv=f"{LINKS}2,0094828,1\n"))
    assert select(conn, "SELECT collection_id FROM movies WHERE movie_id < 3") == [(5,), (None,)]
    assert select(conn, CAST) == [(1, 7, 0), (1, 8, 1)]
    assert select(conn, GENRES) == [(1, "Crime")]


@pytest.mark.parametrize(
    ("year", "released", "imdb", "wrong"),
    [
        (1988, "2013-03-13", "tt2018086", True),  # another film
        (1988, "2013-03-13", None, True),  # nothing vouches for it
        (1988, "2013-03-13", "tt0094828", False),  # released late
        (1988, "1993-12-31", "tt2018086", False),  # IMDb merged two entries
        (None, "2013-03-13", "tt2018086", False),
        (1988, None, "tt2018086", False),
    ],
)
def test_a_link_is_wrong_only_where_year_and_imdb_id_both_speak_against_it(
    year: int | None, released: str | None, imdb: str | None, wrong: bool
) -> None:
    film = Film(1, imdb, released, None, None, None, None, None, (), None)
    assert is_wrong_link(LinkedMovie(3, 1, "tt0094828", year), film) is wrong


def test_films_without_a_movie_are_skipped_and_only_broken_rows_are_recorded(
    tmp_path: Path,
) -> None:
    conn = fresh(tmp_path)
    other = HEAT.replace("949", "77")
    torn = HEAT.replace("949", "1997-08-20")
    counts = import_tmdb(
        conn,
        tmp_path,
        movies_metadata_csv=f"{other}{torn}82663,,,,,,,,,[],\n{HEAT}",
        credits_csv="[],[],77\n0.06,[],x\n" + HEAT_CAST + "False,[],949\n",
    )
    assert counts["movies_metadata.csv"] == {
        NOT_LINKED: 1,
        "id is not a positive whole number": 1,
        "title is empty": 1,
    }
    assert [row.line for row in load_rejected_rows(conn, "movies_metadata.csv")] == [3, 4]
    assert [row.line for row in load_rejected_rows(conn, "credits.csv")] == [3, 5]
    assert len(select(conn, CAST)) == 4


def test_without_any_link_the_import_says_what_is_missing(tmp_path: Path) -> None:
    movies = write(tmp_path / "files", movies_csv=f"{MOVIES}1,Heat,\n", credits_csv=CREDITS)
    with pytest.raises(InputError, match=r"import a MovieLens directory with links\.csv first"):
        import_all(fresh(tmp_path), movies, tmdb=True)


def test_a_directory_without_tmdb_files_is_an_error_that_names_them(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"movies_metadata\.csv and credits\.csv"):
        find_tmdb(tmp_path)
