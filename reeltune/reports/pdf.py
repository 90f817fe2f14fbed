"""PDF of an HTML page: by WeasyPrint where it is installed, else by Chromium where it is found."""

import shutil
import subprocess
import tempfile
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from reeltune.domain.errors import InputError
from reeltune.reports.html_page import with_plain_colours

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome", "microsoft-edge")
BROWSER_SECONDS = 120.0  # a browser that takes longer hangs


def render_pdf(html: str) -> bytes:
    """Return the page as PDF.

    Raises:
        InputError: there is neither program, or it failed.
    """
    browser = find_browser()
    if browser is not None:
        return _by_browser(browser, html)
    if find_spec("weasyprint") is not None:
        return _by_weasyprint(html)
    raise InputError(
        "a PDF needs WeasyPrint or Chromium: pip install weasyprint, or install the package "
        "chromium; or write --format html and print it"
    )


def find_browser() -> str | None:
    """Return the program of a Chromium, if one is on the path."""
    return next((found for name in CHROMIUM if (found := shutil.which(name))), None)


def browser_options(profile: Path) -> list[str]:
    """Return the options by which a Chromium runs unseen, in a profile of its own."""
    return [
        "--headless=new",
        "--no-sandbox",  # it shows our own page, and has no sandbox where it runs as root
        "--disable-gpu",
        "--no-first-run",
        "--disable-extensions",
        "--disable-background-networking",
        "--hide-scrollbars",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # it asks nobody anything
        f"--user-data-dir={profile}",
    ]


def _by_browser(browser: str, html: str) -> bytes:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        page, target = folder / "page.html", folder / "page.pdf"
        page.write_text(html, encoding="utf-8")
        options = [*browser_options(folder / "profile"), "--no-pdf-header-footer"]
        words = [browser, *options, f"--print-to-pdf={target}", page.as_uri()]
        try:
            subprocess.run(words, capture_output=True, timeout=BROWSER_SECONDS, check=True)  # noqa: S603
            return target.read_bytes()
        except (subprocess.SubprocessError, OSError) as error:
            raise InputError(f"{browser} wrote no PDF: {error}") from error


def _by_weasyprint(html: str) -> bytes:
    try:
        weasyprint = import_module("weasyprint")
    except OSError as error:  # its libraries of the system
        raise InputError(f"WeasyPrint is installed but cannot be loaded: {error}") from error
    found: bytes = weasyprint.HTML(string=with_plain_colours(html, html)).write_pdf()
    return found
