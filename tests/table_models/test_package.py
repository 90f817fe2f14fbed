"""A package predicts what the model does, in any order of columns, and refuses what it must."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from reeltune.domain.errors import InputError, NotFoundError, StorageError
from reeltune.table_models.blended_model import BlendedModel, fit_blend
from reeltune.table_models.explaining import explanation_of
from reeltune.table_models.families import FAMILY, table_space
from reeltune.table_models.package import load_package, save_package
from reeltune.table_models.predicting import SchemaError, predict_with_package, predictions_of
from reeltune.tabular.columns import DataTable
from reeltune.tabular.target import Target
from tests.table_models.tables import levels, mixed, numbers, of_numbers, table

pytest.importorskip("sklearn")
REPORT = {"verdict": "usable"}
LINES = "size,colour,town,sold,built,words\n"
ROW = "0.5,c1,t3,2020-10-01,2017-09-01,a text of red things number 4\n"


def blend(
    whole: DataTable, target: Target, *families: str, seconds: float | None = None
) -> BlendedModel:
    space = table_space(target.prediction)
    chosen = [space.checked(space.overlaid(space.defaults(), {FAMILY: f})) for f in families]
    n = len(chosen)
    return fit_blend(whole, target, chosen, [1 / n] * n, [30] * n, 1.0, seconds)


@pytest.fixture(scope="module")
def two() -> tuple[DataTable, BlendedModel]:
    whole, target = mixed(n_classes=2)
    return whole, blend(whole, target, "lightgbm", "logistic", "extra_trees")


@pytest.fixture
def package(two: tuple[DataTable, BlendedModel], tmp_path: Path) -> Path:
    save_package(tmp_path / "m.zip", two[1], REPORT)
    return tmp_path / "m.zip"


@pytest.mark.parametrize(
    ("n_classes", "families"),
    [
        (0, ("xgboost", "ridge", "random_forest")),
        (0, ("lasso", "histogram")),
        (2, ("xgboost", "histogram", "logistic")),
        (4, ("lightgbm", "xgboost", "logistic", "extra_trees")),
    ],
)
def test_a_package_predicts_what_the_model_does(
    tmp_path: Path, n_classes: int, families: tuple[str, ...]
) -> None:
    whole, target = mixed(n_classes=n_classes)
    model = blend(whole, target, *families)
    save_package(tmp_path / "m.zip", model, REPORT)
    again, report = load_package(tmp_path / "m.zip")
    scale = float(np.std(target.values))
    assert np.allclose(again.predict(whole), model.predict(whole), atol=1e-5 * scale)
    assert report == REPORT
    assert again.columns == model.columns
    assert {spec.name for spec in again.columns} == {*LINES.strip().split(",")}


def test_the_same_model_is_the_same_bytes(tmp_path: Path) -> None:
    whole, target = mixed(n_classes=2)
    for name in "ab":
        save_package(tmp_path / name, blend(whole, target, "lightgbm", "extra_trees"), REPORT)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert not list(tmp_path.glob("*.part"))


def test_nothing_in_a_package_is_pickled(package: Path) -> None:
    with zipfile.ZipFile(package) as archive:
        names = archive.namelist()
    assert {Path(name).suffix for name in names} == {".json", ".safetensors"}


def written(directory: Path, text: str) -> Path:
    path = directory / "rows.csv"
    path.write_text(text)
    return path


def test_columns_may_be_reordered_and_others_among_them(package: Path, tmp_path: Path) -> None:
    plain = predict_with_package(package, written(tmp_path, LINES + ROW)).values
    names, cells = LINES.strip().split(","), ROW.strip().split(",")
    text = "more," + ",".join(names[::-1]) + "\n9," + ",".join(cells[::-1]) + "\n"
    assert np.array_equal(predict_with_package(package, written(tmp_path, text)).values, plain)


def test_unknown_levels_are_missing_ones_and_counted(package: Path, tmp_path: Path) -> None:
    missing = LINES + ROW.replace("c1", "").replace("t3", "")
    unknown = LINES + ROW.replace("c1", "violet").replace("t3", "nowhere")
    a = predict_with_package(package, written(tmp_path, missing))
    b = predict_with_package(package, written(tmp_path, unknown))
    assert np.array_equal(a.values, b.values)
    assert (a.n_unknown.tolist(), b.n_unknown.tolist()) == ([0], [2])


@pytest.mark.parametrize(
    "row",
    [
        ",,,,,\n",
        "n/a,c1,t3,2020-10-01,2017-09-01,x\n",
        "broken,c1,t3,2020-10-01,2017-09-01,x\n" + ROW * 3,
        "1e300,c1,t3,0001-01-01,9999-12-31,x\n",
        "inf,c1,t3,,,\n",
    ],
)
def test_odd_values_are_predicted(package: Path, tmp_path: Path, row: str) -> None:
    found = predict_with_package(package, written(tmp_path, LINES + row))
    assert np.isfinite(found.values).all()
    assert np.allclose(found.values.sum(axis=1), 1.0)


def test_a_wrong_schema_is_refused_by_name(package: Path, tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="columns are missing: size, sold"):
        predict_with_package(package, written(tmp_path, "colour,town,built,words\nc1,t3,,x\n"))
    wrong = LINES + ROW.replace("0.5", "large") * 12
    with pytest.raises(SchemaError, match="size must hold a number"):
        predict_with_package(package, written(tmp_path, wrong))
    assert issubclass(SchemaError, InputError)


def test_no_row_is_left_out_silently(package: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be cut into fields, the first is line 3"):
        predict_with_package(package, written(tmp_path, LINES + ROW + "1,2\n"))


def test_predictions_are_written_with_a_probability_a_class(package: Path, tmp_path: Path) -> None:
    predict_with_package(package, written(tmp_path, LINES + ROW * 2)).write(tmp_path / "p.csv")
    lines = (tmp_path / "p.csv").read_text().splitlines()
    assert lines[0] == "prediction,probability_a,probability_b,unknown_levels"
    assert len(lines) == 3
    assert lines[1].split(",")[0] in ("a", "b")


@pytest.mark.parametrize("name", ["schema.json", "member-0.safetensors", "encoders.json"])
def test_a_changed_file_is_noticed(package: Path, tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(package) as archive:
        files = {each: archive.read(each) for each in archive.namelist()}
    files[name] = files[name][:-2] + bytes([files[name][-2] ^ 1]) + files[name][-1:]
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        for each, content in files.items():
            archive.writestr(each, content)
    with pytest.raises(StorageError, match="has another hash than its manifest says"):
        load_package(tmp_path / "bad.zip")


def test_what_is_no_package_is_refused(package: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no package at"):
        load_package(tmp_path / "no.zip")
    with pytest.raises(StorageError, match="is no package"):
        load_package(written(tmp_path, "x"))
    with zipfile.ZipFile(tmp_path / "new.zip", "w") as archive:
        archive.writestr("manifest.json", json.dumps({"format": 99}))
    with pytest.raises(StorageError, match="has format 99"):
        load_package(tmp_path / "new.zip")


def test_an_explanation_ranks_what_matters_first(
    two: tuple[DataTable, BlendedModel], package: Path
) -> None:
    model, report = load_package(package)
    found = explanation_of(model, report)
    assert found.members[0].family == "LightGBM"
    assert found.verdict == "usable"
    assert sum(found.columns.values()) == pytest.approx(1.0)
    assert set(found.columns) == {spec.name for spec in model.columns}


def test_shuffling_what_matters_costs_most(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=300), rng.normal(size=300)
    model = blend(table(numbers("x", x), numbers("noise", noise)), of_numbers(5 * x), "ridge")
    save_package(tmp_path / "m.zip", model, REPORT)
    text = "x,noise,y\n" + "".join(f"{a},{b},{5 * a}\n" for a, b in zip(x, noise, strict=True))
    found = explanation_of(model, REPORT, written(tmp_path, text))
    assert list(found.columns) == ["x", "noise"]
    assert found.columns["x"] > 20
    assert abs(found.columns["noise"]) < 0.5


@pytest.mark.parametrize("n_rows", [8, 12])
def test_a_few_rows_and_a_wide_table_are_fitted(n_rows: int) -> None:
    rng = np.random.default_rng(1)
    wide = table(*(numbers(f"x{k}", rng.normal(size=n_rows)) for k in range(751)))
    for family in ("lightgbm", "ridge", "extra_trees", "xgboost"):
        model = blend(wide, of_numbers(rng.normal(size=n_rows)), family)
        assert np.isfinite(predictions_of(model, wide).values).all()


def test_a_table_of_nothing_but_gaps_is_fitted() -> None:
    whole = table(numbers("x", [np.nan] * 20), levels("c", [None] * 20))
    model = blend(whole, of_numbers(np.arange(20.0)), "lightgbm", "ridge")
    assert np.allclose(model.predict(whole), 9.5)
    assert model.columns == ()
