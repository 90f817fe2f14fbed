"""Operations: every route once, from which both the router and OpenAPI are made."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from reeltune.serving import bodies
from reeltune.serving.health_routes import HealthRoutes
from reeltune.serving.list_routes import ListRoutes
from reeltune.serving.service import Service
from reeltune.serving.version_routes import VersionRoutes
from reeltune.serving.write_routes import WriteRoutes

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Route with what it takes and gives."""

    method: str
    path: str  # with {name} for each id in it
    handler: Handler
    answer: type[BaseModel] | None  # None: not JSON, or a document that describes itself
    query: type[BaseModel] = bodies.NoQuery
    body: type[BaseModel] | None = None
    body_is_needed: bool = True
    needs: str | None = "read"  # role; None: nobody is asked
    statuses: tuple[int, ...] = (200,)

    @property
    def summary(self) -> str:
        """First line of what the handler says of itself."""
        return (self.handler.__doc__ or "").strip().splitlines()[0]

    def route(self) -> Route:
        """Return the route; ids may have slashes in them."""
        path = self.path.replace("{user}", "{user:path}").replace("{movie}", "{movie:path}")
        return Route(path, self.handler, methods=[self.method])


def operations(service: Service, document: dict[str, Any]) -> list[Operation]:
    """Return all operations, the ones that are asked for most first."""
    lists, writes = ListRoutes(service), WriteRoutes(service)
    versions, health = VersionRoutes(service), HealthRoutes(service, document)
    return [
        Operation(
            method="GET",
            path="/api/users/{user}/recommendations",
            handler=lists.recommend_to_user,
            query=bodies.ListQuery,
            answer=bodies.ListAnswer,
        ),
        Operation(
            method="POST",
            path="/api/recommendations",
            handler=lists.recommend_by_ratings,
            body=bodies.SessionBody,
            answer=bodies.ListAnswer,
        ),
        Operation(
            method="GET",
            path="/api/movies/{movie}/similar",
            handler=lists.similar_movies,
            query=bodies.ShortQuery,
            answer=bodies.ListAnswer,
        ),
        Operation(
            method="GET",
            path="/api/users/{user}/movies/{movie}/explanation",
            handler=lists.explain_movie,
            answer=bodies.ExplanationAnswer,
        ),
        Operation(
            method="GET",
            path="/api/popular",
            handler=lists.popular_movies,
            query=bodies.ShortQuery,
            answer=bodies.ListAnswer,
        ),
        Operation(
            method="GET",
            path="/api/new",
            handler=lists.new_movies,
            query=bodies.ShortQuery,
            answer=bodies.ListAnswer,
        ),
        Operation(
            method="POST",
            path="/api/ratings",
            handler=writes.save_ratings,
            body=bodies.RatingsBody,
            answer=bodies.RowsAnswer,
            needs="write",
        ),
        Operation(
            method="POST",
            path="/api/events",
            handler=writes.save_events,
            body=bodies.EventsBody,
            answer=bodies.RowsAnswer,
            needs="write",
        ),
        *_of_versions(versions),
        *_of_service(health),
    ]


def _of_versions(versions: VersionRoutes) -> list[Operation]:
    return [
        Operation(
            method="GET",
            path="/api/versions",
            handler=versions.list_versions,
            query=bodies.PageQuery,
            answer=bodies.VersionsAnswer,
        ),
        Operation(
            method="GET",
            path="/api/versions/{version}",
            handler=versions.show_version,
            answer=bodies.VersionAnswer,
        ),
        Operation(
            method="POST",
            path="/api/versions/{version}/promote",
            handler=versions.promote_version,
            body=bodies.ReasonBody,
            body_is_needed=False,
            answer=bodies.ChangeAnswer,
            needs="write",
        ),
        Operation(
            method="POST",
            path="/api/rollback",
            handler=versions.roll_back,
            body=bodies.RollbackBody,
            body_is_needed=False,
            answer=bodies.ChangeAnswer,
            needs="write",
        ),
        Operation(
            method="GET",
            path="/api/audit",
            handler=versions.list_audit,
            answer=bodies.AuditAnswer,
        ),
    ]


def _of_service(health: HealthRoutes) -> list[Operation]:
    return [
        Operation(
            method="POST",
            path="/api/session",
            handler=health.begin_session,
            answer=bodies.SessionAnswer,
        ),
        Operation(
            method="DELETE",
            path="/api/session",
            handler=health.end_session,
            answer=None,
        ),
        Operation(
            method="GET",
            path="/health/live",
            handler=health.is_live,
            answer=bodies.HealthAnswer,
            needs=None,
        ),
        Operation(
            method="GET",
            path="/health/ready",
            handler=health.is_ready,
            answer=bodies.HealthAnswer,
            needs=None,
            statuses=(200, 503),
        ),
        Operation(method="GET", path="/metrics", handler=health.show_metrics, answer=None),
        Operation(method="GET", path="/api/openapi.json", handler=health.show_openapi, answer=None),
    ]
