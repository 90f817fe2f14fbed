import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reeltune.components.hyperparameters import SPACE
from reeltune.domain.space import Single, Space
from reeltune.search.feature_map import Features
from tests.search.problems import FEW_VALUES, NO_CHOICE, PLANE, SPACES, real


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
@given(data=st.data())
@settings(max_examples=40)
def test_a_point_and_its_configuration_have_the_same_features(
    space: Space, data: st.DataObject
) -> None:
    n_axes = len(space.dimensions)
    point = np.array(data.draw(st.lists(st.floats(0, 1), min_size=n_axes, max_size=n_axes)))
    features = Features(space)
    decoded = features.of_configurations([space.decode(point)])
    assert features.of_points(point[None]) == pytest.approx(decoded, abs=2e-5)


def test_whole_numbers_move_in_steps() -> None:
    features = Features(FEW_VALUES)
    found = features.of_points(np.array([[0.0, 0.34], [0.3, 0.6]]))
    assert found == pytest.approx(np.array([[0.0, 0.5], [0.0, 0.5]]))


def test_what_cannot_change_is_no_feature() -> None:
    n = len(SPACE.dimensions)  # the weights have one axis less than there are
    assert Features(SPACE).of_points(np.full((1, n), 0.5)).shape == (1, n + 1)
    assert Features(PLANE).of_points(np.full((2, 3), 0.5)).shape == (2, 3)
    one = Space((Single(real("x")), *NO_CHOICE.groups))
    assert Features(one).of_configurations([one.defaults()]) == pytest.approx(np.array([[0.5]]))
