"""The stream by which open pages hear of changes: of their own tenant, bounded, and over when the process stops."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from uuid import UUID, uuid4

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from api import tokens
from api.changes import Changes, TooManyListeners
from local.postgres import Postgres
from local.redis import Redis
from tests import make
from tests.conftest import copied
from tests.pages.conftest import PHONE, Site, faults, open_site, overflow
from tests.system import until

Found = TypeVar("Found")


class Heard(NamedTuple):
    """A web process, a connection to its database, and a tenant with a token."""

    site: Site
    conn: make.Connection
    tenant: UUID
    token: str

    def client(self, token: str | None = None) -> httpx.Client:
        """A client with the token."""
        shown = {"Authorization": f"Bearer {token or self.token}"}
        return httpx.Client(base_url=self.site.url, headers=shown, timeout=20)


@pytest.fixture(scope="module")
def heard(
    postgres: Postgres, template: str, redis_server: Redis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Heard]:
    """One site for the claims of this file."""
    folder: Path = tmp_path_factory.mktemp("heard")
    with (
        copied(postgres, template) as database,
        make.connect(database) as conn,
        open_site(database, redis_server.url, folder) as site,
    ):
        tenant = make.tenant(conn)
        yield Heard(site, conn, tenant, tokens.create(conn, tenant, "a test's", "read")[1])


def words(stream: Iterator[str], name: str) -> Iterator[str]:
    """What stands behind a name in the stream's lines."""
    return (line.partition(": ")[2] for line in stream if line.startswith(f"{name}: "))


def test_a_change_of_the_tenants_own_is_told_and_nobody_elses(heard: Heard) -> None:
    with heard.client() as client, client.stream("GET", "/events") as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        seen = next(words(lines, "id"))
        make.run(heard.conn, make.tenant(heard.conn), state="dead")
        make.run(heard.conn, heard.tenant, state="dead")
        then = next(words(lines, "id"))
        assert then != seen
        assert next(words(lines, "event")) == "news"
    # Who comes again with what was heard last misses nothing of what happened meanwhile.
    make.run(heard.conn, heard.tenant, state="dead")
    told = {"Last-Event-ID": then}
    with heard.client() as client, client.stream("GET", "/events", headers=told) as answer:
        assert next(words(answer.iter_lines(), "event")) == "news"


def test_who_is_not_signed_in_is_refused_and_not_led_elsewhere(heard: Heard) -> None:
    assert httpx.get(f"{heard.site.url}/events").status_code == 401
    with heard.client("toc_" + "x" * 43) as client:
        assert client.get("/events").status_code == 401


def test_one_caller_listens_a_bounded_number_of_times(heard: Heard) -> None:
    token = tokens.create(heard.conn, heard.tenant, "a test's", "read")[1]
    with ExitStack() as open_streams:
        for _ in range(12):
            client = open_streams.enter_context(heard.client(token))
            answer = open_streams.enter_context(client.stream("GET", "/events"))
            assert answer.status_code == 200
        with heard.client(token) as client:
            refused = client.get("/events")
            assert refused.status_code == 503
            assert refused.headers["retry-after"] == "30"
    # Who leaves makes room.
    with heard.client(token) as client:
        until(lambda: _status(client) == 200)


def _status(client: httpx.Client) -> int:
    with client.stream("GET", "/events") as answer:
        return answer.status_code


def test_an_open_page_shows_what_changed_by_itself(heard: Heard, browse: Callable[..., Page]) -> None:
    make.schedule(heard.conn, heard.tenant, name="paused", status="paused")
    page = browse(token=heard.token)
    page.goto(heard.site.url)
    make.process(heard.conn, role="ticker")
    make.process(heard.conn, role="worker")
    before = page.locator(".verdict").inner_text()
    row = {"state": "dead", "origin": "schedule"}
    rung = make.schedule(heard.conn, heard.tenant, name="the morning figures", status="paused")
    make.run(heard.conn, heard.tenant, schedule_id=rung, **row)
    link = page.get_by_role("link", name="the morning figures")
    expect(link).to_be_visible(timeout=15_000)
    # And again: what was swapped in hears as well.
    make.schedule(heard.conn, heard.tenant, name="the evening figures", cron="0 20 * * *")
    expect(page.get_by_role("link", name="the evening figures")).to_be_visible(timeout=15_000)
    assert page.locator(".verdict").inner_text() != before
    assert faults(page) == []
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]  # a TypedDict of the same shape
    assert overflow(page) == 0


