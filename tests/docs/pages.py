"""The project's pages, and what in them can be run.

Lines that begin with `$ ` in a block fenced as `console` are commands; `# exit 3` or
`# exit 0 or 3` at the end states other exit codes than 0. Blocks fenced as `sql` and `python` are
run too, those fenced as `sh` or anything else are not.
"""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "HYPERPARAMETER_TUNER_GUIDE.md"

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ (.+?)(?:\s+# exit ([\d or]+))?$", re.MULTILINE)


@dataclass(frozen=True)
class Step:
    """Something a reader is told to run."""

    kind: str  # console, sql or python
    text: str
    exit_codes: tuple[int, ...] = (0,)


def pages() -> list[Path]:
    """Every page, by path."""
    places = ("*.md", "db/*.md", "docs/*.md", "docs/decisions/*.md")
    return sorted(page for place in places for page in ROOT.glob(place))


def blocks(text: str) -> list[tuple[str, str]]:
    """The language and the content of each fenced block.

    >>> blocks("say\\n```sh\\nls\\n```\\n")
    [('sh', 'ls\\n')]
    """
    return [(language, content) for language, content in _BLOCK.findall(text)]


def steps(text: str) -> list[Step]:
    """What a page tells its reader to run, in order.

    >>> steps("```console\\n$ ls x  # exit 0 or 2\\nno such file\\n```\\n")
    [Step(kind='console', text='ls x', exit_codes=(0, 2))]
    """
    found: list[Step] = []
    for language, content in blocks(text):
        if language == "console":
            found += [
                Step("console", line, _exit_codes(codes))
                for line, codes in _COMMAND.findall(content)
            ]
        elif language in ("sql", "python"):
            found.append(Step(language, content))
    return found


def _exit_codes(said: str) -> tuple[int, ...]:
    return tuple(int(code) for code in said.split(" or ")) if said else (0,)
