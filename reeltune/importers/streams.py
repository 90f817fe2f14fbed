"""Opens a file as the text it holds: unpacked, and in UTF-8 whatever its encoding is."""

import bz2
import codecs
import gzip
import importlib
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from reeltune.domain.errors import InputError, NotFoundError
from reeltune.importers.lines import BOMB_BYTES, begins_as_text, ungzipped
from reeltune.importers.parts import Parts, check_zstd
from reeltune.importers.rows import excerpt

REQUIREMENTS = "pip install -r requirements-import.txt"
_SAMPLE_BYTES = 2**20
_BUFFER = 2**18
_LONGEST_MARK = 16
_DAMAGE = (
    *(EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, zipfile.BadZipFile),
    NotImplementedError,  # of an archive that is packed in another way
)
_MAX_LISTED = 40
_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
}
_SKIPPABLE = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")  # a frame of zstd that holds no content
_BOMS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16, little endian",
    "utf-16-be": "UTF-16, big endian",
    "cp1252": "Windows-1252",
    "latin-1": "Latin-1",
}


@contextmanager
def expected_damage(path: Path) -> Iterator[None]:
    """Turn what a damaged archive, or a file that cannot be read, raises into an expected error."""
    try:
        with expected_encoding(path):
            yield
    except _DAMAGE as error:
        raise InputError(f"{str(path)!r} is damaged ({error}): fetch it again") from error
    except OSError as error:
        raise NotFoundError(f"{str(path)!r} cannot be read: {error.strerror or error}") from error
    except Exception as error:
        if type(error).__module__.startswith("zstandard"):
            raise InputError(f"{str(path)!r} is damaged ({error}): fetch it again") from error
        raise


def unpacked(raw: IO[bytes], member: str | None = None) -> IO[bytes]:
    """Return the content of a file that may be packed by gzip, bzip2, xz, zstd or zip.

    Args:
        raw: the file, at its start.
        member: of an archive, the file to read; by default its only table.
    """
    kind = packing(raw)
    if kind == "zip":
        archive = zipfile.ZipFile(raw)
        try:
            return archive.open(member or the_one_table(archive))
        except (RuntimeError, KeyError) as error:  # a password is needed, a name is not there
            raise zipfile.BadZipFile(str(error)) from error
    if kind == "gzip":
        return io.BufferedReader(gzip.GzipFile(fileobj=raw), _BUFFER)
    if kind == "bzip2":
        return io.BufferedReader(Parts(raw, bz2.BZ2Decompressor), _BUFFER)
    if kind == "xz":
        return io.BufferedReader(Parts(raw, lzma.LZMADecompressor), _BUFFER)
    if kind == "zstd":
        zstd = optional("zstandard", "files packed by zstd")
        check_zstd(raw, zstd)
        reader = zstd.ZstdDecompressor().stream_reader(raw, read_across_frames=True)
        return io.BufferedReader(reader, _BUFFER)
    return raw


def packing(raw: IO[bytes]) -> str | None:
    """Return by what a file is packed, None for one that is not; it is left at its start."""
    start = raw.read(6)
    raw.seek(0)
    if _SKIPPABLE.match(start):
        return "zstd"
    return next((name for magic, name in _MAGIC.items() if start.startswith(magic)), None)


def the_one_table(archive: zipfile.ZipFile) -> str:
    """Return the name of the only file of an archive that is no hidden one.

    Raises:
        InputError: there are none or several.
    """
    names = members(archive)
    if len(names) != 1:
        raise InputError(
            f"an archive with {len(names)} files must be told which:"
            f" {', '.join(map(excerpt, names[:_MAX_LISTED])) or 'none'}"
        )
    return names[0]


def members(archive: zipfile.ZipFile) -> list[str]:
    """Return the names of the files of an archive, without those that systems add."""
    return sorted(
        info.filename
        for info in archive.infolist()
        if info.filename  # a damaged archive may have files without a name
        and not info.is_dir()
        and not info.filename.startswith("__MACOSX/")
        and not info.filename.rpartition("/")[2].startswith(".")
    )


