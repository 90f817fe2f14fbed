"""A session as a browser has it, and the paths of all pages."""

import http.client
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from reeltune.db.connection import open_unchanged
from reeltune.db.run_pages import load_run_rows
from tests.reports.reported import RUN
from tests.serving.running import Answer, Service

FORM = "application/x-www-form-urlencoded"
HTML = {"Accept": "text/html,application/xhtml+xml"}


@dataclass(frozen=True)
class Session:
    """Session of a person with a browser."""

    service: Service
    cookie: str

    def get(self, path: str, **headers: str) -> Answer:
        return self.service.get(
            path, token=None, headers={"Cookie": self.cookie, **HTML, **headers}
        )

    def post(self, path: str, body: object = None, **headers: str) -> Answer:
        sent = {"Cookie": self.cookie, "X-CSRF-Token": self.csrf_token(), **headers}
        return self.service.post(path, body, token=None, headers=sent)

    def csrf_token(self) -> str:
        found = re.search(rb'name="csrf-token" content="([^"]+)"', self.get("/").content)
        assert found is not None
        return found[1].decode()


def sign_in(service: Service, role: str = "write", **fields: str) -> Answer:
    """Send the form that asks for a token."""
    form = {"token": service.tokens.get(role, role), **fields}
    return service.post(
        "/sign-in", urlencode(form).encode(), token=None, headers={"Content-Type": FORM}
    )


def session_of(service: Service, role: str = "write") -> Session:
    answer = sign_in(service, role)
    assert answer.status == http.client.SEE_OTHER, answer.content
    return Session(service, answer.headers["set-cookie"].partition(";")[0])


def pages_of(service: Service) -> Mapping[str, str]:
    """The path of each kind of page by a name."""
    conn = open_unchanged(service.database)
    try:
        runs = [run.tuning_run_id for run in load_run_rows(conn)]
    finally:
        conn.close()
    tuned = next(run for run in runs if run.startswith("random"))
    other = next(run for run in runs if run.startswith("sobol"))
    return {
        "overview": "/",
        "runs": "/runs",
        "run": f"/runs/{RUN}",
        "report": f"/runs/{tuned}/report",
        "experiment": f"/experiments/{tuned}_003",
        "versions": "/versions",
        "version": "/versions/3",
        "refused": "/versions/2",
        "tests": "/ab-tests",
        "test": "/ab-tests/trial",
        "draft": "/ab-tests/draft",
        "user": "/users?user=5&k=7",
        "nobody": "/users?user=nobody+at+all",
        "data": "/data",
        "drift": "/data/drift",
        "compare": "/compare",
        "compared": f"/compare?run={tuned}&other={other}",
        "sign-in": "/sign-in",
    }
