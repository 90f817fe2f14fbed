"""Options that several commands of the importers take, and values that are typed in."""

from typing import Any

import click

from reeltune.cli.command import option
from reeltune.importers.counts import MAX_REJECTED


class Share(click.ParamType[float]):
    """Share as a person writes it: 5%, or 0.05."""

    name = "share"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the share, 0 to 1."""
        if isinstance(value, float):
            return value
        text = str(value).strip()
        try:
            share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            share = -1.0
        if not 0 <= share <= 1:
            self.fail(f"must be a share like 5% or 0.05, 0 to 1, got {text!r}", param, ctx)
        return share


DATA = "Data"

option_max_rejected = option(
    DATA,
    "--max-rejected",
    setting="import.max_rejected",
    type=Share(),
    default=f"{MAX_REJECTED:.0%}",
    show_default=True,
    metavar="SHARE",
    help="Bad rows a file may have.",
)
"""`--max-rejected`, beyond which an import takes nothing of a file and exits with status 8."""
