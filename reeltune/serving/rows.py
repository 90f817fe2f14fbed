"""Rows of ratings and events, checked against the catalogue and made into what is stored."""

import numpy as np

from reeltune.db.serving_rows import ServedRating, ServingEvent
from reeltune.domain.clock import latest_believable
from reeltune.ratings.table import HIGHEST_RATING, LOWEST_RATING
from reeltune.serving.bodies import EventRow, RatingRow
from reeltune.serving.current_data import CurrentData


class RowError(ValueError):
    """Row that is not taken; the message says why."""


def rating_and_event(
    current: CurrentData, row: RatingRow, now: int
) -> tuple[ServedRating, ServingEvent]:
    """Return a rating as it is stored, and the event that it is.

    Raises:
        RowError: the movie is not known, the user was erased, or the time is to come.
    """
    _check_user(current, row.user)
    rated_at = _moment(row.rated_at, now, "rated_at")
    number = _movie(current, row.movie)
    rating = ServedRating(row.user, row.movie, number, row.rating, rated_at)
    event = ServingEvent(
        key=_joined("rated", row.user, number, rated_at, row.rating),
        kind="rated",
        user=row.user,
        movie_id=number,
        value=row.rating,
        request_id=row.request_id,
        happened_at=rated_at,
        received_at=now,
    )
    return rating, event


def row_event(
    current: CurrentData, row: EventRow, now: int
) -> tuple[list[ServedRating], list[ServingEvent]]:
    """Return an event as it is stored; one that is a rating is kept as that too.

    Raises:
        RowError: it does not say what its kind needs, or see `rating_and_event`.
    """
    _check_user(current, row.user)
    if row.kind == "rated":
        return _rated(current, row, now)
    happened_at = _moment(row.happened_at, now, "happened_at")
    if row.kind == "shown":
        if row.movies is None or row.movie is not None:
            raise RowError("shown: name the list, `movies`, and no `movie`")
        numbers = [_movie(current, movie) for movie in row.movies]
        what: object = "-".join(map(str, numbers))
    else:
        if row.movie is None or row.movies is not None:
            raise RowError(f"{row.kind}: name the movie, `movie`, and no `movies`")
        numbers = [_movie(current, row.movie)]
        what = numbers[0]
    event = ServingEvent(
        key=_event_key(row, what, happened_at),
        kind=row.kind,
        user=row.user,
        movie_id=None if row.kind == "shown" else numbers[0],
        movies=numbers if row.kind == "shown" else None,
        value=row.value,
        request_id=row.request_id,
        happened_at=happened_at,
        received_at=now,
    )
    return [], [event]


def _rated(
    current: CurrentData, row: EventRow, now: int
) -> tuple[list[ServedRating], list[ServingEvent]]:
    if row.movie is None or row.movies is not None:
        raise RowError("rated: name the movie, `movie`, and no `movies`")
    if row.value is None or not LOWEST_RATING <= row.value <= HIGHEST_RATING:
        raise RowError(f"rated: value must be {LOWEST_RATING} to {HIGHEST_RATING} stars")
    as_rating = RatingRow(
        user=row.user,
        movie=row.movie,
        rating=row.value,
        rated_at=row.happened_at,
        request_id=row.request_id,
    )
    rating, event = rating_and_event(current, as_rating, now)
    return [rating], [event]


def _event_key(row: EventRow, what: object, happened_at: int) -> str:
    """Return what names an event: its own id, else its list, else who did what when."""
    if row.event_id is not None:
        return _joined("id", row.kind, row.event_id)
    if row.kind == "shown" and row.request_id is not None:
        return f"shown:{row.request_id}"
    if row.request_id is not None:
        return _joined(row.kind, row.request_id, what)
    return _joined(row.kind, row.user, what, happened_at)


def _joined(*parts: object) -> str:
    return ":".join(str(part) for part in parts)


def _check_user(current: CurrentData, user: str) -> None:
    if current.is_erased(user):
        raise RowError("the user was erased: nothing is kept of them")


def _moment(given: int | None, now: int, name: str) -> int:
    moment = now if given is None else given
    if moment > latest_believable():
        raise RowError(f"{name} is to come: Unix seconds are asked for, not milliseconds")
    return moment


def _movie(current: CurrentData, movie: str) -> int:
    """Return our number of a movie.

    Raises:
        RowError: there is none.
    """
    number, known = current.movie_number(movie), current.data.catalogue.movie_ids
    if number is not None:
        place = int(np.searchsorted(known, number))
        if place < len(known) and known[place] == number:
            return number
    raise RowError(f"there is no movie {movie!r}")
