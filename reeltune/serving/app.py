"""Application of one worker: routes behind guards, and what lives as long as it does."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from starlette.routing import BaseRoute, Mount, Router
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
    further: dict[str, FurtherRoutes] | None = None,
) -> ASGIApp:
    """Return the application of one worker.

    Args:
        settings: of the service.
        arm_source: reads from the store which A/B tests run.
        further: routes of other rooms by the path they are below, behind the same guards; their
            handlers find the service as `request.state.service`.

    Raises:
        BusyError: the store is locked.
        StorageError: the store cannot be used.
    """
    service = Service(settings, arm_source)
    document: dict[str, Any] = {}
    own = operations(service, document)
    fill_openapi(document, own)
    mounts = [Mount(path, routes=list(routes(service))) for path, routes in (further or {}).items()]

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[dict[str, Any]]:
        service.start()
        try:
            yield {"service": service}
        finally:
            service.close()

    router = Router(
        [*(operation.route() for operation in own), *mounts],
        redirect_slashes=False,
        lifespan=lifespan,
    )
    return Guards(router, settings, service.metrics, service.audit)
