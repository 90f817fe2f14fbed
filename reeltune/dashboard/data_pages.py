"""Pages of the data: how much there is, what imports did not take, and how it has drifted."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from reeltune.dashboard.pages import Pages
from reeltune.dashboard.tables import Badge, PageCell, PageTable, moment, page_table
from reeltune.db.connection import Connection
from reeltune.db.imports import load_batches
from reeltune.db.run_pages import count_rejected_rows
from reeltune.db.test_evaluations import load_watched
from reeltune.monitoring.drift import Drift, find_drift
from reeltune.ratings.dataset import Dataset
from reeltune.reports.figure import DataTable, Figure, Section
from reeltune.reports.html_page import Tile
from reeltune.reports.svg import SMALL, Scale, drawing, rect, text, y_axis
from reeltune.serving.problems import ProblemError

_MONTHS = 36


class DataPages:
    """Handlers of the pages of the data."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self._drift: tuple[object, tuple[Drift, ...]] | None = None  # of what was measured last

    async def show_data(self, request: Request) -> Response:
        """Return counts, distributions, imports and rejected rows."""
        data = self.pages.service.state.current.data
        imports, rejected = await self.pages.read(lambda c: (_imports(c), _rejected(c)))
        found = await self.pages.service.in_thread(lambda: _described(data))
        return self.pages.answer(
            request, "data.html.j2", imports=imports, rejected=rejected, **found
        )

    async def show_drift(self, request: Request) -> Response:
        """Return how the ratings have changed since production was fitted."""
        state = self.pages.service.state
        number, data = state.production, state.current.data
        if number is None:
            raise ProblemError(404, "nothing is in production: there is nothing to drift from")
        watched = await self.pages.read(lambda conn: load_watched(conn, number))
        if watched is None:
            raise ProblemError(404, f"nothing to compare with was stored with version {number}")
        since = watched[1].newest_rated_at
        kept = self._drift
        if kept is None or kept[0] != (id(data), number):
            found = await self.pages.service.in_thread(lambda: tuple(find_drift(data, since)))
            kept = self._drift = (id(data), number), found
        return self.pages.answer(
            request, "drift.html.j2", table=_drift_table(kept[1]), **_drift_head(kept[1], number)
        )


def _described(data: Dataset) -> dict[str, Any]:
    ratings = data.ratings
    known = ratings.rated_at.max(initial=0)
    newest = datetime.fromtimestamp(int(known), UTC).strftime("%Y-%m-%d") if known else "–"
    stars, n_of_stars = np.unique(ratings.ratings, return_counts=True)
    months = ratings.rated_at.astype("datetime64[s]").astype("datetime64[M]")
    names, n_of_months = np.unique(months, return_counts=True)
    mean = float(ratings.ratings.mean(dtype=np.float64)) if len(ratings) else 0.0
    n_rated = len(np.unique(ratings.movies))
    figures = (
        _bars("stars", "Ratings by stars", [f"{s:g}" for s in stars], n_of_stars),
        _bars(
            "months",
            f"Ratings by month, the last {_MONTHS} that have any",
            [str(name) for name in names[-_MONTHS:]],
            n_of_months[-_MONTHS:],
        ),
    )
    return {
        "kind": "Data",
        "title": "Ratings and movies",
        "tiles": (
            Tile(label="Ratings", value=f"{len(ratings):,}", note=f"mean {mean:.2f} stars"),
            Tile(label="Users", value=f"{len(ratings.user_ids):,}"),
            Tile(
                label="Movies", value=f"{len(ratings.movie_ids):,}", note=f"{n_rated:,} are rated"
            ),
            Tile(label="Newest rating", value=newest),
        ),
        "sections": (Section(name="counts", title="Distribution", figures=figures),),
    }


def _bars(name: str, title: str, labels: list[str], counts: Any) -> Figure:
    top = int(counts.max(initial=1))
    y = Scale(0, top * 1.05, 250, 34)
    x = Scale(-0.5, max(0.5, len(labels) - 0.5), 62, 466)
    every = max(1, -(-len(labels) // 6))
    width = max(1.0, 0.8 * (x.at(1) - x.at(0)) if len(labels) > 1 else 60.0)
    parts = [y_axis(y, 62, "ratings", right=466)]
    for k, (label, n) in enumerate(zip(labels, counts, strict=True)):
        height = 250 - y.at(int(n))
        parts.append(rect(x.at(k) - width / 2, y.at(int(n)), width, height, "bar", f"{label}: {n}"))
        if k % every == 0:
            parts.append(text(x.at(k), 268, label, "middle"))
    return Figure(
        name=name,
        title=title,
        drawings=(drawing(SMALL, f"{title}: at most {top:,}", *parts),),
        table=DataTable.of(
            (name, "ratings"), [(a, int(n)) for a, n in zip(labels, counts, strict=True)]
        ),
    )


def _imports(conn: Connection) -> PageTable:
    rows: list[tuple[PageCell, ...]] = [
        (
            each.file,
            each.source,
            moment(each.imported_at),
            each.rows_read,
            each.rows_kept,
            each.rows_read - each.rows_kept,
        )
        for each in load_batches(conn)[:-101:-1]
    ]
    headings = ("file", "source", "imported", "rows", "taken", "not taken")
    return page_table("Imports", headings, rows, empty="No file has been imported.")


def _rejected(conn: Connection) -> PageTable:
    rows = [(each.file, each.reason, each.n_rows) for each in count_rejected_rows(conn)]
    empty = "Every row was taken."
    return page_table("Rows that were not taken", ("file", "reason", "rows"), rows, empty=empty)


def _drift_head(found: tuple[Drift, ...], number: int) -> dict[str, Any]:
    drifted = [each.name for each in found if each.drifted]
    verdict = f"Drifted: {', '.join(drifted)}." if drifted else "No drift beyond chance."
    return {
        "kind": "Data",
        "title": f"Drift since version {number} was fitted",
        "verdict": verdict,
        "tone": "bad" if drifted else "good",
    }


def _drift_table(found: tuple[Drift, ...]) -> PageTable:
    rows: list[tuple[PageCell, ...]] = [
        (
            each.name,
            Badge("drifted", "bad") if each.drifted else Badge("as before", "good"),
            each.index,
            each.by_chance,
            each.p_value,
            f"{each.most_changed}: {each.share_before:.1%} to {each.share_after:.1%}",
        )
        for each in found
    ]
    headings = ("feature", "verdict", "stability index", "by chance", "p-value", "most changed")
    return page_table("Drift by feature", headings, rows)
