import pytest

from reeltune.components.hyperparameters import SPACE
from reeltune.domain.errors import InputError
from reeltune.importers.demo_settings import (
    CAST_ROLES,
    LIKING_SHARE,
    MOOD_SHARE,
    NOISE_SHARE,
    TRUE_WEIGHTS,
    DemoSettings,
    random_stream,
    truth,
)


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ({"users": 0, "ratings": 0}, "users must be at least 1, got 0"),
        ({"movies": 39}, "movies must be at least 40, got 39"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
        ({"users": 10, "ratings": 199}, "ratings must be 200 to 15,000"),
        ({"users": 10, "ratings": 15_001}, "at most half of all"),
    ],
)
def test_an_impossible_world_is_refused_in_one_line(sizes: dict[str, int], said: str) -> None:
    with pytest.raises(InputError) as error:
        DemoSettings(**sizes)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(InputError, match=r"users .*; movies .*; seed "):
        DemoSettings(users=0, movies=0, seed=-1)


def test_the_true_weights_are_shares_far_from_the_defaults() -> None:
    defaults = SPACE.defaults()
    distance = sum(
        abs(weight - defaults[f"{part}_weight"]) for part, weight in TRUE_WEIGHTS.items()
    )
    assert sum(TRUE_WEIGHTS.values()) == pytest.approx(1.0)
    assert distance >= 0.3


def test_the_true_cast_roles_are_not_the_defaults() -> None:
    defaults = SPACE.defaults()
    for role, (end, weight) in CAST_ROLES.items():
        if end is not None:
            assert end != defaults[f"cast_{role}_threshold"]
        assert role == "lead" or weight != defaults[f"cast_{role}_weight"]


def test_the_truth_could_be_a_configuration() -> None:
    said = truth(DemoSettings())
    assert isinstance(said["weights"], dict)
    assert isinstance(said["cast_weights"], dict)
    assert isinstance(said["cast_thresholds"], dict)
    values = SPACE.defaults()
    values |= {f"{part}_weight": weight for part, weight in said["weights"].items()}
    values |= {f"cast_{role}_weight": weight for role, weight in said["cast_weights"].items()}
    values |= {f"cast_{role}_threshold": end for role, end in said["cast_thresholds"].items()}
    assert SPACE.faults(values) == []


def test_the_variance_of_ratings_is_shared_out_completely() -> None:
    assert pytest.approx(1.0) == LIKING_SHARE + MOOD_SHARE + NOISE_SHARE


def test_streams_differ_by_seed_part_and_number() -> None:
    one, two = DemoSettings(seed=1), DemoSettings(seed=2)
    streams = [(one, 0, 0), (two, 0, 0), (one, 1, 0), (one, 0, 1)]
    assert len({random_stream(*stream).random() for stream in streams}) == len(streams)
