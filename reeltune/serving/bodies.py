"""Bodies, queries and answers of the routes: what is checked at the edge, and what OpenAPI says."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from reeltune.ratings.table import HIGHEST_RATING, LOWEST_RATING
from reeltune.serving.settings import MAX_EXCLUDED, MAX_K, MAX_NAME_CHARACTERS, MAX_ROWS

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_MAX_SECONDS = 253_402_300_799  # the end of the year 9999


def _as_text(value: Any) -> Any:
    return str(value) if type(value) is int else value


def checked_text(text: str) -> str:
    """Return a text that names something.

    Raises:
        ValueError: it has control characters, or spaces at an end.
    """
    if text != text.strip() or _CONTROL.search(text):
        raise ValueError("must have no control characters and no spaces at its ends")
    return text


Id = Annotated[
    str,
    BeforeValidator(_as_text),
    Field(min_length=1, max_length=MAX_NAME_CHARACTERS, description="as its source writes it"),
    AfterValidator(checked_text),
]
K = Annotated[int, Field(ge=1, le=MAX_K, description="number of movies")]
StarRating = Annotated[float, Field(ge=LOWEST_RATING, le=HIGHEST_RATING, allow_inf_nan=False)]
Seconds = Annotated[int, Field(ge=0, le=_MAX_SECONDS, description="Unix seconds")]
RequestId = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9_.:-]{1,64}$", description="X-Request-ID of the list's answer"),
]
GenreName = Annotated[str, Field(min_length=1, max_length=100)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RatedMovie(_Strict):
    """Movie with its rating."""

    movie: Id
    rating: StarRating
    rated_at: Seconds | None = None


class RatingRow(RatedMovie):
    """Rating of a user; without `rated_at` it is of now."""

    user: Id
    request_id: RequestId | None = None


class RatingsBody(_Strict):
    """Ratings; each row is accepted or rejected by itself."""

    ratings: list[Any] = Field(
        min_length=1,
        max_length=MAX_ROWS,
        json_schema_extra={"items": {"$ref": "#/components/schemas/RatingRow"}},
    )


class EventRow(_Strict):
    """List that was shown (`movies`), or what a user did with one movie (`movie`)."""

    kind: Literal["shown", "clicked", "watched", "rated"]
    user: Id
    movie: Id | None = None
    movies: list[Id] | None = Field(None, min_length=1, max_length=MAX_K)
    value: float | None = Field(None, allow_inf_nan=False, description="of rated: stars")
    request_id: RequestId | None = None
    event_id: RequestId | None = Field(None, description="the same event is kept once")
    happened_at: Seconds | None = None


class EventsBody(_Strict):
    """Events; each row is accepted or rejected by itself."""

    events: list[Any] = Field(
        min_length=1,
        max_length=MAX_ROWS,
        json_schema_extra={"items": {"$ref": "#/components/schemas/EventRow"}},
    )


class SessionBody(_Strict):
    """Ratings of somebody who is not known, or of this visit alone."""

    ratings: list[RatedMovie] = Field(default_factory=list, max_length=MAX_ROWS)
    k: K = 10
    exclude: list[Id] = Field(default_factory=list, max_length=MAX_EXCLUDED)
    genre: GenreName | None = None
    explain: bool = False


class ReasonBody(_Strict):
    """Reason, recorded with the change."""

    reason: str = Field(
        "by HTTP", min_length=1, max_length=500, json_schema_extra={"pattern": r"^[^\x00-\x1f]+$"}
    )

    def line(self) -> str:
        """Return the reason on one line."""
        return " ".join(_CONTROL.sub(" ", self.reason).split()) or "by HTTP"


class RollbackBody(ReasonBody):
    """Version to go back to; without one, the one before."""

    to: int | None = Field(None, ge=1, le=2**31)


class ListQuery(_Strict):
    """Query of a list for a user; `exclude` is ids with commas between them."""

    k: K = 10
    exclude: str = Field("", max_length=MAX_EXCLUDED * 20)
    genre: GenreName | None = None
    explain: bool = False


class ShortQuery(_Strict):
    """Query of a list that is the same for all users."""

    k: K = 10


class PageQuery(_Strict):
    """Page of a list that grows."""

    after: int = Field(0, ge=0, le=2**62)
    limit: int = Field(50, ge=1, le=200)


class NoQuery(_Strict):
    """Query of a route that takes none."""


class ListedMovie(BaseModel):
    """Movie of a list."""

    rank: int
    movie_id: int | str
    title: str
    score: float
    parts: dict[str, float] | None = None
    reasons: list[str] | None = None


class ListAnswer(BaseModel):
    """List of movies, what it rests on, and which version, test and arm it is of."""

    request_id: str
    user: str | None = None
    version: int
    ab_test: str | None
    arm: str | None
    source: str
    because: str
    items: list[ListedMovie]


class ExplanationAnswer(ListedMovie):
    """Place of a movie on a user's whole list, and what its score is made of."""

    request_id: str
    user: str
    version: int
    ab_test: str | None
    arm: str | None
    source: str
    n_movies: int


class RefusedRow(BaseModel):
    """Row that was not taken."""

    row: int
    reason: str


class RowsAnswer(BaseModel):
    """Result of a batch: rows that are new, known already, and rejected."""

    request_id: str
    accepted: int
    new: int
    rejected: list[RefusedRow]


class VersionAnswer(BaseModel):
    """Version of the model."""

    version: int
    status: str
    created_at: str
    model: str
    parent_version: int | None
    n_ratings: int
    test_metrics: dict[str, float | None]
    hyperparameters: dict[str, Any]
    removed_at: str | None


class VersionsAnswer(BaseModel):
    """Page of versions; `next_after` leads to the next one."""

    versions: list[VersionAnswer]
    next_after: int | None


class ChangeAnswer(BaseModel):
    """Version in production after a change."""

    version: int
    changed: bool
    message: str
    request_id: str


class SessionAnswer(BaseModel):
    """Session that was begun; its cookie is in the headers."""

    csrf_token: str
    role: str
    ends_at: int


class HealthAnswer(BaseModel):
    """Health of the worker that answers."""

    status: str
    version: int | None
    problem: str | None
    store: str | None


class AuditAnswer(BaseModel):
    """Last lines of the audit, the latest first."""

    lines: list[dict[str, Any]]


class ProblemAnswer(BaseModel):
    """Problem (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
