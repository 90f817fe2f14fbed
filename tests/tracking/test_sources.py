from pathlib import Path
from textwrap import dedent

import pytest

from reeltune.tracking.sources import digest, find_below, follow

PLAIN = {
    "a": """
        import numpy as np
        from b import sign, twice as double

        LIMIT = 3

        def score(x):
            if x > LIMIT:
                from c import worst
                return worst(x)
            return double(sign(x)) * f"{x:.2f}"
        """,
    "b": """
        def sign(x):
            return -x

        def twice(x):
            return 2 * x
        """,
    "c": """
        def worst(x):
            return min(x)
        """,
}


def hashed(folder: Path, files: dict[str, str], *roots: str, packages: bool = False) -> str:
    for name, text in files.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    found = follow(roots, lambda name: find_below(folder, name), with_packages=packages)
    return digest(found, lambda name: name.startswith("program"))


def changed(name: str, old: str, new: str) -> dict[str, str]:
    assert old in PLAIN[name]
    return PLAIN | {name: PLAIN[name].replace(old, new)}


@pytest.fixture
def plain(tmp_path: Path) -> str:
    return hashed(tmp_path / "plain", PLAIN, "a")


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("b", "def sign(x):", 'def sign(x):\n            """Turn round."""'),
        ("b", "return -x", "return (  # of course\n                - x)"),
        ("a", "LIMIT = 3", 'LIMIT = 3\n        """Beyond it all is lost."""'),
        (
            "a",
            "import numpy as np\n        from b import sign, twice as double",
            "from b import twice as double\n        from b import sign\n        import numpy as np",
        ),
    ],
)
def test_what_says_nothing_to_python_changes_nothing(
    name: str, old: str, new: str, plain: str, tmp_path: Path
) -> None:
    assert hashed(tmp_path, changed(name, old, new), "a") == plain


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("a", "LIMIT = 3", "LIMIT = 4"),
        ("a", "x > LIMIT", "x >= LIMIT"),
        ("a", ".2f", ".3f"),
        ("a", "sign, twice as double", "twice as sign, sign as double"),
        ("a", "from c import worst", "from b import worst"),
        ("a", "import numpy as np", "import numpy.linalg as np"),
        ("b", "return -x", "return x"),
        ("c", "min(x)", "max(x)"),
    ],
)
def test_what_python_does_otherwise_is_another_hash(
    name: str, old: str, new: str, plain: str, tmp_path: Path
) -> None:
    assert hashed(tmp_path, changed(name, old, new), "a") != plain


def test_what_is_not_imported_does_not_enter(plain: str, tmp_path: Path) -> None:
    assert hashed(tmp_path, PLAIN | {"d": "x = 1"}, "a") == plain


def test_modules_that_move_keep_their_hash(plain: str, tmp_path: Path) -> None:
    moved = {
        "house/room/first": PLAIN["a"]
        .replace("from b", "from house.cellar.signs")
        .replace("from c", "from ..attic"),
        "house/cellar/signs": PLAIN["b"],
        "house/attic": PLAIN["c"].replace("def worst", '"""The attic."""\n\n        def worst'),
        "house/__init__": '"""A house."""',
    }
    assert hashed(tmp_path, moved, "house.room.first", packages=True) == plain


def test_of_a_module_that_is_named_only_the_path_does_not_enter(tmp_path: Path) -> None:
    here = {"a": "from program.old import Table\nimport numpy"}
    there = {"a": "from program.new.place import Table\nimport numpy"}
    other = {"a": "from program.old import Chair\nimport numpy"}
    hashes = [hashed(tmp_path / str(n), f, "a") for n, f in enumerate((here, there, other))]
    assert hashes[0] == hashes[1] != hashes[2]


def test_two_modules_may_import_each_other(tmp_path: Path) -> None:
    circle = {"a": "import b\nx = 1", "b": "import a\ny = 2"}
    other = circle | {"b": "import a\ny = -2"}
    assert hashed(tmp_path / "1", circle, "a") != hashed(tmp_path / "2", other, "a")


@pytest.mark.parametrize(
    "text", ["from . import helper", "from .helper import x", "import own.helper"]
)
def test_an_import_is_followed_however_it_is_written(text: str, tmp_path: Path) -> None:
    files = {"own/__init__": "", "own/model": text, "own/helper": "x = 1"}
    other = files | {"own/helper": "x = -1"}
    assert hashed(tmp_path / "1", files, "own.model") != hashed(tmp_path / "2", other, "own.model")


def test_packages_that_run_before_a_module_count_where_they_are_asked_for(tmp_path: Path) -> None:
    files = {
        "own/__init__": "from own.sign import SIGN",
        "own/sign": "SIGN = 1",
        "own/model": "x = 1",
    }
    other = files | {"own/sign": "SIGN = -1"}
    for packages in (True, False):
        both = [
            hashed(tmp_path / f"{packages}{n}", each, "own.model", packages=packages)
            for n, each in enumerate((files, other))
        ]
        assert (both[0] != both[1]) == packages


def test_a_file_that_is_no_python_counts_by_its_bytes(tmp_path: Path) -> None:
    files = {"a": "import b", "b": "print 1"}
    other = files | {"b": "print 2"}
    assert hashed(tmp_path / "1", files, "a") != hashed(tmp_path / "2", other, "a")


def test_the_hash_is_the_same_on_every_version_of_python(tmp_path: Path) -> None:
    """Checked on 3.11, 3.12 and 3.13."""
    text = """
        import os
        from typing import Generic

        class Box(Generic[int], metaclass=type):
            size: int = 0x10

            async def open(self, /, a, *b: int, c=1e-3, **d) -> "Box | None":
                match a:
                    case {"x": [1, *rest], **more} if rest:
                        return f"{a!r:>{self.size}} {{}}" "tail" b"x".decode()
                    case Box(size=3) | None as found:
                        raise ValueError from None
                try:
                    with open(os.devnull) as f, f:
                        x = [y async for y in a if (z := y)][::-1, ...]
                except* OSError:
                    return lambda *a, k=2: (yield)
                finally:
                    del x
                return not a if -a ** 2 < b != c else 1_000j
        """
    assert hashed(tmp_path, {"a": text}, "a") == "8fecd3fc5414"
