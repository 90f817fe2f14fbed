"""Settings of a database: what its commands default to, from `movies.toml` beside `movies.db`.

`SETTINGS` is the one list of keys. An option that a key sets names the key where it is declared;
which values are allowed, and what holds without the file, is what the option says.
"""

import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from reeltune.domain.errors import InputError
from reeltune.storage.files import read_text

MAX_SETTINGS_BYTES = 2**20
_WORDS = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}
_HEADER = re.compile(r"\s*\[\s*([\w.-]+)\s*\]")
_KEY = re.compile(r"\s*([\w.-]+)\s*=")

Kinds = tuple[type, ...]
TEXT: Kinds = (str,)
NUMBER: Kinds = (int, float)
COUNT: Kinds = (int,)
FLAG: Kinds = (bool,)


@dataclass(frozen=True, slots=True)
class Setting:
    """Key of the settings file: what it is, and which types its value may have."""

    key: str  # section.name
    kinds: Kinds
    about: str
    example: str | float | None = None  # where there is no default
    is_path: bool = False  # relative to the directory of the file, wherever a command is run


_ALL = (
    Setting("study.model", TEXT, "the recommender: MODULE:NAME or FILE.py:NAME", is_path=True),
    Setting("study.objective", TEXT, "what to optimise; several with commas make a front"),
    Setting("study.split", TEXT, "what is held out"),
    Setting("search.method", TEXT, "how candidates are proposed"),
    Setting("search.configs", COUNT, "number of candidates", 20),
    Setting("search.retune", TEXT, "`nightly`: search every night, if it pays (auto), or never"),
    Setting("search.timeout", NUMBER, "end a run after so many seconds", 1800),
    Setting("search.patience", COUNT, "end a run after so many experiments without a new best", 10),
    Setting("search.until_converged", FLAG, "end a run once no gain beyond noise is expected"),
    Setting("search.pruner", TEXT, "stop poor experiments on part of the users", "paired"),
    Setting("search.panel", COUNT, "measure experiments on a fixed sample of so many users", 5000),
    Setting("search.timeout_per_experiment", NUMBER, "an experiment of more seconds fails", 600),
    Setting("search.memory_limit", (str, int), "an experiment that needs more fails", "2G"),
    Setting("search.jobs", COUNT, "cores to use, all by default; results are the same", 1),
    Setting("gate.accuracy_threshold", NUMBER, "least test accuracy of a new configuration", 0.65),
    Setting(
        "gate.guardrails",
        TEXT,
        "share that guarded metrics may lose",
        "coverage@10=30%, accuracy=2%",
    ),
    Setting("gate.finalists", COUNT, "how many of a run are compared on the test set"),
    Setting("gate.min_new_ratings", COUNT, "`retrain`: only if so many ratings are new"),
    Setting("import.sync", FLAG, "`nightly`: read the remembered sources again"),
    Setting(
        "import.movielens", TEXT, "`nightly`: import these MovieLens files", "ratings", is_path=True
    ),
    Setting("import.tmdb", TEXT, "with them, the folder of TMDB's files", "tmdb", is_path=True),
    Setting("import.max_rejected", (str, *NUMBER), "largest share of bad rows a file may have"),
    Setting("backup.directory", TEXT, "`nightly`: folder of the backups", "backups", is_path=True),
    Setting("backup.keep", COUNT, "`nightly`: days of which a backup is kept; 0: make none"),
    Setting("run.wait", NUMBER, "seconds to wait for another run or program"),
    Setting("run.notify", TEXT, "command that gets how a command ended, as JSON", "./tell-me.sh"),
    Setting("run.log_format", TEXT, "how the lines of a log are written"),
    Setting("tracking.mlflow", TEXT, "`tracking sync`: an MLflow server", "http://127.0.0.1:5000"),
    Setting("tracking.otlp", TEXT, "an OpenTelemetry collector", "http://127.0.0.1:4318"),
    Setting("tracking.jsonl", TEXT, "a file of JSON lines", "tracked.jsonl", is_path=True),
    Setting("tracking.experiment", TEXT, "the experiment's name in MLflow"),
    Setting("schedule.at", TEXT, "`schedule`: time of day at which a night begins"),
    Setting("serve.host", TEXT, "`serve`: address to listen at", "127.0.0.1"),
    Setting("serve.port", COUNT, "`serve`: port"),
    Setting("serve.workers", COUNT, "`serve`: processes that answer"),
    Setting("serve.token_file", TEXT, "`serve`: file of tokens, 0600", "tokens.txt", is_path=True),
    Setting("status.max_age", NUMBER, "hours within which a run must have ended well"),
    Setting("status.max_behind", COUNT, "nights for which ratings may wait"),
    Setting("status.max_refusals", COUNT, "so many refusals in a row are too many"),
)
SETTINGS: Mapping[str, Setting] = {setting.key: setting for setting in _ALL}


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """Settings of a database as its file has them, by key."""

    path: Path
    values: Mapping[str, Any]
    lines: Mapping[str, int]  # where a key stands, as far as that is found

    def place(self, key: str) -> str:
        """Return where a key stands, for people."""
        line = self.lines.get(key)
        return self.path.name if line is None else f"{self.path.name}, line {line}"


