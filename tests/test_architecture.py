"""Who may import whom."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# A room imports from the rows above its own only; rooms in one row do not know each other.
ROWS = (
    ("domain",),
    ("cli",),
    (
        "db",
        "components",
        "rating_models",
        "evaluation",
        "search",
        "executors",
        "tracking",
    ),
    ("importers", "model", "reports"),
    ("versioning",),
    ("hyperparameter_tuner", "model_versioning"),
    ("training",),
    ("retrain_model", "sweeps"),
    ("tune_orchestrator",),
    ("serving",),
)
ROW_OF = {room: row for row, rooms in enumerate(ROWS) for room in rooms}
NOT_ROOMS = ("tests", "benchmarks", "examples")


def modules() -> list[Path]:
    found = [*ROOT.glob("*.py"), *ROOT.glob("*/*.py")]
    return [p for p in found if room_of(p) not in NOT_ROOMS and not p.parts[-2].startswith(".")]


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add((node.module or "").split(".")[0])
    return names & set(ROW_OF)


def test_every_room_is_on_the_list() -> None:
    assert {room_of(path) for path in modules()} <= set(ROW_OF)
    assert len(modules()) > 40


def test_no_import_runs_up_or_across() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {room}"
        for path in modules()
        for room in imported_rooms(path) - {room_of(path)}
        if ROW_OF[room] >= ROW_OF[room_of(path)]
    ]
    assert wrong == []


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
