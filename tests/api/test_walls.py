"""Between tenants: what another one has is answered as what nobody has, and no id, filter or cursor reaches over."""

import base64
import copy
import json
import pkgutil
from datetime import timedelta
from importlib import import_module
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from httpx2 import Response

import api.routes
from api.app import openapi
from tests import make
from tests.api import tenanted
from tests.api.conftest import Two
from tests.api.tenanted import (
    OPEN,
    RANKS,
    ROUTES,
    SIGNED,
    A,
    B,
    ask,
    nobodys_id,
    own_row,
    seen,
    whole,
    with_ids,
)

# No tenant's caller asks these: a link in a mail opens the one, a provider the other.


def test_each_route_says_whom_it_serves_and_who_makes_its_ids() -> None:
    tenanted.check_table(openapi())


def test_a_new_route_that_nobody_describes_is_found() -> None:
    document = copy.deepcopy(openapi())
    document["paths"]["/api/graphs/{graph_id}"] = {"get": {}}
    with pytest.raises(AssertionError, match="a route is missing"):
        tenanted.check_table(document)


def test_an_id_that_nobody_can_make_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(tenanted.ROWS, "letter_id")
    with pytest.raises(AssertionError, match="letter_id"):
        tenanted.check_table(openapi())


def test_no_route_is_hidden_from_the_document() -> None:
    rooms = [import_module(f"api.routes.{each.name}") for each in pkgutil.iter_modules(api.routes.__path__)]
    routes = [route for room in rooms for route in room.router.routes]
    assert {route.path for route in routes if not route.include_in_schema} == SIGNED
    shown = [route for route in routes if route.include_in_schema]
    assert {f"{verb} {route.path}" for route in shown for verb in route.methods} == set(ROUTES) | OPEN


def test_another_tenants_id_is_answered_as_one_that_nobody_has(two_anywhere: Two) -> None:
    _web, conn, a, b = two_anywhere
    viewer = a.of_scope(conn, "read")
    words = {a.tenant: A, b.tenant: B}
    cases = []
    for operation in with_ids():
        for who, role, other in ((a, "admin", b), (b, "admin", a), (viewer, "viewer", b)):
            assert who.tenant
            assert other.tenant
            mine = own_row(conn, operation, who.tenant, words[who.tenant])
            theirs = own_row(conn, operation, other.tenant, words[other.tenant])
            is_allowed = RANKS.index(role) >= RANKS.index(ROUTES[operation].role)
            cases.append((operation, who, words[other.tenant], mine, theirs, is_allowed))
    assert len(cases) == 3 * len(with_ids())
    before = [whole(conn, each.tenant) for each in (a, b) if each.tenant]
    leaks: list[tuple[Any, ...]] = []
    for operation, who, word, _, theirs, is_allowed in cases:
        foreign, unknown = ask(who, operation, theirs), ask(who, operation, nobodys_id(operation, theirs))
        if seen(foreign) != seen(unknown) or foreign.status_code != (404 if is_allowed else 403):
            leaks.append((operation, is_allowed, seen(foreign), seen(unknown)))
        if word in foreign.text or theirs in foreign.text:
            leaks.append((operation, is_allowed, foreign.text))
    assert leaks == []
    assert [whole(conn, each.tenant) for each in (a, b) if each.tenant] == before
    # Asked about one's own, the same routes do their work.
    for operation, who, word, mine, _, is_allowed in cases:
        own = ask(who, operation, mine)
        assert own.status_code == (ROUTES[operation].own if is_allowed else 403), (operation, own.text)
        assert word not in own.text


