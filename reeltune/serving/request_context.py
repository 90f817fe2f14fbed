"""Context of a request: who asks, from where, under which id."""

import re
import secrets
from dataclasses import dataclass

from starlette.requests import Request
from starlette.types import Scope

from reeltune.serving.tokens import Client

CONTEXT_KEY = "reeltune.context"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9_.:-]{1,64}")


@dataclass(slots=True)
class RequestContext:
    """Context of one request, which the guards make and handlers read."""

    request_id: str
    address: str
    client: Client | None = None  # None: a path that anybody may read
    is_audited: bool = False  # whether a handler has kept its line with what it wrote

    @property
    def who(self) -> str:
        """Client and address, as the audit names them."""
        return f"{self.client.name if self.client else 'nobody'} {self.address}"


def context_of(request: Request) -> RequestContext:
    """Return the context of a request."""
    found: RequestContext = request.scope[CONTEXT_KEY]
    return found


def new_context(scope: Scope, given_id: bytes) -> RequestContext:
    """Return the context of a request; its own id where the client gave none of use."""
    client = scope.get("client")
    is_fine = _REQUEST_ID.fullmatch(given_id) is not None
    request_id = given_id.decode("ascii") if is_fine else secrets.token_hex(12)
    return RequestContext(request_id, client[0] if client else "local")
