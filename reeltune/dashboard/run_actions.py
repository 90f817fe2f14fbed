"""Actions on runs: start, stop and resume, by the command line's own program.

A run is a process of its own, which lives on when the service ends; the run lock is the same.
"""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from reeltune.dashboard.pages import Pages
from reeltune.db.run_pages import load_run_of_process
from reeltune.db.tuning_runs import load_run
from reeltune.serving.answers import with_request_id
from reeltune.serving.bodies import NoQuery
from reeltune.serving.parsing import id_of, query_of, read_body
from reeltune.serving.problems import ProblemError

_BEGIN_SECONDS = 60.0  # for a run to be seen
_STOP_SECONDS = 60
_PAUSE_SECONDS = 0.1
_LAST_BYTES = 4_000  # of a log, in which its last line is


class RunBody(BaseModel):
    """Run to start."""

    model_config = ConfigDict(extra="forbid")

    method: Annotated[str, Field(pattern=r"^[a-z][a-z-]{1,30}$")] = "bayesian"
    configs: Annotated[int, Field(ge=1, le=100_000)] = 20


class RunActions:
    """Handlers that start, stop and resume runs."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self._begun: set[Process] = set()  # kept, so that each is waited for when it ends

    async def start_run(self, request: Request) -> Response:
        """Start a tuning run; return its id once it is at work."""
        query_of(request, NoQuery)
        body = await read_body(request, RunBody, may_be_empty=True)
        words = ["tune", "--method", body.method, "--configs", str(body.configs), "--quiet"]
        return await self._begin(request, words)

    async def resume_run(self, request: Request) -> Response:
        """Resume a run that was interrupted; return once it is at work."""
        run_id = await self._known_run(request)
        return await self._begin(request, ["runs", "resume", "--quiet", "--", run_id])

    async def stop_run(self, request: Request) -> Response:
        """Stop a run that is at work; it can be resumed."""
        run_id = await self._known_run(request)
        process = await asyncio.create_subprocess_exec(
            *self._command(["runs", "stop", "--wait", str(_STOP_SECONDS), "--", run_id]),
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=PIPE,
        )
        _, err = await asyncio.shield(process.communicate())
        if process.returncode != 0:
            raise ProblemError(409, _last_line(err))
        return with_request_id(request, {"tuning_run_id": run_id, "message": "the run has stopped"})

    async def _known_run(self, request: Request) -> str:
        """Return the id of a run that there is.

        Raises:
            NotFoundError: there is none.
        """
        run_id = id_of(request, "run")
        query_of(request, NoQuery)
        return (await self.pages.read(lambda conn: load_run(conn, run_id))).tuning_run_id

    async def _begin(self, request: Request, words: list[str]) -> Response:
        """Start a command that goes on by itself, and wait until its run is seen.

        Raises:
            ProblemError: it has ended at once; the message is its own.
        """
        log = _log_path(self.pages.service.database)
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command(words),
                stdin=DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                start_new_session=True,  # what ends the service does not end it
            )
        finally:
            os.close(descriptor)
        self._begun = {each for each in self._begun if each.returncode is None} | {process}
        return with_request_id(request, await self._seen(process, log))

    async def _seen(self, process: Process, log: Path) -> dict[str, Any]:
        until = asyncio.get_running_loop().time() + _BEGIN_SECONDS
        while asyncio.get_running_loop().time() < until:
            if process.returncode is not None:
                break
            run_id = await self.pages.read(lambda conn: load_run_of_process(conn, process.pid))
            if run_id is not None:
                message = f"run {run_id} is at work"
                return {"tuning_run_id": run_id, "message": message, "href": f"/runs/{run_id}"}
            await asyncio.sleep(_PAUSE_SECONDS)
        if process.returncode not in (None, 0, 3):
            raise ProblemError(409, _last_line(_tail(log)))
        ended = process.returncode is not None
        message = "the run has ended already" if ended else "the run is being prepared"
        return {"tuning_run_id": None, "message": message, "href": "/runs"}

    def _command(self, words: list[str]) -> list[str]:
        place = words.index("--") if "--" in words else len(words)
        database = ["--db", str(self.pages.service.database)]
        return [sys.executable, "-m", "reeltune", *words[:place], *database, *words[place:]]


def _log_path(database: Path) -> Path:
    """Return where what a run prints goes that was started from a page."""
    return database.with_name(f"{database.name}.started.log")


def _tail(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _LAST_BYTES))
        return file.read()


def _last_line(text: bytes) -> str:
    lines = text.decode("utf-8", "replace").strip().splitlines() or ["the command has failed"]
    return lines[-1].removeprefix("error: ")[:1_000]
