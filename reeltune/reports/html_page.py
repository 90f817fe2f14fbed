"""Self-contained HTML page of a report: no script, no request, light and dark, and in print."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from reeltune.domain.errors import InputError
from reeltune.reports.figure import Cell, Section

_HERE = Path(__file__).parent

_VARIABLE = re.compile(r"var\((--[\w-]+)\)")
_OF_DRAWINGS = re.compile(
    r"svg|\.(?!tiles|kind|verdict|good|bad|unsure|sign|remark|note|words|figures)"
)

Tone = Literal["good", "bad", "unsure", "plain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """Figure at the top of a page, with what it is and what it is compared with."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Report, before it is written in one format or another."""

    kind: str  # of report, above the title
    title: str
    verdict: str  # one sentence
    tone: Tone
    remarks: tuple[str, ...] = ()
    tiles: tuple[Tile, ...] = ()
    sections: tuple[Section, ...] = ()
    commands: tuple[str, ...] = ()  # to type next
    made_at: str = ""
    facts: tuple[tuple[str, str], ...] = field(default=())  # for the end: what it was made from


def render_page(page: Page) -> str:
    """Return the page as one HTML document, everything escaped that came from outside."""
    found: str = _template().render(page=page, css=_css())
    return found


def cell_text(value: Cell, decimals: int | None = None) -> str:
    """Return a cell as people read it; floats with so many decimals, if that is given.

    >>> [cell_text(v) for v in (None, 0.123456789, 3, 12345.678, "x")]
    ['–', '0.1235', '3', '12,345.7', 'x']
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "".join(c if c.isprintable() else "\ufffd" for c in " ".join(str(value).split()))
    if isinstance(value, int):
        return f"{value:,}"
    if decimals is not None:
        return f"{value:,.{decimals}f}"
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.1f}"


def column_decimals(rows: Sequence[Sequence[Cell]], n: int) -> list[int | None]:
    """Return with how many decimals each of `n` columns is written; None: each cell as it needs.

    >>> column_decimals([[0.68, 1e-7, 3], [0.7, 2e-7, 4]], 3)
    [4, None, None]
    """
    found: list[int | None] = []
    for k in range(n):
        values = [row[k] for row in rows if isinstance(row[k], float)]
        top = max((abs(v) for v in values if isinstance(v, float) and math.isfinite(v)), default=0)
        if top and all(isinstance(v, float) and v.is_integer() for v in values):
            found.append(0)
            continue
        found.append(None if not 1e-3 <= top < 1e4 else 4 if top < 100 else 1)
    return found


def is_number(value: Cell) -> bool:
    """Return whether a cell stands at the right of its column."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def number_columns(rows: Sequence[Sequence[Cell]], n: int) -> list[bool]:
    """Return which of `n` columns hold numbers, as far as they hold anything."""
    return [
        any(is_number(row[k]) for row in rows)
        and all(row[k] is None or is_number(row[k]) for row in rows)
        for k in range(n)
    ]


def plain_svg(drawing: str) -> str:
    """Return a drawing with the page's light colours, for programs that have not its style."""
    rules = [line for line in _css().splitlines() if _OF_DRAWINGS.match(line)]
    style = with_plain_colours(f"{_css()}\n", "\n".join(rules))
    head, _, rest = drawing.partition(">")
    return f"{head}><style>{style}</style>{rest}"


def with_plain_colours(css: str, text: str) -> str:
    """Return `text` with the colours of the light mode of `css` in the place of variables."""
    light = css.partition("@media (prefers-color-scheme: dark)")[0]
    known = dict(re.findall(r"(--[\w-]+):\s*([^;}]+)", light))
    return _VARIABLE.sub(lambda found: str(known.get(found[1], "#000")), text)


@cache
def _template() -> Any:
    try:
        import jinja2
    except ImportError as error:
        message = "an HTML report needs Jinja2, which is not installed: pip install jinja2"
        raise InputError(message) from error
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = cell_text
    environment.globals |= {"number_columns": number_columns, "decimals_of": column_decimals}
    return environment.get_template("report.html.j2")


@cache
def _css() -> str:
    lines = (_HERE / "report.css").read_text(encoding="utf-8").splitlines()
    return "\n".join(line.strip() for line in lines if line.strip())
