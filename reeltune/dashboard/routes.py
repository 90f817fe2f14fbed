"""Routes of the dashboard, behind the guards of the service."""

from collections.abc import Sequence

from starlette.routing import BaseRoute, Route

from reeltune.dashboard import assets, sign_in
from reeltune.dashboard.ab_pages import ABPages
from reeltune.dashboard.compare_pages import ComparePages
from reeltune.dashboard.data_pages import DataPages
from reeltune.dashboard.live import LivePages
from reeltune.dashboard.overview import OverviewPage
from reeltune.dashboard.pages import PageHandler, Pages
from reeltune.dashboard.run_actions import RunActions
from reeltune.dashboard.runs import RunPages
from reeltune.dashboard.sign_in import SignIn
from reeltune.dashboard.user_pages import UserPages
from reeltune.dashboard.versions import VersionPages
from reeltune.serving.service import Service

API = "/api/runs"


def dashboard_routes(service: Service) -> Sequence[BaseRoute]:
    """Return the routes of all pages, of what they load, and of actions on runs."""
    pages = Pages(service)
    actions, live, entry = RunActions(pages), LivePages(pages), SignIn(pages)
    runs = RunPages(pages)
    shown = [
        Route(path, pages.guarded(handler), methods=["GET"])
        for path, handler in _handlers(pages, runs).items()
    ]
    return [
        *shown,
        Route("/runs/{run}/points", runs.show_points, methods=["GET"]),
        Route("/runs/{run}/importance", pages.guarded(runs.show_importance), methods=["GET"]),
        Route("/live", live.send_events, methods=["GET"]),
        Route("/live/state", live.show_state, methods=["GET"]),
        Route(f"{assets.STATIC_PATH}/{{name}}", assets.send_asset, methods=["GET"]),
        Route(sign_in.SIGN_IN_PATH, pages.guarded(entry.ask), methods=["GET"]),
        Route(sign_in.SIGN_IN_PATH, pages.guarded(entry.begin), methods=["POST"]),
        Route(API, actions.start_run, methods=["POST"]),
        Route(f"{API}/{{run}}/stop", actions.stop_run, methods=["POST"]),
        Route(f"{API}/{{run}}/resume", actions.resume_run, methods=["POST"]),
    ]


def _handlers(pages: Pages, runs: RunPages) -> dict[str, PageHandler]:
    versions, tests, data = VersionPages(pages), ABPages(pages), DataPages(pages)
    return {
        "/": OverviewPage(pages).show,
        "/runs": runs.list_runs,
        "/runs/{run}": runs.show_run,
        "/runs/{run}/report": runs.show_report,
        "/experiments/{experiment}": runs.show_experiment,
        "/versions": versions.list_versions,
        "/versions/{version}": versions.show_version,
        "/ab-tests": tests.list_tests,
        "/ab-tests/{name}": tests.show_test,
        "/users": UserPages(pages).try_user,
        "/data": data.show_data,
        "/data/drift": data.show_drift,
        "/compare": ComparePages(pages).compare,
    }
