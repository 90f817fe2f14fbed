import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from reeltune.db.catalogue import load_catalogue, load_titles
from reeltune.db.connection import connect
from reeltune.db.imports import load_batches, load_rejected_rows, start_batch
from reeltune.domain.errors import InputError, NotFoundError
from reeltune.importers.counts import SAME
from reeltune.importers.layouts import GENRE_FLAGS, find_movielens
from reeltune.importers.rating_columns import UNKNOWN_MOVIE
from tests.importers.imports import (
    LINKS,
    MOVIES,
    RATINGS,
    THREE_MOVIES,
    dump,
    fresh,
    import_all,
    select,
    write,
)

GENRES = "SELECT movie_id, name FROM movie_genres JOIN genres USING (genre_id) ORDER BY 1, 2"


def flags(*names: str) -> str:
    return "|".join(str(int(name in names)) for name in GENRE_FLAGS)


LAYOUTS: dict[str, dict[str, str | bytes]] = {
    "csv": {
        "movies_csv": f"{MOVIES}1,Amélie (2001),Comedy|Children\n2,Heat (1995),(no genres listed)",
        "ratings_csv": f"{RATINGS}1,1,4.0,964982703\n1,2,3.0,964981247\n",
    },
    "csv packed with CRLF": {
        "movies_csv_gz": f"\ufeff{MOVIES}1,Amélie (2001),Comedy|Children\n2,Heat (1995),\n".replace(
            "\n", "\r\n"
        ),
        "ratings_csv_gz": f"{RATINGS}1,1,4.0,964982703\n1,2,3.0,964981247\n".replace("\n", "\r\n"),
    },
    "1M": {
        "movies_dat": "1::Amélie (2001)::Children's|Comedy\n2::Heat (1995)::\n".encode("latin-1"),
        "ratings_dat": "1::1::4::964982703\n1::2::3::964981247\n",
    },
    "10M": {
        "movies_dat": "1::Amélie (2001)::Children|Comedy\n2::Heat (1995)::(no genres listed)\n",
        "ratings_dat": "1::1::4::964982703\n1::2::3.0::964981247\n",
    },
    "100K": {
        "u_item": (
            f"1|Amélie (2001)|01-Jan-2001||http://x|{flags('Children', 'Comedy')}\n"
            f"2|Heat (1995)|||http://y|{flags('unknown')}\n"
        ).encode("latin-1"),
        "u_data": "1\t1\t4\t964982703\n1\t2\t3\t964981247\n",
    },
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_publication_gives_the_same_catalogue_and_ratings(tmp_path: Path, name: str) -> None:
    conn = fresh(tmp_path)
    import_all(conn, write(tmp_path / "files", **LAYOUTS[name]))
    assert load_titles(conn) == {1: "Amélie (2001)", 2: "Heat (1995)"}
    assert select(conn, "SELECT year FROM movies ORDER BY movie_id") == [(2001,), (1995,)]
    assert select(conn, GENRES) == [(1, "Children"), (1, "Comedy")]
    assert select(conn, "SELECT * FROM ratings") == [(1, 1, 4.0, 964982703), (1, 2, 3.0, 964981247)]


@pytest.mark.parametrize("name", LAYOUTS)
def test_importing_again_changes_nothing(tmp_path: Path, name: str) -> None:
    conn = fresh(tmp_path)
    directory = write(tmp_path / "files", **LAYOUTS[name])
    import_all(conn, directory)
    before = dump(conn)
    import_all(conn, directory)
    assert dump(conn) == before


def test_the_batch_says_what_was_read(tmp_path: Path) -> None:
    conn = fresh(tmp_path)
    import_all(conn, write(tmp_path / "files", movies_csv=f"{THREE_MOVIES}x,Bad,\n\n"))
    (batch,) = load_batches(conn)
    assert (batch.file, batch.rows_read, batch.rows_kept) == ("movies.csv", 5, 3)
    assert [row.line for row in load_rejected_rows(conn, "movies.csv")] == [5]


def test_a_movie_twice_stays_as_the_fuller_row_has_it_and_on_a_tie_as_the_later(
    tmp_path: Path,
) -> None:
    conn = fresh(tmp_path)
    rows = "1,Full (1995),Drama|War\n1,Scant (1995),Drama\n2,First,Drama\n2,Second,War\n"
    report = import_all(conn, write(tmp_path / "files", movies_csv=MOVIES + rows))["movies.csv"]
    assert load_titles(conn) == {1: "Full (1995)", 2: "Second"}
    assert report.rejected == {SAME.format("movie"): 2}
    assert report.examples == {SAME.format("movie"): (3, 4)}


def test_links_keep_their_leading_zeros_and_may_lack_an_id(tmp_path: Path) -> None:
    conn = fresh(tmp_path)
    rows = "1,0114709,862\n2,113277,949.0\n3,,\n9,0000001,5\n1,0114709,\n3,x,1\n"
    report = import_all(
        conn, write(tmp_path / "files", movies_csv=THREE_MOVIES, links_csv=LINKS + rows)
    )["links.csv"]
    assert select(conn, "SELECT imdb_id, tmdb_id FROM movies ORDER BY movie_id") == [
        ("tt0114709", 862),
        ("tt0113277", 949),
        (None, 1),
    ]
    assert report.rejected == {UNKNOWN_MOVIE: 1, SAME.format("movie"): 2}
    assert report.left_out == {"imdbId is not a positive whole number": 1}


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-16", "UTF-16"),
        ("utf-16-be", "UTF-16, big endian"),
        ("cp1252", "Windows-1252"),
        ("latin-1", "Windows-1252"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_an_encoding_is_recognised_and_said(
    tmp_path: Path, encoding: str, said: str, packed: bool
) -> None:
    files = tmp_path / "files"
    files.mkdir()
    rows = "1,Amélie (2001),Comedy\n2,Heat (1995),Crime\n"
    texts = {"movies.csv": MOVIES + rows, "ratings.csv": RATINGS + "1,1,4.0,5\n"}
    for name, text in texts.items():
        content = text.encode(encoding)
        path = files / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(content) if packed else content)
    conn = fresh(tmp_path)
    reports = list(import_all(conn, files).values())
    assert load_titles(conn) == {1: "Amélie (2001)", 2: "Heat (1995)"}
    assert select(conn, "SELECT movie_id, rating FROM ratings") == [(1, 4.0)]
    assert reports[0].notes == (f"{said}, recognised",)
    assert not any(report.rejected for report in reports)


def test_a_text_that_changes_its_encoding_midway_is_one_error(tmp_path: Path) -> None:
    files = write(tmp_path / "files", movies_csv="")
    (files / "movies.csv").write_bytes((MOVIES + "1,Heat,\n").encode("utf-16") + b"\x00\xd8" * 2)
    with pytest.raises(InputError, match=r"is not the utf-16.* it begins as: save it as UTF-8"):
        import_all(fresh(tmp_path), files)


def test_new_genres_replace_the_old(tmp_path: Path) -> None:
    conn = fresh(tmp_path)
    import_all(conn, write(tmp_path / "files", movies_csv=f"{MOVIES}1,Heat,Crime|War\n"))
    import_all(conn, write(tmp_path / "files", movies_csv=f"{MOVIES}1,Heat,Drama\n"))
    assert load_catalogue(conn).genre_names == ("Drama",)


def test_newer_ratings_are_added_to_movies_already_there(tmp_path: Path) -> None:
    conn = fresh(tmp_path)
    import_all(conn, write(tmp_path / "one", movies_csv=THREE_MOVIES))
    import_all(conn, write(tmp_path / "two", ratings_csv=f"{RATINGS}1,1,4.0,5\n"))
    assert select(conn, "SELECT count(*) FROM ratings") == [(1,)]


def test_ratings_without_any_movie_are_an_error_that_names_the_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no movies\.csv found and no movie in the database"):
        import_all(fresh(tmp_path), write(tmp_path / "files", ratings_csv=RATINGS))


def test_the_demo_world_is_not_mixed_with_real_data(tmp_path: Path) -> None:
    conn = fresh(tmp_path)
    start_batch(conn, "demo", "demo", "0" * 64)
    with pytest.raises(InputError, match="demo world"):
        import_all(conn, write(tmp_path / "files", movies_csv=THREE_MOVIES))
    assert load_titles(conn) == {}


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda path: None, NotFoundError, "no directory at"),
        (lambda path: path.touch(), InputError, "is a file: name the directory"),
        (lambda path: path.mkdir(), NotFoundError, r"no MovieLens file in .* movies\.csv and"),
    ],
)
def test_a_directory_that_is_none_or_holds_nothing_is_an_error_in_one_line(
    tmp_path: Path, make: Callable[[Path], None], error: type[Exception], message: str
) -> None:
    make(tmp_path / "files")
    with pytest.raises(error, match=message) as raised:
        find_movielens(tmp_path / "files")
    assert "\n" not in str(raised.value)


