"""Who gets in: a token makes a cookie, and nothing but open paths is there without one."""

import pytest

from tests.dashboard.signed_in import HTML, pages_of, session_of, sign_in
from tests.serving.running import Service


def test_a_page_without_a_session_leads_to_where_one_begins(dashboard: Service) -> None:
    for name, path in pages_of(dashboard).items():
        answer = dashboard.get(path, token=None, headers=HTML)
        if name == "sign-in":
            assert answer.status == 200
            continue
        assert answer.status == 303
        assert answer.headers["location"].startswith("/sign-in?next=/")
        assert b"random_" not in answer.content


def test_a_program_without_a_token_is_told_so_and_not_led_to_a_form(dashboard: Service) -> None:
    for path in ("/", "/runs", "/live?topic=overview", "/api/versions", "/metrics"):
        assert dashboard.get(path, token=None).status == 401, path
    for path in ("/live?topic=overview", "/api/versions", "/metrics"):
        assert dashboard.get(path, token=None, headers=HTML).status == 401, path


def test_a_token_begins_a_session_that_no_script_and_no_other_site_can_use(
    dashboard: Service,
) -> None:
    answer = sign_in(dashboard, next="/runs?state=failed")
    assert answer.status == 303
    assert answer.headers["location"] == "/runs?state=failed"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert dashboard.tokens["write"].lower() not in cookie


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil", "evil"])
def test_a_session_never_begins_on_another_site(dashboard: Service, target: str) -> None:
    assert sign_in(dashboard, next=target).headers["location"] == "/"


def test_a_wrong_token_is_refused_and_many_are_slowed_down(own_dashboard: Service) -> None:
    statuses = [sign_in(own_dashboard, "wrong" * 8).status for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    assert sign_in(own_dashboard).status == 303


def test_a_form_of_another_site_is_refused(dashboard: Service) -> None:
    answer = dashboard.post(
        "/sign-in",
        f"token={dashboard.tokens['write']}".encode(),
        token=None,
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert answer.status == 403
    assert "set-cookie" not in answer.headers


def test_an_action_needs_the_token_of_its_session_and_a_role_that_may(dashboard: Service) -> None:
    for path in ("/api/runs", "/api/runs/x/stop", "/api/runs/x/resume", "/api/rollback"):
        writer, reader = session_of(dashboard), session_of(dashboard, "read")
        bare = dashboard.post(path, {}, token=None, headers={"Cookie": writer.cookie})
        assert bare.status == 403
        assert reader.post(path, {}).status == 403
        assert dashboard.post(path, {}, token=None).status == 401
