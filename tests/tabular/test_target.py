"""The target: which column, whether classes or a number, and what is refused."""

from pathlib import Path

import pytest

from reeltune.domain.errors import InputError
from reeltune.tabular.target import Prediction, inferred_target, split_target
from tests.tabular.tables import read


def column_of(values: list[str]) -> str:
    return "x,y\n" + "".join(f"{n % 5},{value}\n" for n, value in enumerate(values))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["0", "1"] * 10, "binary"),
        (["1.5", "2.5"] * 10, "regression"),
        (["a", "b", "c"] * 10, "multiclass"),
        ([str(n % 6) for n in range(60)], "multiclass"),
        ([str(n % 6) for n in range(18)], "regression"),
        ([str(n % 30) for n in range(900)], "regression"),
        (["yes", "no"] * 10, "binary"),
    ],
)
def test_its_kind_is_inferred(tmp_path: Path, values: list[str], kind: str) -> None:
    _, target = split_target(read(tmp_path, column_of(values)), "y")
    assert target.kind == kind


def test_it_is_the_column_of_a_usual_name_else_the_last(tmp_path: Path) -> None:
    assert inferred_target(read(tmp_path, "a,Target,b\n1,2,3\n")) == "Target"
    assert inferred_target(read(tmp_path, "a,b,c\n1,2,3\n")) == "c"


def test_its_kind_can_be_said(tmp_path: Path) -> None:
    table = read(tmp_path, column_of(["0", "1"] * 10))
    assert split_target(table, "y", "regression")[1].prediction is Prediction.NUMBERS
    with pytest.raises(InputError, match="task must be one of classification, regression"):
        split_target(table, "y", "ranking")


def test_classes_are_named_and_in_order(tmp_path: Path) -> None:
    _, target = split_target(
        read(tmp_path, column_of(["10", "2", "2"] * 10)), "y", "classification"
    )
    assert target.classes == ("2", "10")
    assert target.values.tolist()[:3] == [1, 0, 0]


@pytest.mark.parametrize(
    ("values", "match"),
    [
        (["a"] * 20, "has one value only, 'a'"),
        (["", "a", "b"], "has a value in 2 rows: 6 or more"),
        ([f"n {n}" for n in range(400)], "has 400 classes, at most 200"),
    ],
)
def test_what_cannot_be_predicted_is_refused(tmp_path: Path, values: list[str], match: str) -> None:
    with pytest.raises(InputError, match=match):
        split_target(read(tmp_path, column_of(values), kinds={"y": "category"}), "y")


def test_texts_are_no_numbers(tmp_path: Path) -> None:
    table = read(tmp_path, column_of(["a", "b"] * 10))
    with pytest.raises(InputError, match="has texts like 'a'"):
        split_target(table, "y", "regression")


def test_a_target_needs_another_column(tmp_path: Path) -> None:
    table = read(tmp_path, "y\n" + "1\n2\n" * 10)
    with pytest.raises(InputError, match="no column beside 'y'"):
        split_target(table, "y")
