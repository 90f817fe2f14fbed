"""Results of a test: what its users show by now, by intervals that hold at all times together."""

import math
from collections.abc import Mapping

from reeltune.ab_tests.comparing import compared
from reeltune.ab_tests.figures import (
    ABFigures,
    ArmComparison,
    ArmFigures,
    GuardrailFigures,
    SplitFigures,
    figures_from_json,
)
from reeltune.ab_tests.traffic import HORIZON_HOURS, detectable_effects, users_by_horizon
from reeltune.db.ab_records import load_closed_sums, load_sums
from reeltune.db.ab_tests import load_last_ab_event
from reeltune.db.connection import Connection
from reeltune.domain.ab_tests import INTERLEAVED, PREFERENCE, ABArm, ABPhase, ABTest
from reeltune.domain.errors import InputError
from reeltune.stats.cluster_sums import ClusterSums, ratio_difference
from reeltune.stats.confidence_sequences import one_sided_boundary
from reeltune.stats.sample_ratio import SAMPLE_RATIO_LEVEL, log_split_e_value, split_p_value

MIN_ARM_USERS = 100  # of each arm, before sums are close to normal
GUARDRAIL_USERS = 2_000.0  # for whom their bounds are tightest: harm is to be found early
MIN_COUNTED = 5  # clicks or the like, in each arm


def ab_figures(
    conn: Connection, test: ABTest, now: int, *, earlier: ABFigures | None = None
) -> ABFigures:
    """Return the results of a test's current phase at the moment `now`.

    `earlier` is the last analysis of the phase, which `now` goes on from.

    Raises:
        InputError: the test was never started.
    """
    phase = test.phase
    if phase is None:
        raise InputError(f"A/B test {test.name!r} has not been started: it has no results")
    users = load_sums(conn, test.test_id, phase.number, "lists")
    primary = primary_sums(conn, test, phase, now)
    comparisons = arm_comparisons(test, phase, primary, earlier)
    return ABFigures(
        at=now,
        phase=phase.number,
        hours=(now - phase.started_at) / 3600,
        arms=_arms(conn, test, phase, users),
        comparisons=comparisons,
        guardrails=live_guardrails(conn, test, phase, earlier),
        split=_split(phase, users, earlier),
        planned=_planned(test, comparisons, earlier),
        detectable=_detectable(conn, test, phase, comparisons, now),
    )


def load_last_figures(conn: Connection, test: ABTest) -> ABFigures | None:
    """Return the last analysis of a test's current phase; None before the first."""
    event = load_last_ab_event(conn, test.test_id, ["analysed"])
    if event is None or test.phase is None or event.details["phase"] != test.phase.number:
        return None
    return figures_from_json(event.details)


def primary_sums(
    conn: Connection, test: ABTest, phase: ABPhase, now: int
) -> Mapping[int, ClusterSums]:
    """Return the sums by arm that the primary comparison rests on.

    With a window these are of users whose window has closed: each counts once, in the order of
    their first lists, as the interval's validity asks for.
    """
    if test.settings.design == "interleaving":
        return load_sums(conn, test.test_id, phase.number, PREFERENCE)
    if test.settings.window_hours == 0:
        return load_sums(conn, test.test_id, phase.number, test.settings.primary)
    before = now - int(test.settings.window_hours * 3600)
    per_user = test.settings.primary == "lists"
    return load_closed_sums(conn, test.test_id, phase.number, before, per_user=per_user)


def live_guardrails(
    conn: Connection, test: ABTest, phase: ABPhase, earlier: ABFigures | None = None
) -> tuple[GuardrailFigures, ...]:
    """Return the guardrails of all challengers, over all lists so far.

    One-sided, at `rollback_alpha` over all guardrails and challengers. One that was breached stays
    so: the bound held at that time.
    """
    if test.settings.design == "interleaving":
        return ()
    known = {(g.arm, g.metric): g for g in (earlier.guardrails if earlier else ())}
    settings = test.settings
    alpha = settings.rollback_alpha / max(1, len(settings.guardrails) * len(settings.challengers))
    found = []
    for guardrail in settings.guardrails:
        sums = load_sums(conn, test.test_id, phase.number, guardrail.metric)
        for arm in phase.arms[1:]:
            planned = min(GUARDRAIL_USERS, planned_users(test, phase, arm))
            before = known.get((arm.name, guardrail.metric))
            champion, challenger = (sums.get(n, ClusterSums()) for n in (0, arm.number))
            difference, high = _upper_bound(challenger, champion, guardrail.margin, planned, alpha)
            found.append(
                GuardrailFigures(
                    arm=arm.name,
                    metric=guardrail.metric,
                    margin=guardrail.margin,
                    difference=difference,
                    high=high,
                    breached=(high is not None and high < 0)
                    or (before is not None and before.breached),
                )
            )
    return tuple(found)


def planned_users(test: ABTest, phase: ABPhase, arm: ABArm) -> float:
    """Return the users of champion and challenger for whom intervals are narrowest.

    `expected_users`, less where the challenger's weight is less than the first one's.
    """
    first, own = phase.arms[0].share, phase.arms[-1].share
    if test.settings.design == "interleaving" or first + own == 0:
        return float(test.settings.expected_users)
    widest = max(first + each.share for each in phase.arms[1:])
    return test.settings.expected_users * (first + arm.share) / widest


