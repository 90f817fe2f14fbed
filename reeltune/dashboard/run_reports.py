"""Full reports of runs: made once for each state of a run, and kept."""

from collections import OrderedDict
from threading import Lock

from reeltune.db.connection import Connection
from reeltune.db.run_pages import load_run_row
from reeltune.domain.errors import NotFoundError
from reeltune.reports.html_page import Page
from reeltune.reports.run_page import run_page
from reeltune.tasks.registry import subject_of
from reeltune.views.run_report import report_run

_KEPT = 16


class RunReports:
    """Reports by run; one that has gone on since is made anew."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], Page] = OrderedDict()
        self._lock = Lock()

    def page(self, conn: Connection, run_id: str) -> Page:
        """Return the report of a run.

        Raises:
            NotFoundError: there is no such run, or nothing of it has ended yet.
        """
        row = load_run_row(conn, run_id)
        key = (run_id, row and (row.status, row.n_done))
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        found = report_run(conn, run_id, subject_of=subject_of)
        if found is None:
            raise NotFoundError(f"no experiment of run {run_id} has been completed or failed yet")
        page = run_page(found)
        with self._lock:
            self._kept[key] = page
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return page