def settings_path(database: Path) -> Path:
    """Return where the settings of a database lie: beside the file that links lead to.

    >>> settings_path(Path("/srv/movies.db")).name
    'movies.toml'
    """
    return database.resolve().with_suffix(".toml")


def read_settings(database: Path) -> SettingsFile | None:
    """Return the settings of a database; None where it has no such file.

    Raises:
        InputError: it is no TOML, or has a key that there is not, or a value of another type; all
            that is wrong is named.
    """
    path = settings_path(database)
    if path == database.resolve() or not path.exists():
        return None
    text = read_text(path, MAX_SETTINGS_BYTES)
    try:
        values = dict(_flat(tomllib.loads(text)))
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits is another ValueError
        raise InputError(f"{path.name} is no TOML: {error}") from error
    found = SettingsFile(path, values, dict(_lines(text)))
    wrong = [f"{found.place(key)}: {fault}" for key, fault in _faults(values)]
    if wrong:
        raise InputError("; ".join(wrong))
    return SettingsFile(path, {key: _placed(path, key, values[key]) for key in values}, found.lines)


def _flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of a table by their dotted keys; an empty section has none."""
    for name, value in table.items():
        key = f"{before}{name}"
        if isinstance(value, dict) and key not in SETTINGS:
            yield from _flat(value, f"{key}.")
        else:
            yield key, value


def _lines(text: str) -> Iterator[tuple[str, int]]:
    """Yield each key with the line that it stands on, from 1."""
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            section = f"{header[1]}."
        elif key := _KEY.match(line):
            yield f"{section}{key[1]}", number


def _faults(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        setting = SETTINGS.get(key)
        if setting is None:
            yield key, f"there is no setting {key!r}{_nearest(key)}"
        elif type(value) not in setting.kinds or not _is_finite(value):
            kinds = " or ".join(_WORDS[kind] for kind in setting.kinds if kind is not int)
            kinds = kinds or _WORDS[int]
            yield key, f"{key} must be {kinds}, got {value!r}"


def _is_finite(value: Any) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _nearest(key: str) -> str:
    """Return a hint at the likeliest key, by its whole name or by the last part of it."""
    by_name = {known.rpartition(".")[2]: known for known in SETTINGS}
    close = get_close_matches(key, SETTINGS, 1, 0.75)
    close += [by_name[name] for name in get_close_matches(key.rpartition(".")[2], by_name, 1, 0.75)]
    return f": did you mean {close[0]!r}?" if close else ""


def _placed(path: Path, key: str, value: Any) -> Any:
    """Return the value of a key, a relative path being one from the directory of the file."""
    if not SETTINGS[key].is_path or (key == "study.model" and ".py:" not in value):
        return value
    return str(path.parent / Path(value).expanduser())
