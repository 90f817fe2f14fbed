"""Unpacks files of one or several packed parts, each to its end: what is cut short is an error."""

import io
from collections.abc import Callable
from typing import IO, Any, Protocol

_BLOCK_BYTES = 2**16
_CUT_SHORT = "packed data end before their end marker"
_SKIPPABLE = 0x184D2A50  # and the 15 numbers after it
_FRAME = 0xFD2FB528
_LONGEST_HEADER = 18
_RLE_BLOCK = 1


class Decompressor(Protocol):
    """Decompressor of one part, as `bz2` and `lzma` have it."""

    @property
    def eof(self) -> bool:
        """True at the end of the part."""

    @property
    def needs_input(self) -> bool:
        """True where more packed bytes are needed."""

    @property
    def unused_data(self) -> bytes:
        """Bytes after the end of the part."""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Return up to `max_length` bytes of the content."""


class Parts(io.RawIOBase):
    """Content of all parts of a file; zeros after a part are none."""

    def __init__(self, raw: IO[bytes], start: Callable[[], Decompressor]) -> None:
        super().__init__()
        self._raw, self._start, self._part = raw, start, start()

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer`; 0 at the end.

        Raises:
            EOFError: the last part is cut short.
        """
        found = b""
        while not found:
            packed = b""
            if self._part.eof:
                packed = self._next_part()
                if not packed:
                    return 0
            elif self._part.needs_input:
                packed = self._raw.read(_BLOCK_BYTES)
                if not packed:
                    raise EOFError(_CUT_SHORT)
            found = self._part.decompress(packed, len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def _next_part(self) -> bytes:
        """Return the first bytes of the next part, which is begun; none at the end."""
        rest = self._part.unused_data.lstrip(b"\0")
        while not rest:
            block = self._raw.read(_BLOCK_BYTES)
            if not block:
                return b""
            rest = block.lstrip(b"\0")
        self._part = self._start()
        return rest


def check_zstd(raw: IO[bytes], library: Any) -> None:
    """Walk the frames of a file packed by zstd, from its start; it is left there.

    The library's reader takes what is cut short for the end.

    Raises:
        EOFError: it is cut short.

    Source: RFC 8878, section 3.1.
    """
    size = raw.seek(0, io.SEEK_END)
    raw.seek(0)
    while raw.tell() < size:
        start = raw.tell()
        head = raw.read(_LONGEST_HEADER).ljust(_LONGEST_HEADER, b"\0")
        number = int.from_bytes(head[:4], "little")
        if number & ~0xF == _SKIPPABLE:
            raw.seek(start + 8 + int.from_bytes(head[4:8], "little"))
        elif number == _FRAME:
            raw.seek(start + library.frame_header_size(head))
            _pass_blocks(raw)
            raw.seek(4 * library.get_frame_parameters(head).has_checksum, io.SEEK_CUR)
        elif size - start < 4:
            raise EOFError(_CUT_SHORT)
        else:
            break  # what it is, the reader says
    is_cut = raw.tell() > size
    raw.seek(0)
    if is_cut:
        raise EOFError(_CUT_SHORT)


def _pass_blocks(raw: IO[bytes]) -> None:
    is_last = False
    while not is_last:
        head = raw.read(3)
        if len(head) < 3:
            raise EOFError(_CUT_SHORT)
        number = int.from_bytes(head, "little")
        is_last, kind, n_bytes = bool(number & 1), number >> 1 & 3, number >> 3
        raw.seek(1 if kind == _RLE_BLOCK else n_bytes, io.SEEK_CUR)
