"""Assets: style sheets and scripts that pages load, compressed once, named with their hash."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from reeltune.serving.problems import ProblemError

STATIC = Path(__file__).parent / "static"
STATIC_PATH = "/static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
}
_FOR_EVER = "public, max-age=31536000, immutable"  # its address has its hash


@dataclass(frozen=True, slots=True)
class Asset:
    """File as it is sent."""

    media_type: str
    content: bytes
    compressed: bytes
    digest: str  # first letters of its SHA-256


@cache
def load_assets() -> dict[str, Asset]:
    """Return all assets by name; the style sheet of reports is one of them."""
    found = {
        path.name: _asset(path.suffix, path.read_bytes())
        for path in sorted(STATIC.iterdir())
        if path.suffix in _TYPES
    }
    of_reports = files("reeltune.reports").joinpath("report.css").read_bytes()
    return found | {"report.css": _asset(".css", of_reports)}


def asset_url(name: str) -> str:
    """Return where an asset is, by an address that changes with its content."""
    return f"{STATIC_PATH}/{name}?v={load_assets()[name].digest}"


async def send_asset(request: Request) -> Response:
    """Return an asset.

    Raises:
        ProblemError: there is none of that name.
    """
    asset = load_assets().get(request.path_params["name"])
    if asset is None:
        raise ProblemError(404, f"there is nothing at {request.url.path[:200]!r}")
    headers = {"vary": "accept-encoding"}
    if request.query_params.get("v") == asset.digest:
        headers["cache-control"] = _FOR_EVER
    content = asset.content
    if accepts_gzip(request):
        content, headers["content-encoding"] = asset.compressed, "gzip"
    return Response(content, headers=headers, media_type=asset.media_type)


def accepts_gzip(request: Request) -> bool:
    """Return True where a client reads what is compressed."""
    return "gzip" in request.headers.get("accept-encoding", "")


def _asset(suffix: str, content: bytes) -> Asset:
    digest = hashlib.sha256(content).hexdigest()[:12]
    return Asset(_TYPES[suffix], content, gzip.compress(content, 9, mtime=0), digest)
