"""Tokens by which clients are known: read or write, from a file of mode 0600, or made at start.

Workers keep hashes. Compared are hashes too, in constant time, so that how long an answer takes
says nothing of a token.
"""

import hashlib
import hmac
import os
import re
import secrets
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reeltune.domain.errors import InputError

Role = Literal["read", "write"]
ROLES: tuple[Role, ...] = ("read", "write")
MIN_TOKEN_CHARACTERS = 32
_MAX_FILE_BYTES = 2**16
_LINE = re.compile(r"(read|write)(?:[ \t]+([A-Za-z0-9_.-]{1,40}))?[ \t]+(\S+)")
_TOKEN = re.compile(rf"[A-Za-z0-9_.~+/=-]{{{MIN_TOKEN_CHARACTERS},200}}")


@dataclass(frozen=True, slots=True)
class Client:
    """Client as its token names it; a write token reads too."""

    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens by their SHA-256, and the secret that cookies are signed with."""

    clients: Mapping[bytes, Client]
    secret: bytes

    @classmethod
    def of(cls, tokens: Iterable[tuple[str, Client]]) -> "Tokens":
        """Return tokens given in clear; the same ones have the same secret after a restart."""
        clients = {_sha256(token): client for token, client in tokens}
        return cls(clients, _sha256("cookies" + "".join(sorted(h.hex() for h in clients))))

    def find(self, token: str) -> Client | None:
        """Return whose token it is; None if it is nobody's."""
        given, found = _sha256(token), None
        for known, client in self.clients.items():  # all of them, however soon one fits
            if hmac.compare_digest(known, given):
                found = client
        return found


def make_tokens() -> dict[Role, str]:
    """Return a new token for each role, of 256 random bits."""
    return {role: secrets.token_urlsafe(32) for role in ROLES}


def read_token_file(path: Path) -> list[tuple[str, Client]]:
    """Return the tokens of a file: lines `read TOKEN` or `write NAME TOKEN`, and comments with #.

    Raises:
        InputError: it cannot be read, others may read it, or it says something wrong; what is in
            it is never shown.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            _check_private(path, os.fstat(file.fileno()))
            text = file.read(_MAX_FILE_BYTES + 1).decode("utf-8", "replace")
    except OSError as error:
        raise InputError(f"the token file {str(path)!r} cannot be read: {error.strerror}") from None
    if len(text) > _MAX_FILE_BYTES:
        raise InputError(f"the token file {str(path)!r} has more than {_MAX_FILE_BYTES:,} bytes")
    found = [_parsed(path, n, line) for n, line in enumerate(text.splitlines(), 1) if _says(line)]
    if not any(client.role == "write" for _, client in found):
        raise InputError(f"the token file {str(path)!r} has no line `write TOKEN`: add one")
    return found


def write_token_file(path: Path, tokens: Mapping[Role, str]) -> None:
    """Make a token file that only its owner may read.

    Raises:
        InputError: it cannot be made, or is there already.
    """
    text = "".join(f"{role} {token}\n" for role, token in tokens.items())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise InputError(f"the token file {str(path)!r} cannot be made: {error.strerror}") from None


def _check_private(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise InputError(f"the token file {str(path)!r} is no file")
    if found.st_mode & 0o077:
        raise InputError(
            f"the token file {str(path)!r} can be read by others: `chmod 600 {path}`, and change"
            " its tokens if others may have read them"
        )


def _says(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _parsed(path: Path, number: int, line: str) -> tuple[str, Client]:
    found = _LINE.fullmatch(line.strip())
    if found is None:
        raise InputError(
            f"line {number} of {str(path)!r} must be `read TOKEN` or `write TOKEN`, with a name"
            " before the token if you like"
        )
    if _TOKEN.fullmatch(found[3]) is None:
        raise InputError(
            f"the token on line {number} of {str(path)!r} must be {MIN_TOKEN_CHARACTERS} to 200"
            " letters, digits and _.~+/=-: make one, `openssl rand -base64 32`"
        )
    role: Role = "write" if found[1] == "write" else "read"
    return found[3], Client(found[2] or role, role)


def _sha256(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
