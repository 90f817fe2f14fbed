import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reeltune.metrics.user_sample import sample_users
from reeltune.ratings.table import RatingTable
from tests.metrics.small_data import table_of

some_users = st.sets(st.integers(1, 10**6), min_size=1, max_size=30)


def held_out_of(users: set[int]) -> RatingTable:
    rows = [(user, 1 + k, 3.0, k) for user in users for k in range(1 + user % 3)]
    return table_of(rows, [1, 2, 3])


def ids(part: RatingTable) -> set[int]:
    return set(part.user_ids[np.unique(part.users)].tolist())


@given(users=some_users, n=st.integers(1, 40))
def test_a_sample_has_as_many_users_as_asked_for_each_with_all_their_ratings(
    users: set[int], n: int
) -> None:
    held_out = held_out_of(users)
    part = sample_users(held_out, n)
    assert len(ids(part)) == min(n, len(users))
    assert len(part) == sum(1 + user % 3 for user in ids(part))
    assert part.user_ids is held_out.user_ids


@given(users=some_users, newcomers=some_users, n=st.integers(1, 20))
def test_who_comes_later_takes_a_place_or_changes_nothing(
    users: set[int], newcomers: set[int], n: int
) -> None:
    before, after = (ids(sample_users(held_out_of(u), n)) for u in (users, users | newcomers))
    assert after <= before | newcomers
    assert len(before - after) <= len(newcomers - users)


def test_a_sample_favours_no_order_of_ids() -> None:
    chosen = ids(sample_users(held_out_of(set(range(1, 1_001))), 200))
    assert 70 < sum(user <= 500 for user in chosen) < 130


def test_only_who_has_something_held_out_is_on_it() -> None:
    held_out = held_out_of({1, 2, 3, 4})
    part = held_out.where(held_out.user_ids[held_out.users] > 2)
    assert ids(sample_users(part, 3)) == {3, 4}
