"""Reads all that training sees, as of one moment."""

from db.catalogue import load_catalogue
from db.columns import snapshot
from db.connection import Connection
from db.ratings import load_ratings
from domain.dataset import Dataset
from domain.errors import NotFoundError


def load_dataset(conn: Connection) -> Dataset:
    """Ratings and catalogue.

    Raises:
        NotFoundError: there are no ratings.
    """
    with snapshot(conn):
        data = Dataset(load_ratings(conn), load_catalogue(conn))
    if not len(data.ratings):
        raise NotFoundError(
            "the database holds no ratings: import some with `python -m importers movielens DIR`,"
            " or `python -m importers demo`"
        )
    return data
