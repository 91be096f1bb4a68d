"""A dashboard on servers of the test's own, and a real browser in front of it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from api import tokens
from api.app import create_app
from local.postgres import Postgres
from local.processes import free_port
from local.redis import Redis
from tests import make
from tests.api.conftest import Api, TestClient, Two, settings_of
from tests.conftest import copied
from tests.system import System

CHROMIUM = Path("/usr/bin/chromium")
AXE = Path(__file__).parent / "axe" / "axe.min.js"
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}


@pytest.fixture(scope="session")
def shared(postgres: Postgres, template: str, redis_server: Redis) -> Iterator[tuple[TestClient, make.Connection]]:
    """One web application for all claims about pages; each has tenants of its own."""
    with (
        copied(postgres, template) as url,
        make.connect(url) as conn,
        TestClient(create_app(settings_of(url, redis_server.url))) as web,
    ):
        yield web, conn


@pytest.fixture
def two(shared: tuple[TestClient, make.Connection]) -> Two:
    """Two tenants, each with an admin."""
    web, conn = shared
    return Two(web, conn, Api(web, conn), Api(web, conn))


@pytest.fixture
def api(two: Two) -> Api:
    """A tenant with an admin's token."""
    return two.a


@pytest.fixture
def conn(two: Two) -> make.Connection:
    """A connection of the test's own."""
    return two.conn


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium; the tests that need it are skipped where it is missing.

    A module's, since its driver keeps a loop running in the thread of the tests, in which others start theirs.
    """
    if not CHROMIUM.exists():
        pytest.skip("no Chromium here: make test-deps installs it")
    # Nothing of its own may go out, and as root it runs without its sandbox.
    flags = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"]
    with sync_playwright() as tool:
        found = tool.chromium.launch(
            executable_path=str(CHROMIUM), args=flags, chromium_sandbox=os.geteuid() != 0, timeout=60_000
        )
        yield found
        found.close()


class Site(System):
    """A whole Tocsin with a web process; `url` is where a browser finds it."""

    url: str = ""


@pytest.fixture
def site(database: str, redis_server: Redis, tmp_path: Path) -> Iterator[Site]:
    """A web process of its own; a test starts what else it needs."""
    with open_site(database, redis_server.url, tmp_path) as found:
        yield found


@contextmanager
def open_site(database: str, broker: str, folder: Path, **environ: str) -> Iterator[Site]:
    """A web process on this database."""
    with Site(database, broker, folder) as found:
        port = free_port()
        found.url = f"http://localhost:{port}"
        found.start("api", wait_for="web.started", PORT=str(port), TOCSIN_URL=found.url, **environ)
        yield found


class Place(NamedTuple):
    """A site, a connection to its database, and a tenant with its admin's token."""

    site: Site
    conn: make.Connection
    tenant: UUID
    token: str


@pytest.fixture(scope="module")
def place(
    postgres: Postgres, template: str, redis_server: Redis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """A site of the module's own, which may ask sources on this machine."""
    folder: Path = tmp_path_factory.mktemp("site")
    with (
        copied(postgres, template) as database,
        make.connect(database) as conn,
        open_site(database, redis_server.url, folder, TOCSIN_EGRESS_ALLOW="127.0.0.0/8") as site,
    ):
        tenant = make.tenant(conn)
        yield Place(site, conn, tenant, tokens.create(conn, tenant, "a test's", "admin")[1])


OpenPage = Callable[..., Page]


@pytest.fixture
def browse(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Opens pages in browsers of their own: `browse(token=…, dark=…, size=…)`; what a page's script throws fails the test."""
    contexts: list[BrowserContext] = []
    thrown: list[str] = []

    def open_page(
        *, token: str = "", dark: bool = False, size: dict[str, int] | None = None, script: bool = True
    ) -> Page:
        context = chromium.new_context(
            viewport=size or DESK,  # type: ignore[arg-type]  # a TypedDict of the same shape
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            extra_http_headers={"Authorization": f"Bearer {token}"} if token else {},
            timezone_id="Europe/Madrid",
            locale="en-GB",
            bypass_csp=False,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: thrown.append(str(error)))
        page.on("console", lambda line: thrown.append(line.text) if "Content Security Policy" in line.text else None)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert thrown == []


def faults(page: Page, *rules: str) -> list[str]:
    """What axe finds that is serious or critical, a line each; by these rules alone if any are named."""
    if not page.evaluate("() => 'axe' in window"):
        # By the debugger's way, which the page's own policy does not bind.
        page.evaluate(AXE.read_text())
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = list(rules)
    found = page.evaluate("async (options) => (await axe.run(document, options)).violations", options)
    return [
        f"{each['id']}: {node['target']} {node['failureSummary']}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    width: int = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    return width
