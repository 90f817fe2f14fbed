"""What holds for every family: each that is registered is enrolled, for each kind of target."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from reeltune.domain.errors import InputError
from reeltune.table_models import family as family_module
from reeltune.table_models.encoder import TableEncoder
from reeltune.table_models.families import (
    FAMILIES,
    FAMILY,
    families_for,
    family_of,
    load_libraries,
    table_space,
)
from reeltune.table_models.family import Family, FitRequest, FitSize
from reeltune.table_models.portfolio import portfolio
from reeltune.table_models.search_data import TargetScale
from reeltune.table_models.small_trees import as_singles, grown, shrunk
from reeltune.tabular.target import Prediction
from tests.table_models.tables import mixed

pytest.importorskip("sklearn")
KINDS = {"regression": 0, "binary": 2, "multiclass": 4}
CASES = [
    (name, kind)
    for name, each in FAMILIES.items()
    for kind, n in KINDS.items()
    if (Prediction.CLASSES if n else Prediction.NUMBERS) in each.predictions
]


def request_of(kind: str, encoding: str, n_rows: int = 240, **changes: object) -> FitRequest:
    table, target = mixed(n_rows, n_classes=KINDS[kind])
    _, features = TableEncoder.fit(table, target, encoding)  # type: ignore[arg-type]
    scaled = TargetScale.of(target).scaled(target)
    half = n_rows * 2 // 3
    request = {
        "features": features[:half],
        "targets": scaled[:half],
        "n_classes": target.n_classes,
        "watched": (features[half:], scaled[half:]),
    }
    return FitRequest(**{**request, **changes})  # type: ignore[arg-type]


def defaults_of(family: Family, kind: str) -> dict[str, object]:
    prediction = Prediction.CLASSES if KINDS[kind] else Prediction.NUMBERS
    space = table_space(prediction)
    whole = space.checked(space.overlaid(space.defaults(), {FAMILY: family.name}))
    found, values = family_of(whole)
    assert found is family
    return values


def loss_of(predicted: np.ndarray, targets: np.ndarray, n_classes: int) -> float:
    if not n_classes:
        return float(((predicted[:, 0] - targets) ** 2).mean())
    return float(-np.log(np.clip(predicted[np.arange(len(targets)), targets], 1e-9, 1)).mean())


def test_there_are_families_for_each_kind_of_target() -> None:
    assert len(FAMILIES) >= 8
    for prediction in Prediction:
        names = [family.name for family in families_for(prediction)]
        assert len(names) >= 6
        assert {"xgboost", "lightgbm", "extra_trees", "random_forest"} <= set(names)


@pytest.mark.parametrize("prediction", list(Prediction))
def test_the_portfolio_is_valid_and_has_a_linear_model_first(prediction: Prediction) -> None:
    space = table_space(prediction)
    first, *others = portfolio(space, prediction)
    assert family_of(first)[0].encoding == "linear"
    assert len(others) >= 3
    for each in (first, *others):
        assert space.checked(each) == each


def test_what_is_not_installed_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reeltune.table_models.families.find_spec", lambda name: None)
    with pytest.raises(InputError, match="need lightgbm, sklearn, xgboost: pip install -r"):
        load_libraries(Prediction.CLASSES)
    with pytest.raises(InputError, match="LightGBM needs nothing_there: pip install -r"):
        family_module.library("nothing_there.part", "LightGBM")


@pytest.mark.parametrize(("name", "kind"), CASES)
class TestFamily:
    """The contract of a family."""

    @pytest.fixture(autouse=True)
    def single_thread(self) -> object:
        with threadpool_limits(1):
            yield

    @pytest.fixture
    def family(self, name: str) -> Family:
        return FAMILIES[name]

    @pytest.fixture
    def request_(self, family: Family, kind: str) -> FitRequest:
        return request_of(kind, family.encoding)

    def test_its_hyperparameters_apply_to_it_alone(self, family: Family, kind: str) -> None:
        prediction = Prediction.CLASSES if KINDS[kind] else Prediction.NUMBERS
        own = family.parameters(prediction, ())
        assert own
        assert all(each.name.startswith(f"{family.name}.") for each in own)
        others = {**table_space(prediction).defaults(), FAMILY: family.name}
        if family is not families_for(prediction)[0]:
            assert table_space(prediction).faults(others)

    def test_it_learns(self, family: Family, kind: str) -> None:
        request_ = request_of(kind, family.encoding, n_rows=480)
        fitted = family.fit(request_, defaults_of(family, kind))
        assert request_.watched is not None
        features, targets = request_.watched
        predicted = fitted.predict(features)
        n = request_.n_classes
        assert predicted.shape == (len(features), request_.n_outputs)
        if n:
            assert np.allclose(predicted.sum(axis=1), 1.0)
        shares = np.bincount(request_.targets.astype(int)) / len(request_.targets) if n else [0.0]
        constant = np.tile(shares, (len(features), 1))
        assert loss_of(predicted, targets, n) < 0.95 * loss_of(constant, targets, n)

    def test_its_arrays_predict_the_same(
        self, family: Family, kind: str, request_: FitRequest
    ) -> None:
        fitted = family.fit(request_, defaults_of(family, kind))
        features = request_.features.copy()
        features[::7, 0] = np.nan if family.encoding == "trees" else 0.0
        packed = fitted.packed()
        assert np.allclose(packed.predict(features), fitted.predict(features), atol=2e-6)
        if packed.trees is not None:
            stored = shrunk(packed.trees)
            assert np.array_equal(
                grown(stored).sums(features), as_singles(packed.trees).sums(features)
            )
            assert np.allclose(grown(stored).sums(features), packed.trees.sums(features), atol=1e-4)

    def test_the_same_request_gives_the_same_model(
        self, family: Family, kind: str, request_: FitRequest
    ) -> None:
        values = defaults_of(family, kind)
        first, second = family.fit(request_, values), family.fit(request_, values)
        again = family.fit(request_of(kind, family.encoding), values)
        for other in (second, again):
            assert np.array_equal(
                first.predict(request_.features), other.predict(request_.features)
            )
            assert first.n_iterations == other.n_iterations

    def test_a_fixed_number_of_iterations_is_kept(
        self, family: Family, kind: str, request_: FitRequest
    ) -> None:
        fixed = request_of(kind, family.encoding, watched=None, n_iterations=20)
        fitted = family.fit(fixed, defaults_of(family, kind))
        assert fitted.n_iterations == (20 if family.iterates else 0)

    def test_no_iteration_begins_when_the_time_is_up(self, family: Family, kind: str) -> None:
        late = request_of(kind, family.encoding, seconds=0.0)
        fitted = family.fit(late, defaults_of(family, kind))
        assert np.isfinite(fitted.predict(late.features)).all()
        if family.name in ("lightgbm", "xgboost"):
            assert fitted.n_iterations == 1

    def test_its_cost_grows_with_the_table(self, family: Family, kind: str) -> None:
        values = defaults_of(family, kind)
        small, tall, wide = (
            family.cost(FitSize(n, f, max(1, KINDS[kind])), values)
            for n, f in ((1_000, 10), (100_000, 10), (1_000, 500))
        )
        assert 0 < small < min(tall, wide)

    def test_few_rows_of_one_kind_are_no_error(self, family: Family, kind: str) -> None:
        for n_rows in (6, 9):
            request = request_of(kind, family.encoding, n_rows=n_rows)
            same = np.zeros_like(request.targets)
            few = FitRequest(
                features=request.features,
                targets=same,
                n_classes=request.n_classes,
                watched=request.watched,
            )
            fitted = family.fit(few, defaults_of(family, kind))
            assert np.isfinite(fitted.predict(few.features)).all()
            assert np.allclose(
                fitted.packed().predict(few.features), fitted.predict(few.features), atol=1e-5
            )