def test_an_error_within_a_file_leaves_that_file_out_and_the_earlier_ones_in(
    tmp_path: Path,
) -> None:
    directory = write(tmp_path / "files", movies_csv=THREE_MOVIES, ratings_csv="a,b\n1,1\n")
    with pytest.raises(InputError):
        import_all(fresh(tmp_path), directory)
    conn = connect(tmp_path / "movies.db")
    assert [batch.file for batch in load_batches(conn)] == ["movies.csv"]
    assert len(load_titles(conn)) == 3


@pytest.mark.parametrize(
    "cell",
    [
        *("Drama|Comedy", "Drama, Comedy", "Drama;Comedy", "Drama / Comedy", "['Drama', 'Comedy']"),
        '[{""id"": 18, ""name"": ""Drama""}, {""id"": 35, ""name"": ""Comedy""}]',
    ],
)
def test_genres_are_cut_whatever_stands_between_them(tmp_path: Path, cell: str) -> None:
    conn = fresh(tmp_path)
    rows = f'1,Heat,"{cell}"\n2,Ronin,Sci-Fi\n3,Alien,Space Opera\n'
    import_all(conn, write(tmp_path / "files", movies_csv=MOVIES + rows))
    names = [name for (name,) in select(conn, "SELECT name FROM genres ORDER BY 1")]
    assert names == ["Comedy", "Drama", "Sci-Fi", "Space Opera"]


def test_a_bad_cell_of_genres_does_not_cost_the_movie(tmp_path: Path) -> None:
    conn = fresh(tmp_path)
    files = write(tmp_path / "files", movies_csv=f"{MOVIES}1,Heat,[{{oops\n2,Ronin,War\n")
    report = import_all(conn, files)["movies.csv"]
    assert (report.kept, sum(report.left_out.values())) == (2, 1)
    assert load_titles(conn) == {1: "Heat", 2: "Ronin"}
