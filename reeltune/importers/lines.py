"""Reads the physical lines of a file, plain or gzip'd, within bounds of memory."""

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from reeltune.domain.errors import InputError, NotFoundError

MAX_LINE_BYTES = 10 * 2**20
BOMB_BYTES = 256 * 2**20  # nothing smaller is called a bomb
BOMB_RATIO = 200  # ratings shrink to a quarter, text to a third; a bomb to a thousandth
_GZIP_MAGIC = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_NOT_TEXT = {  # how a file begins, what that is, and what to do about it
    b"PK\x03\x04": ("a zip archive", "unpack it first"),
    b"BZh": ("packed by bzip2", "unpack it first"),
    b"\xfd7zXZ\x00": ("packed by xz", "unpack it first"),
    b"\x28\xb5\x2f\xfd": ("packed by zstd", "unpack it first"),
    b"7z\xbc\xaf\x27\x1c": ("a 7-Zip archive", "unpack it first"),
    b"Rar!\x1a\x07": ("a RAR archive", "unpack it first"),
    b"\xff\xfe": ("UTF-16", "save it as UTF-8"),
    b"\xfe\xff": ("UTF-16", "save it as UTF-8"),
    _GZIP_MAGIC: ("packed by gzip twice", "unpack it once"),
    b"SQLite format 3\x00": ("a database", "import the files it was made from"),
}
_LINES_PER_REPORT = 500
_BLOCK_BYTES = 2**20
_SHOWN_BYTES = 2**10  # of a line that is too long


class Line(NamedTuple):
    """Physical line without its end; of one too long only the start."""

    number: int  # from 1
    content: bytes
    too_long: bool


class Block(NamedTuple):
    """Whole lines with their ends, or the start of one that is too long."""

    number: int  # of the first line, from 1
    content: bytes
    too_long: bool = False

    @property
    def n_lines(self) -> int:
        """Return how many lines these are."""
        if self.too_long:
            return 1
        return self.content.count(b"\n") + (self.content[-1:] not in (b"", b"\n"))

    def lines(self) -> Iterator[Line]:
        """Yield the lines without their ends."""
        parts = [self.content] if self.too_long else self.content.split(b"\n")
        if not self.too_long and not parts[-1]:
            parts.pop()
        for number, part in enumerate(parts, self.number):
            yield Line(number, part.rstrip(b"\r\n"), self.too_long)


def read_lines(
    path: Path,
    moved: Callable[[int], None],
    unpack: Callable[[IO[bytes]], IO[bytes]] | None = None,
) -> Iterator[Line]:
    """Yield the lines of a file; whether it is gzip'd is seen from its content.

    Args:
        path: the file.
        moved: told now and then how many bytes of the file are read.
        unpack: makes text of the file in another way.

    Raises:
        InputError: it is no text, or the gzip data are damaged or unpack to far more than a table
            would.
        NotFoundError: the file cannot be read.
    """
    seen = [0]
    with _expected_damage(path, seen), path.open("rb") as raw:
        for number, content, too_long in _lines(raw, path, unpack or ungzipped):
            seen[0] = number
            if number % _LINES_PER_REPORT == 0:
                moved(raw.tell())
            yield Line(number, content, too_long)


def read_blocks(
    path: Path, moved: Callable[[int], None], unpack: Callable[[IO[bytes]], IO[bytes]]
) -> Iterator[Block]:
    """Yield the lines of a file, many at a time, as `read_lines` gives them one by one.

    Raises:
        InputError, NotFoundError: as `read_lines` does.
    """
    seen = [0]
    with _expected_damage(path, seen), path.open("rb") as raw:
        for block in _blocks(raw, path, unpack):
            seen[0] = block.number + block.n_lines - 1
            moved(raw.tell())
            yield block


@contextmanager
def _expected_damage(path: Path, seen: list[int]) -> Iterator[None]:
    """Turn what damaged files raise into expected errors; `seen` has the last good line."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(
            f"{str(path)!r} is damaged after line {seen[0]} ({error}): fetch it again;"
            " nothing of this file was imported"
        ) from error
    except OSError as error:
        raise NotFoundError(f"{str(path)!r} cannot be read: {error.strerror}") from error


def _lines(
    raw: IO[bytes], path: Path, unpack: Callable[[IO[bytes]], IO[bytes]]
) -> Iterator[tuple[int, bytes, bool]]:
    size = path.stat().st_size
    stream = unpack(raw)
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
            _check_text(path, content)
            content = content.removeprefix(_BOM)
        yield number, content.rstrip(b"\r\n"), too_long


def _blocks(
    raw: IO[bytes], path: Path, unpack: Callable[[IO[bytes]], IO[bytes]]
) -> Iterator[Block]:
    size = path.stat().st_size
    stream = unpack(raw)
    number, n_bytes = 1, 0
    while content := stream.read(_BLOCK_BYTES):
        if not content.endswith(b"\n"):
            content += stream.readline(MAX_LINE_BYTES + 1)
        n_bytes += len(content)
        _check_no_bomb(path, n_bytes, size)
        if number == 1:
            _check_text(path, content)
            content = content.removeprefix(_BOM)
        last = content.rfind(b"\n", 0, -1) + 1  # where the last line begins
        too_long = len(content) - last > MAX_LINE_BYTES
        whole = Block(number, content[:last] if too_long else content)
        if whole.content:
            yield whole
        number += whole.n_lines
        if too_long:
            yield Block(number, content[last : last + _SHOWN_BYTES], too_long=True)
            number += 1
            while content and not content.endswith(b"\n"):
                content = stream.readline(MAX_LINE_BYTES)
                n_bytes += len(content)
                _check_no_bomb(path, n_bytes, size)


def ungzipped(raw: IO[bytes]) -> IO[bytes]:
    """Return the content of a file that may be packed by gzip, from its start."""
    packed = raw.read(2) == _GZIP_MAGIC
    raw.seek(0)
    if not packed:
        return raw
    return io.BufferedReader(gzip.GzipFile(fileobj=raw), 2**18)


def begins_as_text(start: bytes) -> bool:
    """Tell whether nothing is known that begins as a file does, but text in some encoding."""
    return not any(
        start.startswith(beginning)
        for beginning, (what, _) in _NOT_TEXT.items()
        if what != "UTF-16"
    )


def _check_text(path: Path, start: bytes) -> None:
    for beginning, (what, remedy) in _NOT_TEXT.items():
        if start.startswith(beginning):
            raise InputError(
                f"{str(path)!r} is {what}: {remedy}; nothing of this file was imported"
            )


def _check_no_bomb(path: Path, n_bytes: int, size: int) -> None:
    if n_bytes > BOMB_BYTES and n_bytes > BOMB_RATIO * size:
        raise InputError(
            f"{str(path)!r} unpacks to more than {BOMB_RATIO} times its size, as no table does:"
            " nothing of this file was imported"
        )
