"""Routes about the service itself: health, metrics, sessions, OpenAPI."""

import os
import resource
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from reeltune.serving.answers import json_answer
from reeltune.serving.bodies import NoQuery
from reeltune.serving.metrics import METRICS_TYPE
from reeltune.serving.parsing import query_of
from reeltune.serving.request_context import context_of
from reeltune.serving.service import Service
from reeltune.serving.sessions import COOKIE, begin_session
from reeltune.serving.settings import SESSION_SECONDS


class HealthRoutes:
    """Handlers of the routes about the service itself."""

    def __init__(self, service: Service, document: Mapping[str, Any]) -> None:
        self.service, self.document = service, document

    async def is_live(self, request: Request) -> Response:
        """Return that the worker answers."""
        return json_answer(self._health("live"))

    async def is_ready(self, request: Request) -> Response:
        """Return whether the worker can recommend, and why what it serves may not be the newest."""
        state = self.service.holder.state
        if state is None or state.production is None:
            return json_answer(self._health("not ready"), 503)
        return json_answer(self._health("ready" if self._problem() is None else "degraded"))

    async def show_metrics(self, request: Request) -> Response:
        """Return metrics as Prometheus reads them."""
        query_of(request, NoQuery)
        holder, store = self.service.holder, self.service.store
        state = holder.state
        kept = 0 if state is None else sum(len(v.kept) for v in state.versions.values())
        text = self.service.metrics.text(
            {
                "production_version": None if state is None else state.production,
                "versions_in_memory": 0 if state is None else len(state.versions),
                "kept_lists": kept,
                "store_waiting_writes": store.n_waiting,
                "is_degraded": int(self._problem() is not None),
                "worker_pid": os.getpid(),
                "worker_max_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            }
        )
        return Response(text, headers={"content-type": METRICS_TYPE})

    async def begin_session(self, request: Request) -> Response:
        """Begin the session of a person with a browser, by a token in the header."""
        query_of(request, NoQuery)
        client = context_of(request).client
        assert client is not None  # the guards saw to that
        session = begin_session(self.service.settings.tokens, client)
        answer = json_answer(
            {"csrf_token": session.csrf_token, "role": client.role, "ends_at": session.ends_at}
        )
        answer.set_cookie(
            COOKIE, session.cookie, max_age=SESSION_SECONDS, httponly=True, samesite="strict"
        )
        return answer

    async def end_session(self, request: Request) -> Response:
        """End a session in this browser."""
        query_of(request, NoQuery)
        answer = json_answer({"ended": True})
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return answer

    async def show_openapi(self, request: Request) -> Response:
        """Return what can be asked, as OpenAPI 3.1."""
        query_of(request, NoQuery)
        return json_answer(self.document)

    def _problem(self) -> str | None:
        return self.service.holder.problem or self.service.store.failure

    def _health(self, status: str) -> dict[str, Any]:
        state = self.service.holder.state
        return {
            "status": status,
            "version": None if state is None else state.production,
            "problem": self.service.holder.problem,
            "store": self.service.store.failure,
        }
