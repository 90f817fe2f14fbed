"""Reads the physical lines of a file, plain or gzip'd, within bounds of memory."""

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from domain.errors import InputError, NotFoundError

MAX_LINE_BYTES = 10 * 2**20
_BOMB_BYTES = 256 * 2**20  # nothing smaller is called a bomb
_BOMB_RATIO = 200  # ratings shrink to a quarter, text to a third; a bomb to a thousandth
_GZIP_MAGIC = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_LINES_PER_REPORT = 500


class Line(NamedTuple):
    """A physical line without its end; of one too long only the start."""

    number: int  # from 1
    content: bytes
    too_long: bool


def read_lines(path: Path, moved: Callable[[int], None]) -> Iterator[Line]:
    """The lines of a file; whether it is gzip'd is seen from its content.

    Args:
        path: the file.
        moved: told now and then how many bytes of the file are read.

    Raises:
        InputError: the gzip data are damaged, or unpack to far more than a table would.
        NotFoundError: the file cannot be read.
    """
    number = 0
    try:
        with path.open("rb") as raw:
            for number, content, too_long in _lines(raw, path):
                if number % _LINES_PER_REPORT == 0:
                    moved(raw.tell())
                yield Line(number, content, too_long)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(
            f"{str(path)!r} is damaged after line {number} ({error}): fetch it again;"
            " nothing of this file was imported"
        ) from error
    except OSError as error:
        raise NotFoundError(f"{str(path)!r} cannot be read: {error.strerror}") from error


def _lines(raw: IO[bytes], path: Path) -> Iterator[tuple[int, bytes, bool]]:
    size = path.stat().st_size
    stream = _unpacked(raw)
    number = n_bytes = 0
    while content := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        n_bytes += len(content)
        too_long = len(content) > MAX_LINE_BYTES
        rest = content
        while too_long and rest and not rest.endswith(b"\n"):
            rest = stream.readline(MAX_LINE_BYTES)
            n_bytes += len(rest)
            _check_no_bomb(path, n_bytes, size)
        _check_no_bomb(path, n_bytes, size)
        if number == 1:
            content = content.removeprefix(_BOM)
        yield number, content.rstrip(b"\r\n"), too_long


def _unpacked(raw: IO[bytes]) -> IO[bytes]:
    packed = raw.read(2) == _GZIP_MAGIC
    raw.seek(0)
    if not packed:
        return raw
    return io.BufferedReader(gzip.GzipFile(fileobj=raw), 2**18)


def _check_no_bomb(path: Path, n_bytes: int, size: int) -> None:
    if n_bytes > _BOMB_BYTES and n_bytes > _BOMB_RATIO * size:
        raise InputError(
            f"{str(path)!r} unpacks to more than {_BOMB_RATIO} times its size, as no table does:"
            " nothing of this file was imported"
        )
