"""Figures of the package's plan and language, from its syntax trees.

    python -m tests.house

Prints the rooms and the largest one's share of all lines, the share of docstrings whose first word
is neither a verb (functions) nor a noun (all else), public names that are defined more than once,
and the calls of our code from the command to a measured and to a promoted configuration.
"""

import ast
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from tests.calls import calls_to

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "reeltune"
TUNE = "tune_orchestrator.py"

Kind = Literal["module", "class", "function", "property"]

# A docstring begins with none of these: not with a question, not with a pronoun, not with a clause.
_NOT_FIRST = """
    a an the what who whose whom where when whether which why how is are was were does do did
    can may has have by in on of at from for with within without as if so than to up out
    it its he she they their this that these those there here some any all each every everybody
    everyone anybody nobody somebody something anything nothing because not no one two
"""
NOT_FIRST = frozenset(_NOT_FIRST.split())
# Of these, "All objectives" is a noun all the same, and "Do nothing" begins with a verb.
FIRST_OF_NOUNS = frozenset({"all"})
FIRST_OF_FUNCTIONS = frozenset({"do"})
NO_VERBS_END = ("ing", "ed", "ly", "ness", "tion", "ity")
# Nouns that a function's docstring began with, in place of the verb.
_NO_VERBS = """
    mean sum share number room users hash threads cores rows values positions bits median standard
    one experiments likings matches gains fresh adjusted student versions entropy hours genres
    variance figures novelty private linux signal
"""
NO_VERBS = frozenset(_NO_VERBS.split())


@dataclass(frozen=True)
class Documented:
    """Docstring with the place and the kind of what it describes."""

    path: Path
    name: str
    kind: Kind
    text: str

    @property
    def first_word(self) -> str:
        """First word of the docstring, as it is written; empty where it begins with a sign."""
        word = self.text.split()[0].strip("`.,:;\"'")
        return word if word.replace("-", "").isalnum() else ""


def modules() -> list[Path]:
    """Return all modules of the package's rooms."""
    return sorted(PACKAGE.glob("*/*.py"))


def room_of(path: Path) -> str:
    """Return the room that a module is in."""
    return path.relative_to(PACKAGE).parts[0]


def docstrings(path: Path) -> Iterator[Documented]:
    """Yield the docstrings of a module, of its classes and functions, at whatever level."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield Documented(path, getattr(node, "name", path.stem), _kind(node), text)


def _kind(node: ast.Module | ast.ClassDef | ast.FunctionDef) -> Kind:
    if isinstance(node, ast.Module):
        return "module"
    if isinstance(node, ast.ClassDef):
        return "class"
    names = (ast.unparse(each) for each in node.decorator_list)
    return "property" if any(name.endswith("property") for name in names) else "function"


def begins_well(found: Documented) -> bool:
    """Return True if a docstring begins with a verb (functions) or a noun (all else)."""
    word = found.first_word.lower()
    if found.kind != "function":
        return bool(word) and (word not in NOT_FIRST or word in FIRST_OF_NOUNS)
    return (
        found.first_word.isalpha()
        and found.first_word[0].isupper()
        and not found.first_word.isupper()
        and (word not in NOT_FIRST or word in FIRST_OF_FUNCTIONS)
        and word not in NO_VERBS
        and not word.endswith(NO_VERBS_END)
        and (not word.endswith("s") or word.endswith("ss"))
    )


def public_names() -> dict[str, list[str]]:
    """Return the public names that modules define at the top, and where."""
    found = defaultdict(list)
    for path in modules():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            for name in _defined(node):
                if not name.startswith("_"):
                    found[name].append(str(path.relative_to(PACKAGE)))
    return found


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return [node.name]
    if isinstance(node, ast.AnnAssign):
        return [node.target.id] if isinstance(node.target, ast.Name) else []
    if isinstance(node, ast.Assign) and not ast.unparse(node.value).startswith("TypeVar("):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return []


def defined_twice() -> dict[str, list[str]]:
    """Return the public names that more than one module defines, and where."""
    return {name: where for name, where in sorted(public_names().items()) if len(where) > 1}


def lines_by_room() -> Counter[str]:
    """Return the number of lines in each room."""
    counts: Counter[str] = Counter()
    for path in modules():
        counts[room_of(path)] += len(path.read_text(encoding="utf-8").splitlines())
    return counts


def walks() -> str:
    """Return how many calls lead from the command to what matters, on a small demo database."""
    with TemporaryDirectory() as directory:
        database = Path(directory) / "movies.db"
        demo = ["import", "demo", "--users", "300", "--movies", "400", "--ratings", "20000"]
        command = [sys.executable, "-m", "reeltune", *demo, "--db", str(database), "--quiet"]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        plan = ("--method", "random", "--configs", "3", "--jobs", "1", "--quiet", "--db", database)
        measured = calls_to("reeltune/engine/measure.py", "measure_batch", TUNE, *plan)
        promoted = calls_to("reeltune/versioning/registry.py", "promote", TUNE, *plan, "--promote")
    found = {"to measured": measured, "to promoted": promoted}
    return "\n".join(
        f"calls from command {what}: {_length(calls)}" for what, calls in found.items()
    )


def _length(calls: list[str]) -> str:
    return f"{len(calls)} in {len({call.partition(':')[0] for call in calls})} files"


FURTHER: list[Callable[[], str]] = [walks]  # figures that need more than syntax trees


def report() -> Iterator[str]:
    """Yield the lines that the command prints."""
    rooms = lines_by_room()
    largest, n_lines = rooms.most_common(1)[0]
    yield f"rooms: {len(rooms)}; the largest, {largest}: {n_lines / rooms.total():.0%} of all lines"
    found = [each for path in modules() for each in docstrings(path)]
    wrong = [each for each in found if not begins_well(each)]
    yield f"docstrings: {len(found)}, not with a verb or noun first: {len(wrong) / len(found):.0%}"
    yield f"  {Counter(each.first_word or '(sign)' for each in wrong).most_common(12)}"
    twice = defined_twice()
    yield f"public names defined twice or more: {len(twice)}"
    yield from (f"  {name}: {', '.join(where)}" for name, where in twice.items())
    yield from (figure() for figure in FURTHER)


if __name__ == "__main__":
    print("\n".join(report()))
