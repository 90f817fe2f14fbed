"""Who may do what: no write without a token, no foreign host or page, no harm by hostile bytes."""

import os
import random
import socket
from pathlib import Path

import pytest

from reeltune.db.serving_file import read_serving_file, serving_path
from reeltune.serving.failed_tokens import FailedTokens
from reeltune.serving.sessions import begin_session, find_session
from reeltune.serving.settings import MAX_BODY_BYTES, MAX_HEAD_BYTES, SESSION_SECONDS
from reeltune.serving.tokens import Client, Tokens
from tests.running import run
from tests.serving.hostile import hostile_requests, reply_to
from tests.serving.running import PATIENCE_SECONDS, Service, running, start

LIST = "/api/users/1/recommendations"
N_HOSTILE = 1_000_000 if os.environ.get("REELTUNE_TORTURE") else 1_500
TOKEN = "0123456789abcdef0123456789abcdef"


def operations(service: Service) -> list[tuple[str, str]]:
    """Method and path of every operation, with ids filled in."""
    paths = service.get("/api/openapi.json").json["paths"]
    filled = {"{user}": "1", "{movie}": "5", "{version}": "1"}
    found = []
    for path, methods in paths.items():
        real = path
        for name, value in filled.items():
            real = real.replace(name, value)
        found += [(method.upper(), real) for method in methods]
    return found


def stored_rows(service: Service) -> dict[str, int]:
    conn = read_serving_file(serving_path(service.database))
    try:
        return {
            table: conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("ratings", "events", "requests", "audit")
        }
    finally:
        conn.close()


def test_nothing_but_health_is_answered_without_a_token(shared_service: Service) -> None:
    every = operations(shared_service)
    assert len(every) >= 19
    for method, path in every:
        answer = shared_service.ask(method, path, token=None)
        wanted = 401 if not path.startswith("/health") else 200
        assert answer.status == wanted, (method, path, answer.content)
        if wanted == 401:
            assert answer.headers["www-authenticate"] == "Bearer"


def test_no_write_is_made_without_a_write_token(service: Service) -> None:
    body = {"ratings": [{"user": 1, "movie": 3, "rating": 4}]}
    before = stored_rows(service)
    for token in (None, "read", "wrong" * 8):
        for method, path in operations(service):
            if method in ("POST", "DELETE") and path not in (
                "/api/recommendations",
                "/api/session",
            ):
                answer = service.ask(method, path, body, token=token)
                assert answer.status == (403 if token == "read" else 401), (method, path)
    assert service.health()["version"] == 2
    changed = {k: v - before[k] for k, v in stored_rows(service).items()}
    assert changed["ratings"] == changed["events"] == changed["requests"] == 0


def test_every_write_leaves_a_line_in_the_audit(service: Service) -> None:
    service.post("/api/ratings", {"ratings": [{"user": 1, "movie": 3, "rating": 4}]})
    service.post("/api/events", {"events": [{"kind": "clicked", "user": 1, "movie": 3}]})
    refused = service.post("/api/ratings", b"no json")
    assert refused.status == 400

    def lines() -> list[tuple[str, str]]:
        found = service.get("/api/audit").json["lines"]
        return [(line["action"], line["outcome"]) for line in found]

    service.wait_until(lambda: len(lines()) == 3, "the refused write has no line")
    assert ("POST ratings", "1 accepted, 1 new, 0 rejected") in lines()
    assert ("POST events", "1 accepted, 1 new, 0 rejected") in lines()
    assert ("POST", "400") in lines()


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "[::2]", "0.0.0.0", "localhost@evil"]
)
def test_another_host_is_refused(shared_service: Service, host: str) -> None:
    assert shared_service.get(LIST, headers={"Host": host}).status in (400, 421)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:1", "LOCALHOST", "[::1]:8000"])
def test_this_machine_is_served_by_any_of_its_names(shared_service: Service, host: str) -> None:
    assert shared_service.get(LIST, headers={"Host": host}).status == 200


def test_each_answer_has_the_headers_of_security(shared_service: Service) -> None:
    for path in (LIST, "/nothing", "/health/live", "/metrics"):
        headers = shared_service.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none';")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers
        assert "access-control-allow-origin" not in headers


def test_an_id_of_the_client_is_taken_over_if_it_is_one(shared_service: Service) -> None:
    given = shared_service.get(LIST, headers={"X-Request-ID": "mine-1"})
    assert given.headers["x-request-id"] == given.json["request_id"] == "mine-1"
    strange = shared_service.get(LIST, headers={"X-Request-ID": "a b\tc"})
    assert strange.headers["x-request-id"] != "a b\tc"


def test_a_body_is_bounded_by_its_bytes_whatever_its_headers_say(shared_service: Service) -> None:
    piece = b"x" * 65_536
    n_pieces = MAX_BODY_BYTES // len(piece) + 2
    with socket.create_connection(shared_service.address, PATIENCE_SECONDS) as sock:
        head = "POST /api/ratings HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        head += f"Authorization: Bearer {shared_service.tokens['write']}\r\n"
        sock.sendall((head + "Transfer-Encoding: chunked\r\n\r\n").encode())
        try:
            for _ in range(n_pieces):
                sock.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        except OSError:
            pass  # it was answered, and closed
        answer = sock.recv(65_536)
    assert b" 413 " in answer.partition(b"\r\n")[0]


