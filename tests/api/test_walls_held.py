"""What the walls hold: no body sets what is ours to set, no tenant finds nothing, and a connection keeps no tenant."""

import threading
from typing import Any

import psycopg
import pytest
from httpx2 import Response

from api import audit
from api.app import openapi
from api.limits import Limit
from db import walls
from db.pool import Database
from scheduler.refusals import WrongState
from tests import make
from tests.api import tenanted
from tests.api.conftest import Api, MakeWeb, Two, web_of_it
from tests.api.tenanted import ROUTES, A, B, ask, filled, own_row, path_names, whole, with_ids

SET_BY_US = {
    "tenantId": "B",
    "tenant_id": "B",
    "tenant": "B",
    "ownerId": "B",
    "id": "B",
    "state": "succeeded",
    "nextRunAt": "2030-01-01T00:00:00Z",
    "next_fire_at": "2030-01-01T00:00:00Z",
    "runCount": 0,
    "run_count": 0,
    "createdBy": "nobody",
    "created_by": "nobody",
    "createdAt": "2030-01-01T00:00:00Z",
    "version": 99,
    "fence": 99,
    "status": "active",
    "isAdmin": True,
    "hash": "x",
}
# A report is stopped and started by its status, under that name.
OPEN = {("PATCH /api/scheduled-reports/{report_id}", "status")}


def test_what_is_ours_to_set_is_refused_in_every_body_and_nothing_changes(two: Two) -> None:
    web, conn, a, b = two
    assert a.tenant
    assert b.tenant
    operator = Api(web, conn, "operator")
    assert operator("GET", "/api/tenant").status_code == 200  # the default tenant is made at its first use
    owned = {operation: own_row(conn, operation, a.tenant, A) for operation in with_ids()}
    before = whole(conn, a.tenant), whole(conn, b.tenant)
    taken = []
    asked = 0
    for operation, found in tenanted.operations(openapi()).items():
        if "application/json" not in found.get("requestBody", {}).get("content", {}):
            continue
        who = operator if ROUTES[operation].role == "operator" else a
        own = owned.get(operation, "")
        method, path = filled(operation, own)
        for name, given in SET_BY_US.items():
            if (operation, name) in OPEN:
                continue
            value = str(b.tenant) if given == "B" else given
            answer = who(method, path, json={**(ROUTES[operation].body or {}), name: value})
            asked += 1
            problem = answer.json()
            if answer.status_code != 422 or [each["pointer"] for each in problem["errors"]] != [f"/{name}"]:
                taken.append((operation, name, answer.status_code, answer.text))
    assert {(operation, name, status) for operation, name, status, _ in taken} == set()
    assert (whole(conn, a.tenant), whole(conn, b.tenant)) == before
    assert make.value(conn, "select count(*) from tenants") == 3
    assert asked >= 15 * len(SET_BY_US)


def test_a_filter_that_is_none_of_the_lists_is_refused_by_its_name(two: Two) -> None:
    _web, conn, a, b = two
    assert a.tenant
    assert b.tenant
    for make_row in (tenanted.schedule, tenanted.letter, tenanted.delivery, tenanted.source, tenanted.member):
        make_row(conn, a.tenant, A)
        make_row(conn, b.tenant, B)
    wanted = {
        "tenantId": str(b.tenant),
        "tenant_id": str(b.tenant),
        "ownerId": str(b.tenant),
        "tenant": "b",
        "slug": "b",
    }
    lists = [name for name in ROUTES if name.startswith("GET ") and not path_names(name)]
    for operation in lists:
        if ROUTES[operation].role == "operator":
            continue
        plain, asked = ask(a, operation), ask(a, operation, params=wanted)
        assert plain.status_code == 200, operation
        assert B not in plain.text + asked.text
        assert asked.status_code == 422, operation
        assert [each["pointer"] for each in asked.json()["errors"]] == list(wanted), operation


def test_a_patch_of_ones_own_tenant_touches_neither_its_quotas_nor_another_tenant(two: Two) -> None:
    _web, conn, a, b = two
    assert a.tenant
    assert b.tenant
    before = whole(conn, a.tenant), whole(conn, b.tenant)
    for settings in ({"quotas": {"schedules": 9}}, {"status": "active"}, {"tenantId": str(b.tenant)}, {"slug": "b"}):
        assert a("PATCH", "/api/tenant", json={"settings": settings}).status_code == 422
    assert (whole(conn, a.tenant), whole(conn, b.tenant)) == before
    assert a("PATCH", "/api/tenant", json={"name": "Ours"}).json()["name"] == "Ours"
    assert whole(conn, b.tenant) == before[1]


