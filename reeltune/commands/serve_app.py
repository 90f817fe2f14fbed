"""Application of a worker with the routes of all rooms."""

from starlette.types import ASGIApp

from reeltune.ab_tests.live import load_live_tests
from reeltune.ab_tests.routes import ab_routes
from reeltune.dashboard.routes import dashboard_routes
from reeltune.serving.app import make_app
from reeltune.serving.settings import ServeSettings


def make_worker_app(settings: ServeSettings) -> ASGIApp:
    """Return the application of one worker."""
    return make_app(settings, load_live_tests, [ab_routes, dashboard_routes])
