"""The dashboard in a real browser: no error, no foreign request, and every button does its work."""

import json
import time
from collections.abc import Iterator

import pytest

from reeltune.db.connection import connection
from reeltune.db.run_pages import load_run_rows
from tests.browser import DESKTOP, browser
from tests.dashboard.chromium import PATIENCE_SECONDS, Tab, opened_browser
from tests.dashboard.signed_in import pages_of
from tests.reports.reported import RUN, write_run
from tests.serving.running import Service

pytestmark = pytest.mark.slow

NARROW = (360, 780)


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    browser()
    with opened_browser(tmp_path_factory.mktemp("browser")) as found:
        yield found


def sign_in_by_link(tab: Tab, service: Service) -> None:
    tab.call("Network.clearBrowserCookies")
    tab.resize(DESKTOP)
    tab.errors.clear()
    tab.asked.clear()
    tab.open(f"{service.url}/sign-in?next=/versions#token={service.tokens['write']}")
    tab.wait_until("location.pathname === '/versions' && document.readyState === 'complete'")


def press(tab: Tab, action: str, confirm: str = "") -> None:
    """Fill in the form of an action, and send it."""
    form = f"document.querySelector('form.act[data-url=\"{action}\"]')"
    tab.wait_until(f"document.readyState === 'complete' && {form} !== null")
    tab.run(f"{form}.closest('details').open = true")
    if confirm:
        tab.wait_until(f"{form}.querySelector('button').disabled")
        set_text(tab, f"{form}.querySelector('.confirm')", confirm + "x")
        assert tab.run(f"{form}.querySelector('button').disabled")
        set_text(tab, f"{form}.querySelector('.confirm')", confirm)
    tab.run(f"{form}.querySelector('button').click()")


def set_text(tab: Tab, field: str, text: str) -> None:
    tab.run(f"{{ const f = {field}; f.value = '{text}'; f.dispatchEvent(new Event('input')); }}")


@pytest.mark.parametrize(
    ("size", "dark"), [(DESKTOP, False), (DESKTOP, True), (NARROW, False)], ids=str
)
def test_pages_show_no_error_ask_nobody_else_and_do_not_scroll_sideways(
    tab: Tab, dashboard: Service, size: tuple[int, int], dark: bool
) -> None:
    sign_in_by_link(tab, dashboard)
    tab.resize(size, dark=dark)
    for name, path in pages_of(dashboard).items():
        tab.open(dashboard.url + path)
        if name == "run":
            tab.wait_until("document.querySelector('[data-chart]').dataset.drawn === '120'")
            tab.wait_until("document.querySelector('[data-load]').dataset.loaded === 'yes'")
        assert tab.run("document.documentElement.scrollWidth") <= size[0], name
        assert tab.run("document.querySelectorAll('h1').length") == 1
        assert tab.errors == [], name
    foreign = [url for url in tab.asked if not url.startswith((dashboard.url, "data:"))]
    assert foreign == []
    assert any("/static/uPlot" in url for url in tab.asked)


def test_the_token_of_the_link_is_in_no_address_and_no_script_sees_the_cookie(
    tab: Tab, dashboard: Service
) -> None:
    sign_in_by_link(tab, dashboard)
    token = dashboard.tokens["write"]
    history = tab.call("Page.getNavigationHistory")["entries"]
    assert all(token not in each["url"] for each in history[-2:])
    assert tab.run("document.cookie") == ""


def test_everything_is_reached_by_keyboard(tab: Tab, dashboard: Service) -> None:
    sign_in_by_link(tab, dashboard)
    tab.open(f"{dashboard.url}/runs")
    reached = []
    for _ in range(40):
        for kind in ("keyDown", "keyUp"):
            tab.call(
                "Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9
            )
        reached.append(tab.run("document.activeElement.textContent.trim().slice(0, 30)"))
        assert tab.run("document.activeElement.matches(':focus-visible')")
        if reached[-1] == RUN:
            break
    assert reached[0] == "Skip to the content"
    assert {"Versions", "Start a run", "Completed", RUN} <= set(reached)


def test_a_page_follows_what_is_committed(tab: Tab, own_dashboard: Service) -> None:
    sign_in_by_link(tab, own_dashboard)
    tab.open(f"{own_dashboard.url}/")
    tab.wait_until("document.getElementById('link-state').textContent === 'Live.'")
    assert tab.run("document.getElementById('live').innerText.includes('Nothing runs now')")
    with connection(own_dashboard.database) as conn:
        write_run(conn, 6, "random_20261121_000000")
        conn.execute(
            "UPDATE hp_tuning_runs SET status = 'running' WHERE tuning_run_id LIKE '%21_000000'"
        )
    tab.wait_until("document.getElementById('live').innerText.includes('random_20261121_000000')")
    tab.open(f"{own_dashboard.url}/runs/random_20261121_000000")
    tab.wait_until("document.querySelector('[data-chart]').dataset.drawn === '6'")
    tab.wait_until("document.getElementById('link-state').textContent === 'Live.'")
    with connection(own_dashboard.database) as conn:
        conn.execute(
            "UPDATE hp_tuning_runs SET status = 'completed' WHERE tuning_run_id LIKE '%21_000000'"
        )
    tab.wait_until("!document.body.dataset.live")
    assert tab.errors == []


