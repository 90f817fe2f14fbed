"""Scores users by an exported model, without a database.

    python model_versioning.py export --format zip --to taste.zip
    python -m examples.score_offline taste.zip --user 1 --user 2

Prints the best movies of each user, by the ids of the database that the model comes from. What a
user has rated is not in every package: name it by --without.
"""

import argparse
from pathlib import Path

import numpy as np

from reeltune.domain.errors import ReelTuneError
from reeltune.versioning.packages import Package, load_model_package


def best_movies(
    package: Package, user_id: int, without: list[int], k: int
) -> list[tuple[int, float]]:
    """Return the ids and scores of the k best movies of a user, the best first."""
    user = int(np.searchsorted(package.user_ids, user_id))
    if user == len(package.user_ids) or package.user_ids[user] != user_id:
        raise SystemExit(f"user {user_id} is not in the package")
    scores = np.array(package.model.score(np.array([user]))[0])
    scores[np.isin(package.movie_ids, without)] = -np.inf
    order = np.argsort(-scores, kind="stable")[:k]
    return [(int(package.movie_ids[m]), float(scores[m])) for m in order]


def main() -> None:
    """Print the best movies of some users."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("package", type=Path, help="directory or zip")
    parser.add_argument("--user", type=int, action="append", required=True)
    parser.add_argument("--without", type=int, action="append", default=[], metavar="MOVIE")
    parser.add_argument("-k", type=int, default=10)
    asked = parser.parse_args()
    try:
        package = load_model_package(asked.package, verify=True)
    except ReelTuneError as error:
        raise SystemExit(f"error: {error}") from error
    for user_id in asked.user:
        for movie_id, score in best_movies(package, user_id, asked.without, asked.k):
            print(user_id, movie_id, f"{score:.6f}")


if __name__ == "__main__":
    main()
