"""Fits the models of versions again to the data without a user."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from reeltune.db.connection import Connection
from reeltune.db.erasing import ErasedUser, KnownUsers
from reeltune.db.holders import models_with
from reeltune.db.versions import database_path, load_versions
from reeltune.domain.arrays import AnyArray
from reeltune.domain.completion import with_defaults
from reeltune.domain.errors import InputError
from reeltune.domain.version import Version
from reeltune.rating_models.registry import model_class
from reeltune.ratings.dataset import Dataset
from reeltune.ratings.updates import replace_users
from reeltune.storage.artifacts import find_artifact, users_of
from reeltune.tracking.lineage import code_version, environment
from reeltune.versioning.contents import artifact_contents

Models = Literal["refit", "drop"]
Contents = tuple[dict[str, Any], dict[str, AnyArray]]  # manifest and arrays of an artifact


@dataclass(frozen=True, eq=False)
class Replacement:
    """Model that takes the place of a version's; None where the version's model is dropped."""

    version: Version
    contents: Contents | None


def versions_with(conn: Connection, subject: ErasedUser) -> list[Version]:
    """Return the versions whose stored model holds a user; so may one that cannot be read."""
    database = database_path(conn)
    found = []
    for version in load_versions(conn):
        if version.artifact is None or version.artifact_sha256 is None or version.removed_at:
            continue
        place = find_artifact(database, version.artifact, version.artifact_sha256)
        users = None if place is None else users_of(place)
        if users is None or subject.user_id in users:
            found.append(version)
    return found


def holds_models(conn: Connection, subject: ErasedUser) -> bool:
    """Tell whether a model of the database, a version's or a left-over one, holds a user."""
    return bool(models_with(database_path(conn), subject) or versions_with(conn, subject))


def without_user(data: Dataset | None, subject: ErasedUser) -> Dataset | None:
    """Return data without a user; None where nothing is left."""
    if data is None:
        return None
    nobody = data.ratings.where(data.ratings.users < 0)
    fresh = replace(nobody, user_ids=nobody.user_ids[:0])
    changed = data.ratings.user_ids[data.ratings.user_ids == subject.user_id]
    ratings = replace_users(data.ratings, changed, fresh)
    return Dataset(ratings, data.catalogue) if len(ratings) else None


def known_users(data: Dataset | None) -> KnownUsers | None:
    """Return the users of data, in the order in which values per user are stored."""
    return None if data is None else KnownUsers(data.fingerprint, data.ratings.user_ids)


def refit(versions: list[Version], data: Dataset | None, models: Models) -> list[Replacement]:
    """Fit each version's hyperparameters to `data`; the one in production whatever `models` says.

    With no data left there is nothing to fit to: all are dropped.

    Raises:
        InputError: the model in production cannot be fitted.
    """
    done: dict[str, Contents] = {}
    found = []
    for version in versions:
        contents = None
        if data is not None and (models == "refit" or version.status == "production"):
            contents = _refitted(version, data, done)
        found.append(Replacement(version, contents))
    return found


def _refitted(version: Version, data: Dataset, done: dict[str, Contents]) -> Contents | None:
    training = version.training
    key = json.dumps([training.model, training.seed, dict(training.hyperparameters)])
    if key not in done:
        try:
            done[key] = _fit(version, data)
        except Exception as error:  # whatever a model of the user's own does
            if version.status != "production":
                return None
            raise InputError(
                f"version {version.version} is in production and cannot be fitted again: {error};"
                " nothing was erased: repair its model, or roll back first"
            ) from error
    return done[key]


def _fit(version: Version, data: Dataset) -> Contents:
    training = version.training
    kind = model_class(training.model)
    values: Mapping[str, Any] = kind.space.checked(
        with_defaults(kind.space, training.hyperparameters)
    )
    model = kind(values).fit(data.ratings, data.catalogue)
    now = replace(
        training,
        hyperparameters=values,
        data_fingerprint=data.fingerprint,
        n_ratings=len(data.ratings),
        code_version=code_version(training.model),
        environment=environment(),
    )
    return artifact_contents(now, model, data.ratings)
