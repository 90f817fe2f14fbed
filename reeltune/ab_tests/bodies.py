"""Bodies of the routes of A/B tests, checked at the edge."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from reeltune.serving.bodies import Id, RequestId, Seconds
from reeltune.serving.settings import MAX_ROWS

OutcomeValue = Annotated[float, Field(allow_inf_nan=False)]


class _StrictBody(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ActionBody(_StrictBody):
    """Body of an action: why, and of a promotion which challenger."""

    reason: str = Field("by HTTP", max_length=500)
    version: int | None = Field(None, ge=1, le=2**31)


class ExposureRow(_StrictBody):
    """List that was really served to a user of the test."""

    request_id: RequestId
    user: Id
    happened_at: Seconds | None = None
    arm: str | None = Field(None, max_length=40)
    movies: list[Id] | None = Field(None, max_length=1_000)
    teams: str | None = Field(None, max_length=1_000, pattern=r"^[01]*$")


class ExposuresBody(_StrictBody):
    """Exposures; each row is accepted or rejected by itself."""

    exposures: list[Any] = Field(min_length=1, max_length=MAX_ROWS)


class OutcomeRow(_StrictBody):
    """Outcome: what a user did with a list."""

    kind: Literal["clicked", "watched", "rated"]
    user: Id
    request_id: RequestId | None = None
    movie: Id | None = None
    value: OutcomeValue | None = None
    happened_at: Seconds | None = None
    outcome_id: str | None = Field(None, min_length=1, max_length=200)


class OutcomesBody(_StrictBody):
    """Outcomes; each row is accepted or rejected by itself."""

    outcomes: list[Any] = Field(min_length=1, max_length=MAX_ROWS)


class AssignmentQuery(_StrictBody):
    """User whose arm is asked for."""

    user: Id


class EventsQuery(_StrictBody):
    """Place from which events are sent, and whether new ones are waited for."""

    after: int = Field(0, ge=0, le=2**62)
    follow: bool = True


class ExportQuery(_StrictBody):
    """Table that is exported."""

    table: Literal["analyses", "users"] = "analyses"
