import math
from dataclasses import replace

import pytest

from reeltune.ab_tests.assignment import arm_ranges, assigned_arm, bucket_of, free_range, is_in_test
from reeltune.domain.ab_tests import N_BUCKETS, ABPhase, ABTest
from reeltune.domain.errors import BusyError
from tests.ab_tests.helpers import some_settings

USERS = [f"user {n}" for n in range(20_000)]


def made(
    salt: str = "s", phase: int = 1, share: float = 1.0, low: int = 0, **changes: object
) -> ABTest:
    settings = some_settings(**changes)
    versions = [settings.champion, *settings.challengers]
    return ABTest(
        test_id=1,
        settings=settings,
        salt=salt,
        created_at=0,
        state="running",
        last_event=1,
        share_low=low,
        share_high=low + round(share * N_BUCKETS),
        reserved_high=N_BUCKETS,
        phase=ABPhase(phase, 0, 0.05, arm_ranges(versions, settings.arm_shares)),
    )


def arms(test: ABTest) -> dict[str, int]:
    found = ((user, assigned_arm(test, user)) for user in USERS)
    return {user: arm.number for user, arm in found if arm is not None}


def within(count: int, n: int, share: float) -> bool:
    return abs(count - n * share) <= 4 * math.sqrt(n * share * (1 - share))


def test_the_hash_is_the_one_documented() -> None:
    # BLAKE2b with 8 bytes, big-endian, of "salt:user", scaled to a million buckets: other programs
    # must come to the same.
    assert bucket_of("salt", "42") == 543_970


@pytest.mark.parametrize("weights", [(1.0, 1.0), (9.0, 1.0), (2.0, 1.0, 1.0)])
def test_arms_get_their_shares(weights: tuple[float, ...]) -> None:
    challengers = tuple(range(2, 1 + len(weights)))
    found = arms(made(weights=weights, challengers=challengers))
    assert len(found) == len(USERS)
    for number, weight in enumerate(weights):
        count = sum(arm == number for arm in found.values())
        assert within(count, len(USERS), weight / sum(weights))


def test_a_wider_share_adds_users_and_moves_none() -> None:
    before: dict[str, int] = {}
    for share in (0.01, 0.05, 0.25, 0.5, 1.0):
        found = arms(made(share=share))
        assert within(len(found), len(USERS), share) or share == 1.0
        assert before.items() <= found.items()
        before = found
    assert len(before) == len(USERS)


def test_another_salt_and_another_phase_spread_users_anew() -> None:
    first = arms(made(salt="a"))
    for other in (arms(made(salt="b")), arms(made(salt="a", phase=2))):
        same = sum(first[user] == other[user] for user in USERS)
        assert within(same, len(USERS), 0.5)


def test_being_in_a_test_says_nothing_about_the_arm() -> None:
    few = arms(made(share=0.2))
    assert within(sum(few.values()), len(few), 0.5)


def test_tests_of_one_layer_share_no_user_and_others_do() -> None:
    one, two = made(share=0.5), made(share=0.5, low=N_BUCKETS // 2)
    assert sum(is_in_test(one, u) + is_in_test(two, u) for u in USERS) == len(USERS)
    assert all(is_in_test(one, user) != is_in_test(two, user) for user in USERS)
    other = replace(two, settings=some_settings(layer="similar"))
    both = sum(is_in_test(one, user) and is_in_test(other, user) for user in USERS)
    assert within(both, len(USERS), 0.25)


def test_a_draft_has_no_arms() -> None:
    assert assigned_arm(replace(made(), phase=None), "1") is None


def test_the_lowest_free_range_is_taken() -> None:
    assert free_range([], 10, "lists") == 0
    assert free_range([(0, 100), (300, 400)], 200, "lists") == 100
    assert free_range([(0, 100), (300, 400)], 201, "lists") == 400
    with pytest.raises(BusyError, match="other tests have 60% of the users"):
        free_range([(0, 600_000)], 400_001, "lists")
