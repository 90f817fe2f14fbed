"""Option of the guardrails' margins: how much of their deployed values metrics may lose."""

import re
from collections.abc import Mapping
from typing import Any

import click

from reeltune.cli.command import Decorator, option
from reeltune.gate.guardrails import margin_names

_SHARE = re.compile(r"(\d{1,3}(?:\.\d+)?|\.\d+)\s*(%?)", re.ASCII)


class Margins(click.ParamType[dict[str, float]]):
    """Margins as `NAME=SHARE` with commas between them; a share is from 0 to 1, or a percentage."""

    name = "margins"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, float]:
        """Return the margin of each guardrail that `value` names.

        >>> Margins().convert("coverage@10=30%, segments=0.1", None, None)
        {'coverage@10': 0.3, 'segments': 0.1}
        """
        if isinstance(value, Mapping):
            return dict(value)
        margins: dict[str, float] = {}
        for part in filter(None, map(str.strip, str(value).split(","))):
            name, _, share = map(str.strip, part.partition("="))
            if name not in margin_names():
                self.fail(f"there is no guardrail {name!r}: {', '.join(margin_names())}")
            if name in margins:
                self.fail(f"{name} is given twice")
            margins[name] = self._share(name, share)
        return margins

    def _share(self, name: str, text: str) -> float:
        match = _SHARE.fullmatch(text)
        share = float(match[1]) / (100 if match[2] else 1) if match else -1.0
        if not 0 <= share <= 1:
            self.fail(f"the margin of {name} is a share from 0 to 1, or 0% to 100%, got {text!r}")
        return share


def option_guardrails(topic: str) -> Decorator:
    """Return the option that gives guardrails other margins than the default."""
    return option(
        topic,
        "--guardrails",
        "margins",
        setting="gate.guardrails",
        type=Margins(),
        default="",
        metavar="MARGINS",
        help="What may be lost: coverage@10=30%,segments=5%.",
    )
