"""Page that compares two runs, by the values per user that are kept of their best."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from reeltune.dashboard.pages import Pages
from reeltune.db.connection import Connection
from reeltune.db.run_pages import load_run_ids
from reeltune.reports.comparison_page import comparison_page
from reeltune.serving.parsing import query_of
from reeltune.views.runs_comparison import compare_runs

_OFFERED = 100  # latest runs to choose from; an address may name any


class CompareQuery(BaseModel):
    """Runs that are compared."""

    model_config = ConfigDict(extra="forbid")

    run: Annotated[str, Field(max_length=200)] = ""
    other: Annotated[str, Field(max_length=200)] = ""


class ComparePages:
    """PageHandler of the page that compares runs."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    async def compare(self, request: Request) -> Response:
        """Return two runs side by side; never looks at the test set."""
        query = query_of(request, CompareQuery)
        found = await self.pages.read(lambda conn: _compared(conn, query))
        return self.pages.answer(request, "compare.html.j2", kind="Compare", query=query, **found)


def _compared(conn: Connection, query: CompareQuery) -> dict[str, Any]:
    offered = load_run_ids(conn, _OFFERED)
    names = [name for name in (query.run, query.other) if name]
    offered += [name for name in names if name not in offered]
    if len(names) < 2:
        return {"title": "Compare two runs", "offered": offered, "sections": ()}
    page = comparison_page(compare_runs(conn, names))
    return {
        "title": page.title,
        "verdict": page.verdict,
        "tone": page.tone,
        "remarks": page.remarks,
        "tiles": page.tiles,
        "sections": page.sections,
        "offered": offered,
    }
