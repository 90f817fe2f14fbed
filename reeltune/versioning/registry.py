"""Registers, promotes, rolls back and verifies versions: the only writer of what is in production.

What is in production is one row of the database. Its artifact is on the disk before the row says
so, and its exported file is written right after; readers follow the row.
"""

import enum
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import click
import numpy as np

from reeltune.cli.console import print_json, result_console
from reeltune.cli.exits import EXIT_ERROR, Group
from reeltune.cli.options import option_db, option_json, option_quiet
from reeltune.commands.version_upkeep import VERSION_COMMANDS
from reeltune.db.catalogue import load_titles
from reeltune.db.columns import snapshot
from reeltune.db.connection import Connection, connection, transaction
from reeltune.db.deployed import export_deployed, export_path, live_history
from reeltune.db.deployed import verify as verify  # a public name of this module too
from reeltune.db.external_ids import load_external_names
from reeltune.db.test_evaluations import Reference, save_reference
from reeltune.db.versions import (
    add_version,
    database_path,
    load_events,
    load_production,
    load_version,
    load_versions,
    replace_production,
)
from reeltune.domain.arrays import AnyArray, Ints
from reeltune.domain.errors import BusyError, InputError, NotFoundError, StorageError
from reeltune.domain.version import EventKind, TrainingRun, Version
from reeltune.metrics.ranking_metrics import EVENTS_OBJECTIVE
from reeltune.monitoring.command import monitor_command
from reeltune.ratings.recommender import Recommender
from reeltune.ratings.table import RatingTable
from reeltune.reports.version_tables import (
    diff_json,
    faults_json,
    print_diff,
    print_faults,
    print_recommendations,
    print_version,
    print_versions,
    show_json,
    versions_json,
)
from reeltune.storage.artifacts import load_artifact, save_artifact
from reeltune.versioning.contents import LoadedModel, artifact_contents, model_arrays

_NUMBER = click.IntRange(1, 2**63 - 1)


class _Expected(enum.Enum):
    ANY = "any"


ANY: Final = _Expected.ANY  # whatever is in production


def register(
    conn: Connection,
    training: TrainingRun,
    model: Recommender,
    ratings: RatingTable,
    evidence: Mapping[str, Any],
    reason: str,
    references: Mapping[str, Reference] | None = None,
) -> int:
    """Keep a model fitted to all of `ratings` as a candidate; the number of its version.

    `references` is what it is watched against, by metric: it is there as soon as the version is.

    Raises:
        InputError: what the model gives as its arrays is not all that it scores by.
        StorageError: the disk does not take it.
    """
    manifest, arrays = artifact_contents(training, model, ratings)
    database = database_path(conn)
    with transaction(conn):
        artifact = save_artifact(database, manifest, arrays)
        _check_scores(model, training, load_artifact(database, *artifact)[1])
        event: tuple[EventKind, str, Mapping[str, Any]] = ("registered", reason, evidence)
        version = add_version(conn, training, "candidate", artifact, event)
        for metric, reference in (references or {}).items():
            save_reference(conn, version, metric, reference)
        return version


def refuse(
    conn: Connection, training: TrainingRun, evidence: Mapping[str, Any], reason: str
) -> int:
    """Record a retraining that the gate refused; the number of its version, which has no model."""
    with transaction(conn):
        return add_version(conn, training, "refused", (None, None), ("refused", reason, evidence))


def promote(
    conn: Connection,
    version: int,
    reason: str,
    evidence: Mapping[str, Any] | None = None,
    *,
    expected_production: int | Literal[_Expected.ANY] | None = ANY,
) -> bool:
    """Put a version in production and export its hyperparameters; false if it was there already.

    Args:
        conn: the database.
        version: a candidate, or one that was in production before.
        reason: why, for people.
        evidence: what the decision rests on.
        expected_production: what the version was compared with, None for nothing.

    Raises:
        BusyError: another version than the expected one is in production by now.
        InputError: the version may not be promoted.
        NotFoundError: there is no such version.
        StorageError: its artifact cannot be trusted, or the export cannot be written.
    """
    with transaction(conn):
        production = load_production(conn)
        _check_expected(production, expected_production)
        changed = production is None or production.version != version
        if changed:
            _check_promotable(conn, load_version(conn, version))
            replace_production(conn, production, version, "replaced", reason, evidence or {})
    export_deployed(conn)
    return changed


