"""Fits a version again from its lineage, and compares with what was kept."""

from dataclasses import asdict, dataclass
from typing import Any

from reeltune.db.command_runs import unmark_removed
from reeltune.db.connection import Connection, transaction
from reeltune.db.dataset import load_dataset
from reeltune.db.erasures import load_erasures, load_version_erasures
from reeltune.db.versions import database_path, load_version, set_artifact
from reeltune.domain.errors import InputError
from reeltune.domain.version import TrainingRun
from reeltune.rating_models.registry import model_class
from reeltune.ratings.dataset import Dataset
from reeltune.storage.artifacts import artifact_sha256, save_artifact
from reeltune.tracking.lineage import code_differences, environment
from reeltune.versioning.contents import artifact_contents


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """Result of fitting a version again."""

    version: int
    identical: bool  # to the last bit
    changed: tuple[str, ...]  # of what it came from, one sentence each
    expected_sha256: str
    found_sha256: str
    restored: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for `--json`."""
        return asdict(self)


def reproduce(conn: Connection, version: int, *, restore: bool = False) -> Reproduction:
    """Fit a version again from data, code, hyperparameters and seed; put it back with `restore`.

    Raises:
        InputError: the version was refused, so that nothing was kept; or `restore` is asked for
            and what was fitted is not what was kept.
        NotFoundError: there is no such version, or there are no ratings.
    """
    found = load_version(conn, version)
    if found.artifact_sha256 is None:
        raise InputError(f"version {version} was refused: there is no model to reproduce")
    training, data = found.training, load_dataset(conn)
    kind = model_class(training.model)
    model = kind(kind.space.checked(training.hyperparameters)).fit(data.ratings, data.catalogue)
    manifest, arrays = artifact_contents(training, model, data.ratings)
    sha256 = artifact_sha256(manifest, arrays)
    erased = load_version_erasures(conn, version)
    expected = erased[0].artifact_sha256 if erased else found.artifact_sha256
    identical = sha256 == expected
    changed = [*map(str, erased), *lineage_changes(training, data)]
    if not erased and training.data_fingerprint != data.fingerprint:
        changed[:0] = _erasures_since(conn, training)
    if restore:
        if not identical:
            raise InputError(
                f"version {version} cannot be put back: what was fitted differs from what was kept"
                f" ({'; '.join(changed) or 'though nothing that is recorded has changed'})"
            )
        with transaction(conn):
            artifact, _ = save_artifact(database_path(conn), manifest, arrays)
            set_artifact(conn, sha256, artifact)
            unmark_removed(conn, version)
    return Reproduction(
        version=version,
        identical=identical,
        changed=tuple(changed),
        expected_sha256=expected,
        found_sha256=sha256,
        restored=restore,
    )


def _erasures_since(conn: Connection, training: TrainingRun) -> list[str]:
    """Return a sentence for each erasure since a version was trained, which may have been in it."""
    return [
        f"the data: the ratings of a user were erased at {each.erased_at} (erasure"
        f" {each.erasure_id})"
        for each in load_erasures(conn)
        if each.erased_at >= training.created_at
    ]


def lineage_changes(training: TrainingRun, data: Dataset) -> list[str]:
    """Return what of the lineage is no longer as it was, one sentence each."""
    found = []
    if training.data_fingerprint != data.fingerprint:
        n = len(data.ratings) - training.n_ratings
        found.append(
            f"the data: {n:+,} ratings since"
            if n
            else "the data: as many ratings, but other ones, or another catalogue"
        )
    found += map(str, code_differences(training.code_version, training.model))
    now = environment()
    for name in sorted(training.environment.keys() | now.keys()):
        before, after = training.environment.get(name, "none"), now.get(name, "none")
        if before != after:
            found.append(f"the environment: {name} {before} then, {after} now")
    return found
