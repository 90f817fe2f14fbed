"""Package of a model: one zip of JSON and arrays, each with its hash, and nothing that is run."""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from reeltune.domain.arrays import AnyArray
from reeltune.domain.errors import InputError, NotFoundError, StorageError
from reeltune.table_models.blended_model import BlendedModel, Member
from reeltune.table_models.encoder import TableEncoder
from reeltune.table_models.family import PackedModel
from reeltune.table_models.search_data import TargetScale
from reeltune.table_models.small_trees import grown, shrunk
from reeltune.tabular.columns import ColumnKind, ColumnSpec
from reeltune.tabular.target import Prediction

_FORMAT = 1
_MANIFEST = "manifest.json"
_MAX_BYTES = 512 * 2**20  # of a file in a package, unpacked
_MOMENT = (1980, 1, 1, 0, 0, 0)  # of all files: the same model is the same bytes


def save_package(path: Path, model: BlendedModel, report: Mapping[str, Any]) -> int:
    """Write a model as a package; return its size in bytes.

    The same model and report are the same bytes. It is there whole or not at all.

    Raises:
        InputError: it cannot be written.
    """
    files = {
        "schema.json": _json(_schema(model)),
        "encoders.json": _json({n: each.as_json() for n, each in model.encoders.items()}),
        "report.json": _json(report),
    }
    for number, member in enumerate(model.members):
        files[f"member-{number}.safetensors"] = save_arrays(_as_numpy(member.model))
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    files[_MANIFEST] = _json({"format": _FORMAT, "model": _described(model), "sha256": hashes})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, _MOMENT), files[name], zipfile.ZIP_DEFLATED)
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_bytes(packed.getvalue())
        part.replace(path)
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be written: {error.strerror}") from error
    return len(packed.getvalue())


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False).encode()


def _schema(model: BlendedModel) -> dict[str, Any]:
    return {
        "target": model.target,
        "prediction": model.prediction.value,
        "classes": list(model.classes),
        "columns": [asdict(spec) for spec in model.columns],
    }


def _described(model: BlendedModel) -> dict[str, Any]:
    return {
        "scale": asdict(model.scale),
        "temperature": model.temperature,
        "members": [
            {
                "configuration": dict(member.configuration),
                "weight": member.weight,
                "encoding": member.encoding,
                "link": member.model.link,
                "n_iterations": member.n_iterations,
            }
            for member in model.members
        ],
    }


def _as_numpy(model: PackedModel) -> dict[str, np.ndarray[Any, Any]]:
    arrays = model.arrays() if model.trees is None else shrunk(model.trees)
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def load_package(path: Path) -> tuple[BlendedModel, dict[str, Any]]:
    """Return the model of a package, and its report; nothing is used whose hash is wrong.

    Raises:
        NotFoundError: there is no such file.
        StorageError: it is no package, is damaged, or was made by a newer program.
    """
    try:
        files = _read_files(path)
        return _model(files), json.loads(files["report.json"])
    except (KeyError, ValueError, TypeError, zipfile.BadZipFile, OSError) as error:
        raise StorageError(
            f"{str(path)!r} is no package of a table's model, or it is damaged: {error}"
        ) from error


def _read_files(path: Path) -> dict[str, bytes]:
    if not path.is_file():
        raise NotFoundError(f"no package at {str(path)!r}: name one that `tabular tune` wrote")
    with zipfile.ZipFile(path) as archive:
        large = [info.filename for info in archive.infolist() if info.file_size > _MAX_BYTES]
        if large:
            raise ValueError(f"{large[0]} is too large")
        files = {info.filename: archive.read(info) for info in archive.infolist()}
    manifest = json.loads(files[_MANIFEST])
    if manifest["format"] != _FORMAT:
        raise StorageError(
            f"{str(path)!r} has format {manifest['format']}, this program reads {_FORMAT}: "
            "update it"
        )
    for name, expected in manifest["sha256"].items():
        if hashlib.sha256(files[name]).hexdigest() != expected:
            raise ValueError(f"{name} has another hash than its manifest says")
    return {name: files[name] for name in (*manifest["sha256"], _MANIFEST)}


def _model(files: Mapping[str, bytes]) -> BlendedModel:
    schema, described = (
        json.loads(files["schema.json"]),
        json.loads(files[_MANIFEST])["model"],
    )
    encoders = json.loads(files["encoders.json"])
    return BlendedModel(
        target=schema["target"],
        prediction=Prediction(schema["prediction"]),
        classes=tuple(schema["classes"]),
        columns=tuple(_spec(each) for each in schema["columns"]),
        scale=TargetScale(**described["scale"]),
        encoders={name: TableEncoder.from_json(each) for name, each in encoders.items()},
        members=tuple(
            Member(
                configuration=each["configuration"],
                weight=each["weight"],
                encoding=each["encoding"],
                model=_packed(each["link"], load_arrays(files[f"member-{number}.safetensors"])),
                n_iterations=each["n_iterations"],
            )
            for number, each in enumerate(described["members"])
        ),
        temperature=described["temperature"],
    )


def _spec(stored: Mapping[str, Any]) -> ColumnSpec:
    return ColumnSpec(**{**stored, "kind": ColumnKind(stored["kind"])})


def _packed(link: str, arrays: Mapping[str, AnyArray]) -> PackedModel:
    if "weights" in arrays:
        return PackedModel.from_arrays(link, arrays)
    return PackedModel(link=link, trees=grown(arrays))
