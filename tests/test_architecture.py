"""Who may import whom."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "reeltune"

# A room imports from the rows above its own only; rooms in one row do not know each other.
ROWS = (
    ("domain",),
    ("storage",),
    ("cli", "executors", "ratings", "stats", "tracking", "training"),
    ("components", "db", "metrics", "search"),
    ("gate", "importers", "rating_models", "views"),
    ("tabular",),
    ("table_models",),
    ("engine", "reports"),
    ("monitoring", "studies", "tasks"),
    ("tuning", "versioning"),
    ("serving", "sweeps"),
    ("ab_tests",),
    ("dashboard",),
    ("commands",),
)
ROW_OF = {room: row for row, rooms in enumerate(ROWS) for room in rooms}
SCRIPTS = (
    "hyperparameter_tuner",
    "model",
    "model_versioning",
    "retrain_model",
    "tune_orchestrator",
)
MAX_SCRIPT_LINES = 60  # a script parses, delegates, and names what it promises


def modules() -> list[Path]:
    return sorted(PACKAGE.glob("*/*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0]


def imports(path: Path) -> Iterator[str]:
    """The dotted names of all modules that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


def imported_rooms(path: Path) -> set[str]:
    parts = [name.split(".") for name in imports(path)]
    return {name[1] for name in parts if name[0] == "reeltune" and len(name) > 1}


def test_every_room_is_on_the_list() -> None:
    assert {room_of(path) for path in modules()} <= set(ROW_OF)
    assert len(modules()) > 40


def test_nothing_is_deeper_than_a_file_in_a_room() -> None:
    deep = list(PACKAGE.glob("*/*/**/*.py"))
    assert deep == []


def test_no_import_runs_up_or_across() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {room}"
        for path in modules()
        for room in imported_rooms(path) - {room_of(path)}
        if ROW_OF[room] >= ROW_OF[room_of(path)]
    ]
    assert wrong == []


def test_no_module_of_the_package_imports_a_script_of_the_root() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in PACKAGE.rglob("*.py")
        for name in imports(path)
        if name.split(".")[0] in (*SCRIPTS, "db", "tests", "benchmarks", "examples")
    ]
    assert wrong == []


def test_the_scripts_of_the_root_only_delegate() -> None:
    scripts = [*ROOT.glob("*.py"), ROOT / "db" / "__main__.py"]
    assert {path.stem for path in scripts} == {*SCRIPTS, "__main__"}
    for path in scripts:
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= MAX_SCRIPT_LINES, path
        assert {name.split(".")[0] for name in imports(path)} <= {"reeltune"}, path


def test_sql_is_written_in_one_room_only() -> None:
    wrong = [
        str(path.relative_to(ROOT))
        for path in modules()
        if room_of(path) != "db"
        and any(
            isinstance(n, ast.Attribute) and n.attr in ("execute", "executemany")
            for n in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        )
    ]
    assert wrong == []


def test_views_know_no_terminal() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules()
        if room_of(path) == "views"
        for name in imports(path)
        if name.split(".")[0] in ("rich", "click")
    ]
    assert wrong == []