def test_a_filter_by_another_tenants_id_finds_what_a_random_one_finds(two: Two) -> None:
    _web, conn, a, b = two
    assert b.tenant
    rows = {
        "scheduleId": tenanted.schedule,
        "runId": tenanted.run,
        "parentRunId": tenanted.run,
        "subjectId": tenanted.run,
        "alertId": tenanted.alert,
    }
    asked = []
    for operation, found in tenanted.operations(openapi()).items():
        for each in found.get("parameters", []):
            if each["in"] == "query" and each["name"].endswith("Id"):
                theirs = rows[each["name"]](conn, b.tenant, B)
                if ROUTES[operation].role != "operator":
                    answers = [ask(a, operation, params={each["name"]: value}) for value in (theirs, str(uuid4()))]
                    assert answers[0].status_code == 200
                    assert seen(answers[0]) == seen(answers[1]), operation
                    asked.append(operation)
    assert len(asked) >= 5


def test_a_replay_by_filter_reaches_no_other_tenants_dead_letters(two: Two) -> None:
    _web, conn, a, b = two
    assert b.tenant
    theirs = tenanted.letter(conn, b.tenant, B)
    schedule_id = make.value(conn, "select schedule_id from runs where state = 'dead'")
    before = whole(conn, b.tenant)
    for body in ({}, {"scheduleId": str(schedule_id)}, {"kind": "test.noop"}):
        answer = a("POST", "/api/dead-letters/replay", json=body)
        assert (answer.status_code, answer.json()) == (202, {"runIds": [], "hasMore": False})
    assert whole(conn, b.tenant) == before
    assert b("POST", f"/api/dead-letters/{theirs}/replay").status_code == 200


def test_an_alert_points_at_no_other_tenants_graph(two: Two) -> None:
    _web, conn, a, b = two
    assert a.tenant
    assert b.tenant
    theirs, mine = tenanted.graph(conn, b.tenant, B), tenanted.graph(conn, a.tenant, A)
    ids = [theirs, str(uuid4())]

    def create(graph: str) -> Response:
        return a("POST", "/api/kpi-alerts", json={**ROUTES["POST /api/kpi-alerts"].body, "graphId": graph})

    before = whole(conn, a.tenant)
    answers = [create(each) for each in ids]
    assert {(each.status_code, each.json()["errors"][0]["pointer"]) for each in answers} == {(422, "/graphId")}
    assert len({each.text.replace(graph, "") for each, graph in zip(answers, ids, strict=True)}) == 1
    assert whole(conn, a.tenant) == before
    made = create(mine)
    assert made.status_code == 201
    assert a("PATCH", f"/api/kpi-alerts/{made.json()['id']}", json={"graphId": theirs}).status_code == 422
    # Checks of foreign keys pass every policy, so the key itself holds the tenant.
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        conn.execute("update kpi_alerts set graph_id = %s where tenant_id = %s", (theirs, a.tenant))


def test_what_one_tenant_named_another_may_name_too(two: Two) -> None:
    _web, _conn, a, b = two
    named = {
        "/api/schedules": {**ROUTES["POST /api/schedules"].body, "name": "mondays"},
        "/api/sources": ROUTES["POST /api/sources"].body,
        "/api/webhooks": ROUTES["POST /api/webhooks"].body,
        "/api/channels": ROUTES["POST /api/channels"].body,
        "/api/templates": ROUTES["POST /api/templates"].body,
        "/api/users": ROUTES["POST /api/users"].body,
        "/api/crew-endpoints": ROUTES["POST /api/crew-endpoints"].body,
        "/api/limits": ROUTES["POST /api/limits"].body,
        "/api/calendars": ROUTES["POST /api/calendars"].body,
        "/api/silences": ROUTES["POST /api/silences"].body,
        "/api/suppressions": ROUTES["POST /api/suppressions"].body,
        "/api/pulse": ROUTES["POST /api/pulse"].body,
        "/api/members": ROUTES["POST /api/members"].body,
        "/api/tokens": ROUTES["POST /api/tokens"].body,
    }
    assert {f"POST {path}" for path in named} == {
        name for name, route in ROUTES.items() if route.own == 201 and route.role != "operator"
    }
    for path, body in named.items():
        answers = [who("POST", path, json=body) for who in (a, b)]
        assert [each.status_code for each in answers] == [201, 201], path
        assert answers[0].json()["id"] != answers[1].json()["id"]
        if path not in ("/api/tokens", "/api/suppressions", "/api/silences"):
            assert a("POST", path, json=body).status_code == 422, "within a tenant it is taken"