def rollback(conn: Connection, to: int | None = None, *, reason: str) -> int:
    """Take production back to what it was before, or to version `to`; the version it now is.

    Rolling back twice goes back twice: what was rolled back from is not returned to. With `to`,
    all that came after that version was last promoted counts as undone.

    Raises:
        InputError: `to` is in production, or never was.
        NotFoundError: nothing was in production before.
        StorageError: the artifact of that version cannot be trusted.
    """
    with transaction(conn):
        production = load_production(conn)
        if production is None:
            raise NotFoundError("no version is in production: promote one first")
        target = load_version(conn, _before(conn, production.version) if to is None else to)
        _check_rollback(conn, target)
        evidence = {"rolled_back_from": production.version}
        replace_production(conn, production, target.version, "rolled back", reason, evidence)
    export_deployed(conn)
    return target.version


def load_model(conn: Connection, version: int | None = None) -> LoadedModel:
    """The fitted model of a version, by default of the one in production.

    Raises:
        InputError: it was refused, so that nothing was kept of it.
        NotFoundError: there is no such version, or none is in production.
        StorageError: its artifact cannot be trusted, or does not fit this code.
    """
    from reeltune.rating_models.hand_weighted import (
        model_class,  # here: a rollback need not wait for models
    )

    found = _find(conn, version)
    manifest, arrays = _load_artifact(conn, found)
    kind = model_class(found.training.model)
    faults = kind.space.faults(found.training.hyperparameters)
    try:
        if faults:
            raise ValueError("; ".join(faults))
        model = kind(found.training.hyperparameters).load(model_arrays(arrays))
        return LoadedModel(found, model, _ids(arrays, "user_ids"), _ids(arrays, "movie_ids"))
    except (KeyError, TypeError, ValueError) as error:
        raise StorageError(
            f"version {found.version} was made by other code ({manifest.get('code_version')}):"
            f" {error}; check out that code, or retrain"
        ) from error


def _before(conn: Connection, production: int) -> int:
    """What was in production before `production`, of what has not been undone."""
    live = live_history(load_events(conn))
    if not live or live[-1] != production:
        raise StorageError(
            f"version_events does not say how version {production} came into production:"
            " name a version, `rollback --to N`"
        )
    if len(live) == 1:
        raise NotFoundError(f"nothing was in production before version {production}")
    return live[-2]


def _check_expected(
    production: Version | None, expected: int | Literal[_Expected.ANY] | None
) -> None:
    found = production.version if production else None
    if expected is not ANY and found != expected:
        raise BusyError(
            f"production changed meanwhile from {_named(expected)} to {_named(found)}:"
            " compare with that one, by running this again"
        )


def _named(version: int | None) -> str:
    return "nothing" if version is None else f"version {version}"


def _check_promotable(conn: Connection, version: Version) -> None:
    if version.status == "refused":
        raise InputError(f"version {version.version} was refused and cannot be promoted")
    metrics = version.training.test_metrics
    of_events = bool(metrics.get(EVENTS_OBJECTIVE))  # these have no accuracy, but lists
    if "accuracy" in metrics and metrics["accuracy"] is None and not of_events:
        raise InputError(f"version {version.version} has no test accuracy: it is never promoted")
    _load_artifact(conn, version)


def _check_rollback(conn: Connection, target: Version) -> None:
    if target.status == "production":
        raise InputError(f"version {target.version} is in production already")
    if target.status != "archived":
        raise InputError(
            f"version {target.version} never was in production ({target.status}):"
            " a candidate is promoted, `model_versioning.py promote N`"
        )
    _load_artifact(conn, target)


def _check_scores(
    model: Recommender, training: TrainingRun, arrays: Mapping[str, AnyArray]
) -> None:
    """Refuse a model that scores otherwise once it has been stored and loaded."""
    users = np.arange(min(3, len(arrays["user_ids"])))
    loaded = type(model)(training.hyperparameters).load(model_arrays(arrays))
    if not np.allclose(model.score(users), loaded.score(users), rtol=1e-9, equal_nan=True):
        raise InputError(
            f"model {training.model!r} scores otherwise after load(arrays()):"
            " mend its `arrays` or `load`"
        )


def _load_artifact(
    conn: Connection, version: Version
) -> tuple[dict[str, Any], dict[str, AnyArray]]:
    if version.artifact is None or version.artifact_sha256 is None:
        raise InputError(f"version {version.version} was refused: nothing was kept of its model")
    if version.removed_at is not None:
        raise StorageError(
            f"the model of version {version.version} was removed at {version.removed_at}: make it"
            f" again, `model_versioning.py reproduce {version.version} --restore`"
        )
    return load_artifact(database_path(conn), version.artifact, version.artifact_sha256)


