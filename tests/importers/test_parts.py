import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reeltune.domain.errors import InputError
from reeltune.importers.streams import members, unpacked
from tests.importers.imports import dump
from tests.importers.tables import SKIPPABLE, csv_text, import_text, in_parts, with_films, zstd

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd,
}


def read(packed: bytes) -> bytes:
    return unpacked(io.BytesIO(packed)).read()


@pytest.mark.parametrize("packer", PACKERS)
@given(parts=st.lists(st.binary(max_size=300).map(lambda part: part * 40), min_size=1))
def test_parts_are_read_one_after_the_other(packer: str, parts: list[bytes]) -> None:
    assert read(b"".join(map(PACKERS[packer], parts))) == b"".join(parts)


@pytest.mark.parametrize("packer", PACKERS)
def test_what_is_cut_short_anywhere_but_between_parts_is_damaged(packer: str) -> None:
    pieces = list(map(PACKERS[packer], (b"good" * 40, b"", b"more" * 40)))
    whole, borders = b"".join(pieces), set(accumulate(map(len, pieces)))
    lengths = [n for n in range(7, len(whole)) if n not in borders]
    for length in lengths:
        with pytest.raises((EOFError, lzma.LZMAError, gzip.BadGzipFile)):
            read(whole[:length])


@pytest.mark.parametrize("packer", PACKERS)
def test_of_a_file_that_is_cut_short_nothing_is_imported(tmp_path: Path, packer: str) -> None:
    conn, whole = with_films(tmp_path), in_parts(PACKERS[packer], csv_text().encode())
    before = dump(conn)
    with pytest.raises(InputError, match=r"is damaged.*fetch it again"):
        import_text(conn, tmp_path / "votes", whole[:-9])
    assert dump(conn) == before


@pytest.mark.parametrize("packer", PACKERS)
def test_what_follows_the_last_part_is_not_passed_over(packer: str) -> None:
    with pytest.raises(Exception, match=r"(?i)invalid|not a gzipped|not supported|unknown"):
        read(PACKERS[packer](b"good") + b"and more")


@pytest.mark.parametrize("packer", ["gzip", "bzip2", "xz"])
@pytest.mark.parametrize("n_zeros", [4, 2**17])
def test_zeros_after_a_part_are_none(packer: str, n_zeros: int) -> None:
    packed = PACKERS[packer](b"good") + bytes(n_zeros)
    assert read(packed) == b"good"
    if packer != "bzip2":
        assert read(packed + PACKERS[packer](b" more")) == b"good more"


def test_frames_without_content_are_passed_over() -> None:
    assert read(SKIPPABLE + zstd(b"good") + SKIPPABLE + zstd(b" more")) == b"good more"
    with pytest.raises(EOFError):
        read(zstd(b"good") + SKIPPABLE[:-1])


def test_a_file_without_a_name_in_a_damaged_archive_is_none(tmp_path: Path) -> None:
    nameless = zipfile.ZipInfo("x")
    nameless.filename = ""
    with zipfile.ZipFile(tmp_path / "votes.zip", "w") as archive:
        archive.writestr("votes.csv", "")
        archive.filelist.append(nameless)
        assert members(archive) == ["votes.csv"]
        archive.filelist.pop()
