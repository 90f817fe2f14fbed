"""What pages load: vendored files are those of their release, and pages stay small."""

import gzip
import hashlib
import json
import re

from reeltune.dashboard.assets import STATIC, load_assets
from tests.dashboard.signed_in import pages_of, session_of
from tests.serving.running import Service

MAX_FIRST_LOAD = 60_000  # bytes, compressed
MAX_OWN_STYLE = 10_000


def test_vendored_files_are_listed_with_version_licence_and_hash() -> None:
    listed = json.loads((STATIC / "vendored.json").read_text(encoding="utf-8"))
    assert [each["name"] for each in listed] == ["uPlot"]
    known = {"vendored.json"}
    for each in listed:
        assert each["version"] in next(iter(each["files"]))
        assert each["licence"] in (STATIC / each["licence_file"]).read_text(encoding="utf-8")
        for name, digest in each["files"].items():
            assert hashlib.sha256((STATIC / name).read_bytes()).hexdigest() == digest
        known |= {each["licence_file"], *each["files"]}
    own = {path.name for path in STATIC.iterdir()} - known
    assert own == {"dashboard.css", "dashboard.js", "chart.js"}


def test_an_asset_is_kept_by_browsers_under_the_address_that_pages_name(
    dashboard: Service,
) -> None:
    html = session_of(dashboard).get("/").content.decode()
    named = re.findall(r'"(/static/[^"]+)"', html)
    assert len(named) >= 3
    for path in named:
        answer = dashboard.get(path, token=None, headers={"Accept-Encoding": "gzip"})
        assert answer.status == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        name = path.partition("?")[0].rpartition("/")[2]
        assert gzip.decompress(answer.content) == load_assets()[name].content
    assert dashboard.get("/static/dashboard.css", token=None).headers["cache-control"] == "no-store"
    for path in ("/static/none.js", "/static/../pages.py", "/static/%2e%2e%2fpages.py"):
        assert dashboard.get(path).status in (400, 404)


def test_the_first_page_of_each_kind_is_small(dashboard: Service) -> None:
    assert len((STATIC / "dashboard.css").read_bytes()) <= MAX_OWN_STYLE
    session = session_of(dashboard)
    for path in pages_of(dashboard).values():
        answer = session.get(path, **{"Accept-Encoding": "gzip"})
        html = (
            gzip.decompress(answer.content)
            if "content-encoding" in answer.headers
            else answer.content
        )
        names = re.findall(r'"/static/([^"?]+)', html.decode())
        assets = sum(len(load_assets()[name].compressed) for name in {*names, "chart.js"})
        assert len(answer.content) + assets <= MAX_FIRST_LOAD, path
