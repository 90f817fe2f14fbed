"""Chromium without a window, driven by its own protocol through a pipe: no port, no package."""

import base64
import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reeltune.reports.pdf import browser_options
from tests.browser import DESKTOP, browser

PATIENCE_SECONDS = 60.0  # on a busy machine
_MOBILE = 700  # pixels below which a window is a phone's


class BrowserError(AssertionError):
    """Error that the browser answered with."""


@dataclass
class Tab:
    """Page that is open in a browser, and what went wrong in it."""

    to_browser: int
    from_browser: Any
    session: str = ""
    number: int = 0
    errors: list[str] = field(default_factory=list)  # of scripts and of the page's policy
    asked: list[str] = field(default_factory=list)  # addresses

    def call(self, method: str, **params: Any) -> Mapping[str, Any]:
        """Ask the browser for something, and wait for its answer."""
        self.number += 1
        message: dict[str, Any] = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to_browser, json.dumps(message).encode() + b"\0")
        while True:
            found = self._read()
            if found.get("id") == self.number:
                if "error" in found:
                    raise BrowserError(f"{method}: {found['error']}")
                result: Mapping[str, Any] = found["result"]
                return result

    def _read(self) -> dict[str, Any]:
        text = bytearray()
        while (letter := self.from_browser.read(1)) != b"\0":
            assert letter, "the browser has ended"
            text += letter
        found: dict[str, Any] = json.loads(text)
        self._note(found.get("method", ""), found.get("params", {}))
        return found

    def _note(self, method: str, params: Mapping[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(params["exceptionDetails"])[:500])
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            entry = params["entry"]
            self.errors.append(f"{entry['source']}: {entry['text']} {entry.get('url', '')}")
        elif method == "Audits.issueAdded":
            issue = params["issue"]
            if issue["code"] == "ContentSecurityPolicyIssue":
                self.errors.append(json.dumps(issue)[:500])
        elif method == "Network.requestWillBeSent":
            self.asked.append(params["request"]["url"])

    def run(self, script: str) -> Any:
        """Return what a script in the page says."""
        found = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait_until(self, script: str) -> None:
        """Wait until a script in the page says true."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            with suppress(AssertionError):  # it is on its way to another page
                if self.run(script):
                    return
            assert time.monotonic() < until, (script, self.errors)
            time.sleep(0.05)

    def open(self, url: str) -> None:
        """Open a page and wait until it is there, scripts and all."""
        self.run("window.isOld = true")
        self.call("Page.navigate", url=url)
        self.wait_until("!window.isOld && document.readyState === 'complete'")

    def resize(self, size: tuple[int, int], *, dark: bool = False) -> None:
        """Give the page a window of that size, in light or dark."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=size[0],
            height=size[1],
            deviceScaleFactor=1,
            mobile=size[0] < _MOBILE,
        )
        mode = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[mode])

    def picture(self, path: Path, *, whole: bool = False) -> None:
        """Write what the window shows, or the whole page."""
        found = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(found["data"]))


@contextmanager
def opened_browser(folder: Path) -> Iterator[Tab]:
    """A browser with one empty page, which the `with` block ends."""
    inner_read, to_browser = os.pipe()
    from_browser, inner_write = os.pipe()

    def as_three_and_four() -> None:
        a, b = os.dup(inner_read), os.dup(inner_write)
        os.dup2(a, 3)
        os.dup2(b, 4)

    options = [*browser_options(folder / "profile"), "--remote-debugging-pipe", "about:blank"]
    process = subprocess.Popen(
        [browser(), *options],
        preexec_fn=as_three_and_four,
        close_fds=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(inner_read)
    os.close(inner_write)
    try:
        with os.fdopen(from_browser, "rb") as answers:
            tab = Tab(to_browser, answers)
            target = next(
                each
                for each in tab.call("Target.getTargets")["targetInfos"]
                if each["type"] == "page"
            )
            attached = tab.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
            tab.session = attached["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network", "Audits"):
                tab.call(f"{domain}.enable")
            tab.resize(DESKTOP)
            yield tab
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)
        os.close(to_browser)
