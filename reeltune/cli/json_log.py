"""Log as JSON: each line that a command writes to standard error becomes one object."""

import io
import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from reeltune.domain.clock import stamp

_PREFIXES = ("error", "note")


class JsonLog(io.TextIOBase):
    """Stream of JSON objects, one a line: events with fields, and plain lines as messages.

    Each has `time` and `event`. Of a plain line that begins with "error: " or "note: " this is the
    event, else `message`; the text is `message`.
    """

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, target: TextIO) -> None:
        self._target = target
        self._begun = ""  # line that has not ended yet

    def emit(self, event: str, **fields: object) -> None:
        """Write an event with its fields; a number that is not finite as null."""
        shown = {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in fields.items()
        }
        text = json.dumps({"time": stamp(), "event": event, **shown}, allow_nan=False)
        self._target.write(f"{text}\n")
        self._target.flush()

    def write(self, text: str) -> int:
        """Take text; each line of it is written when it ends."""
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self._say(line)
        return len(text)

    def flush(self) -> None:
        """Flush what was written."""
        self._target.flush()

    def writable(self) -> bool:
        """Return True."""
        return True

    def fileno(self) -> int:
        """Return the number of the file that is written to."""
        return self._target.fileno()

    def finish(self) -> None:
        """Write the line that has not ended."""
        self._say(self._begun)
        self._begun = ""

    def _say(self, line: str) -> None:
        kind, found, rest = line.partition(": ")
        if kind in _PREFIXES and found:
            self.emit(kind, message=rest)
        elif line.strip():
            self.emit("message", message=line.rstrip())


def current_log() -> JsonLog | None:
    """Return the log as JSON, if that is how this command logs."""
    return sys.stderr if isinstance(sys.stderr, JsonLog) else None


@contextmanager
def json_log() -> Iterator[None]:
    """Write standard error as JSON within the block."""
    before = sys.stderr
    log = JsonLog(before)
    sys.stderr = log
    try:
        yield
    finally:
        log.finish()
        sys.stderr = before
