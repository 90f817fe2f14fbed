"""Files that run the project elsewhere: each command in them is one that there is."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from reeltune.commands.main import main
from tests.running import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MANIFESTS = sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))
_COMMAND = re.compile(r"(?:^|[\s/])reeltune ([^|&;\n]*)")


def documents(path: Path) -> list[Any]:
    return [each for each in yaml.safe_load_all(path.read_text(encoding="utf-8")) if each]


def resources() -> dict[str, Any]:
    return {each["kind"]: each for path in MANIFESTS for each in documents(path)}


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every call of the program, with the file that makes it."""
    for path in WORKFLOWS:
        for job in documents(path)[0]["jobs"].values():
            for step in job["steps"]:
                text = step.get("run", "").splitlines()
                lines = [line for line in text if "#" not in line and "echo" not in line]
                for found in _COMMAND.findall("\n".join(lines)):
                    yield path.name, shlex.split(found)
    for name, service in documents(ROOT / "compose.yaml")[0]["services"].items():
        if "command" in service:
            yield f"compose {name}", service["command"]
    for kind in ("CronJob", "Deployment"):
        yield kind, _container(resources()[kind])["args"]
    docker = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    yield "Dockerfile", [str(word) for word in yaml.safe_load(docker.rpartition("CMD ")[2])]


def _container(resource: Any) -> Any:
    spec = resource["spec"]
    spec = spec.get("jobTemplate", {}).get("spec", spec)
    return spec["template"]["spec"]["containers"][0]


CALLS = list(commands())


def test_there_are_files() -> None:
    assert len(WORKFLOWS) == 4
    assert len(MANIFESTS) == 3
    assert len(CALLS) >= 15


@pytest.mark.parametrize(("place", "words"), CALLS, ids=lambda each: " ".join(each)[:60])
def test_every_command_is_one_that_there_is_with_options_that_it_takes(
    place: str, words: list[str]
) -> None:
    words = [word for word in words if not word.startswith((">", "2>"))]
    command: click.Command = main
    name = "reeltune"
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(click.Context(command), words[0])
        assert found is not None, f"{place}: {words[0]}"
        command, name, words = found, words[0], words[1:]
    command.make_context(name, [word or "x" for word in words])


def test_nothing_runs_as_root_and_a_night_is_never_joined_by_another() -> None:
    docker = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"^USER (.+)$", docker, re.M) == ["10001"]
    found = resources()
    assert found["CronJob"]["spec"]["concurrencyPolicy"] == "Forbid"
    for kind in ("CronJob", "Deployment"):
        security = _container(found[kind])["securityContext"]
        assert security["readOnlyRootFilesystem"]
        assert not security["allowPrivilegeEscalation"]
    for service in documents(ROOT / "compose.yaml")[0]["services"].values():
        assert service["user"] == "10001"
        assert service["cap_drop"] == ["ALL"]


def test_probes_ask_what_the_service_answers_without_a_token() -> None:
    routes = (ROOT / "docs" / "SERVING.md").read_text(encoding="utf-8")
    container = _container(resources()["Deployment"])
    asked = {container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("liveness", "readiness")}
    assert asked == {"/health/live", "/health/ready"}
    assert all(f"`GET {path}`" in routes for path in asked)
    assert resources()["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["kind"] == "Deployment"


def test_what_the_image_is_made_of_is_there_and_is_sent_to_its_build() -> None:
    docker = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    sent = (ROOT / ".dockerignore").read_text(encoding="utf-8")
    for line in re.findall(r"^COPY (?!--from)(.+) \S+$", docker, re.M):
        for name in line.split():
            assert (ROOT / name).exists(), name
            assert f"!{name}" in sent or name.startswith("requirements"), name


def test_actions_have_least_rights() -> None:
    for path in WORKFLOWS:
        document = documents(path)[0]
        assert document["permissions"]["contents"] == "read", path
        assert all("timeout-minutes" in job for job in document["jobs"].values()), path
