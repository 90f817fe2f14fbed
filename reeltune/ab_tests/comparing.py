"""Compares the primary metric of a challenger with the champion's, at all times or as planned."""

import math
from dataclasses import replace

from reeltune.ab_tests.figures import ABVerdict, ArmComparison
from reeltune.domain.ab_tests import ABSettings
from reeltune.stats.cluster_sums import ClusterSums, RatioDifference, ratio_difference
from reeltune.stats.confidence_sequences import always_valid_p_value, two_sided_boundary
from reeltune.stats.group_sequential import obrien_fleming
from reeltune.stats.sequential_power import always_valid_drift, fixed_drift

_MAX_MORE_USERS = 10**9


def compared(
    settings: ABSettings,
    arm: str,
    challenger: ClusterSums,
    champion: ClusterSums | None,
    *,
    enough: bool,
    planned: float,
    alpha: float,
    earlier: ArmComparison | None,
    done: tuple[float, ...],
) -> ArmComparison:
    """Return a challenger's comparison.

    Args:
        settings: of the test.
        arm: name of the challenger.
        challenger: sums of its users, or of the preferences where lists are interleaved.
        champion: sums of its users; None for preferences, which are compared with 0.
        enough: whether there are users and clicks enough.
        planned: users for whom the interval is narrowest.
        alpha: two-sided level.
        earlier: of the last analysis.
        done: shares of the users at the planned analyses so far.
    """
    found = _preference(challenger) if champion is None else ratio_difference(challenger, champion)
    base = ArmComparison(
        arm=arm,
        metric="preference" if champion is None else settings.primary,
        users=int(found.n_users),
        champion=_known(found.champion),
        difference=_known(found.difference),
        low=None,
        high=None,
        low_so_far=earlier.low_so_far if earlier else None,
        high_so_far=earlier.high_so_far if earlier else None,
        standard_error=_known(found.standard_error),
        p_value=earlier.p_value if earlier else 1.0,
        variance_left=found.variance_left,
        verdict="no data",
        reason="too few users or clicks yet",
    )
    if not enough or not found.standard_error > 0:
        return base
    if settings.analysis == "planned":
        return _as_planned(settings, base, found, alpha, earlier, done)
    return _at_all_times(base, found, planned, alpha)


def _at_all_times(
    base: ArmComparison, found: RatioDifference, planned: float, alpha: float
) -> ArmComparison:
    reach = float(two_sided_boundary(found.n_users, planned, alpha)) * found.standard_error
    low, high = found.difference - reach, found.difference + reach
    low_so_far = low if base.low_so_far is None else max(low, base.low_so_far)
    high_so_far = high if base.high_so_far is None else min(high, base.high_so_far)
    p_value = always_valid_p_value(found.z, found.n_users, planned, alpha)
    verdict = verdict_of(low_so_far, high_so_far)
    drift = always_valid_drift(found.n_users, planned, alpha=alpha)
    return replace(
        base,
        low=low,
        high=high,
        low_so_far=low_so_far,
        high_so_far=high_so_far,
        p_value=min(p_value, base.p_value),
        verdict=verdict,
        more_users=_more_users(found, drift) if verdict == "cannot tell" else None,
        reason="",
    )


def _as_planned(
    settings: ABSettings,
    base: ArmComparison,
    found: RatioDifference,
    alpha: float,
    earlier: ArmComparison | None,
    done: tuple[float, ...],
) -> ArmComparison:
    """Return the comparison of a planned analysis; between two of them, that of the last one."""
    share = found.n_users / settings.expected_users
    due = (len(done) + 1) / settings.n_analyses
    is_over = len(done) >= settings.n_analyses
    if is_over or share < due:
        reason = (
            "all planned analyses have been made"
            if is_over
            else f"the next planned analysis is at {math.ceil(due * settings.expected_users):,}"
            " users"
        )
        if earlier is None or earlier.low is None:
            return replace(base, verdict="cannot tell", reason=reason)
        return replace(
            base,
            low=earlier.low,
            high=earlier.high,
            verdict=earlier.verdict,
            difference=earlier.difference,
            standard_error=earlier.standard_error,
            reason=reason,
        )
    boundary = float(obrien_fleming([*done, share], alpha)[-1])
    low = found.difference - boundary * found.standard_error
    high = found.difference + boundary * found.standard_error
    decided = earlier.verdict if earlier and earlier.verdict in ("better", "worse") else None
    verdict = decided or verdict_of(low, high)
    return replace(
        base,
        low=low,
        high=high,
        low_so_far=low,
        high_so_far=high,
        verdict=verdict,
        more_users=_more_users(found, fixed_drift(alpha=alpha)),
        reason=f"planned analysis {len(done) + 1} of {settings.n_analyses}",
    )


def verdict_of(low: float, high: float) -> ABVerdict:
    """Return the verdict of an interval; of one that is empty it is that nobody can tell.

    >>> verdict_of(0.1, 0.2), verdict_of(-0.1, 0.2), verdict_of(-0.2, -0.1), verdict_of(0.1, -0.1)
    ('better', 'cannot tell', 'worse', 'cannot tell')
    """
    if low > high:
        return "cannot tell"
    return "better" if low > 0 else "worse" if high < 0 else "cannot tell"


def _preference(decided: ClusterSums) -> RatioDifference:
    return RatioDifference(
        difference=decided.ratio,
        standard_error=decided.standard_error,
        champion=1.0,
        n_users=decided.n,
    )


def _more_users(found: RatioDifference, drift: float) -> int | None:
    """Return how many more users would find a difference like the one measured."""
    if not found.difference:
        return None
    needed = found.n_users * (drift * found.standard_error / abs(found.difference)) ** 2
    more = max(0.0, needed - found.n_users)
    return math.ceil(more) if more <= _MAX_MORE_USERS else None


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
