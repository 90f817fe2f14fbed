"""Parsing of bodies and queries into their models; what does not fit is a problem in words."""

from functools import lru_cache
from typing import TypeVar
from urllib.parse import parse_qsl

import orjson
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from reeltune.serving.bodies import checked_text
from reeltune.serving.problems import ProblemError
from reeltune.serving.settings import MAX_EXCLUDED, MAX_NAME_CHARACTERS

M = TypeVar("M", bound=BaseModel)
_MAX_SHOWN = 20  # faults
_MAX_KEPT_QUERY = 200  # bytes


async def read_body(request: Request, kind: type[M], *, may_be_empty: bool = False) -> M:
    """Return the body of a request.

    Raises:
        ProblemError: it is no JSON, or does not fit.
    """
    content = await request.body()
    if not content and may_be_empty:
        return kind()
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise ProblemError(415, "send `Content-Type: application/json`")
    return _parsed(kind, loads(content))


def loads(content: bytes) -> object:
    """Return what a body says.

    Raises:
        ProblemError: it is no JSON.
    """
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise ProblemError(
            400, f"the body is no JSON: {' '.join(str(error).split())[:200]}"
        ) from None


def _parse_query(kind: type[M], query: bytes) -> M:
    if not query:
        return kind()
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise ProblemError(400, "the query cannot be read") from None
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ProblemError(422, "the query names a parameter twice")
    return _parsed(kind, values)


_kept_query = lru_cache(maxsize=4_096)(_parse_query)  # the same ones come again and again


def query_of(request: Request, kind: type[M]) -> M:
    """Return the query of a request.

    Raises:
        ProblemError: it names something twice or something unknown, or a value does not fit.
    """
    query: bytes = request.scope["query_string"]
    parse = _parse_query if len(query) > _MAX_KEPT_QUERY else _kept_query
    found: M = parse(kind, query)
    return found


def id_of(request: Request, name: str) -> str:
    """Return an id in the path of a request.

    Raises:
        ProblemError: no id looks like that.
    """
    text: str = request.path_params[name]
    try:
        if 0 < len(text) <= MAX_NAME_CHARACTERS:
            return checked_text(text)
    except ValueError:
        pass
    raise ProblemError(
        422, f"the {name} in the path must be 1 to {MAX_NAME_CHARACTERS} plain characters"
    )


def number_of(request: Request, name: str) -> int:
    """Return a number in the path of a request.

    Raises:
        ProblemError: it is none.
    """
    text: str = request.path_params[name]
    if text.isascii() and text.isdigit() and len(text) < 10 and int(text):
        return int(text)
    raise ProblemError(422, f"the {name} in the path must be a whole number from 1 on")


def excluded_of(text: str) -> tuple[str, ...]:
    """Return the ids of `exclude=`.

    Raises:
        ProblemError: there are too many.
    """
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    if len(found) > MAX_EXCLUDED:
        raise ProblemError(422, f"exclude names at most {MAX_EXCLUDED:,} movies")
    return found


def faults_of(error: ValidationError) -> list[dict[str, str]]:
    """Return what does not fit, where."""
    return [
        {"where": ".".join(map(str, each["loc"])) or "body", "what": each["msg"]}
        for each in error.errors(include_url=False, include_input=False, include_context=False)
    ]


def _parsed(kind: type[M], value: object) -> M:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        faults = faults_of(error)
        first = "; ".join(f"{each['where']}: {each['what']}" for each in faults[:3])
        raise ProblemError(422, first[:1_000], errors=faults[:_MAX_SHOWN]) from None
