"""All that is wrong with the versions, and with the model of the one in production."""

from reeltune.db.connection import Connection
from reeltune.db.doctor import verify_versions
from reeltune.db.versions import Fault, load_production


def verify(conn: Connection) -> list[Fault]:
    """Return all that is wrong: artifacts, production and its model, its export, the database."""
    found = verify_versions(conn)
    is_sound = not any(fault.subject == "database" for fault in found)
    return found + check_model(conn) if is_sound else found


def check_model(conn: Connection) -> list[Fault]:
    """Return what is wrong with the module of a user's own model in production.

    Its source alone is read: it is not imported.
    """
    from reeltune.tracking.lineage import (  # here: a rollback need not
        NO_SOURCE,
        own_module,
        source_version,
    )

    production = load_production(conn)
    module = None if production is None else own_module(production.training.model)
    if production is None or module is None:
        return []
    then, now = production.training.code_version.partition("+")[2], source_version(module)
    if now == then or (not then and now != NO_SOURCE):
        return []
    subject = f"version {production.version}"
    if now == NO_SOURCE:
        what = f"the source of its model {production.training.model} is not found"
        return [Fault(subject, what, "put it back on Python's path, or roll back")]
    what = f"the source of its model {production.training.model} changed since it was trained"
    remedy = "retrain, or check out the source it was trained with, or roll back"
    return [Fault(subject, f"{what}: {then} then, {now} now", remedy)]