@pytest.mark.parametrize("tenant", [None, ""])
def test_the_role_without_a_tenant_finds_nothing_anywhere(two: Two, tenant: str | None) -> None:
    _web, conn, a, _b = two
    assert a.tenant
    for make_row in (tenanted.alert, tenanted.letter, tenanted.delivery, tenanted.member):
        make_row(conn, a.tenant, A)
    tables = set(whole(conn, a.tenant)) | {"tenants"}
    filled_ones = {name for name in tables if make.value(conn, f"select exists (select from {name})")}
    assert len(filled_ones) >= 12
    with conn.transaction(force_rollback=True):
        conn.execute("set local role tocsin_api")
        if tenant is not None:
            conn.execute("select set_config('tocsin.tenant', %s, true)", (tenant,))
        found = {name: make.value(conn, f"select count(*) from {name}") for name in tables}
    assert found == dict.fromkeys(tables, 0)


def test_what_is_no_tenants_id_opens_nothing(database: str) -> None:
    with Database.at(database).connect("test") as conn:
        with pytest.raises(psycopg.DataError), walls.within(conn, "junk", is_walled=True):  # type: ignore[arg-type]
            pass
        # A setting that somebody else left is an error, and no wall that stands open.
        conn.execute("set role tocsin_api")
        conn.execute("select set_config('tocsin.tenant', 'junk', false)")
        with pytest.raises(psycopg.DataError):
            conn.execute("select count(*) from schedules")


STATE = (
    "select current_user, session_user, current_setting('tocsin.tenant', true), current_setting('statement_timeout')"
)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("times", [500, pytest.param(10_000, marks=pytest.mark.long)])
def test_requests_in_turn_on_one_connection_leave_nothing_of_their_tenant(
    make_web: MakeWeb, database: str, conn: make.Connection, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    monkeypatch.setattr("api.app._CONNECTIONS", 1)
    web = make_web(database)
    # So many in a minute or two are more than anybody is granted.
    web_of_it(web).per_caller = web_of_it(web).per_tenant = Limit(10**9)
    sides = [(Api(web, conn), A, B), (Api(web, conn), B, A)]
    kept = {word: tenanted.schedule(conn, who.tenant, word) for who, word, _ in sides if who.tenant}
    pool = web.app.state.web.pool  # type: ignore[attr-defined]  # what the application holds
    with pool.connection() as at_rest:
        clean = at_rest.execute(STATE).fetchone()
    assert clean is not None
    assert clean[0] == clean[1]
    record, breaks = audit.record, iter(range(1_000_000))

    def break_off(inner: make.Connection, *given: Any) -> None:
        record(inner, *given)
        match next(breaks) % 20:
            case 0:
                inner.close()
                inner.execute("select 1")
            case each if each % 2:
                inner.execute("select 1 / 0")
            case _:
                raise WrongState("broken off by the test")

    foreign, statuses = [], dict[int, int]()
    for number in range(times):
        who, word, other = sides[number % 2]
        turn = number // 2 % 10
        if turn in (3, 7):
            monkeypatch.setattr(audit, "record", break_off)
            name = f"{word} broken {number}"
            answer = who("PATCH", f"/api/schedules/{kept[word]}", json={"name": name})
            monkeypatch.setattr(audit, "record", record)
            assert answer.status_code in (409, 422, 503), answer.text
        elif turn == 5:
            answer = who("GET", f"/api/schedules/{kept[other]}")
            assert answer.status_code == 404
        elif turn == 9:
            answer = who("PATCH", f"/api/schedules/{kept[word]}", json={"tags": [f"{word}{number}"]})
            assert answer.status_code == 200, answer.text
        else:
            path = ("/api/schedules", "/api/runs", "/api/audit-log", f"/api/schedules/{kept[word]}", "/api/tenant")[
                turn % 5
            ]
            is_list = path in ("/api/schedules", "/api/runs", "/api/audit-log")
            answer = who("GET", path, params={"limit": 3} if is_list else None)
            assert answer.status_code == 200, answer.text
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        if other in answer.text:
            foreign.append((number, answer.text))
        with pool.connection() as at_rest:
            left = at_rest.execute(STATE).fetchone()
        assert (left[:2], left[2] or None, left[3]) == (clean[:2], clean[2] or None, clean[3]), number
    assert foreign == []
    assert sum(statuses[each] for each in (409, 422, 503)) == times // 5
    assert set(statuses) == {200, 404, 409, 422, 503}
    assert make.value(conn, "select count(*) from schedules where name like '%%broken%%'") == 0


def test_the_first_requests_of_a_web_process_do_not_wait_for_each_others_connections(
    make_web: MakeWeb, database: str, conn: make.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.app._CONNECTIONS", 2)
    web = make_web(database)
    who = Api(web, conn)
    together = threading.Barrier(2)
    has_wall = walls.has_wall

    def met(inner: make.Connection) -> bool:
        # Each has its connection, and there are no more.
        together.wait(10)
        return has_wall(inner)

    monkeypatch.setattr("api.state.has_wall", met)
    answers: list[Response] = []
    threads = [threading.Thread(target=lambda: answers.append(who("GET", "/api/schedules"))) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert [each.status_code for each in answers] == [200, 200]
