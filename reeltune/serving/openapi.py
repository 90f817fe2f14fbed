"""OpenAPI 3.1 of the service, from the operations and the models that check them."""

import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from reeltune import __version__
from reeltune.serving.bodies import EventRow, ProblemAnswer, RatingRow
from reeltune.serving.operations import Operation
from reeltune.serving.problems import PROBLEM_TYPE

_REF = "#/components/schemas/{model}"
_IN_PATH = re.compile(r"\{(\w+)\}")
_FAILURES = {
    "4XX": "Refused: what, where, and what to do",
    "5XX": "Not possible now: try again later",
}


def fill_openapi(document: dict[str, Any], operations: Iterable[Operation]) -> None:
    """Fill a document with what the operations take and give."""
    every = list(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in every:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    document |= {
        "openapi": "3.1.0",
        "info": {"title": "ReelTune", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": _schemas(every),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    failures = {
        code: _answer(text, ProblemAnswer, problem=True) for code, text in _FAILURES.items()
    }
    found: dict[str, Any] = {
        "operationId": operation.handler.__name__,
        "summary": operation.summary,
        "parameters": [*_in_path(operation), *_in_query(operation)],
        "responses": {
            str(status): _answer(operation.summary, operation.answer)
            for status in operation.statuses
        }
        | failures,
        "security": [] if operation.needs is None else [{"token": []}],
    }
    if operation.needs is not None:
        found["description"] = f"Needs a {operation.needs} token."
    if operation.body is not None:
        found["requestBody"] = {
            "required": operation.body_is_needed,
            "content": {"application/json": {"schema": _reference(operation.body)}},
        }
    return found


def _in_path(operation: Operation) -> list[dict[str, Any]]:
    number = {"type": "integer", "minimum": 1, "maximum": 999_999_999}
    text = {"type": "string", "minLength": 1, "maxLength": 200}
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": number if name == "version" else text,
        }
        for name in _IN_PATH.findall(operation.path)
    ]


def _in_query(operation: Operation) -> list[dict[str, Any]]:
    schema = operation.query.model_json_schema()
    return [
        {"name": name, "in": "query", "required": False, "schema": field}
        for name, field in schema.get("properties", {}).items()
    ]


def _answer(text: str, model: type[BaseModel] | None, *, problem: bool = False) -> dict[str, Any]:
    if model is None:
        return {"description": text}
    media = PROBLEM_TYPE.decode() if problem else "application/json"
    return {"description": text, "content": {media: {"schema": _reference(model)}}}


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}


def _schemas(operations: Iterable[Operation]) -> dict[str, Any]:
    taken = {each.body for each in operations if each.body is not None} | {RatingRow, EventRow}
    given = {each.answer for each in operations if each.answer is not None} | {ProblemAnswer}
    wanted = [(model, "validation") for model in sorted(taken, key=lambda m: m.__name__)]
    wanted += [(model, "serialization") for model in sorted(given, key=lambda m: m.__name__)]
    _, document = models_json_schema(wanted, ref_template=_REF)  # type: ignore[arg-type]
    found: dict[str, Any] = document["$defs"]
    return found