def test_a_head_is_bounded(shared_service: Service) -> None:
    with socket.create_connection(shared_service.address, PATIENCE_SECONDS) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ")
        try:
            sock.sendall(b"x" * (MAX_HEAD_BYTES + 65_536) + b"\r\n\r\n")
            answer = sock.recv(65_536)
        except OSError:
            answer = b""
    assert answer == b"" or b" 400 " in answer.partition(b"\r\n")[0]
    assert shared_service.get("/health/live", token=None).status == 200


def test_wrong_tokens_are_slowed_down_and_right_ones_are_not(service: Service) -> None:
    statuses = [service.get(LIST, token="wrong" * 8).status for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    assert service.get(LIST, token="read").status == 200


def test_failures_are_forgotten_after_a_minute_and_memory_is_bounded() -> None:
    failed = FailedTokens()
    for _ in range(10):
        failed.note("a", now=100.0)
    assert failed.seconds_to_wait("a", now=101.0) == 59
    assert failed.seconds_to_wait("b", now=101.0) == 0
    assert failed.seconds_to_wait("a", now=161.0) == 0
    for n in range(20_000):
        failed.note(str(n), now=200.0)
    assert len(failed._by_address) == 10_000


def test_a_session_ends_and_cannot_be_forged() -> None:
    tokens = Tokens.of([(TOKEN, Client("write", "write"))])
    session = begin_session(tokens, Client("ann", "read"), now=1000.0)
    found = find_session(tokens, session.cookie, now=1001.0)
    assert found is not None
    assert found.client == Client("ann", "read")
    assert found.csrf_token == session.csrf_token
    assert find_session(tokens, session.cookie, now=1000.0 + SESSION_SECONDS) is None
    others = Tokens.of([(TOKEN + "x", Client("write", "write"))])
    assert find_session(others, session.cookie, now=1001.0) is None
    for place in range(len(session.cookie)):
        changed = session.cookie[:place] + "!" + session.cookie[place + 1 :]
        assert find_session(tokens, changed, now=1001.0) is None


def test_another_address_is_refused_without_a_token_file(served_world: Path) -> None:
    done = run("-m", "reeltune", "serve", "--db", served_world, "--host", "0.0.0.0", expect=1)
    assert done.stderr.strip() == (
        "error: 0.0.0.0 can be reached by others: give --token-file FILE, or leave out --host"
    )


def test_a_token_file_is_made_for_its_owner_alone_and_read_again(
    served_world: Path, tmp_path: Path
) -> None:
    path = tmp_path / "tokens.txt"
    with running(served_world, "--token-file", path) as first:
        assert first.tokens == {}
        assert path.stat().st_mode & 0o777 == 0o600
        token = dict(line.split() for line in path.read_text().splitlines())["read"]
        assert first.get(LIST, token=token).status == 200
    with running(served_world, "--token-file", path) as second:
        assert second.get(LIST, token=token).status == 200


@pytest.mark.parametrize(
    ("text", "mode", "message"),
    [
        (f"write {TOKEN}\n", 0o644, "can be read by others"),
        ("write short\n", 0o600, "must be 32 to 200"),
        (f"read {TOKEN}\n", 0o600, "no line `write TOKEN`"),
        (f"admin {TOKEN}\n", 0o600, "line 1 of"),
    ],
)
def test_a_token_file_that_is_no_good_is_refused_without_showing_it(
    served_world: Path, tmp_path: Path, text: str, mode: int, message: str
) -> None:
    path = tmp_path / "tokens.txt"
    path.write_text(text)
    path.chmod(mode)
    done = run("-m", "reeltune", "serve", "--db", served_world, "--token-file", path, expect=1)
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert TOKEN not in done.stderr


def test_hostile_requests_are_refused_without_a_traceback(service: Service) -> None:
    """Every answer is one of HTTP, none is an error of the service, and nothing is written."""
    before, generator = stored_rows(service), random.Random(20261127)
    statuses: dict[int | None, int] = {}
    for request in hostile_requests(generator, N_HOSTILE, service.tokens):
        status = reply_to(service.address, request)
        statuses[status] = statuses.get(status, 0) + 1
    assert not [status for status in statuses if status is not None and status >= 500], statuses
    assert sum(statuses.values()) == N_HOSTILE
    assert statuses.get(400, 0) > 0
    assert service.health()["status"] == "ready"
    assert service.errors().count("Traceback") == 0
    after = stored_rows(service)
    assert {k: after[k] for k in ("ratings", "requests")} == {
        k: before[k] for k in ("ratings", "requests")
    }


def test_what_is_printed_has_no_token_where_there_is_a_file(
    served_world: Path, tmp_path: Path
) -> None:
    service = start(served_world, "--token-file", tmp_path / "tokens.txt")
    service.stop()
    assert service.tokens == {}


@pytest.mark.slow
def test_who_sends_slowly_is_not_waited_for(shared_service: Service) -> None:
    """A head that does not end is cut off; a body that does not come is answered with 504."""
    token = shared_service.tokens["write"]
    head = f"POST /api/ratings HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
    started = socket.create_connection(shared_service.address, PATIENCE_SECONDS)
    waiting = socket.create_connection(shared_service.address, PATIENCE_SECONDS)
    with started, waiting:
        started.sendall(head.encode())
        waiting.sendall(
            (head + "Content-Type: application/json\r\nContent-Length: 9\r\n\r\n").encode()
        )
        assert started.recv(100) == b""
        assert waiting.recv(100).startswith(b"HTTP/1.1 504 ")
    assert shared_service.get(LIST).status == 200
