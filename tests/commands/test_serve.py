"""`reeltune serve` as it is typed: what it refuses, and what it needs."""

import importlib.util
import re
import shutil
import socket
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from reeltune.commands.serve import check_installed, serve
from reeltune.db.serving_file import serving_path
from reeltune.domain.errors import InputError
from tests.running import ROOT, run

DEPLOY = ROOT / "deploy"


def refused(*words: str | Path) -> str:
    done = CliRunner().invoke(serve, list(map(str, words)))
    assert done.exit_code == 1, done.output
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_without_its_libraries_it_says_in_a_line_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = importlib.util.find_spec
    absent = ("starlette", "orjson")
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in absent else real(name)
    )
    with pytest.raises(InputError) as found:
        check_installed()
    assert str(found.value) == (
        "serving needs starlette, orjson: pip install -r requirements-serve.txt"
    )


def test_a_database_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "no database at" in refused("--db", tmp_path / "none.db")


def test_a_file_of_another_program_in_the_place_of_the_store_is_refused(world: Path) -> None:
    shutil.copy(world, serving_path(world))
    assert "is no store of the service" in refused("--db", world)


def test_a_port_that_is_taken_is_refused(world: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("-m", "reeltune", "serve", "--db", world, "--port", str(port), expect=1)
    assert done.stderr == f"error: 127.0.0.1:{port} cannot be bound: " + (
        "Address already in use: choose another --port\n"
    )


def options_of_serve() -> set[str]:
    return {name for parameter in serve.params for name in parameter.opts}


def test_the_unit_of_systemd_runs_a_command_that_there_is() -> None:
    text = (DEPLOY / "reeltune-serve.service").read_text(encoding="utf-8")
    (command,) = re.findall(r"^ExecStart=(.*)$", text, re.M)
    assert command.split()[1] == "serve"
    named = set(re.findall(r"--[a-z-]+", command))
    assert named <= options_of_serve()
    assert "--token-file" in named
    assert "ProtectSystem=strict" in text


def test_the_compose_file_runs_a_command_that_there_is_with_a_token_file() -> None:
    document = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    service = document["services"]["serve"]
    assert service["command"][0] == "serve"
    named = {word.partition("=")[0] for word in service["command"][1:]}
    assert named <= options_of_serve()
    assert "--token-file" in named
    assert service["ports"] == ["127.0.0.1:8000:8000"]
    assert (DEPLOY / Path(service["build"]["dockerfile"]).name).is_file()
