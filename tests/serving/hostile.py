"""Hostile requests: bytes as no client sends them, and what a server may answer."""

import random
import socket
from collections.abc import Iterator, Mapping

_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "X" * 50)
_PATHS = (
    "/api/users/{}/recommendations",
    "/api/movies/{}/similar",
    "/api/users/1/movies/{}/explanation",
    "/api/versions/{}",
    "/api/versions/{}/promote?x=1",
    "/api/{}",
    "/{}",
    "/health/ready?{}",
    "/api/users/1/recommendations?k={}",
    "/api/users/1/recommendations?exclude={}&genre={}",
    "/api/new?{}",
    "//api/popular",
    "/api/popular/../../etc/{}",
    "http://evil.example/{}",
)
_BITS = (
    "1", "0", "-1", "9" * 30, "%00", "%ff%fe", "%0d%0aX-Bad:%20y", "..%2f..%2fetc%2fpasswd",
    "' OR 1=1 --", "%27%3B%20DROP%20TABLE%20ratings", "<script>", "%3Cscript%3E", "\x00", "é",
    "NaN", "1e999", "true", "null", "[]", "{}", "%", "%zz", "a" * 300, "k=1&k=2", "%F0%9F%8E%AC",
    "$(id)", "{{7*7}}", "\\", "&&&&", "=", "%u0041", "+",
)  # fmt: skip
_BODIES = (
    b"", b"{", b"[]", b"null", b'"x"', b"{}", b'{"ratings": 1}', b'{"ratings": []}',
    b'{"ratings": [null, 1, "x", [], {}]}', b'{"events": [{"kind": "x"}]}', b"\xff\xfe\x00",
    b'{"ratings": [{"user": "\\u0000", "movie": "1", "rating": 4}]}',
    b'{"ratings": [{"user": {"$ne": 1}, "movie": [1], "rating": "NaN"}]}',
    b'{"ratings": [{"user": 1, "movie": 1, "rating": 1e400}]}',
    b'{"ratings": ' + b"[" * 2_000 + b"]" * 2_000 + b"}",
    b'{"k": 99999999999999999999999}', b'{"ratings": [], "k": -1, "genre": "\xf0\x9f\x8e\xac"}',
    b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]><x>&y;</x>",
    b"a=1&b=2", b"x" * 5_000,
)  # fmt: skip
_HEADERS = (
    "Host: evil.example", "Host: localhost\r\nHost: evil", "Content-Length: -1",
    "Content-Length: 99999999999999999999", "Content-Length: 5\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked, chunked", "Expect: 100-continue", "Upgrade: websocket",
    "Connection: upgrade\r\nUpgrade: h2c", "Cookie: reeltune_session=a.b.c.d.e",
    "Cookie: " + "x=y; " * 200, "X-Request-ID: \x01\x02", "X-Bad", ": x", "Range: bytes=0-",
    "Authorization: Basic " + "A" * 40, "Authorization: Bearer", "Content-Encoding: gzip",
    "Content-Type: application/json; charset=utf-7", "Idempotency-Key: ../../x",
    "Origin: null", "X-HTTP-Method-Override: DELETE", "X-Forwarded-For: 127.0.0.1",
    "Accept: " + "a/b," * 500, "Folded: a\r\n b",
)  # fmt: skip


def hostile_requests(
    generator: random.Random, n: int, tokens: Mapping[str, str]
) -> Iterator[bytes]:
    """Requests drawn at random, most with the token that may read, so that they come far."""
    for _ in range(n):
        request = _request(generator, tokens["read"])
        if generator.random() < 0.15:
            request = _damaged(generator, request)
        yield request


def reply_to(address: tuple[str, int], request: bytes) -> int | None:
    """The status of the first answer; None where the connection was closed without one."""
    with socket.create_connection(address, 60.0) as sock:
        try:
            sock.sendall(request)
            sock.shutdown(socket.SHUT_WR)
            start = sock.recv(64)
        except OSError:
            return None
    words = start.split()
    return int(words[1]) if start.startswith(b"HTTP/1.") and len(words) > 1 else None


def _request(generator: random.Random, token: str) -> bytes:
    method = generator.choice(_METHODS[:2] if generator.random() < 0.7 else _METHODS)
    path = generator.choice(_PATHS)
    while "{}" in path:
        path = path.replace("{}", generator.choice(_BITS), 1)
    headers = ["Host: localhost"] if generator.random() < 0.95 else []
    if generator.random() < 0.8:
        headers.append(f"Authorization: Bearer {token}")
    headers += generator.sample(_HEADERS, generator.randrange(3))
    body = b""
    if method != "GET":
        path = path if generator.random() < 0.5 else "/api/recommendations"
        body = generator.choice(_BODIES)
        headers += ["Content-Type: application/json"] if generator.random() < 0.8 else []
        headers += [f"Content-Length: {len(body)}"] if generator.random() < 0.9 else []
    text = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{h}\r\n" for h in headers) + "\r\n"
    return text.encode("utf-8", "surrogateescape") + body


def _damaged(generator: random.Random, request: bytes) -> bytes:
    damaged = bytearray(request)
    for _ in range(generator.randrange(1, 6)):
        place = generator.randrange(len(damaged))
        match generator.randrange(3):
            case 0:
                damaged[place] = generator.randrange(256)
            case 1:
                del damaged[place : place + generator.randrange(1, 20)]
            case _:
                damaged[place:place] = generator.randbytes(generator.randrange(1, 20))
        if not damaged:
            return b"\r\n"
    return bytes(damaged)
