"""A link in a real browser, on this machine's own address without TLS, as `tocsin up` prints it."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api import sign_in_links, tenants
from local.processes import free_port
from tests.system import System

# The form that pages have for it.
_SIGN_OUT = """() => {
    const form = Object.assign(document.createElement("form"), {method: "post", action: "/sign-out"});
    document.body.append(form);
    form.submit();
}"""
CHROMIUM = shutil.which("chromium")

pytestmark = [
    pytest.mark.race,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: make test-deps"),
]


@pytest.fixture
def page() -> Iterator[Any]:
    """A page of a browser that has been nowhere yet."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not here")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser.new_context(locale="en").new_page()
        browser.close()


def test_one_click_on_a_printed_line_is_in_and_one_more_is_out(
    database: str, redis: str, tmp_path: Path, page: Any
) -> None:
    with System(database, redis, tmp_path) as system:
        port = free_port()
        system.start(
            "api",
            wait_for="web.started",
            PORT=str(port),
            TOCSIN_SECRET_KEYS="MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        )
        tenant = tenants.default(system.conn).id
        for host in ("127.0.0.1", "localhost"):
            here = f"http://{host}:{port}"
            page.goto(here + sign_in_links.create(system.conn, tenant, "admin", "a test", minutes=5)[1] + "?next=/docs")
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url(f"{here}/docs")
            assert page.goto(f"{here}/api/session").json()["role"] == "admin"
            page.goto(f"{here}/sign-in")
            page.get_by_label("API token").fill("wrong")
            page.get_by_role("button", name="Sign in").click()
            page.get_by_role("alert").wait_for()
            with page.expect_navigation():
                page.evaluate(_SIGN_OUT)
            assert page.url == f"{here}/sign-in"
            assert page.goto(f"{here}/api/session").status == 401
