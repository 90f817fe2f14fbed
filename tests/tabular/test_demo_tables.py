"""The demo tables hold what they promise."""

from pathlib import Path

import pytest

from reeltune.domain.errors import InputError
from reeltune.tabular.analyzer import DatasetAnalyzer
from reeltune.tabular.demo_tables import DEMO_TABLES, write_demo
from reeltune.tabular.profile import profile_of
from tests.tabular.tables import kinds


@pytest.mark.parametrize("name", DEMO_TABLES)
def test_the_same_seed_writes_the_same_bytes(tmp_path: Path, name: str) -> None:
    for file, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_demo(tmp_path / file, name, 200, seed)
    content = [(tmp_path / file).read_bytes() for file in "abc"]
    assert content[0] == content[1] != content[2]


def test_cars_have_every_kind_of_column(tmp_path: Path) -> None:
    write_demo(tmp_path / "cars.csv", "cars", 2_000)
    analyzer = DatasetAnalyzer(tmp_path / "cars.csv")
    found = set(kinds(analyzer.load_data()).values())
    assert found == {"category", "date", "number", "text"}
    profile = profile_of(analyzer)
    assert (profile.target, profile.target_kind) == ("price_eur", "regression")
    assert max(column.relation for column in profile.columns) > 0.4


def test_the_audit_has_everything_that_goes_wrong(tmp_path: Path) -> None:
    write_demo(tmp_path / "audit.csv", "audit", 4_000)
    profile = profile_of(DatasetAnalyzer(tmp_path / "audit.csv"))
    roles = {column.name: column.role for column in profile.columns}
    assert roles["account_id"] == "name of a row"
    assert (roles["currency"], roles["remarks"]) == ("constant", "empty")
    assert profile.dna.class_imbalance_ratio > 10
    assert profile.dna.missing_ratio > 0.1
    by_name = {column.name: column for column in profile.columns}
    assert by_name["amount"].outlier_share > 0.01
    assert by_name["branch"].n_distinct > 200
    assert list(profile.classes) == ["no", "yes"]


def test_what_is_no_demo_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="demo must be one of cars, audit"):
        write_demo(tmp_path / "x", "boats")
    with pytest.raises(InputError, match=r"must be in \[10, 5000000\]"):
        write_demo(tmp_path / "x", "cars", 3)
