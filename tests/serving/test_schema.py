"""What OpenAPI says of the service holds for requests that schemathesis makes up."""

import os
import warnings
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.serving.running import Service

with warnings.catch_warnings():  # of libraries that it imports
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.core.result import Ok
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
N_EXAMPLES = 2_000 if os.environ.get("REELTUNE_TORTURE") else 25
SLOW = ("promote_version", "roll_back")  # each starts a process


def token_of(service: Service) -> dict[str, str]:
    return {"Authorization": f"Bearer {service.tokens['write']}"}


def document_of(service: Service) -> dict[str, Any]:
    found: dict[str, Any] = service.get("/api/openapi.json").json
    return found


def operations(service: Service, document: dict[str, Any]) -> dict[str, Any]:
    """The operations of a document, by id."""
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=service.url)
    found = [each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)]
    return {each.definition.raw["operationId"]: each for each in found}


def test_made_up_requests_find_no_server_error(shared_service: Service) -> None:
    document, token = document_of(shared_service), token_of(shared_service)
    every = operations(shared_service, document)
    assert len(every) == sum(len(methods) for methods in document["paths"].values())
    statuses = set()
    for name, operation in every.items():

        @settings(
            max_examples=2 if name in SLOW else N_EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def holds(case: Any) -> None:
            response = case.call(headers=token)
            statuses.add(response.status_code)
            case.validate_response(response, checks=CHECKS, headers=token)

        holds()
    assert {200, 404, 422} <= statuses


def test_a_document_that_is_wrong_is_noticed(shared_service: Service) -> None:
    """The checks can fail: an answer that lacks what it promises does not pass."""
    document = document_of(shared_service)
    sound = operations(shared_service, document)["is_live"].Case()
    sound.validate_response(sound.call(), checks=CHECKS)
    document["components"]["schemas"]["HealthAnswer"]["required"].append("more")
    wrong = operations(shared_service, document)["is_live"].Case()
    with pytest.raises(BaseExceptionGroup, match="failure"):
        wrong.validate_response(wrong.call(), checks=CHECKS)
