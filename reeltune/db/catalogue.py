"""Tables of the catalogue, read: movies, genres, people, cast, collections."""

from dataclasses import dataclass

import numpy as np

from reeltune.db.columns import fetch_columns, snapshot
from reeltune.db.connection import Connection
from reeltune.domain.arrays import Ints
from reeltune.ratings.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Coverage:
    """Counts of movies, and of those of which something is known."""

    movies: int
    with_genres: int
    with_metadata: int
    with_collection: int
    with_cast: int


def load_coverage(conn: Connection) -> Coverage:
    """Return how much is known of the movies."""
    row = conn.execute(
        """
        SELECT count(*),
               count(*) FILTER (WHERE movie_id IN (SELECT movie_id FROM movie_genres)),
               count(*) FILTER (WHERE release_date IS NOT NULL OR original_language IS NOT NULL),
               count(collection_id),
               count(*) FILTER (WHERE movie_id IN (SELECT movie_id FROM cast_members))
          FROM movies
        """
    ).fetchone()
    return Coverage(*row)


def load_catalogue(conn: Connection) -> Catalogue:
    """Return what is known of every movie; genres, people and collections without one stay out."""
    with snapshot(conn):
        movie_ids, collection_of, years = fetch_columns(
            conn,
            """
            SELECT movie_id, ifnull(collection_id, -1), ifnull(year, 0)
              FROM movies
             ORDER BY movie_id
            """,
            [np.int64, np.int64, np.int64],
        )
        genre_names, genre_movies, genres = _load_genres(conn)
        cast_movies, cast_people, billing = _load_cast(conn)
    person_ids, cast = np.unique(cast_people, return_inverse=True)
    collection_ids = np.unique(collection_of[collection_of >= 0])
    collections = np.searchsorted(collection_ids, collection_of)
    return Catalogue(
        movie_ids=movie_ids,
        genre_names=genre_names,
        genre_starts=_starts(movie_ids, genre_movies),
        genres=genres.astype(np.int32),
        person_ids=person_ids,
        cast_starts=_starts(movie_ids, cast_movies),
        cast=cast.astype(np.int32),
        billing=billing.astype(np.int32),
        collections=np.where(collection_of >= 0, collections, -1).astype(np.int32),
        collection_ids=collection_ids,
        release_years=years.astype(np.int32),
    )


def load_titles(conn: Connection) -> dict[int, str]:
    """Title by movie id, as MovieLens writes it: article behind, year in brackets."""
    rows = conn.execute("SELECT movie_id, title FROM movies ORDER BY movie_id")
    return {row["movie_id"]: row["title"] for row in rows}


def load_release_days(conn: Connection) -> tuple[Ints, Ints]:
    """Return movie ids, ascending, and the day of each one's release as YYYYMMDD.

    Where only the year is known, as YYYY0000; 0 where nothing is.
    """
    movie_ids, days = fetch_columns(
        conn,
        """
        SELECT movie_id, ifnull(CAST(replace(release_date, '-', '') AS INTEGER),
                                ifnull(year, 0) * 10000)
          FROM movies
         ORDER BY movie_id
        """,
        [np.int64, np.int64],
    )
    return movie_ids, days


def _load_genres(conn: Connection) -> tuple[tuple[str, ...], Ints, Ints]:
    """Return names in order, and movie id and position in the names of each genre of a movie."""
    rows = conn.execute(
        """
        SELECT name
          FROM genres
         WHERE genre_id IN (SELECT genre_id FROM movie_genres)
         ORDER BY name
        """
    )
    names = tuple(row["name"] for row in rows)
    movies, positions = fetch_columns(
        conn,
        """
          WITH used AS (
               SELECT genre_id, row_number() OVER (ORDER BY name) - 1 AS position
                 FROM genres
                WHERE genre_id IN (SELECT genre_id FROM movie_genres)
               )
        SELECT movie_id, position
          FROM movie_genres
          JOIN used USING (genre_id)
         ORDER BY movie_id, position
        """,
        [np.int64, np.int64],
    )
    return names, movies, positions


def _load_cast(conn: Connection) -> tuple[Ints, Ints, Ints]:
    """Return movie id, person id and place on the bill of each entry, by movie, place, person.

    A movie's come as one blob, three whole numbers of 64 bits each, as a user's ratings do.
    """
    rows = conn.execute(
        """
        SELECT unhex(group_concat(format('%016x%016x%016x', movie_id, billing, person_id), ''))
          FROM cast_members
         GROUP BY movie_id
        """
    )
    fields = np.frombuffer(b"".join(row[0] for row in rows), dtype=">i8").reshape(-1, 3)
    movies, billing, people = (column.astype(np.int64) for column in fields.T)
    order = np.lexsort((people, billing, movies))
    return movies[order], people[order], billing[order]


def _starts(movie_ids: Ints, owners: Ints) -> Ints:
    """Return (M + 1,) where each movie's entries start in `owners`, which is ascending.

    >>> _starts(np.array([3, 5, 9]), np.array([3, 3, 9])).tolist()
    [0, 2, 2, 3]
    """
    starts = np.searchsorted(owners, movie_ids)
    return np.append(starts, len(owners)).astype(np.int64)
