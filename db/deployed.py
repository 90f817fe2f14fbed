"""What is deployed: the version in production, else its exported copy, else the defaults."""

from dataclasses import dataclass
from pathlib import Path

from db.connection import Connection
from db.versions import database_path, load_production
from domain.errors import InputError
from domain.space import Space, Value
from domain.strict_json import read_object

EXPORT_NAME = "hyperparameters.json"


@dataclass(frozen=True, slots=True)
class Deployed:
    """The deployed configuration, and where it is known from."""

    hyperparameters: dict[str, Value]
    source: str
    version: int | None = None


def load_deployed(conn: Connection, space: Space, model: str) -> Deployed:
    """The configuration a tuning run starts from and is measured against.

    A production version of another model says nothing of this one's hyperparameters.

    Raises:
        InputError: the exported file is needed and wrong.
    """
    production = load_production(conn)
    if production is not None and production.training.model == model:
        values = space.checked(production.training.hyperparameters)
        return Deployed(values, f"version {production.version}", production.version)
    export = export_path(conn)
    if production is None and export.is_file():
        return Deployed(_read_export(export, space, model), EXPORT_NAME)
    return Deployed(space.defaults(), "defaults")


def export_path(conn: Connection) -> Path:
    """Where the deployed configuration is exported to: beside the database."""
    return database_path(conn).parent / EXPORT_NAME


def _read_export(path: Path, space: Space, model: str) -> dict[str, Value]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{str(path)!r} cannot be read: {error}") from error
    written = read_object(text, str(path))
    if written.get("model") != model:
        return space.defaults()
    values = written.get("hyperparameters")
    if not isinstance(values, dict):
        raise InputError(f"{str(path)!r} must have an object 'hyperparameters'")
    try:
        return space.checked(values)
    except InputError as error:
        raise InputError(f"{str(path)!r}: {error}") from error
