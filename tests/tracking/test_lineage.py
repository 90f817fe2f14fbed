import shutil
from pathlib import Path

import pytest

from reeltune.domain.study import BUILT_IN
from reeltune.tracking import lineage
from reeltune.tracking.lineage import (
    EQUAL_PROGRAMS,
    PROGRAM,
    code_differences,
    code_version,
    deciding_modules,
    equal_versions,
    program_version,
)
from reeltune.tracking.sources import find_below
from tests.test_architecture import PACKAGE, modules

ROOT = Path(__file__).resolve().parents[2]
DECIDE = {
    "reeltune.components",
    "reeltune.components.genre",
    "reeltune.components.hyperparameters",
    "reeltune.domain.space",
    "reeltune.metrics.evaluate",
    "reeltune.engine.measure",
    "reeltune.engine.kernel",
    "reeltune.metrics.ranking_metrics",
    "reeltune.stats.paired_gain",
    "reeltune.metrics.user_sample",
    "reeltune.metrics.ranking",
    "reeltune.ratings.splits",
    "reeltune.rating_models.hand_weighted",
    "reeltune.tuning.pruning_rules",
    "reeltune.engine.engine",
    "reeltune.tuning.ledger",
    "reeltune.tuning.pruning",
    "reeltune.tasks.ratings",
    "reeltune.engine.index",
}
DO_NOT = (
    "reeltune.cli",
    "reeltune.commands",
    "reeltune.db",
    "reeltune.executors",
    "reeltune.gate",
    "reeltune.importers",
    "reeltune.monitoring",
    "reeltune.reports",
    "reeltune.search",
    "reeltune.stats.alpha_spending",
    "reeltune.stats.power",
    "reeltune.stats.selection_bias",
    "reeltune.sweeps",
    "reeltune.tracking",
    "reeltune.tuning.orchestrator",
    "reeltune.tuning.plan",
    "reeltune.versioning",
    "reeltune.views",
)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the program's sources, which is what is hashed."""
    copy = tmp_path / "elsewhere"
    for path in modules():
        target = copy / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    monkeypatch.setattr(lineage, "_ROOT", copy)
    monkeypatch.setattr(lineage, "program_version", program_version.__wrapped__)
    return copy


def edited(checkout: Path, name: str, old: str, new: str) -> str:
    path = checkout / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return program_version.__wrapped__()


def test_what_decides_a_value_is_hashed_and_nothing_else() -> None:
    found = deciding_modules()
    assert found >= DECIDE
    assert not [name for name in found if f"{name}.".startswith(tuple(f"{n}." for n in DO_NOT))]


def test_every_module_that_is_named_exists() -> None:
    for name in (*lineage.DECIDING, *lineage.NOT_DECIDING, *DO_NOT):
        assert find_below(ROOT, name), name


def test_the_program_is_the_package() -> None:
    assert {PACKAGE.name} == set(PROGRAM)


def test_the_hash_does_not_depend_on_where_the_program_lies(checkout: Path) -> None:
    assert program_version.__wrapped__() == program_version()


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("reeltune/gate/gate.py", '"""', '"""Of old: '),
        ("reeltune/gate/gate.py", "def gate(", "def gate_of_old("),
        ("reeltune/monitoring/drift.py", '"""', '"""Of old: '),
        ("reeltune/tasks/ratings.py", '"""', '"""Of old: '),
        (
            "reeltune/engine/kernel.py",
            "import numpy as np\n",
            "import numpy as np  # arrays\n\n\n",
        ),
    ],
)
def test_a_word_or_the_gate_decides_no_value(name: str, old: str, new: str, checkout: Path) -> None:
    assert edited(checkout, name, old, new) == program_version()


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("reeltune/tasks/ratings.py", "if units is not None:", "if units is None:"),
        (
            "reeltune/tuning/pruning.py",
            "own[group] - incumbent[group]",
            "own[group] + incumbent[group]",
        ),
        (
            "reeltune/engine/engine.py",
            "self.index.billing < threshold",
            "self.index.billing <= threshold",
        ),
        ("reeltune/ratings/table.py", "RELEVANT_RATING = 4.0", "RELEVANT_RATING = 3.0"),
        ("reeltune/components/damped_mean.py", "PRIOR_RATINGS = 5.0", "PRIOR_RATINGS = 6.0"),
        ("reeltune/engine/index.py", "1 / np.log2", "2 / np.log2"),
    ],
)
def test_a_sign_in_what_decides_a_value_is_noticed(
    name: str, old: str, new: str, checkout: Path
) -> None:
    assert edited(checkout, name, old, new) != program_version()


def test_a_program_is_equal_to_those_in_its_row_alone() -> None:
    programs = [program for row in EQUAL_PROGRAMS for program in row]
    assert len(programs) == len(set(programs))
    for row in EQUAL_PROGRAMS:
        for program in row:
            assert set(equal_versions(program)) == row
            assert equal_versions(f"{program}+0123")[0] == f"{program}+0123"
            assert {each.partition("+")[2] for each in equal_versions(f"{program}+0123")} == {
                "0123"
            }
    assert equal_versions("other") == ("other",)


def test_changes_of_the_program_and_of_a_model_are_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = "examples.most_popular:MostPopular"
    program, _, source = code_version(own).partition("+")
    monkeypatch.setattr(lineage, "EQUAL_PROGRAMS", (frozenset({"before", program}),))
    assert code_differences(program, BUILT_IN) == code_differences("before", BUILT_IN) == []
    assert code_differences(f"before+{source}", own) == []

    def named(then: str | None, model: str) -> list[str]:
        return [change.what for change in code_differences(then, model)]

    assert named("older", BUILT_IN) == named(None, BUILT_IN) == ["the program"]
    assert named(f"older+{source}", own) == ["the program"]
    assert named(f"before+{'0' * 12}", own) == [f"the source of {own}"]
    assert named(f"older+{'0' * 12}", own) == ["the program", f"the source of {own}"]
    # That program did not say which source it had.
    assert named("before", own) == ["the program"]
