"""Ratings that clients sent to the HTTP service, as a source that nights read by themselves.

It is remembered under the name "serving" as soon as there is a store beside the database. The
number of the last rating read is kept in the transaction that imports: each is imported once.
"""

from reeltune.db.connection import Connection, transaction
from reeltune.db.serving_file import serving_path
from reeltune.db.sources import load_sources, save_source
from reeltune.db.versions import database_path
from reeltune.importers.mapping import RatingsMap, SourceMap

SERVING_SOURCE = "serving"
_VIEW = "current_ratings"
SERVING_MAP = SourceMap(
    ratings=(
        RatingsMap(
            table=_VIEW,
            user="user",
            movie="movie",
            rating="rating",
            scale="0.5-5",
            relevant_from=4.0,
            time="rated_at",
            time_format="seconds",
            grows="rating_number",
        ),
    )
)


def remember_serving_store(conn: Connection) -> bool:
    """Remember the store of the service as a source, if there is one; whether it is new."""
    path = serving_path(database_path(conn))
    if not path.is_file():
        return False
    for known in load_sources(conn):
        if known.name == SERVING_SOURCE and known.location == str(path):
            return False
    with transaction(conn):  # what is rejected are movies that are no longer in the catalogue
        save_source(conn, SERVING_SOURCE, str(path), SERVING_MAP.as_dict(), 1.0)
    return True


def imported_ratings(conn: Connection) -> int:
    """Return the number of the last rating of the store that was imported; 0 if none was."""
    path = str(serving_path(database_path(conn)))
    for known in load_sources(conn):
        if known.name == SERVING_SOURCE and known.location == path:
            return int(known.state.get("seen", {}).get(_VIEW, 0))
    return 0
