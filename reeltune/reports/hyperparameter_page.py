"""Page of all hyperparameters, docs/HYPERPARAMETERS.md, from their declarations."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from reeltune.cli.command import Command
from reeltune.components.hyperparameters import SPACE
from reeltune.domain.errors import InputError
from reeltune.domain.parameters import as_text
from reeltune.domain.space import (
    Ascending,
    CategoricalParameter,
    Fixed,
    Hyperparameter,
    Parameter,
    ParameterGroup,
    Simplex,
    Single,
    Space,
    Value,
)

_INTRODUCTION = """\
# Hyperparameters

Every hyperparameter of the built-in recommender, as declared in
`reeltune/components/hyperparameters.py`. This page is generated:
`python -m reeltune.reports.hyperparameter_page docs/HYPERPARAMETERS.md`.

There are {n}, of which {searched} are searched, in {dimensions} dimensions: shares of a sum have
one dimension less than members. Both ends of a range belong to it. Values have at most six
decimals. What the score does with them is in [ARCHITECTURE.md](ARCHITECTURE.md#the-recommender).
"""


def hyperparameter_page(space: Space) -> str:
    """Return the page, in Markdown."""
    members = space.hyperparameters.values()
    introduction = _INTRODUCTION.format(
        n=len(members),
        searched=sum(member.searched for member in members),
        dimensions=len(space.dimensions),
    )
    return introduction + "".join(_section(groups) for groups in _sections(space.groups))


def _sections(groups: Sequence[ParameterGroup]) -> Iterator[list[ParameterGroup]]:
    """Yield the groups in their order; neighbours that stand alone share a section."""
    section: list[ParameterGroup] = []
    for group in groups:
        alone = isinstance(group, Single) and section and isinstance(section[-1], Single)
        if section and not alone:
            yield section
            section = []
        section.append(group)
    if section:
        yield section


def _section(groups: Sequence[ParameterGroup]) -> str:
    members = [member for group in groups for member in group.members]
    title = " to ".join(f"`{name}`" for name in dict.fromkeys([members[0].name, members[-1].name]))
    rows = "\n".join(_row(member) for member in members)
    return (
        f"\n## {title}\n\n{_rule(groups[0])}\n\n"
        f"| hyperparameter | default | range | phase | meaning |\n|---|--:|---|--:|---|\n{rows}\n"
    )


def _rule(group: ParameterGroup) -> str:
    names = [f"`{member.name}`" for member in group.members]
    match group:
        case Simplex():
            return f"Shares of one whole: {' + '.join(names)} = 1."
        case Ascending():
            return f"In this order: {' < '.join(names)}."
        case Fixed():
            return "Never searched; `--apply-hp` can change it."
        case _:
            return "Each by itself."


def _row(member: Parameter) -> str:
    cells = (
        f"`{member.name}`",
        _shown(member.default),
        _range(member),
        str(member.phase),
        "; ".join([member.meaning, *_conditions(member)]),
    )
    return f"| {' | '.join(cells)} |"


def _range(member: Parameter) -> str:
    """Return what the hyperparameter may be: its ends and the kind of its axis, or its choices."""
    if isinstance(member, CategoricalParameter):
        return " or ".join(_shown(choice) for choice in member.choices)
    assert isinstance(member, Hyperparameter)
    kind = (", whole" if member.integer else "") + (", log" if member.log else "")
    return f"{member.low:g} to {member.high:g}{kind}"


def _conditions(member: Parameter) -> list[str]:
    if not member.active_when:
        return []
    told = [
        f"`{condition.parent}` is {' or '.join(_shown(value) for value in condition.values)}"
        for condition in member.active_when
    ]
    return [f"only while {' and '.join(told)}"]


def _shown(value: Value) -> str:
    """Return a value as a cell has it: words as code, numbers short."""
    if isinstance(value, bool):
        return as_text(value)
    return f"`{_cell(value)}`" if isinstance(value, str) else f"{value:g}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


@click.command(cls=Command)
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--check", "checks", is_flag=True, help="Write nothing; exit with 1 if it differs.")
def main(path: Path, checks: bool) -> None:
    """Write the page of all hyperparameters to PATH."""
    page = hyperparameter_page(SPACE).encode()
    if not checks:
        path.write_bytes(page)
    elif not path.is_file() or path.read_bytes() != page:
        raise InputError(
            f"{str(path)!r} does not say what reeltune/components/hyperparameters.py declares:"
            f" write it anew with `python -m reeltune.reports.hyperparameter_page {path}`"
        )


if __name__ == "__main__":
    main(prog_name="python -m reeltune.reports.hyperparameter_page")
