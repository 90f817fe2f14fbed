"""Packages: a version's model in files of its own, which need no database to be scored with.

A package is a directory, or the same in an uncompressed zip: `manifest.json`, the arrays in
safetensors, and boosters in XGBoost's UBJ.
"""

import hashlib
import json
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reeltune.domain.arrays import AnyArray, Ints
from reeltune.domain.errors import InputError, StorageError
from reeltune.domain.strict_json import read_object
from reeltune.ratings.calls import load_recommender
from reeltune.ratings.recommender import Recommender
from reeltune.ratings.table import RatingTable
from reeltune.storage.mapped_arrays import map_arrays
from reeltune.versioning.contents import model_arrays

MANIFEST_FILE = "manifest.json"
ARRAYS_FILE = "arrays.safetensors"
MODEL_PACKAGE_FORMAT = "reeltune package 1"
BOOSTER = "booster"  # last part of the name of an array that is a booster's file
RATINGS_PREFIX = "ratings."  # of names, for models that are loaded with ratings
_ALIGNMENT = 64  # bytes, of files in a zip, so that they can be mapped
_PADDING_ID = 0xD935  # of the extra field of a zip that aligns what follows
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # so that the same package has the same bytes


@dataclass(frozen=True, eq=False)
class Package:
    """Model of a package, and whom and what its positions mean."""

    manifest: Mapping[str, Any]
    model: Recommender
    user_ids: Ints  # (U,) ascending
    movie_ids: Ints  # (M,) ascending


def package_files(
    manifest: Mapping[str, Any],
    arrays: Mapping[str, AnyArray],
    ratings: RatingTable | None = None,
) -> dict[str, bytes]:
    """Return the files of a package, by name.

    Args:
        manifest: of the version's artifact.
        arrays: of the version's artifact.
        ratings: over its users and movies, for a model that is loaded with them.
    """
    from safetensors.numpy import save

    boosters = {name for name in arrays if name.rpartition(".")[2] == BOOSTER}
    plain = {name: array for name, array in arrays.items() if name not in boosters}
    if ratings is not None:
        plain |= {f"{RATINGS_PREFIX}{name}": getattr(ratings, name) for name in _COLUMNS}
    contiguous = {n: np.ascontiguousarray(plain[n]) for n in sorted(plain)}
    files = {f"{name}.ubj": arrays[name].tobytes() for name in sorted(boosters)}
    files = {ARRAYS_FILE: bytes(save(contiguous)), **files}
    described = {
        **{name: value for name, value in manifest.items() if not name.startswith("arrays_")},
        "format": MODEL_PACKAGE_FORMAT,
        "files": {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in files.items()
        },
    }
    text = json.dumps(described, indent=2, sort_keys=True, ensure_ascii=False)
    return {MANIFEST_FILE: f"{text}\n".encode(), **files}


_COLUMNS = ("users", "movies", "ratings", "rated_at")


def save_model_package(path: Path, files: Mapping[str, bytes], *, as_zip: bool) -> None:
    """Write the files of a package under a name that is not taken: whole, or not at all.

    Raises:
        InputError: something is there already.
        StorageError: the disk does not take it.
    """
    if path.exists():
        raise InputError(f"{str(path)!r} is there already: name another by --to, or remove it")
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        if as_zip:
            _write_zip(unfinished, files)
        else:
            unfinished.mkdir()
            for name, data in files.items():
                (unfinished / name).write_bytes(data)
        unfinished.rename(path)
    except OSError as error:
        raise StorageError(f"the package cannot be written to {str(path)!r}: {error}") from error


def load_model_package(path: Path, *, verify: bool = False) -> Package:
    """Load a package from a directory or a zip; its arrays are mapped, not read.

    With `verify`, every file is compared with its hash before it is used.

    Raises:
        InputError: its model cannot be imported.
        StorageError: a file is missing, has another size or hash, or is no package's.
    """
    # Here: a package is written without models.
    from reeltune.rating_models.registry import model_class

    manifest, arrays = read_package(path, verify=verify)
    user_ids, movie_ids = (arrays[name].astype(np.int64) for name in ("user_ids", "movie_ids"))
    kind = model_class(str(manifest["model"]))
    model = load_recommender(
        kind(manifest["hyperparameters"]),
        model_arrays(arrays),
        lambda: _ratings(arrays, user_ids, movie_ids),
    )
    return Package(manifest, model, user_ids, movie_ids)


def read_package(path: Path, *, verify: bool = False) -> tuple[dict[str, Any], dict[str, AnyArray]]:
    """Return manifest and arrays of a package, boosters too; see `load_model_package`."""
    try:
        places = _places_in_zip(path) if path.is_file() else _places_in_directory(path)
        manifest = read_object(_content(places[MANIFEST_FILE]).decode(), str(path))
        if manifest.get("format") != MODEL_PACKAGE_FORMAT:
            raise ValueError(f"its format is {manifest.get('format')!r}")
        files: dict[str, dict[str, Any]] = manifest["files"]
        for name, described in files.items():
            _check(name, places[name], described, verify=verify)
    except (OSError, KeyError, TypeError, ValueError, InputError, zipfile.BadZipFile) as error:
        raise StorageError(f"{str(path)!r} is no package that can be read: {error}") from error
    arrays = map_arrays(*places[ARRAYS_FILE])
    for name in files.keys() - {ARRAYS_FILE}:
        content = np.frombuffer(_content(places[name]), dtype=np.uint8)
        arrays[name.removesuffix(".ubj")] = content
    return manifest, arrays


_Span = tuple[Path, int, int]  # file, first byte, number of bytes


def _places_in_directory(path: Path) -> dict[str, _Span]:
    return {each.name: (each, 0, each.stat().st_size) for each in path.iterdir() if each.is_file()}


def _places_in_zip(path: Path) -> dict[str, _Span]:
    found = {}
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        for each in archive.infolist():
            if each.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{each.filename!r} is compressed")
            file.seek(each.header_offset + 26)
            name_length, extra_length = struct.unpack("<HH", file.read(4))
            first = each.header_offset + 30 + name_length + extra_length
            found[each.filename] = (path, first, each.file_size)
    return found


def _content(place: _Span) -> bytes:
    path, first, size = place
    with path.open("rb") as file:
        file.seek(first)
        return file.read(size)


def _check(name: str, place: _Span, described: Mapping[str, Any], *, verify: bool) -> None:
    if place[2] != described["bytes"]:
        raise ValueError(f"{name!r} has {place[2]:,} bytes, not {described['bytes']:,}")
    if verify and hashlib.sha256(_content(place)).hexdigest() != described["sha256"]:
        raise ValueError(f"{name!r} was changed: its SHA-256 differs")


def _write_zip(path: Path, files: Mapping[str, bytes]) -> None:
    """Write a zip in which each file can be mapped: not compressed, and aligned."""
    with zipfile.ZipFile(path, "x", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, _FIXED_TIME)
            assert archive.fp is not None
            first = archive.fp.tell() + 30 + len(name.encode()) + 4
            padding = -first % _ALIGNMENT
            entry.extra = struct.pack("<HH", _PADDING_ID, padding) + bytes(padding)
            archive.writestr(entry, data)


def _ratings(arrays: Mapping[str, AnyArray], user_ids: Ints, movie_ids: Ints) -> RatingTable:
    columns: dict[str, Any] = {
        name: np.asarray(arrays[f"{RATINGS_PREFIX}{name}"]) for name in _COLUMNS
    }
    return RatingTable(user_ids=user_ids, movie_ids=movie_ids, **columns)