def test_a_page_listens_however_late_the_script_comes_that_does(heard: Heard, browse: Callable[..., Page]) -> None:
    page = browse(token=heard.token)
    late: list[Route] = []
    page.route("**/hx-sse.min.js*", lambda route: late.append(route))  # noqa: PLW0108  playwright takes a function
    page.goto(heard.site.url, wait_until="commit")
    page.wait_for_function("typeof htmx === 'object'")
    # Whatever htmx does by itself once it is there, it has done.
    page.evaluate("new Promise(done => setTimeout(() => setTimeout(done)))")
    with page.expect_request("**/events?*"):
        late[0].continue_()


def test_streams_end_when_the_process_is_told_to_stop(database: str, redis_server: Redis, tmp_path: Path) -> None:
    with open_site(database, redis_server.url, tmp_path) as site, make.connect(database) as conn:
        token = tokens.create(conn, make.tenant(conn), "a test's", "read")[1]
        shown = {"Authorization": f"Bearer {token}"}
        with httpx.stream("GET", f"{site.url}/events", headers=shown, timeout=20) as answer:
            lines = answer.iter_lines()
            next(words(lines, "id"))
            [web] = site.processes
            began = time.monotonic()
            web.signal(signal.SIGTERM)
            assert list(words(lines, "event")) == []
            assert web.wait() == 0
            assert time.monotonic() - began < 10


class Looks:
    """A picture that a test changes."""

    def __init__(self) -> None:
        self.word = "first"
        self.count = 0

    def __call__(self, _tenant_id: UUID) -> str:
        self.count += 1
        return self.word


def run(coroutine: Coroutine[Any, Any, Found]) -> Found:
    """What the coroutine answers, on a loop in a thread of its own: the browser's has this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result(60)


async def _events(stream: AsyncIterator[str]) -> AsyncIterator[str]:
    async for chunk in stream:
        if "event:" in chunk:
            yield chunk


def test_all_who_listen_share_one_look() -> None:
    looks, tenant = Looks(), uuid4()
    changes = Changes(looks, beat_seconds=0.01)

    async def listen() -> int:
        heard = [0]

        async def one() -> None:
            async for _ in _events(changes.listen(tenant, "first", 20)):
                heard[0] += 1
                if heard[0] % 50 == 0:
                    looks.word = f"{looks.word}'" if heard[0] < 150 else looks.word
                if heard[0] >= 150:
                    changes.stop()

        looks.word = "second"
        await asyncio.gather(*(one() for _ in range(50)))
        return heard[0]

    assert run(listen()) == 150
    # One reader for fifty listeners; when the last has left, nobody looks.
    assert looks.count < 50


def test_a_stream_is_over_after_its_time() -> None:
    async def listen() -> list[str]:
        return [chunk async for chunk in Changes(Looks(), beat_seconds=0.01).listen(uuid4(), "first", 0.05)]

    assert all("event" not in chunk for chunk in run(listen()))


def test_listeners_are_bounded_by_process_and_by_caller() -> None:
    changes = Changes(Looks(), most=3, most_of_caller=2)
    changes.enter("a")
    changes.enter("a")
    with pytest.raises(TooManyListeners):
        changes.enter("a")
    changes.enter("b")
    with pytest.raises(TooManyListeners):
        changes.enter("c")
    changes.leave("a")
    changes.enter("c")
    changes.stop()
    changes.leave("c")
    with pytest.raises(TooManyListeners):
        changes.enter("c")
