"""Chromium without a window: opens a page, and tells what a person's browser would not show."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from html import escape, unescape
from pathlib import Path

import pytest

from reeltune.reports.pdf import browser_options, find_browser

_NO_PAGE = "not an origin"
SECONDS = 180  # as a limit for a machine under load
DESKTOP, PHONE = (1280, 900), (390, 844)
# What looks at the page from within; the page is in a frame, because a window has a least width.
_PROBE = """<script>
addEventListener("load", () => {
  const found = [...document.querySelectorAll("svg")].map(svg => {
    const box = svg.getBoundingClientRect();
    const marks = [...svg.querySelectorAll("path,rect,circle,text")];
    const drawn = marks.filter(m => { const b = m.getBBox(); return b.width > 0 || b.height > 0; });
    return {label: svg.getAttribute("aria-label"), width: box.width, height: box.height,
            marks: marks.length, drawn: drawn.length};
  });
  const view = {width: innerWidth, page: document.documentElement.scrollWidth};
  parent.document.body.dataset.probe = JSON.stringify({figures: found, view: view});
});
</script>"""
_FRAME = '<!doctype html><body><iframe srcdoc="{}" width="{}" height="{}" style="border:0"></body>'


@dataclass(frozen=True)
class Opened:
    """What a browser made of a page."""

    figures: list[dict[str, float | str]]  # of each drawing: label, size, marks, marks drawn
    width: int  # of the window
    page_width: int  # of the page: more than the window's where it scrolls sideways
    errors: list[str]  # of scripts and of the page's policy
    foreign: list[str]  # addresses asked for beside the page itself


@cache
def browser() -> str:
    """The program; skips the test where there is none."""
    found = find_browser()
    if found is None:
        pytest.skip("there is no Chromium here: `make test` installs it where it runs as root")
    return found


def opened(page: Path, folder: Path, size: tuple[int, int] = DESKTOP) -> Opened:
    """Open a page in a frame of that size, with a script that looks at it."""
    html = page.read_text(encoding="utf-8")
    html = html.replace("default-src 'none';", "default-src 'none'; script-src 'unsafe-inline';")
    framed = folder / f"framed-{size[0]}.html"
    inner = escape(html.replace("</body>", f"{_PROBE}</body>"))
    framed.write_text(_FRAME.format(inner, *size), encoding="utf-8")
    log = folder / f"net-{size[0]}.json"
    done = _run(framed, folder, DESKTOP, "--dump-dom", f"--log-net-log={log}")
    told = re.search(r'data-probe="([^"]*)"', done.stdout)
    assert told is not None, done.stderr[-2000:]
    found = json.loads(unescape(told[1]))
    return Opened(
        figures=found["figures"],
        width=found["view"]["width"],
        page_width=found["view"]["page"],
        errors=[line for line in done.stderr.splitlines() if "CONSOLE" in line],
        foreign=_foreign(log),
    )


def screenshot(page: Path, target: Path, size: tuple[int, int] = DESKTOP) -> None:
    """Write what the window shows as a picture."""
    _run(page, target.parent, size, f"--screenshot={target}")


def _run(
    page: Path, folder: Path, size: tuple[int, int], *more: str
) -> subprocess.CompletedProcess[str]:
    words = [browser(), *browser_options(folder / "profile"), f"--window-size={size[0]},{size[1]}"]
    words += ["--enable-logging=stderr", "--virtual-time-budget=5000", *more, page.as_uri()]
    done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=False)
    shutil.rmtree(folder / "profile", ignore_errors=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done


def _foreign(log: Path) -> list[str]:
    """Addresses that a page asked for, by the browser's own log; its own requests have no page."""
    events = json.loads(log.read_text(encoding="utf-8"))["events"]
    told = [event["params"] for event in events if isinstance(event.get("params"), dict)]
    asked = [each for each in told if each.get("initiator", _NO_PAGE) != _NO_PAGE]
    return [each["url"] for each in asked if not each["url"].startswith(("file:", "data:"))]