def has_enough(challenger: ClusterSums, champion: ClusterSums) -> bool:
    """Return whether two arms have the users and clicks that a comparison needs.

    A challenger without clicks has enough where the champion has twice as many as needed: an arm
    that is broken must not hide behind its zeros.
    """
    if min(challenger.n, champion.n) < MIN_ARM_USERS:
        return False
    counted = min(challenger.y, champion.y)
    return counted >= MIN_COUNTED or champion.y >= 2 * MIN_COUNTED


def _upper_bound(
    challenger: ClusterSums, champion: ClusterSums, margin: float, planned: float, alpha: float
) -> tuple[float | None, float | None]:
    if not has_enough(challenger, champion):
        return None, None
    found = ratio_difference(challenger, champion, margin=margin)
    if not found.standard_error > 0:
        return None, None
    reach = float(one_sided_boundary(found.n_users, planned, alpha)) * found.standard_error
    return found.difference, found.difference + reach


def arm_comparisons(
    test: ABTest, phase: ABPhase, sums: Mapping[int, ClusterSums], earlier: ABFigures | None
) -> tuple[ArmComparison, ...]:
    """Return the comparisons of all challengers with the champion, from sums by arm."""
    known = {each.arm: each for each in (earlier.comparisons if earlier else ())}
    done = earlier.planned if earlier else ()
    arms: list[tuple[ABArm, ClusterSums, ClusterSums | None]]
    if test.settings.design == "interleaving":
        arms = [(ABArm(1, test.settings.challengers[0], 0, 0), sums.get(0, ClusterSums()), None)]
    else:
        champion = sums.get(0, ClusterSums())
        arms = [(arm, sums.get(arm.number, ClusterSums()), champion) for arm in phase.arms[1:]]
    return tuple(
        compared(
            test.settings,
            arm.name,
            own,
            other,
            enough=own.n >= MIN_ARM_USERS if other is None else has_enough(own, other),
            planned=planned_users(test, phase, arm),
            alpha=phase.alpha,
            earlier=known.get(arm.name),
            done=done,
        )
        for arm, own, other in arms
    )


def _arms(
    conn: Connection, test: ABTest, phase: ABPhase, users: Mapping[int, ClusterSums]
) -> tuple[ArmFigures, ...]:
    counted = load_sums(conn, test.test_id, phase.number, test.settings.primary)
    found = []
    for arm in phase.arms:
        seen, sums = users.get(arm.number, ClusterSums()), counted.get(arm.number, ClusterSums())
        found.append(
            ArmFigures(
                arm=arm.name if len(phase.arms) > 1 else INTERLEAVED,
                version=arm.version,
                users=int(seen.n),
                lists=int(seen.y),
                value=sums.ratio if sums.x > 0 else None,
            )
        )
    return tuple(found)


def _split(
    phase: ABPhase, users: Mapping[int, ClusterSums], earlier: ABFigures | None
) -> SplitFigures:
    names = [arm.name for arm in phase.arms]
    counts = [users.get(arm.number, ClusterSums()).n for arm in phase.arms]
    shares = [arm.share for arm in phase.arms]
    log_e = log_split_e_value(counts, shares) if len(shares) > 1 else 0.0
    largest = max(log_e, earlier.split.max_log_e_value if earlier else 0.0)
    return SplitFigures(
        users={name: int(count) for name, count in zip(names, counts, strict=True)},
        planned=dict(zip(names, shares, strict=True)),
        log_e_value=log_e,
        max_log_e_value=largest,
        p_value=split_p_value(largest),
        alarm=largest >= -math.log(SAMPLE_RATIO_LEVEL),
    )


def _planned(
    test: ABTest, comparisons: tuple[ArmComparison, ...], earlier: ABFigures | None
) -> tuple[float, ...]:
    """Return the shares of the planned users at the analyses that have been made."""
    done = earlier.planned if earlier else ()
    if test.settings.analysis != "planned" or not comparisons:
        return done
    share = min(each.users for each in comparisons) / test.settings.expected_users
    due = (len(done) + 1) / test.settings.n_analyses
    return (*done, share) if len(done) < test.settings.n_analyses and share >= due else done


def _detectable(
    conn: Connection,
    test: ABTest,
    phase: ABPhase,
    comparisons: tuple[ArmComparison, ...],
    now: int,
) -> dict[str, float]:
    """Return the least relative effect that is found within each horizon, as traffic is now."""
    first = comparisons[0]
    if first.standard_error is None or not first.champion or not first.users:
        return {}
    variance = first.standard_error**2 * first.users / first.champion**2
    users = users_by_horizon(conn, test, phase, now)
    return detectable_effects(
        test.settings,
        {name: users[name] for name in HORIZON_HOURS},
        variance=variance,
        planned=planned_users(test, phase, phase.arms[-1]),
        alpha=phase.alpha,
    )
