import click
import pytest

from reeltune.cli.sizes import ByteSize


@pytest.mark.parametrize(
    ("text", "size"),
    [("1", 1), ("500M", 500 * 2**20), ("2g", 2**31), ("3KiB", 3072), ("1TB", 2**40)],
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    assert ByteSize().convert(text, None, None) == size


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5G", "M", "1X", "1 G", "\u0661", "9" * 99])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is no size"):
        ByteSize().convert(text, None, None)
