"""YAML documents as values that know their line; no tags, no duplicate keys, nothing huge."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from reeltune.domain.errors import InputError
from reeltune.storage.files import read_text

MOST_BYTES = 256_000
MOST_VALUES = 20_000  # aliases counted each time they are used
DEEPEST = 20
MOST_FAULTS = 30  # that are told of

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Item:
    """Value of the file with its line."""

    line: int  # counted from 1
    value: "Scalar | tuple[Item, ...] | dict[str, Item]"

    def plain(self) -> object:
        """Return the value as Python has it."""
        if isinstance(self.value, dict):
            return {name: item.plain() for name, item in self.value.items()}
        if isinstance(self.value, tuple):
            return [item.plain() for item in self.value]
        return self.value


@dataclass(frozen=True, slots=True, order=True)
class SweepFault:
    """Fault in a file."""

    line: int
    what: str


class FaultyError(InputError):
    """Error about a file with faults; the text has one line for each of the first."""

    def __init__(self, path: str, faults: tuple[SweepFault, ...]) -> None:
        super().__init__(path, faults)
        self.path, self.faults = path, faults

    def __str__(self) -> str:
        told = sorted(self.faults)[:MOST_FAULTS]
        lines = [f"{self.path}:{fault.line}: {' '.join(fault.what.split())}" for fault in told]
        more = len(self.faults) - len(told)
        return "\n".join([*lines, f"{self.path}: and {more} more"] if more else lines)


class _Loader(yaml.SafeLoader):
    """Loader of YAML 1.1 in which 1e-3 is a number."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)
_NUMBERS = {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}  # 1:30 is 90 in YAML 1.1
_KINDS = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null")}


def read_document(path: Path) -> Item:
    """Return the one YAML document in the file.

    Raises:
        InputError: it cannot be read.
        FaultyError: it is no YAML, or holds what has no place in a list of settings.
    """
    text = read_text(path, MOST_BYTES)
    loader = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            raise FaultyError(str(path), (SweepFault(1, "is empty"),))
        faults: list[SweepFault] = []
        item = _Reader(loader, faults).item(node, 0)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        raise FaultyError(str(path), (SweepFault(line, f"is no YAML: {error.problem}"),)) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise FaultyError(str(path), (SweepFault(1, f"is no YAML: {_one_line(error)}"),)) from error
    finally:
        if loader is not None:
            loader.dispose()
    if faults:
        raise FaultyError(str(path), tuple(faults))
    return item


class _Reader:
    """Reader that turns YAML nodes into items, and notes what is wrong."""

    def __init__(self, loader: _Loader, faults: list[SweepFault]) -> None:
        self.loader, self.faults = loader, faults
        self.n_values = 0

    def item(self, node: yaml.Node, depth: int) -> Item:
        """Return the item of `node`."""
        line = node.start_mark.line + 1
        self.n_values += 1
        if self.n_values > MOST_VALUES or depth > DEEPEST:
            what = f"more than {MOST_VALUES:,} values or {DEEPEST} levels, aliases included"
            raise ValueError(what)
        if isinstance(node, yaml.MappingNode):
            return Item(line, dict(self._pairs(node, depth)))
        if isinstance(node, yaml.SequenceNode):
            return Item(line, tuple(self.item(part, depth + 1) for part in node.value))
        if node.tag not in _KINDS or (node.tag in _NUMBERS and ":" in node.value):
            self.faults.append(SweepFault(line, f"{node.value!r} is neither text nor number"))
            return Item(line, None)
        try:
            value: Scalar = self.loader.construct_object(node)
            if isinstance(value, float) and not math.isfinite(value):  # JSON knows no others
                self.faults.append(SweepFault(line, f"{node.value!r} must be a finite number"))
            return Item(line, value)
        except (ValueError, LookupError, ArithmeticError) as error:  # as of `!!int ""`, `!!bool x`
            self.faults.append(SweepFault(line, f"{node.value[:40]!r}: {_one_line(error)}"))
            return Item(line, None)

    def _pairs(self, node: yaml.MappingNode, depth: int) -> Iterator[tuple[str, Item]]:
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self.faults.append(SweepFault(line, "a key must be a word"))
                continue
            name = str(key.value)
            if name in seen:
                what = f"the key {name!r} occurs twice, first in line {seen[name]}"
                self.faults.append(SweepFault(line, what))
                continue
            seen[name] = line
            yield name, Item(line, self.item(value, depth + 1).value)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
