"""Gate of an A/B test: whether what its users showed lets a challenger into production."""

from reeltune.ab_tests.figures import ABFigures, ArmComparison, GuardrailFigures
from reeltune.db.connection import Connection, transaction
from reeltune.db.test_evaluations import (
    GateEvaluation,
    load_test_evaluations,
    save_test_evaluation,
)
from reeltune.db.versions import load_events, load_version
from reeltune.domain.ab_tests import AB_METRICS, ABTest
from reeltune.domain.clock import stamp_of
from reeltune.domain.errors import GateError, InputError
from reeltune.gate.error_budget import budget_state
from reeltune.gate.gate import GateDecision, GateSettings
from reeltune.gate.guardrails import Rule, RuleVerdict

_RULE_VERDICTS: dict[str, RuleVerdict] = {"better": "passed", "worse": "refused"}
MIN_LEVEL = 1e-5  # with less a test would need more users than there are people


def chosen_challenger(test: ABTest, figures: ABFigures, version: int | None) -> ArmComparison:
    """Return the comparison of the challenger to promote, by default the only one or the best.

    Raises:
        InputError: it is no challenger of the test.
    """
    by_version = dict(zip(test.settings.challengers, figures.comparisons, strict=True))
    if version is None:
        return max(by_version.values(), key=lambda each: each.difference or float("-inf"))
    if version not in by_version:
        names = ", ".join(map(str, by_version))
        raise InputError(f"version {version} is no challenger of {test.name!r}: it has {names}")
    return by_version[version]


def challenger_version(test: ABTest, arm: str) -> int:
    """Return the version of a challenger's arm."""
    return test.settings.challengers[int(arm.rpartition("-")[2]) - 1]


def ab_gate(
    conn: Connection, test: ABTest, figures: ABFigures, comparison: ArmComparison
) -> GateDecision:
    """Decide whether a challenger may be promoted; all rules bind.

    It must be shown to be better on the primary metric, in a time of at least `min_hours`; no
    guardrail may be breached, the split must be as planned, no data may be missing, and the gate
    must not have refused the version before.
    """
    assert test.phase is not None  # it has results
    version = load_version(conn, challenger_version(test, comparison.arm))
    rules = [
        _better(comparison, test.phase.alpha),
        _long_enough(test, figures),
        _split_as_planned(figures),
        _no_gaps(figures),
        *(_guardrail(each) for each in figures.guardrails if each.arm == comparison.arm),
        _not_refused(conn, version.version),
    ]
    settings = GateSettings(
        decision="nightly" if test.settings.auto_promote else "by hand",
        objective=AB_METRICS.get(comparison.metric, comparison.metric),
        split=version.training.split,
        accuracy_threshold=0.0,
        level=test.phase.alpha / 2,
        minimum_effect=0.0,
        part="live users",
        against="the champion",
    )
    return GateDecision(terms=settings, rules=tuple(rules), p_value=comparison.p_value / 2)


def charged_alpha(conn: Connection, test: ABTest, phase: int, now: int) -> float:
    """Charge a phase to the yearly error budget; return its two-sided level for each challenger.

    A test that promotes by itself spends, when a phase starts, the chance that any of its
    challengers is promoted and no better: its level, or what the budget allows if that is less. One
    whose promotion a person decides is counted and spends nothing, as with the gate. A phase is
    charged once, however often this is called.

    Raises:
        GateError: the budget is spent.
    """
    name = charge_name(test, phase)
    with transaction(conn):
        known = (e for e in load_test_evaluations(conn) if e.data_fingerprint == name)
        charge = next(known, None)
        if charge is None:
            charge = _charge(conn, test, name, now)
            save_test_evaluation(conn, charge)
    spent = 2 * charge.level if test.settings.auto_promote else test.settings.alpha
    return spent / len(test.settings.challengers)


def charge_name(test: ABTest, phase: int) -> str:
    """Return what stands for the data of a phase in the table of evaluations."""
    return f"ab-test {test.salt} phase {phase}"


def _charge(conn: Connection, test: ABTest, name: str, now: int) -> GateEvaluation:
    level = 0.0
    if test.settings.auto_promote:
        budget = budget_state(conn, stamp_of(now))
        level = min(test.settings.alpha / 2, budget.level)
        if level < MIN_LEVEL:
            raise GateError(
                f"A/B test {test.name!r} cannot promote by itself: {budget.message}; wait, or"
                " start it without auto_promote"
            )
    training = load_version(conn, test.settings.challengers[0]).training
    return GateEvaluation(
        looked_at=stamp_of(now),
        decision="by hand",
        model=training.model,
        split=training.split,
        objective=f"{test.settings.primary} of live users",
        data_fingerprint=name,
        experiment_id=None,
        level=level,
        difference=None,
        p_value=None,
        verdict="cannot tell",
    )


def _better(found: ArmComparison, alpha: float) -> Rule:
    difference = found.difference or 0.0
    interval = (
        "no interval yet"
        if found.low_so_far is None or found.high_so_far is None
        else f"always-valid {1 - alpha:.1%} interval {found.low_so_far:+.4f} to"
        f" {found.high_so_far:+.4f}"
    )
    return Rule(
        name="better for live users",
        verdict=_RULE_VERDICTS.get(found.verdict, "cannot tell"),
        figure=difference,
        threshold=0.0,
        figures=f"{AB_METRICS.get(found.metric, found.metric)} {difference:+.4f} ({interval},"
        f" {found.users:,} users)",
        low=found.low_so_far,
        high=found.high_so_far,
    )


def _long_enough(test: ABTest, figures: ABFigures) -> Rule:
    least = test.settings.min_hours
    return Rule(
        name="observed long enough",
        verdict="passed" if figures.hours >= least else "cannot tell",
        figure=figures.hours,
        threshold=least,
        figures=f"{figures.hours:.1f} hours, {least:g} are needed",
    )


def _split_as_planned(figures: ABFigures) -> Rule:
    return Rule(
        name="users divided as planned",
        verdict="refused" if figures.split.alarm else "passed",
        figure=figures.split.p_value,
        threshold=0.001,
        figures=f"sample ratio p {figures.split.p_value:.3g}",
    )


def _no_gaps(figures: ABFigures) -> Rule:
    return Rule(
        name="no data missing",
        verdict="cannot tell" if figures.gaps else "passed",
        figure=float(len(figures.gaps)),
        threshold=0.0,
        figures=figures.gaps[0] if figures.gaps else "no gap in the last hour",
    )


def _guardrail(found: GuardrailFigures) -> Rule:
    return Rule(
        name=f"guardrail {found.metric}",
        verdict="refused" if found.breached else "passed",
        figure=found.difference or 0.0,
        threshold=0.0,
        figures=f"{AB_METRICS[found.metric]}: "
        + ("fell by more than allowed" if found.breached else "no fall beyond the margin shown")
        + f" (margin {found.margin:.0%})",
        protects="live users",
        high=found.high,
    )


def _not_refused(conn: Connection, version: int) -> Rule:
    refused = any(event.event == "refused" for event in load_events(conn, version))
    return Rule(
        name="not refused by the gate",
        verdict="refused" if refused else "passed",
        figure=float(refused),
        threshold=0.0,
        figures=f"version {version} {'was refused' if refused else 'was not refused'} offline",
    )