def _ids(arrays: Mapping[str, AnyArray], name: str) -> Ints:
    return arrays[name].astype(np.int64)


_option_reason = click.option(
    "--reason", default="by hand", show_default=True, help="Why, kept with the version."
)


@click.group(cls=Group)
def model_versioning() -> None:
    """Which version of the model is in production, which ones were, and why."""


@model_versioning.command("list")
@option_db
@option_json
def list_command(db_path: Path, as_json: bool) -> None:
    """List all versions, the earliest first."""
    with connection(db_path) as conn:
        versions = load_versions(conn)
    if as_json:
        print_json(versions_json(versions))
    else:
        print_versions(result_console(), versions)


@model_versioning.command()
@click.argument("version", type=_NUMBER, required=False)
@click.option("--user", metavar="ID", help="Show also what this user would be recommended.")
@option_db
@option_json
def show(version: int | None, user: str | None, db_path: Path, as_json: bool) -> None:
    """Show what VERSION came from and what happened to it; by default the one in production."""
    from reeltune.versioning.recommendations import recommend_for

    with connection(db_path) as conn, snapshot(conn):
        found = _find(conn, version)
        events = load_events(conn, found.version)
        best = None if user is None else recommend_for(conn, load_model(conn, found.version), user)
        titles = load_titles(conn) if best else {}
        names = load_external_names(conn, "movie") if best else {}
    if as_json:
        print_json(show_json(found, events, best, titles, names))
        return
    print_version(result_console(), found, events)
    if best is not None and user is not None:
        print_recommendations(result_console(), user, best, titles)


@model_versioning.command()
@click.argument("a", type=_NUMBER)
@click.argument("b", type=_NUMBER)
@option_db
@option_json
def diff(a: int, b: int, db_path: Path, as_json: bool) -> None:
    """Show hyperparameters and metrics of versions A and B side by side, differences marked."""
    with connection(db_path) as conn:
        both = load_version(conn, a), load_version(conn, b)
    if as_json:
        print_json(diff_json(*both))
    else:
        print_diff(result_console(), *both)


@model_versioning.command("promote")
@click.argument("version", type=_NUMBER)
@_option_reason
@option_db
@option_json
@option_quiet
def promote_command(version: int, reason: str, db_path: Path, as_json: bool, quiet: bool) -> None:
    """Put VERSION in production and export its hyperparameters."""
    with connection(db_path) as conn:
        changed = promote(conn, version, reason)
    if as_json:
        print_json({"version": version, "changed": changed})
    elif not quiet:
        click.echo(f"version {version} is in production{'' if changed else ' already'}")


@model_versioning.command("rollback")
@click.option("--to", type=_NUMBER, help="The version to go back to; default: the one before.")
@_option_reason
@option_db
@option_json
@option_quiet
def rollback_command(
    to: int | None, reason: str, db_path: Path, as_json: bool, quiet: bool
) -> None:
    """Take production back to the version that was there before; again, to the one before that."""
    with connection(db_path) as conn:
        version = rollback(conn, to, reason=reason)
    if as_json:
        print_json({"version": version, "changed": True})
    elif not quiet:
        click.echo(f"rolled back: version {version} is in production")


@model_versioning.command("verify")
@option_db
@option_json
@option_quiet
def verify_command(db_path: Path, as_json: bool, quiet: bool) -> None:
    """Check artifacts, production, its export and the database; exit code 1 if any is wrong."""
    with connection(db_path) as conn:
        faults = verify(conn)
        n_versions = 0 if faults else len(load_versions(conn))
        export = export_path(conn).name
    if as_json:
        print_json(faults_json(faults))
    elif faults:
        print_faults(result_console(), faults)
    elif not quiet:
        click.echo(
            f"nothing is wrong with {n_versions} versions, their artifacts, what is in production,"
            f" {export} and the database"
        )
    if faults:
        sys.exit(EXIT_ERROR)


for _command in (monitor_command, *VERSION_COMMANDS):
    model_versioning.add_command(_command)


def _find(conn: Connection, version: int | None) -> Version:
    found = load_production(conn) if version is None else load_version(conn, version)
    if found is None:
        raise NotFoundError("no version is in production: run `retrain_model.py` first")
    return found


if __name__ == "__main__":
    model_versioning(prog_name="python model_versioning.py")
