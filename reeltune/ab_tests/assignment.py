"""Assignment of users to A/B tests and their arms: a pure function of salts and ranges.

A user of a layer has a bucket by the layer's salt; the test whose share has that bucket has the
user. Within the test another bucket, by the salt of the test and its phase, says which arm. So a
share that widens adds users and moves none, every worker gives the same answer, and users are
spread anew in every phase and every test.
"""

from collections.abc import Sequence
from hashlib import blake2b

from reeltune.domain.ab_tests import N_BUCKETS, ABArm, ABTest
from reeltune.domain.errors import BusyError


def bucket_of(salt: str, user: str) -> int:
    """Return a user's bucket, 0 to 999,999, by BLAKE2b of salt and user.

    >>> bucket_of("s", "u1"), bucket_of("s", "u2"), bucket_of("t", "u1")
    (429258, 244582, 583262)
    """
    digest = blake2b(f"{salt}:{user}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") * N_BUCKETS >> 64


def is_in_test(test: ABTest, user: str) -> bool:
    """Return whether a user is one of the test's."""
    if test.share_low == 0 and test.share_high == N_BUCKETS:
        return True
    bucket = bucket_of(f"layer {test.settings.layer}", user)
    return test.share_low <= bucket < test.share_high


def assigned_arm(test: ABTest, user: str) -> ABArm | None:
    """Return the arm of a user, whether the test runs or not; None for no user of the test."""
    if test.phase is None or not is_in_test(test, user):
        return None
    bucket = bucket_of(f"{test.salt} {test.phase.number}", user)
    return next((arm for arm in test.phase.arms if arm.low <= bucket < arm.high), None)


def arm_ranges(versions: Sequence[int], shares: Sequence[float]) -> tuple[ABArm, ...]:
    """Return arms with ranges that cover all buckets.

    >>> [(arm.low, arm.high) for arm in arm_ranges([3, 4], [0.25, 0.75])]
    [(0, 250000), (250000, 1000000)]
    """
    inner = [round(N_BUCKETS * sum(shares[:n])) for n in range(1, len(shares))]
    edges = [0, *inner, N_BUCKETS]
    return tuple(
        ABArm(number, version, edges[number], edges[number + 1])
        for number, version in enumerate(versions)
    )


def free_range(taken: Sequence[tuple[int, int]], size: int, layer: str) -> int:
    """Return where `size` buckets are free in a layer, the lowest place.

    Raises:
        BusyError: other tests have too many of them.
    """
    begin = 0
    for low, high in sorted(taken):
        if low - begin >= size:
            return begin
        begin = max(begin, high)
    if N_BUCKETS - begin >= size:
        return begin
    used = sum(high - low for low, high in taken) / N_BUCKETS
    raise BusyError(
        f"other tests have {used:.0%} of the users of layer {layer!r}, and this one asks for"
        f" {size / N_BUCKETS:.0%} in one piece: stop one of them, or ask for a smaller max_share"
    )
