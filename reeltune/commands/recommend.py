"""Commands: recommend, similar. Lists of the version in production, for a user and for a movie."""

from pathlib import Path

import click

from reeltune.cli.command import Command, option, options
from reeltune.cli.console import print_json, result_console
from reeltune.cli.options import argument, option_db, option_format, option_json

_LIST = "List"
option_k = option(
    _LIST, "--k", type=click.IntRange(1), default=10, show_default=True, help="Movies of the list."
)
_output = options(option_db, option_json, option_format)


@click.command(
    cls=Command,
    examples=("1", "1 --k 5 --genre comedy --explain", "1 --exclude 7 --exclude 12 --json"),
)
@argument("user", "Id of the user, as in its source.", metavar="USER")
@option_k
@option(
    _LIST,
    "--exclude",
    multiple=True,
    metavar="MOVIE",
    help="Leave out this movie; may be repeated.",
)
@option(_LIST, "--genre", metavar="NAME", help="Only movies of this genre.")
@option(_LIST, "--explain", is_flag=True, help="Say what each score is made of, and why.")
@_output
def recommend(
    user: str,
    k: int,
    exclude: tuple[str, ...],
    genre: str | None,
    explain: bool,
    db_path: Path,
    as_json: bool,
) -> None:
    """Recommend movies to a user, by the version in production.

    What the user has rated is left out. Who came after the version was made is served by the
    ratings of now; of whom there are none, by what is popular and varied.
    """
    from reeltune.serving.recommendations import Recommendations

    with Recommendations.open(db_path) as served:
        found = served.for_user(user, k, exclude=exclude, genre=genre, explain=explain)
    if as_json:
        print_json({"user": user, **found.to_json()})
        return
    from reeltune.reports.recommendation_tables import print_movies
    from reeltune.reports.version_tables import plain

    because = f": {found.because}" if found.because else ""
    heading = f"The best {len(found)} for user {plain(user).plain} by version {found.version}"
    print_movies(result_console(), heading + because, found, ids=True)


@click.command(cls=Command, examples=("1", "1 --k 5", "1 --json"))
@argument("movie", "Id of the movie, as in its source.", metavar="MOVIE")
@option_k
@_output
def similar(movie: str, k: int, db_path: Path, as_json: bool) -> None:
    """List the movies that have most in common with one.

    Genres, people by their role, and the collection count as much as for the version in production.
    The score is from 0, nothing in common, to 1.
    """
    from reeltune.serving.recommendations import Recommendations

    with Recommendations.open(db_path) as served:
        found = served.similar(movie, k)
    if as_json:
        print_json({"movie": movie, **found.to_json()})
        return
    from reeltune.reports.recommendation_tables import print_movies
    from reeltune.reports.version_tables import plain

    heading = f"Movies with most {plain(found.because).plain}, by version {found.version}"
    print_movies(result_console(), heading, found, ids=True)
