"""Settings of a new A/B test from what was typed, and what the traffic can show."""

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from reeltune.ab_tests.manager import ABTestManager
from reeltune.ab_tests.site_traffic import site_traffic
from reeltune.ab_tests.traffic import SiteTraffic, effects_before
from reeltune.db.connection import connection
from reeltune.db.versions import load_production
from reeltune.domain.ab_tests import ABSettings, settings_from_json
from reeltune.domain.errors import InputError

_MIN_EXPECTED = 1_000  # below it intervals are tuned for too few users to be of use


def settings_of(
    manager: ABTestManager, name: str, given: Mapping[str, Any]
) -> tuple[ABSettings, SiteTraffic]:
    """Return the settings, and the traffic that expected users come from where none are named.

    Raises:
        InputError: nothing is in production and no champion is named, or a value is no good.
    """
    with connection(manager.database) as conn, closing(manager.store.reader()) as store:
        traffic = site_traffic(
            store,
            conn,
            given["primary"],
            manager.clock(),
            users_per_day=given["users_per_day"],
            rate=given["rate"],
        )
        production = load_production(conn)
    champion = given["champion"] or (production.version if production else None)
    if champion is None:
        raise InputError("no version is in production: promote one first, or name --champion")
    document: dict[str, Any] = {
        "name": name,
        "champion": champion,
        "challengers": list(given["challengers"]),
        "design": "interleaving" if given["interleaving"] else "ab",
        "layer": given["layer"],
        "share": given["share"],
        "max_share": given["max_share"] or max([given["share"], *given["ramp"]]),
        "ramp": list(given["ramp"]),
        "ramp_hours": given["ramp_hours"],
        "weights": list(given["weights"]),
        "primary": given["primary"],
        "window_hours": given["window_hours"],
        "analysis": "planned" if given["planned"] else "always_valid",
        "expected_users": given["expected_users"] or _expected(traffic),
        "alpha": given["alpha"],
        "min_hours": given["min_hours"],
        "auto_rollback": not given["no_auto_rollback"],
        "auto_promote": given["auto_promote"],
        "cuped": not given["no_cuped"],
    }
    if given["planned"]:
        document["n_analyses"] = given["planned"]
    if given["guardrails"]:
        document["guardrails"] = given["guardrails"]
    return settings_from_json(document), traffic


def effects_of(settings: ABSettings, traffic: SiteTraffic) -> dict[str, float]:
    """Return the least change that can be shown by horizon."""
    return effects_before(settings, traffic, settings.alpha / len(settings.challengers))


def _expected(traffic: SiteTraffic) -> int:
    return max(_MIN_EXPECTED, round(traffic.users["a month"]))
