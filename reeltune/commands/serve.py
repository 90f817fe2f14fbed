"""Command: serve. Answers requests over HTTP by the version in production."""

import importlib.util
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reeltune.cli.command import Command, option
from reeltune.cli.console import print_json
from reeltune.cli.options import option_db, option_json, option_quiet
from reeltune.db.connection import open_unchanged
from reeltune.db.serving_file import read_serving_file, serving_path
from reeltune.db.versions import load_production
from reeltune.domain.errors import BusyError, InputError, NotFoundError

if TYPE_CHECKING:
    from reeltune.serving.tokens import Client, Role

ADDRESS = "Address"
ACCESS = "Access"
_NEEDED = ("starlette", "uvicorn", "uvloop", "httptools", "orjson", "pydantic")


@click.command(
    cls=Command,
    examples=(
        "",
        "--port 9000 --workers 2 --token-file tokens.txt",
        "--host 0.0.0.0 --token-file tokens.txt",
    ),
)
@option(
    ADDRESS,
    "--host",
    setting="serve.host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Address to listen at.",
)
@option(
    ADDRESS,
    "--port",
    setting="serve.port",
    type=click.IntRange(0, 65_535),
    default=8000,
    show_default=True,
    metavar="N",
    help="Port; 0: any that is free.",
)
@option(
    ADDRESS,
    "--allow-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="Answer to this name in the Host header too.",
)
@option(
    ADDRESS,
    "--workers",
    setting="serve.workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    metavar="N",
    help="Processes that answer.",
)
@option(
    ACCESS,
    "--token-file",
    setting="serve.token_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Tokens, mode 0600; made if it is not there.",
)
@option_db
@option_json
@option_quiet
def serve(
    host: str,
    port: int,
    allowed_hosts: tuple[str, ...],
    workers: int,
    token_file: Path | None,
    db_path: Path,
    as_json: bool,
    quiet: bool,
) -> None:
    """Answer requests over HTTP by the version in production.

    Every request needs a token. Without --token-file a read and a write token are made and printed
    once. An address that others can reach needs a --token-file. What is promoted meanwhile is
    served within half a second; ratings that clients send go to a file beside the database, which
    nights import.
    """
    check_installed()
    from reeltune.commands.serve_app import make_worker_app
    from reeltune.serving.server import bind, serve_forever, url_of
    from reeltune.serving.settings import LOOPBACK, ServeSettings, is_loopback
    from reeltune.serving.tokens import Tokens

    if not is_loopback(host) and token_file is None:
        raise InputError(
            f"{host} can be reached by others: give --token-file FILE, or leave out --host"
        )
    production = _production(db_path)
    _check_store(db_path)
    made, tokens = _tokens(token_file)
    settings = ServeSettings(
        database=db_path.resolve(),
        tokens=Tokens.of(tokens),
        host=host,
        port=port,
        workers=workers,
        allowed_hosts=frozenset({*LOOPBACK, host, *allowed_hosts}),
    )
    bound = bind(host, port)
    facts = {"url": url_of(bound), "version": production, "workers": workers, "tokens": made}
    _show(facts, token_file, as_json=as_json, quiet=quiet)
    click.get_current_context().exit(serve_forever(settings, bound, make_worker_app))


def check_installed() -> None:
    """Raise InputError where what serving needs is not installed."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            f"serving needs {', '.join(missing)}: pip install -r requirements-serve.txt"
        )


def _production(db_path: Path) -> int | None:
    conn = open_unchanged(db_path)
    try:
        found = load_production(conn)
        return None if found is None else found.version
    finally:
        conn.close()


def _check_store(db_path: Path) -> None:
    """Refuse a file of another program in the place of the store.

    Raises:
        StorageError: there is one.
    """
    with suppress(NotFoundError, BusyError):
        read_serving_file(serving_path(db_path)).close()


def _tokens(token_file: Path | None) -> "tuple[dict[Role, str], list[tuple[str, Client]]]":
    """Return the tokens that were made now, to be shown once, and all that are known."""
    from reeltune.serving.tokens import Client, make_tokens, read_token_file, write_token_file

    if token_file is not None and token_file.exists():
        return {}, read_token_file(token_file)
    made = make_tokens()
    if token_file is not None:
        write_token_file(token_file, made)
        return {}, read_token_file(token_file)
    return made, [(token, Client(role, role)) for role, token in made.items()]


def _show(facts: dict[str, Any], token_file: Path | None, *, as_json: bool, quiet: bool) -> None:
    """Print where the service is, and the tokens that are nowhere else."""
    if as_json:
        print_json(facts)
    else:
        for role, token in facts["tokens"].items():
            click.echo(f"{role} token: {token}")
        if not quiet:
            version = facts["version"]
            what = (
                "nothing, until a version is promoted" if version is None else f"version {version}"
            )
            click.echo(f"serving {what} at {facts['url']}; Ctrl-C ends it")
            link = f"{facts['url']}/sign-in"
            if "write" in facts["tokens"]:
                link += f"#token={facts['tokens']['write']}"
            click.echo(f"dashboard: {link}")
            if token_file is not None:
                click.echo(f"tokens are in {token_file}")
    sys.stdout.flush()
