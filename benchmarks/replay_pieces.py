"""Pieces of the replay: one model at one night, kept so that a long replay can stop and go on."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One model at one night: what it was worth on the ratings after it, and how the night went."""

    world: str  # of which ratings, and how they are cut
    name: str
    command: str  # of the night; empty for a model without
    night: int
    program: str
    measured: dict[str, Any]
    night_report: dict[str, Any] | None = None

    @property
    def key(self) -> tuple[str, str, str, int, str]:
        """Return all but what was found."""
        return self.world, self.name, self.command, self.night, self.program


def program() -> str:
    """Return the hash of all sources that decide what a night does and what is measured."""
    files = sorted(_ROOT.glob("reeltune/**/*.py"))
    files += [_ROOT / "benchmarks" / f"replay_{name}.py" for name in ("models", "measure", "world")]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def load_pieces(path: Path | None) -> dict[tuple[str, str, str, int, str], Piece]:
    """Return the pieces kept in a file of one JSON object a line, by their keys."""
    if path is None or not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    pieces = [Piece(**found) for found in map(json.loads, lines)]
    return {piece.key: piece for piece in pieces}


def keep_piece(path: Path | None, piece: Piece) -> None:
    """Add a piece to the file."""
    if path is not None:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(piece)) + "\n")
