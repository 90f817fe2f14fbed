"""Export of a version: its model as a package, or as ONNX."""

from pathlib import Path
from typing import Any, Final, Literal, get_args

from reeltune.db.connection import Connection
from reeltune.db.ratings import load_ratings
from reeltune.domain.errors import InputError, StorageError
from reeltune.ratings.calls import accepts
from reeltune.versioning.packages import package_files, save_model_package
from reeltune.versioning.positions import over_movies, over_users
from reeltune.versioning.registry import load_artifact_of, load_model

PackageFormat = Literal["dir", "zip", "onnx"]
FORMATS: Final[tuple[PackageFormat, ...]] = get_args(PackageFormat)
_ENDINGS = {"dir": "", "zip": ".zip", "onnx": ".onnx"}


def export_version(
    conn: Connection, version: int | None, kind: PackageFormat, to: Path | None
) -> Path:
    """Write the model of a version, by default of the one in production; return where it is.

    Raises:
        InputError: the version was refused, the name is taken, or the model has no such form.
        NotFoundError: there is no such version.
        StorageError: its artifact cannot be trusted, or the disk does not take the file.
    """
    loaded = load_model(conn, version)
    number, training = loaded.version.version, loaded.version.training
    path = Path(f"version-{number}{_ENDINGS[kind]}") if to is None else to
    if kind == "onnx":
        # Here: packages need no models beside their own.
        from reeltune.versioning.onnx_export import onnx_bytes

        described: dict[str, Any] = {
            "version": number,
            "model": training.model,
            "hyperparameters": dict(training.hyperparameters),
            "data_fingerprint": training.data_fingerprint,
        }
        ids = loaded.user_ids, loaded.movie_ids
        _write_file(path, onnx_bytes(training.model, loaded.model, *ids, described))
        return path
    manifest, arrays = load_artifact_of(conn, loaded.version)
    ratings = None
    if accepts(loaded.model.load, "ratings"):
        ratings = over_users(over_movies(load_ratings(conn), loaded.movie_ids), loaded.user_ids)
    files = package_files(manifest | {"version": number}, arrays, ratings)
    save_model_package(path, files, as_zip=kind == "zip")
    return path


def _write_file(path: Path, content: bytes) -> None:
    if path.exists():
        raise InputError(f"{str(path)!r} is there already: name another by --to, or remove it")
    try:
        unfinished = path.with_name(f".{path.name}.unfinished")
        unfinished.write_bytes(content)
        unfinished.rename(path)
    except OSError as error:
        raise StorageError(f"the model cannot be written to {str(path)!r}: {error}") from error
