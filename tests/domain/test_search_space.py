import pytest

from reeltune.components.hyperparameters import SPACE
from reeltune.domain.errors import InputError
from reeltune.domain.search_space import ScaleType, SearchSpace
from reeltune.domain.space import (
    BooleanParameter,
    CategoricalParameter,
    FloatParameter,
    IntParameter,
    Simplex,
    Space,
    when,
)
from reeltune.domain.space_json import space_as_json, space_from_json


def test_it_is_the_space_that_is_declared_otherwise() -> None:
    space = SearchSpace()
    space.root.add_float_param("rate", 1e-4, 1.0, scale_type=ScaleType.LOG)
    space.root.add_int_param("depth", 1, 8, default_value=3)
    kind = space.root.add_categorical_param("kind", ("a", "b", "c"))
    child = kind.select_values(["b", "c"]).add_bool_param("deep", default_value=True)
    child.select_values([True]).add_float_param("width", 0, 4)
    assert space.to_space() == Space.of(
        FloatParameter(name="rate", default=0.01, low=1e-4, high=1.0, log=True, meaning=""),
        IntParameter(name="depth", default=3, low=1, high=8, meaning=""),
        CategoricalParameter(name="kind", default="a", choices=("a", "b", "c"), meaning=""),
        BooleanParameter(name="deep", default=True, meaning="", active_when=when(kind=("b", "c"))),
        FloatParameter(
            name="width",
            default=2.0,
            low=0,
            high=4,
            meaning="",
            active_when=when(kind=("b", "c"), deep=(True,)),
        ),
    )


def test_what_cannot_be_meant_is_refused() -> None:
    space = SearchSpace()
    with pytest.raises(InputError, match="the search space is empty"):
        space.to_space()
    kind = space.root.add_categorical_param("kind", ["a", "b"])
    for wrong, said in (
        (lambda: space.root.add_bool_param("kind"), "there is a parameter 'kind' already"),
        (lambda: kind.select_values(["c"]), "kind must be one of 'a', 'b', got 'c'"),
        (lambda: kind.select_values([]), "select a value of kind"),
        (lambda: space.root.add_categorical_param("x", []), "x must have a feasible value"),
        (lambda: space.root.add_float_param("x", 2.0, 1.0), "low and high must be finite"),
        (lambda: space.root.add_float_param("x", 0.0, float("nan")), "must be finite"),
        (lambda: space.root.add_int_param("x", 0, 5, scale_type="log"), "log needs a low of 1"),
        (lambda: space.root.add_int_param("x", 0, 5, scale_type="odd"), "scale_type must be"),
        (lambda: space.root.add_float_param("x", 0, 1, default_value=2), "x must be in"),
    ):
        with pytest.raises(InputError, match=said):
            wrong()
    assert space.to_space().dimensions == ("kind",)


def test_spaces_come_back_from_json_as_they_were() -> None:
    own = Space.of(
        CategoricalParameter(name="kind", default=1, choices=(1, "b", 2.5), meaning="one of"),
        BooleanParameter(name="deep", default=True, meaning="", active_when=when(kind=("b", 1))),
        IntParameter(name="n", default=2, low=1, high=8, log=True, meaning="", searched=False),
        Simplex(
            (
                FloatParameter(name="p", default=0.5, low=0, high=1, meaning=""),
                FloatParameter(name="q", default=0.5, low=0, high=1, meaning=""),
            )
        ),
    )
    for space in (own, SPACE):
        again = space_from_json(space_as_json(space))
        assert again == space
        assert again.fingerprint == space.fingerprint
