"""Routes of versions: list, show, promote through the gate, roll back.

What changes production is the command line's own program, in a process of its own: the event loop
and the memory of the worker are left alone, and the run lock and the gate are the same.
"""

import asyncio
import sys
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from reeltune.db.connection import open_unchanged
from reeltune.db.serving_rows import AuditLine, load_audit, save_audit_line
from reeltune.db.versions import load_version, load_versions
from reeltune.domain.version import Version
from reeltune.serving.answers import json_answer, with_request_id
from reeltune.serving.bodies import NoQuery, PageQuery, ReasonBody, RollbackBody
from reeltune.serving.parsing import number_of, query_of, read_body
from reeltune.serving.problems import ProblemError
from reeltune.serving.request_context import context_of
from reeltune.serving.service import Service, audit_line

_BUSY = 4  # exit status of the command where another run holds the database


class VersionRoutes:
    """Handlers of the routes of versions."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def list_versions(self, request: Request) -> Response:
        """Return versions, the earliest first, a page at a time."""
        query = query_of(request, PageQuery)
        versions = await self.service.in_thread(self._versions)
        page = [each for each in versions if each.version > query.after][: query.limit]
        last = page[-1].version if page else None
        is_last = last is None or last == versions[-1].version
        document = {
            "versions": [_document(each) for each in page],
            "next_after": None if is_last else last,
        }
        return json_answer(document)

    async def show_version(self, request: Request) -> Response:
        """Return one version."""
        number = number_of(request, "version")
        query_of(request, NoQuery)
        return json_answer(_document(await self.service.in_thread(lambda: self._version(number))))

    async def promote_version(self, request: Request) -> Response:
        """Promote a version if the gate lets it pass."""
        number = number_of(request, "version")
        query_of(request, NoQuery)
        body = await read_body(request, ReasonBody, may_be_empty=True)
        await self.service.in_thread(lambda: self._version(number))
        words = ["promote", str(number), "--gate", "--reason", self._reason(request, body)]
        return await self._change(request, f"promote version {number}", words)

    async def roll_back(self, request: Request) -> Response:
        """Go back to the version that was in production before, or to another earlier one."""
        query_of(request, NoQuery)
        body = await read_body(request, RollbackBody, may_be_empty=True)
        words = ["rollback", "--reason", self._reason(request, body)]
        subject = "roll back"
        if body.to is not None:
            target = body.to
            await self.service.in_thread(lambda: self._version(target))
            words += ["--to", str(body.to)]
            subject += f" to version {body.to}"
        return await self._change(request, subject, words)

    async def list_audit(self, request: Request) -> Response:
        """Return the last writes, the latest first."""
        query_of(request, NoQuery)

        def lines() -> list[dict[str, Any]]:
            conn = self.service.store.reader()
            try:
                return [_line(each) for each in load_audit(conn)]
            finally:
                conn.close()

        return json_answer({"lines": await self.service.in_thread(lines)})

    def _reason(self, request: Request, body: ReasonBody) -> str:
        return f"{body.line()} ({context_of(request).who})"

    def _versions(self) -> list[Version]:
        conn = open_unchanged(self.service.database)
        try:
            return load_versions(conn)
        finally:
            conn.close()

    def _version(self, number: int) -> Version:
        """Return a version.

        Raises:
            NotFoundError: there is none of that number.
        """
        conn = open_unchanged(self.service.database)
        try:
            return load_version(conn, number)
        finally:
            conn.close()

    async def _change(self, request: Request, subject: str, words: list[str]) -> Response:
        """Run a command that changes production, and keep its audit line whatever it ends with."""
        context = context_of(request)
        context.is_audited = True
        async with self.service.change_lock:
            status, out, err = await self._run(words)
        outcome = "done" if status == 0 else err
        line = audit_line(context, "production", subject, outcome[:500])
        try:
            await self.service.write(lambda conn: save_audit_line(conn, line))
        except Exception:  # a full disk must not keep anybody from rolling back
            self.service.metrics.add("audit_lines_lost")
        if status != 0:
            raise _refused(status, err)
        found = orjson.loads(out)
        document = {
            "version": found["version"],
            "changed": found["changed"],
            "message": found.get("message", f"version {found['version']} is in production"),
        }
        return with_request_id(request, document)

    async def _run(self, words: list[str]) -> tuple[int, bytes, str]:
        """Return exit status, output and the last line of errors of `reeltune versions`.

        Where nobody waits any longer it goes on: it is shielded from being cancelled.
        """
        command = [sys.executable, "-m", "reeltune", "versions", *words, "--json"]
        process = await asyncio.create_subprocess_exec(
            *command,
            "--db",
            str(self.service.database),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.shield(process.communicate())
        lines = err.decode("utf-8", "replace").strip().splitlines() or [""]
        assert process.returncode is not None
        return process.returncode, out, lines[-1].removeprefix("error: ")


def _refused(status: int, message: str) -> ProblemError:
    if status == _BUSY:
        return ProblemError(409, message, {"retry-after": "60"})
    return ProblemError(409, message or f"the command ended with status {status}")


def _document(version: Version) -> dict[str, Any]:
    training = version.training
    return {
        "version": version.version,
        "status": version.status,
        "created_at": version.created_at,
        "model": training.model,
        "parent_version": version.parent_version,
        "n_ratings": training.n_ratings,
        "test_metrics": dict(training.test_metrics),
        "hyperparameters": dict(training.hyperparameters),
        "removed_at": version.removed_at,
    }


def _line(line: AuditLine) -> dict[str, Any]:
    return {name: getattr(line, name) for name in AuditLine.__dataclass_fields__}
