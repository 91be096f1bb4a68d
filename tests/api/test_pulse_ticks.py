"""Ticks from outside: they plan what is due once, and the tokens that they are made with open nothing else."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Any
from uuid import UUID

import pytest
import uvicorn
from fastapi import FastAPI

from api import jwts, pulse_ticks
from tests import make
from tests.api import tenanted
from tests.api.conftest import JWT_SECRET, Api, MakeWeb, TestClient, web_of_it
from tests.api.tenanted import ROUTES, filled

NOTHING_DUE = {"checked": 1, "triggered": 0, "skipped": 1, "triggeredConfigs": []}


def make_due(conn: make.Connection, *pulses: str) -> None:
    """Lets the pulses' next slots have come."""
    conn.execute(
        "update schedules as s set next_fire_at = f.at, cron = null, interval_seconds = 86400, "
        "interval_anchor = f.at - interval '1 day', plan_from = f.at - interval '1 minute' "
        "from (select date_trunc('second', now()) - interval '5 seconds' as at) as f where s.id = any(%s)",
        ([UUID(each) for each in pulses],),
    )


def slots(conn: make.Connection, pulse: str) -> int:
    return int(make.value(conn, "select count(*) from runs where schedule_id = %s", UUID(pulse)))


def test_a_tick_plans_what_is_due_once_however_many_ticks_there_are(api: Api, conn: make.Connection) -> None:
    assert api.tenant
    due, later = (tenanted.pulse(conn, api.tenant, "alfa") for _ in range(2))
    theirs = tenanted.pulse(conn, make.tenant(conn), "bravo")
    make_due(conn, due, theirs)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: api("POST", "/api/pulse/tick"), range(8)))
    assert {each.status_code for each in answers} == {200}
    told = [each.json() for each in answers]
    assert {each["checked"] for each in told} == {2}
    assert [each["triggeredConfigs"] for each in told if each["triggered"]] == [[due]]
    assert (slots(conn, due), slots(conn, later), slots(conn, theirs)) == (1, 0, 0)
    assert api("GET", f"/api/pulse/{due}/jobs").json()["items"][0]["state"] == "created"


def test_without_hosting_a_dispatch_is_one_tick(web: TestClient, conn: make.Connection) -> None:
    operator = Api(web, conn, "operator")
    assert operator("GET", "/api/pulse").json() == []
    default = UUID(str(make.value(conn, "select id from tenants where slug = 'default'")))
    pulse = tenanted.pulse(conn, default, "alfa")
    make_due(conn, pulse)
    answer = operator("POST", "/api/pulse/dispatch-ticks")
    tick = {"checked": 1, "triggered": 1, "skipped": 0, "triggeredConfigs": [pulse]}
    assert answer.json() == {
        "total": 1,
        "successful": 1,
        "failed": 0,
        "hostingEnabled": False,
        "results": [{"tenant": "default", "success": True, "tick": tick, "error": None}],
    }
    assert slots(conn, pulse) == 1


@contextlib.contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The address at which the application, which has started already, answers over HTTP."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def hosted(make_web: MakeWeb, database: str) -> Iterator[TestClient]:
    """A web application of many tenants that answers at its own TOCSIN_URL."""
    web = make_web(database, is_hosting=True, egress_allow=(ip_network("127.0.0.0/8"),))
    assert isinstance(web.app, FastAPI)
    with served(web.app) as url:
        found = web_of_it(web)
        found.settings = replace(found.settings, url=f"{url}/")
        yield web


def test_with_hosting_each_active_tenant_is_ticked_and_one_that_fails_stops_no_other(
    hosted: TestClient, conn: make.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenants = {slug: make.tenant(conn, slug=slug) for slug in ("one", "two", "gone")}
    make.tenant(conn, slug="asleep", status="suspended")
    pulses = {slug: tenanted.pulse(conn, tenants[slug], "alfa") for slug in ("one", "two")}
    make_due(conn, *pulses.values())
    mint = jwts.mint

    def one_is_wrong(tenant: str, *more: Any) -> str:
        return "x" if tenant == str(tenants["gone"]) else mint(tenant, *more)

    monkeypatch.setattr(jwts, "mint", one_is_wrong)
    operator = Api(hosted, conn, "operator")
    told = operator("POST", "/api/pulse/dispatch-ticks").json()
    results = {each["tenant"]: each for each in told.pop("results")}
    assert told == {"total": 3, "successful": 2, "failed": 1, "hostingEnabled": True}
    assert {slug: each["success"] for slug, each in results.items()} == {"one": True, "two": True, "gone": False}
    assert results["gone"]["error"].endswith("answered 401")
    assert results["one"]["tick"]["triggeredConfigs"] == [pulses["one"]]
    assert [slots(conn, each) for each in pulses.values()] == [1, 1]


def test_a_dispatch_ends_in_its_time_and_says_whom_it_did_not_reach(
    hosted: TestClient, conn: make.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.tenant(conn, slug="one")
    monkeypatch.setattr(pulse_ticks, "MOST_SECONDS", 0.0)
    told = Api(hosted, conn, "operator")("POST", "/api/pulse/dispatch-ticks").json()
    assert (told["successful"], told["failed"]) == (0, told["total"])
    assert "took 0 s" in told["results"][0]["error"]


def test_dispatching_needs_its_address_and_its_secret(make_web: MakeWeb, database: str, conn: make.Connection) -> None:
    web = make_web(database, is_hosting=True)
    answer = Api(web, conn, "operator")("POST", "/api/pulse/dispatch-ticks")
    assert (answer.status_code, "TOCSIN_URL" in answer.text) == (409, True)


def test_a_minted_token_opens_the_tick_of_its_tenant_for_a_minute_and_nothing_else(
    api: Api, conn: make.Connection
) -> None:
    assert api.tenant
    pulse = tenanted.pulse(conn, api.tenant, "alfa")
    other = make.tenant(conn)
    tenanted.pulse(conn, other, "bravo")
    now = make.now(conn)

    def ask(token: str, operation: str = "POST /api/pulse/tick", body: Any = None) -> Any:
        method, path = filled(operation, pulse)
        options = {} if body is None else {"json": body}
        return api.web.request(method, path, headers={"Authorization": f"Bearer {token}"}, **options)

    token = jwts.mint(str(api.tenant), jwts.TICK, JWT_SECRET, now)
    claims = jwts.read(token, JWT_SECRET)
    assert (claims.tenant, claims.scope) == (str(api.tenant), jwts.TICK)
    assert claims.until <= now.timestamp() + 2 * jwts.MINTED_SECONDS
    assert ask(token).json() == NOTHING_DUE
    elsewhere = [each for each in ROUTES if each != "POST /api/pulse/tick"]
    opened = {each: ask(token, each, ROUTES[each].body).status_code for each in elsewhere}
    assert {each: status for each, status in opened.items() if status != 403} == {}

    # One that is over, of another purpose, of another secret, or whose algorithm is none opens nothing.
    ended = jwts.mint(str(api.tenant), jwts.TICK, JWT_SECRET, now - timedelta(minutes=3))
    forged = jwts.mint(str(api.tenant), jwts.TICK, "another secret, as long as the first one", now)
    _, payload, _ = token.split(".")
    unsigned = f"eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{payload}."
    assert [ask(each).status_code for each in (ended, forged, unsigned)] == [401, 401, 401]
    for scope in ("pulse.publish", "", "*"):
        assert ask(jwts.mint(str(api.tenant), scope, JWT_SECRET, now)).status_code == 403
