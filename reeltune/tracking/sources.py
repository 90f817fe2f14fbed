"""Python sources, what they import, and a hash of their content.

What is hashed are syntax trees without docstrings, comments and layout. Where a module lies and
what it is called does not enter, nor does the order of imports: an imported name stands for the
hash of the module that it comes from.
"""

import ast
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

# What a tree holds of layout alone, or what only some versions of Python have.
_LEFT_OUT = frozenset(("ctx", "kind", "type_comment", "type_ignores"))
_IMPORTS = (ast.Import, ast.ImportFrom)

Find = Callable[[str], Path | None]  # the file of the module of that name, if it is to be followed
IsNameHashedAlone = Callable[[str], bool]  # is it a module whose place is not to be hashed?


class Import(NamedTuple):
    """Name that an import statement binds."""

    module: str
    attribute: str | None  # what is taken from the module; None: the module itself
    bound: str | None  # what it is called from there on, where it has another name


@dataclass(frozen=True)
class ModuleSource:
    """Source of one module."""

    name: str
    path: Path

    @cached_property
    def parts(self) -> tuple[list[str], list[Import], list[tuple[int, Import]]]:
        """Tree as text, imports of the module, and imports within it with their positions."""
        texts: list[str] = []
        within: list[tuple[int, Import]] = []
        try:
            tree = ast.parse(self.path.read_bytes())
            first = [found for node in tree.body for found in self._imports(node)]
            tree.body = [node for node in tree.body if not isinstance(node, _IMPORTS)]
            self._write(tree, texts, within)
        except (SyntaxError, ValueError, RecursionError):  # no such tree: then all of it counts
            return [repr(self.path.read_bytes())], [], []
        return texts, first, within

    @property
    def is_empty(self) -> bool:
        """True if the module does nothing at all."""
        return self.parts == (["Module", ")"], [], [])

    @property
    def imports(self) -> list[Import]:
        """All imports, at whatever level."""
        _, first, within = self.parts
        return [*first, *(found for _, found in within)]

    def text(self, named: Callable[[Import], str]) -> str:
        """Return the tree as text, with each import replaced by `named` of it."""
        texts, first, within = self.parts
        texts = texts.copy()
        for place, found in within:
            texts[place] = named(found)
        return "\n".join([*sorted(map(named, first)), *texts])

    def _imports(self, node: ast.AST) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, None, alias.asname)
        elif isinstance(node, ast.ImportFrom):
            module = self._absolute(node.module or "", node.level)
            for alias in node.names:
                yield Import(module, alias.name, alias.asname)

    def _absolute(self, module: str, level: int) -> str:
        if not level:
            return module
        is_package = self.path.name == "__init__.py"
        above = self.name.split(".")
        package = above[: len(above) - level + is_package]
        return ".".join([*package, *filter(None, [module])])

    def _write(self, node: ast.AST, texts: list[str], within: list[tuple[int, Import]]) -> None:
        """Append the tree below `node` to `texts`; missing and empty fields are left out."""
        if isinstance(node, _IMPORTS):
            for found in self._imports(node):
                within.append((len(texts), found))
                texts.append("")
            return
        texts.append(type(node).__name__)
        for name in _kept(node._fields):
            value = getattr(node, name, None)
            if isinstance(value, list):
                value = [each for each in value if not _is_docstring(each)]
            if value is None or value == []:
                continue
            texts.append(name)
            for each in value if isinstance(value, list) else (value,):
                if isinstance(each, ast.AST):
                    self._write(each, texts, within)
                else:
                    texts.append(repr(each))
        texts.append(")")


def follow(
    roots: Iterable[str], find: Find, *, with_packages: bool = False
) -> dict[str, ModuleSource]:
    """Return the modules `roots` and all that they import, as far as `find` finds them, by name.

    With `with_packages` also the packages that they lie in, which Python runs before them.
    """
    found: dict[str, ModuleSource] = {}
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        path = None if name in found else find(name)
        if path is None:
            continue
        source = found[name] = ModuleSource(name, path)
        for module, attribute, _ in source.imports:
            waiting += [module] if attribute is None else [module, f"{module}.{attribute}"]
        if with_packages and "." in name:
            waiting.append(name.rpartition(".")[0])
    return found


def find_below(directory: Path, name: str) -> Path | None:
    """Return the source file of module `name`, whose top-level package lies in `directory`."""
    words = name.split(".")
    if not all(map(str.isidentifier, words)):
        return None
    place = directory.joinpath(*words)
    for path in (place / "__init__.py", place.with_name(f"{words[-1]}.py")):
        if path.is_file():
            return path
    return None


def package_of(path: Path) -> tuple[str, ...]:
    """Return the parts of the dotted name of a file that lies in a package; empty if in none."""
    parts: tuple[str, ...] = ()
    for folder in path.parents:
        if not (folder / "__init__.py").is_file():
            break
        parts = (folder.name, *parts)
    return (*parts, path.stem) if parts else ()


def digest(sources: Mapping[str, ModuleSource], is_named_only: IsNameHashedAlone) -> str:
    """Return a hash of `sources`, 12 hex digits.

    Of modules that are not among them, those that `is_named_only` count by the names taken from
    them alone; all others, as packages from outside, by their own names too.
    """

    def place(found: Import) -> str:
        return "" if found.module in sources or is_named_only(found.module) else found.module

    own = {
        name: _hash(source.text(lambda found: _import_text(place(found), found)))
        for name, source in sources.items()
    }

    def known(found: Import) -> str:
        whole = f"{found.module}.{found.attribute}"
        if whole in own:
            return _import_text(own[whole], found._replace(attribute=None))
        return _import_text(own.get(found.module, place(found)), found)

    hashes = {_hash(source.text(known)) for source in sources.values() if not source.is_empty}
    return _hash("\n".join(sorted(hashes)))[:12]


def _import_text(place: str, found: Import) -> str:
    return f"import {place} {found.attribute} {found.bound}"


@lru_cache(maxsize=256)
def _kept(fields: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in fields if name not in _LEFT_OUT)


def _is_docstring(node: object) -> bool:
    """Return True for a string that stands alone: of a module, class, function or attribute."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
