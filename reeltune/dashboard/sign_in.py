"""Signing in: a token makes a cookie that no script reads and no other site's page sends."""

from urllib.parse import parse_qsl, quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from reeltune.dashboard.pages import Pages
from reeltune.serving.problems import ProblemError
from reeltune.serving.request_context import context_of
from reeltune.serving.sessions import COOKIE, begin_session
from reeltune.serving.settings import SESSION_SECONDS

SIGN_IN_PATH = "/sign-in"
_SAME_SITE = ("", "same-origin", "none")


class SignIn:
    """Handlers of signing in."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    async def ask(self, request: Request) -> Response:
        """Return the form that asks for a token; a link may have it behind a #."""
        return self._form(request, "")

    async def begin(self, request: Request) -> Response:
        """Begin a session by a token, and go on to the page that was asked for."""
        if request.headers.get("sec-fetch-site", "") not in _SAME_SITE:
            raise ProblemError(403, "a page of another site sent this form")
        fields = await _fields(request)
        context, failed = context_of(request), request.scope["app"].access.failed
        client = self.pages.service.settings.tokens.find(fields.get("token", "").strip())
        if client is None:
            if failed.seconds_to_wait(context.address):
                return self._form(request, "Too many failed tokens: wait a minute.", 429)
            failed.note(context.address)
            return self._form(request, "This token is not known.", 401)
        session = begin_session(self.pages.service.settings.tokens, client)
        answer = RedirectResponse(local_path(fields.get("next", "/")), 303)
        answer.set_cookie(
            COOKIE, session.cookie, max_age=SESSION_SECONDS, httponly=True, samesite="strict"
        )
        return answer

    def _form(self, request: Request, fault: str, status: int = 200) -> Response:
        return self.pages.answer(
            request,
            "sign_in.html.j2",
            status,
            title="Sign in",
            kind="ReelTune",
            fault=fault,
            next_path=local_path(request.query_params.get("next", "/")),
        )


def local_path(text: str) -> str:
    r"""Return a path of this service, whatever text was given.

    >>> [local_path(t) for t in ("/runs?a=1", "//evil.example", "https://evil.example", "/\\evil")]
    ['/runs?a=1', '/', '/', '/']
    """
    is_local = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()
    return quote(text, safe="/?&=%+-_.~:,") if is_local else "/"


async def _fields(request: Request) -> dict[str, str]:
    try:
        text = (await request.body()).decode("ascii")
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=4))
    except ValueError:
        raise ProblemError(400, "the form cannot be read") from None
