"""Every package is pinned, those that come with another too, and to one version everywhere."""

import importlib.metadata as metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.running import ROOT

OF_ITS_OWN = "requirements-tracking-test"  # in an environment of its own, with other versions
FILES = [p for p in sorted(ROOT.glob("requirements*.txt")) if p.stem != OF_ITS_OWN]

FOR_GPUS = ("cuda", "nvidia", "triton")  # what builds of torch for them bring along


def lines_of(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def pins_of(path: Path) -> dict[str, str]:
    """The version of each package in a file and in those that it includes."""
    pins: dict[str, str] = {}
    for line in lines_of(path):
        if line.startswith("-r "):
            pins |= pins_of(path.with_name(line.removeprefix("-r ")))
        else:
            name, _, version = line.partition("==")
            pins[canonicalize_name(name)] = version
    return pins


def test_there_are_requirements() -> None:
    assert len(FILES) >= 4


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_line_pins_one_version_that_goes_with_the_other_files(path: Path) -> None:
    everywhere: dict[str, set[str]] = {}
    for other in FILES:
        for name, version in pins_of(other).items():
            everywhere.setdefault(name, set()).add(version)
    for name, version in pins_of(path).items():
        assert version.replace(".", "").isalnum(), f"{name} is not pinned"
        assert everywhere[name] == {version}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_comes_with_a_package_is_pinned_too(path: Path) -> None:
    """As far as it is installed here; `make test` installs all but the mutation test's."""
    pins = pins_of(path)
    loose = {
        f"{name} needs {requirement}"
        for name in pins
        for requirement in needed_by(name)
        if canonicalize_name(requirement.name) not in pins
        or pins[canonicalize_name(requirement.name)] not in requirement.specifier
    }
    assert loose == set()


def needed_by(name: str) -> list[Requirement]:
    try:
        declared = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return []
    found = [r for r in map(Requirement, declared) if not r.name.startswith(FOR_GPUS)]
    return [r for r in found if r.marker is None or r.marker.evaluate({"extra": ""})]
