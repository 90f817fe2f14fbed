"""Pages: templates, what every page shows, compression, and errors in words."""

import gzip
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from reeltune.dashboard.assets import accepts_gzip, asset_url
from reeltune.dashboard.tables import Badge, Meter, PageLink, moment, path_of
from reeltune.db.connection import Connection, open_unchanged
from reeltune.domain.errors import ReelTuneError
from reeltune.reports.html_page import cell_text, column_decimals, number_columns
from reeltune.serving.problems import ProblemError, problem_of
from reeltune.serving.request_context import context_of
from reeltune.serving.service import Service
from reeltune.serving.sessions import find_session, session_cookie

NAVIGATION = (
    ("Overview", "/"),
    ("Runs", "/runs"),
    ("Versions", "/versions"),
    ("A/B tests", "/ab-tests"),
    ("Try a user", "/users"),
    ("Data", "/data"),
    ("Compare", "/compare"),
)
_MIN_COMPRESSED = 1_000  # bytes
_LEVEL = 5

T = TypeVar("T")
PageHandler = Callable[[Request], Awaitable[Response]]


class Pages:
    """Maker of pages for the routes of a worker."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def read(self, run: Callable[[Connection], T]) -> T:
        """Return what `run` reads from the database, in a thread."""

        def within() -> T:
            conn = open_unchanged(self.service.database)
            try:
                return run(conn)
            finally:
                conn.close()

        return await self.service.in_thread(within)

    async def read_store(self, run: Callable[[Connection], T]) -> T:
        """Return what `run` reads from the store of the service, in a thread."""

        def within() -> T:
            conn = self.service.store.reader()
            try:
                return run(conn)
            finally:
                conn.close()

        return await self.service.in_thread(within)

    def answer(
        self, request: Request, template: str, status: int = 200, **context: Any
    ) -> Response:
        """Return a page."""
        return html_answer(request, self.html(request, template, **context), status)

    def html(self, request: Request, template: str, **context: Any) -> str:
        """Return the HTML of a page, with what all pages show."""
        client = context_of(request).client
        return render(
            template,
            navigation=NAVIGATION,
            path=request.url.path,
            client=client,
            may_write=client is not None and client.role == "write",
            csrf_token=self._csrf_token(request),
            **context,
        )

    def guarded(self, build: PageHandler) -> PageHandler:
        """Return a handler whose expected errors are pages, not JSON."""

        async def handler(request: Request) -> Response:
            try:
                return await build(request)
            except ProblemError as problem:
                return self._problem(request, problem)
            except ReelTuneError as error:
                return self._problem(request, problem_of(error))

        return handler

    def _problem(self, request: Request, problem: ProblemError) -> Response:
        answer = self.answer(
            request,
            "problem.html.j2",
            problem.status,
            kind="Problem",
            title="Not found" if problem.status == 404 else "This did not work",
            verdict=problem.detail,
            tone="bad",
            request_id=context_of(request).request_id,
        )
        answer.headers.update(problem.headers)
        return answer

    def _csrf_token(self, request: Request) -> str:
        cookie = session_cookie(request.headers.get("cookie", ""))
        session = None if cookie is None else find_session(self.service.settings.tokens, cookie)
        return "" if session is None else session.csrf_token


def html_answer(request: Request, html: str, status: int = 200) -> Response:
    """Return an answer of HTML, compressed where the client reads that."""
    content, headers = html.encode("utf-8", "replace"), {"vary": "accept-encoding"}
    if len(content) >= _MIN_COMPRESSED and accepts_gzip(request):
        content = gzip.compress(content, _LEVEL, mtime=0)
        headers["content-encoding"] = "gzip"
    return Response(content, status, headers, media_type="text/html; charset=utf-8")


def render(template: str, **context: Any) -> str:
    """Return what a template makes; everything is escaped that comes from outside."""
    return str(_environment().get_template(template).render(**(_PLAIN | context)))


_PLAIN: dict[str, Any] = {"tone": "plain", "verdict": "", "remarks": (), "tiles": (), "live": None}


@cache
def _environment() -> Any:
    import jinja2  # with the first page, not with the first request of the API

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"cell": cell_text, "moment": moment}
    environment.tests |= {
        "link": lambda cell: isinstance(cell, PageLink),
        "badge": lambda cell: isinstance(cell, Badge),
        "meter": lambda cell: isinstance(cell, Meter),
    }
    environment.globals |= {
        "asset": asset_url,
        "path_of": path_of,
        "number_columns": number_columns,
        "decimals_of": column_decimals,
    }
    return environment