def test_what_one_tenant_asked_under_a_key_is_not_answered_to_another(two: Two) -> None:
    _web, _conn, a, b = two
    body, key = ROUTES["POST /api/schedules"].body, {"Idempotency-Key": "one"}
    first, second, again = (who("POST", "/api/schedules", json=body, headers=key) for who in (a, b, a))
    assert [each.status_code for each in (first, second, again)] == [201, 201, 201]
    assert first.json()["id"] != second.json()["id"]
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"


def test_another_tenants_cursor_leads_nowhere(two: Two) -> None:
    _web, conn, a, b = two
    assert a.tenant
    assert b.tenant
    for _ in range(2):
        for make_row in (tenanted.schedule, tenanted.letter, tenanted.delivery, tenanted.source, tenanted.member):
            make_row(conn, a.tenant, A)
        tenanted.token(conn, a.tenant, A)
        tenanted.webhook(conn, a.tenant, A)
        tenanted.channel(conn, a.tenant, A)
        tenanted.limit(conn, a.tenant, A)
        tenanted.user(conn, a.tenant, A)
        tenanted.endpoint(conn, a.tenant, A)
        tenanted.calendar(conn, a.tenant, A)
        tenanted.graph(conn, a.tenant, A)
        tenanted.dashboard(conn, a.tenant, A)
        tenanted.suppression(conn, a.tenant, A)
        tenanted.template(conn, a.tenant, A)
        tenanted.export(conn, a.tenant, A)
        tenanted.silence(conn, a.tenant, A)
    job = tenanted.job(conn, a.tenant, A)
    of_jobs = make.value(conn, "select schedule_id from runs where id = %s", job)
    make.run(conn, a.tenant, schedule_id=of_jobs, kind="pulse.report", triggered_by=A)
    moved = tenanted.alert(conn, a.tenant, A)
    for minutes in (1, 2):
        move = {"tenant_id": a.tenant, "alert_id": moved, "segment": "", "run_id": uuid4(), "reason": A}
        states = {"previous_state": "ok", "state": "firing", "slot_at": make.now(conn) - timedelta(minutes=minutes)}
        make.insert(conn, "alert_events", move | states)
    lists = [
        name
        for name, found in tenanted.operations(openapi()).items()
        if ROUTES.get(name, ROUTES["GET /api/tenants"]).role != "operator"
        and any(each["name"] == "cursor" for each in found.get("parameters", []))
    ]
    # Its cursor is a number, and counts within the reader's own chain alone.
    lists.remove("GET /api/audit-log")
    assert len(lists) >= 7
    for operation in lists:
        mine, theirs = "", ""
        if tenanted.path_names(operation) == ["alert_id"]:
            mine, theirs = moved, tenanted.alert(conn, b.tenant, B)
        if tenanted.path_names(operation) == ["pulse_id"]:
            mine, theirs = str(of_jobs), tenanted.pulse(conn, b.tenant, B)
        if tenanted.path_names(operation) == ["report_id"]:
            mine, theirs = tenanted.export(conn, a.tenant, A), tenanted.export(conn, b.tenant, B)
            for _ in range(2):
                tenanted.execution(conn, a.tenant, A, mine)
        cursor = ask(a, operation, mine, params={"limit": 1}).json()["nextCursor"]
        assert cursor, operation
        assert ask(a, operation, mine, params={"cursor": cursor}).status_code == 200
        answer = ask(b, operation, theirs, params={"cursor": cursor})
        assert (answer.status_code, answer.json()["detail"]) == (404, "there is nothing of that id"), operation
        # Made out as one's own it is only a place between one's own rows.
        listing, _, at, row_id = json.loads(base64.urlsafe_b64decode(cursor))
        forged = base64.urlsafe_b64encode(json.dumps([listing, str(b.tenant), at, row_id]).encode()).decode()
        answer = ask(b, operation, theirs, params={"cursor": forged})
        assert answer.status_code == 200
        assert A not in answer.text