def test_without_a_stream_a_page_asks_now_and_then(tab: Tab, own_dashboard: Service) -> None:
    sign_in_by_link(tab, own_dashboard)
    script = "delete window.EventSource"
    made = tab.call("Page.addScriptToEvaluateOnNewDocument", source=script)
    tab.open(f"{own_dashboard.url}/")
    tab.wait_until("document.getElementById('link-state').textContent === 'Live, every 5 s.'")
    with connection(own_dashboard.database) as conn:
        write_run(conn, 6, "random_20261121_000000")
        conn.execute(
            "UPDATE hp_tuning_runs SET status = 'running' WHERE tuning_run_id LIKE '%21_000000'"
        )
    tab.wait_until("document.getElementById('live').innerText.includes('random_20261121_000000')")
    tab.call("Page.removeScriptToEvaluateOnNewDocument", identifier=made["identifier"])


def test_pages_are_read_without_scripts(tab: Tab, dashboard: Service) -> None:
    sign_in_by_link(tab, dashboard)
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        tab.call("Page.navigate", url=f"{dashboard.url}/runs/{RUN}")
        until, text = time.monotonic() + PATIENCE_SECONDS, ""
        while "Best configurations" not in text:
            assert time.monotonic() < until
            text = json.dumps(tab.call("DOM.getDocument", depth=-1))
        assert "The chart needs scripts" in text
        assert "canvas" not in text.lower()
    finally:
        tab.call("Emulation.setScriptExecutionDisabled", value=False)


def test_production_changes_by_what_is_typed_and_pressed(tab: Tab, own_dashboard: Service) -> None:
    sign_in_by_link(tab, own_dashboard)
    press(tab, "/api/rollback", "roll back")
    own_dashboard.wait_until(
        lambda: own_dashboard.health()["version"] == 1, "production is not rolled back"
    )
    tab.wait_until("document.querySelector('.tiles').innerText.includes('version 1')")
    tab.open(f"{own_dashboard.url}/versions/3")
    press(tab, "/api/rollback", "roll back to 3")
    own_dashboard.wait_until(
        lambda: own_dashboard.health()["version"] == 3, "version 3 is not back in production"
    )
    assert [e for e in tab.errors if "CSP" in e or "Policy" in e] == []


def test_an_ab_test_is_paused_resumed_and_stopped_by_its_buttons(
    tab: Tab, own_dashboard: Service
) -> None:
    sign_in_by_link(tab, own_dashboard)
    tab.open(f"{own_dashboard.url}/ab-tests/trial")
    for action, confirm, state in (
        ("pause", "", "paused"),
        ("resume", "", "running"),
        ("stop", "stop trial", "stopped"),
    ):
        press(tab, f"/api/ab-tests/trial/{action}", confirm)
        tab.wait_until(f"document.querySelector('.kind').textContent.endsWith('{state}')")
    assert not tab.run("document.querySelector('form.act[data-url$=\"/pause\"]')")


def test_what_is_refused_is_said_beside_the_button(tab: Tab, own_dashboard: Service) -> None:
    sign_in_by_link(tab, own_dashboard)
    tab.open(f"{own_dashboard.url}/ab-tests/draft")
    tab.run("document.querySelector('meta[name=\"csrf-token\"]').content = 'forged'")
    press(tab, "/api/ab-tests/draft/start")
    tab.wait_until("document.querySelector('output.bad')?.textContent.includes('X-CSRF-Token')")
    assert tab.run("document.querySelector('.kind').textContent").endswith("draft")


def test_a_run_is_started_and_signing_out_ends_the_session(
    tab: Tab, own_dashboard: Service
) -> None:
    sign_in_by_link(tab, own_dashboard)
    tab.open(f"{own_dashboard.url}/runs")
    form = "document.querySelector('form.act')"
    tab.run(f"{form}.elements.method.value = 'random'")
    tab.run(f"{form}.elements.configs.value = '3'")

    def n_runs() -> int:
        with connection(own_dashboard.database) as conn:
            return len([r for r in load_run_rows(conn) if r.status == "completed"])

    before = n_runs()
    press(tab, "/api/runs")
    own_dashboard.wait_until(lambda: n_runs() == before + 1, "the run has not been completed")
    tab.wait_until("document.readyState === 'complete' && !document.querySelector('output.bad')")
    tab.run("document.querySelector('button.out').click()")
    tab.wait_until("location.pathname === '/sign-in' && document.readyState === 'complete'")
    tab.open(f"{own_dashboard.url}/runs")
    assert tab.run("location.pathname") == "/sign-in"


def test_an_error_a_foreign_request_and_a_wide_page_would_be_noticed(
    tab: Tab, dashboard: Service
) -> None:
    sign_in_by_link(tab, dashboard)
    tab.run("setTimeout(() => { throw new Error('a fault') })")
    tab.run(
        "document.body.insertAdjacentHTML('beforeend', '<img src=\"http://127.0.0.2:9/x.png\">')"
    )
    tab.run("document.body.insertAdjacentHTML('beforeend', '<hr width=3000>')")
    tab.wait_until("document.documentElement.scrollWidth >= 3000")
    tab.run("new Promise((done) => setTimeout(done, 100))")
    assert any("a fault" in each for each in tab.errors)
    assert any("ontent" in each and "olicy" in each for each in tab.errors)
    tab.errors.clear()
