"""Tables of the catalogue, written: movies, links, genres, metadata, cast."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

from reeltune.db.connection import Connection

SourceName = Literal["movielens", "tmdb", "demo", "table"]


@dataclass(frozen=True, slots=True)
class Movie:
    """Movie under its MovieLens id."""

    movie_id: int
    title: str
    year: int | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """Names of a movie elsewhere; two movies may be one TMDB film."""

    movie_id: int
    imdb_id: str | None  # like 'tt0114709'
    tmdb_id: int | None


@dataclass(frozen=True, slots=True)
class LinkedMovie:
    """Movie that has a TMDB id, with what can tell a right link from a wrong one."""

    movie_id: int
    tmdb_id: int
    imdb_id: str | None
    year: int | None


@dataclass(frozen=True, slots=True)
class Metadata:
    """Metadata that TMDB knows of a movie; None is unknown."""

    movie_id: int
    collection_id: int | None = None
    release_date: str | None = None  # YYYY-MM-DD
    runtime_minutes: float | None = None  # > 0
    original_language: str | None = None
    tmdb_popularity: float | None = None  # >= 0
    vote_average: float | None = None  # 0 to 10
    vote_count: int | None = None  # > 0


@dataclass(frozen=True, slots=True)
class CastMember:
    """Person who plays in a movie; `billing` 0 is the top of the bill, two may share a place."""

    movie_id: int
    person_id: int
    billing: int


def save_movies(conn: Connection, movies: Iterable[Movie]) -> None:
    """Add movies, or give known ones their new title and year."""
    conn.executemany(
        """
        INSERT INTO movies (movie_id, title, year)
        VALUES (:movie_id, :title, :year)
            ON CONFLICT (movie_id) DO UPDATE SET title = excluded.title, year = excluded.year
         WHERE title <> excluded.title OR year IS NOT excluded.year
        """,
        map(asdict, movies),
    )


def save_genres(conn: Connection, source: SourceName, genres: dict[int, tuple[str, ...]]) -> None:
    """Make these the genres that `source` names for each movie id; what is so already stays.

    TMDB's genres only fill a gap: they give way to those of any other source, and are not taken
    where there are others.
    """
    there = _load_genre_rows(conn)
    genres = {m: some for m, some in genres.items() if not _has_genres(there, source, m, some)}
    names = sorted({name for some in genres.values() for name in some})
    conn.executemany(
        "INSERT INTO genres (name) VALUES (:name) ON CONFLICT (name) DO NOTHING",
        ({"name": name} for name in names),
    )
    conn.executemany(
        """
        DELETE FROM movie_genres
         WHERE movie_id = :movie_id
           AND (source = :source OR (source = 'tmdb' AND :some))
           AND NOT (source = :source
                    AND genre_id IN (SELECT genre_id FROM genres
                                      WHERE name IN (SELECT value FROM json_each(:names))))
        """,
        (
            {"movie_id": m, "source": source, "some": bool(some), "names": json.dumps(some)}
            for m, some in genres.items()
        ),
    )
    conn.executemany(
        """
        INSERT INTO movie_genres (movie_id, genre_id, source)
        SELECT :movie_id, genre_id, :source
          FROM genres
         WHERE name = :name
           AND NOT EXISTS (
               SELECT 1 FROM movie_genres WHERE movie_id = :movie_id AND source <> :source
               )
            ON CONFLICT DO NOTHING
        """,
        (
            {"movie_id": movie_id, "name": name, "source": source}
            for movie_id, some in genres.items()
            for name in some
        ),
    )


def _load_genre_rows(conn: Connection) -> dict[int, set[tuple[str, str]]]:
    """Return source and name of the genres of each movie that has some."""
    found: dict[int, set[tuple[str, str]]] = {}
    rows = conn.execute(
        "SELECT movie_id, source, name FROM movie_genres JOIN genres USING (genre_id)"
    )
    for movie_id, source, name in rows:
        found.setdefault(movie_id, set()).add((source, name))
    return found


def _has_genres(
    there: dict[int, set[tuple[str, str]]],
    source: SourceName,
    movie_id: int,
    names: tuple[str, ...],
) -> bool:
    """Tell whether saving would leave the genres of a movie as they are."""
    rows = there.get(movie_id, set())
    return rows == {(source, name) for name in names}


def save_links(conn: Connection, links: Iterable[Link]) -> None:
    """Give movies their ids elsewhere; what is known of a film now linked no more is forgotten."""
    rows = [asdict(link) for link in links]
    conn.executemany(
        """
        DELETE FROM cast_members
         WHERE movie_id = (
               SELECT movie_id
                 FROM movies
                WHERE movie_id = :movie_id AND tmdb_id IS NOT :tmdb_id
               )
        """,
        rows,
    )
    conn.executemany(
        """
        DELETE FROM movie_genres
         WHERE source = 'tmdb'
           AND movie_id = (
               SELECT movie_id
                 FROM movies
                WHERE movie_id = :movie_id AND tmdb_id IS NOT :tmdb_id
               )
        """,
        rows,
    )
    conn.executemany(
        """
        UPDATE movies
           SET tmdb_id = :tmdb_id, wrong_tmdb_link = 0, collection_id = NULL, release_date = NULL,
               runtime_minutes = NULL, original_language = NULL, tmdb_popularity = NULL,
               vote_average = NULL, vote_count = NULL
         WHERE movie_id = :movie_id AND tmdb_id IS NOT :tmdb_id
        """,
        rows,
    )
    conn.executemany(
        """
        UPDATE movies
           SET imdb_id = :imdb_id
         WHERE movie_id = :movie_id AND imdb_id IS NOT :imdb_id
        """,
        rows,
    )


def load_linked_movies(conn: Connection) -> list[LinkedMovie]:
    """Return the movies that have a TMDB id, by movie id."""
    rows = conn.execute(
        """
        SELECT movie_id, tmdb_id, imdb_id, year
          FROM movies
         WHERE tmdb_id IS NOT NULL
         ORDER BY movie_id
        """
    )
    return [LinkedMovie(*row) for row in rows]


def load_wrong_links(conn: Connection) -> set[int]:
    """Return the ids of the movies whose TMDB link leads to another film."""
    rows = conn.execute("SELECT movie_id FROM movies WHERE wrong_tmdb_link = 1")
    return {row["movie_id"] for row in rows}


def save_wrong_links(conn: Connection, movie_ids: Iterable[int]) -> None:
    """Mark the TMDB links of these movies as wrong, and forget the cast taken by them."""
    rows = [{"movie_id": movie_id} for movie_id in movie_ids]
    conn.executemany("DELETE FROM cast_members WHERE movie_id = :movie_id", rows)
    conn.executemany("UPDATE movies SET wrong_tmdb_link = 1 WHERE movie_id = :movie_id", rows)


def save_collections(conn: Connection, names: dict[int, str]) -> None:
    """Add collections, name by id, or rename known ones."""
    conn.executemany(
        """
        INSERT INTO collections (collection_id, name)
        VALUES (:collection_id, :name)
            ON CONFLICT (collection_id) DO UPDATE SET name = excluded.name
         WHERE name <> excluded.name
        """,
        ({"collection_id": key, "name": name} for key, name in sorted(names.items())),
    )


def save_metadata(conn: Connection, metadata: Iterable[Metadata]) -> None:
    """Make this what TMDB knows of each movie; its link counts as right from now on."""
    conn.executemany(
        """
        UPDATE movies
           SET wrong_tmdb_link = 0, collection_id = :collection_id, release_date = :release_date,
               runtime_minutes = :runtime_minutes, original_language = :original_language,
               tmdb_popularity = :tmdb_popularity, vote_average = :vote_average,
               vote_count = :vote_count
         WHERE movie_id = :movie_id
           AND (wrong_tmdb_link, collection_id, release_date, runtime_minutes, original_language,
                tmdb_popularity, vote_average, vote_count)
               IS NOT (0, :collection_id, :release_date, :runtime_minutes, :original_language,
                       :tmdb_popularity, :vote_average, :vote_count)
        """,
        map(asdict, metadata),
    )


def load_metadata(conn: Connection) -> dict[int, Metadata]:
    """Return what is known of each movie, by movie id."""
    rows = conn.execute(
        """
        SELECT movie_id, collection_id, release_date, runtime_minutes, original_language,
               tmdb_popularity, vote_average, vote_count
          FROM movies
        """
    )
    return {row["movie_id"]: Metadata(*row) for row in rows}


def save_people(conn: Connection, names: dict[int, str]) -> None:
    """Add people, name by TMDB person id, or rename known ones."""
    conn.executemany(
        """
        INSERT INTO people (person_id, name)
        VALUES (:person_id, :name)
            ON CONFLICT (person_id) DO UPDATE SET name = excluded.name
         WHERE name <> excluded.name
        """,
        ({"person_id": key, "name": name} for key, name in sorted(names.items())),
    )


def save_cast(conn: Connection, movie_ids: Iterable[int], members: Iterable[CastMember]) -> None:
    """Make `members` the whole cast of the movies `movie_ids`; what is there already stays."""
    rows = [asdict(member) for member in members]
    casts: dict[int, list[tuple[int, int]]] = {movie_id: [] for movie_id in movie_ids}
    for row in rows:
        casts.setdefault(row["movie_id"], []).append((row["person_id"], row["billing"]))
    conn.executemany(
        """
        DELETE FROM cast_members
         WHERE movie_id = :movie_id
           AND (person_id, billing) NOT IN (
               SELECT value ->> 0, value ->> 1 FROM json_each(:members)
               )
        """,
        ({"movie_id": movie_id, "members": json.dumps(cast)} for movie_id, cast in casts.items()),
    )
    conn.executemany(
        """
        INSERT INTO cast_members (movie_id, person_id, billing)
        VALUES (:movie_id, :person_id, :billing)
            ON CONFLICT DO NOTHING
        """,
        rows,
    )