def recognise_encoding(stream: IO[bytes], most_bytes: int) -> str:
    """Return the name of the encoding of a text, of which `stream` is at the start.

    No more than `most_bytes` are read, so that what unpacks to far more than it is takes no hour.

    UTF-16 by its mark or its zeros; UTF-8 where the first bytes beyond ASCII are that; otherwise
    Windows-1252, or Latin-1 where it has bytes that Windows-1252 has not.
    """
    first = stream.read(_SAMPLE_BYTES)
    for mark, name in _BOMS.items():
        if first.startswith(mark):
            return name
    zeros = [first[start::2].count(0) for start in (0, 1)]
    if max(zeros) * 4 > len(first) and min(zeros) * 10 < max(zeros):
        return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
    block, n_bytes = first, len(first)
    while block and block.isascii() and n_bytes <= most_bytes:
        block = stream.read(_SAMPLE_BYTES)
        n_bytes += len(block)
    if block.isascii():
        return "utf-8"
    text = block.decode("utf-8", "replace")
    n_bad, n_good = text.count("\ufffd"), sum(c > "\x7f" for c in text) - text.count("\ufffd")
    if n_bad * 4 <= max(n_good, 1) and n_good:
        return "utf-8"
    try:
        block.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"


def text_encoding(path: Path) -> str:
    """Return the encoding of a text, plain or gzip'd; UTF-8 where something else is wrong."""
    with suppress(EOFError, zlib.error, OSError), path.open("rb") as raw:
        text = ungzipped(raw)
        if begins_as_text(text.read(_LONGEST_MARK)):
            text.seek(0)
            return recognise_encoding(text, BOMB_BYTES)
    return "utf-8"


@contextmanager
def expected_encoding(path: Path) -> Iterator[None]:
    """Turn a text that is not in the encoding it begins in into an expected error."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise InputError(
            f"{str(path)!r} is not the {error.encoding} it begins as: save it as UTF-8;"
            " nothing of this file was imported"
        ) from error


class Recoded(io.RawIOBase):
    """Text in another encoding, as the bytes of its UTF-8."""

    def __init__(self, stream: IO[bytes], encoding: str) -> None:
        super().__init__()
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._waiting = b""

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer`; 0 at the end."""
        while not self._waiting:
            block = self._stream.read(len(buffer))
            self._waiting = self._decoder.decode(block, final=not block).encode()
            if not block:
                break
        n = min(len(buffer), len(self._waiting))
        buffer[:n], self._waiting = self._waiting[:n], self._waiting[n:]
        return n


def recoded(stream: IO[bytes], encoding: str) -> IO[bytes]:
    """Return `stream` as UTF-8."""
    if encoding == "utf-8":
        return stream
    if encoding == "cp1252":
        codecs.register_error("as-latin-1", lambda e: (_latin1(e), _end_of(e)))
        return io.BufferedReader(_Lenient(stream), _BUFFER)
    return io.BufferedReader(Recoded(stream, encoding), _BUFFER)


class _Lenient(Recoded):
    """Windows-1252, with the few bytes that it does not have as Latin-1 has them."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(stream, "latin-1")
        self._decoder = codecs.getincrementaldecoder("cp1252")("as-latin-1")


def _latin1(error: UnicodeError) -> str:
    assert isinstance(error, UnicodeDecodeError)
    return bytes(error.object[error.start : error.end]).decode("latin-1")


def _end_of(error: UnicodeError) -> int:
    assert isinstance(error, UnicodeDecodeError)
    return error.end


def optional(module: str, what: str) -> Any:
    """Import a library that not every import needs.

    Raises:
        InputError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        needed = module.partition(".")[0]
        raise InputError(f"{what} need {needed}: {REQUIREMENTS}") from error
