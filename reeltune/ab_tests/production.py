"""Production and A/B tests: versions that may be tested, promotion through the gate, rollback."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from reeltune.ab_tests.gaps import find_gaps
from reeltune.ab_tests.promotion import ab_gate, challenger_version, chosen_challenger
from reeltune.ab_tests.results import ab_figures, load_last_figures
from reeltune.db.connection import Connection, connection
from reeltune.db.versions import load_production, load_version
from reeltune.domain.ab_tests import ABTest
from reeltune.domain.errors import GateError, InputError, ReelTuneError
from reeltune.domain.version import Version
from reeltune.versioning.registry import load_model, promote, rollback


def check_versions(conn: Connection, test: ABTest) -> None:
    """Check that the champion is in production and that all versions can be served.

    Raises:
        InputError: one of them cannot; the message names all that is wrong.
        NotFoundError: there is no such version.
    """
    production = load_production(conn)
    faults = []
    if production is None or production.version != test.settings.champion:
        now = "nothing" if production is None else f"version {production.version}"
        faults.append(
            f"the champion, version {test.settings.champion}, is not in production: {now} is"
        )
    for number in sorted({test.settings.champion, *test.settings.challengers}):
        found = load_version(conn, number)
        if found.status == "refused":
            faults.append(f"version {number} was refused by the gate")
            continue
        try:
            load_model(conn, number)
        except ReelTuneError as error:
            faults.append(f"version {number} cannot be served: {error}")
    if faults:
        raise InputError("; ".join(faults))


def promote_challenger(
    store: Connection,
    database: Path,
    test: ABTest,
    reason: str,
    version: int | None,
    now: int,
) -> dict[str, Any]:
    """Put a challenger into production through the gate; return what the decision rests on.

    A challenger that is there already, by an earlier try that was cut off, is not judged again.

    Raises:
        BusyError: production changed while this was decided.
        GateError: a rule of the gate refuses it, or cannot tell.
        InputError: the test has no results, the version is none of its challengers, or another
            configuration than the champion's is in production by now.
    """
    figures = ab_figures(store, test, now, earlier=load_last_figures(store, test))
    if test.phase is not None:
        figures = replace(figures, gaps=find_gaps(store, test, test.phase, now))
    comparison = chosen_challenger(test, figures, version)
    chosen = challenger_version(test, comparison.arm)
    evidence: dict[str, Any] = {"ab_test": test.name, "version": chosen}
    with connection(database) as conn:
        production = load_production(conn)
        if production is not None and production.version == chosen:
            return evidence | {"already": True}
        replaced = _served_now(conn, test, production)
        decision = ab_gate(conn, test, figures, comparison)
        evidence |= decision.as_evidence() | {"replaced": replaced}
        if decision.verdict != "promote":
            raise GateError(
                f"version {chosen} is not promoted ({decision.verdict}): {decision.message}"
            )
        promote(
            conn,
            chosen,
            reason or f"A/B test {test.name}: {decision.message}",
            evidence,
            expected_production=replaced,
        )
    return evidence


def production_alarm(database: Path, test: ABTest) -> str | None:
    """Return what is wrong with production, seen from a test that runs; None if nothing is.

    A night that renews the champion, the same configuration fitted to newer ratings, is no fault.
    """
    with connection(database) as conn:
        try:
            _served_now(conn, test, load_production(conn))
        except InputError as error:
            return str(error)
    return None


def _served_now(conn: Connection, test: ABTest, production: Version | None) -> int:
    """Return what is in production: the champion, or one of the same configuration.

    Raises:
        InputError: it is neither.
    """
    champion = load_version(conn, test.settings.champion)
    if production is not None:
        same = (production.training.model, dict(production.training.hyperparameters)) == (
            champion.training.model,
            dict(champion.training.hyperparameters),
        )
        if production.version == champion.version or same:
            return production.version
    now = "nothing" if production is None else f"version {production.version}"
    raise InputError(
        f"{now} is in production by now, not the champion of {test.name!r}, version"
        f" {champion.version}, or a renewal of it: stop the test, and test against what is there"
    )


def roll_back_to_champion(
    database: Path, test: ABTest, reason: str, replaced: int | None = None
) -> dict[str, Any]:
    """Put the champion, or what was `replaced`, back, where a challenger is in production.

    Raises:
        InputError: another version is in production by now.
        StorageError: the champion's artifact cannot be trusted.
    """
    champion = replaced or test.settings.champion
    with connection(database) as conn:
        production = load_production(conn)
        number = None if production is None else production.version
        if number == champion:
            return {"version": champion, "already": True}
        if number not in test.settings.challengers:
            raise InputError(
                f"version {number} is in production by now, which is no challenger of"
                f" {test.name!r}: roll it back by `reeltune versions rollback`"
            )
        rollback(conn, champion, reason=reason or f"A/B test {test.name}")
    return {"version": champion}
