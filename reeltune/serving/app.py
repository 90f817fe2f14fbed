"""Application of one worker: routes behind guards, and what lives as long as it does."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from starlette.routing import BaseRoute, Router
from starlette.types import ASGIApp

from reeltune.serving.arms import ArmSource, no_tests
from reeltune.serving.guards import Guards
from reeltune.serving.openapi import fill_openapi
from reeltune.serving.operations import operations
from reeltune.serving.service import Service
from reeltune.serving.settings import ServeSettings

FurtherRoutes = Callable[[Service], Sequence[BaseRoute]]


def make_app(
    settings: ServeSettings,
    arm_source: ArmSource = no_tests,
    further: Sequence[FurtherRoutes] = (),
) -> ASGIApp:
    """Return the application of one worker.

    Args:
        settings: of the service.
        arm_source: reads from the store which A/B tests run.
        further: makers of routes of other rooms, which are behind the same guards.

    Where the store cannot be opened, lists are served all the same.
    """
    service = Service(settings, arm_source)
    document: dict[str, Any] = {}
    own = operations(service, document)
    fill_openapi(document, own)
    routes = [
        *(each.route() for each in own),
        *(each for make in further for each in make(service)),
    ]

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        service.start()
        try:
            yield
        finally:
            service.close()

    router = Router(routes, redirect_slashes=False, lifespan=lifespan)
    return Guards(router, settings, service.metrics, service.audit)
