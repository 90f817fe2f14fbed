"""Answers as JSON."""

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from reeltune.serving.request_context import context_of


def json_answer(document: Any, status: int = 200) -> Response:
    """Return an answer of JSON; what is no number is null."""
    return Response(orjson.dumps(document), status, media_type="application/json")


def with_request_id(request: Request, document: dict[str, Any]) -> Response:
    """Return an answer that names its request."""
    return json_answer({"request_id": context_of(request).request_id} | document)
