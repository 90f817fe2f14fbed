"""HTTP protocol of uvicorn with bounds on a request's line and headers: their bytes and seconds."""

import asyncio
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from reeltune.serving.settings import HEAD_SECONDS, MAX_HEAD_BYTES


class BoundedProtocol(HttpToolsProtocol):
    """Protocol that closes connections whose request does not come to the end of its headers."""

    head_bytes = 0
    is_in_head = True
    head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what has come; while headers are not whole, time runs."""
        super().data_received(data)
        if not self.is_in_head:
            self._stop_timer()
        elif self.head_timer is None and self.head_bytes:
            self._start_timer()

    def on_message_begin(self) -> None:
        """Begin to count the bytes of a head."""
        self.head_bytes, self.is_in_head = 1, True
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Count the bytes of the request's line."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count the bytes of a header."""
        self._count(len(name) + len(value) + 4)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Let the request begin."""
        self.head_bytes, self.is_in_head = 0, False
        super().on_headers_complete()

    def _count(self, n_bytes: int) -> None:
        self.head_bytes += n_bytes
        if self.head_bytes > MAX_HEAD_BYTES:
            raise httptools.HttpParserError("the head is too large")

    def _start_timer(self) -> None:
        self.head_timer = self.loop.call_later(HEAD_SECONDS, self._close)

    def _stop_timer(self) -> None:
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None

    def _close(self) -> None:
        self.head_timer = None
        if self.transport is not None and not self.transport.is_closing():
            self.transport.close()
