"""Who may what: each route's role, suspended tenants, and operators, who stand above them."""

import time
from typing import Any
from uuid import uuid4

import jwt
from httpx2 import Response

from tests import make
from tests.api import tenanted
from tests.api.conftest import JWT_SECRET, Api, MakeWeb, TestClient, Two
from tests.api.tenanted import RANKS, ROUTES, A, B, ask, filled, path_names, whole

SCOPES = {"viewer": "read", "editor": "write", "admin": "admin", "operator": "operator"}


def test_each_route_opens_to_its_role_and_those_above_it_alone(web: TestClient, conn: make.Connection) -> None:
    first = Api(web, conn)
    asking = {role: first.of_scope(conn, scope) for role, scope in SCOPES.items()}
    wrong = []
    for operation, route in ROUTES.items():
        unknown = "of-nobody" if path_names(operation) == ["slug"] else str(uuid4())
        for role, who in asking.items():
            answer = ask(who, operation, unknown)
            if RANKS.index(role) < RANKS.index(route.role):
                expected = {403}
                assert answer.json().get("detail") == f"this needs the role {route.role}; yours is {role}", operation
            elif path_names(operation):
                expected = {404}
            else:
                # What was made by the role before is taken.
                expected = {route.own, 422} if route.own == 201 else {route.own}
            if answer.status_code not in expected:
                wrong.append((operation, role, answer.status_code, answer.text))
        method, path = filled(operation, unknown)
        shut = web.request(method, path, json=route.body)
        if (shut.status_code, shut.headers.get("WWW-Authenticate")) != (401, "Bearer"):
            wrong.append((operation, "nobody", shut.status_code, shut.text))
    assert wrong == []


def test_a_token_makes_none_that_may_more_than_its_tenants_admin(two: Two) -> None:
    _web, conn, a, _b = two
    answer = a("POST", "/api/tokens", json={"name": "more", "scope": "operator"})
    assert [each["pointer"] for each in answer.json()["errors"]] == ["/scope"]
    assert make.value(conn, "select count(*) from api_tokens where scope = 'operator'") == 0


def person(tenant: object, **metadata: Any) -> str:
    """A person's JWT."""
    claims = {"sub": "someone", "aud": "authenticated", "exp": time.time() + 600}
    return jwt.encode({**claims, "app_metadata": {"tenant_id": str(tenant), **metadata}}, JWT_SECRET, "HS256")


def test_a_suspended_tenant_is_shut_out_of_every_route_until_it_is_reinstated(two: Two) -> None:
    web, conn, a, b = two
    operator = Api(web, conn, "operator")
    assert a.tenant
    schedule_id = tenanted.schedule(conn, a.tenant, A)
    slug = tenanted.slug(conn, a.tenant, A)
    people = {"Authorization": f"Bearer {person(a.tenant, role='admin')}"}
    assert web.get("/api/schedules", headers=people).status_code == 200
    assert operator("POST", f"/api/tenants/{slug}/suspend").json()["status"] == "suspended"
    before = whole(conn, a.tenant)
    for operation, route in ROUTES.items():
        if route.role == "operator":
            continue
        method, path = filled(operation, schedule_id if path_names(operation) == ["schedule_id"] else str(uuid4()))
        answers = [ask(a, operation, schedule_id), web.request(method, path, headers=people, json=route.body)]
        assert {(each.status_code, each.json()["detail"]) for each in answers} == {(403, "this tenant is suspended")}
    assert whole(conn, a.tenant) == before
    assert b("GET", "/api/schedules").status_code == 200
    assert operator("POST", f"/api/tenants/{slug}/reinstate").json()["status"] == "active"
    assert a("GET", f"/api/schedules/{schedule_id}").json()["status"] == "active"
    assert web.get("/api/schedules", headers=people).status_code == 200


def test_a_person_is_of_the_tenant_of_that_id_and_not_of_one_whose_slug_reads_like_it(two: Two) -> None:
    web, conn, a, _b = two
    # Made first and last, whichever comes first to hand.
    make.tenant(conn, slug=str(a.tenant))
    late = make.tenant(conn)
    make.tenant(conn, slug=str(late))
    for each in (a.tenant, late):
        answer = web.get("/api/tenant", headers={"Authorization": f"Bearer {person(each)}"})
        assert answer.json()["id"] == str(each)


def slugs(found: Response) -> list[str]:
    """The names of the schedules that a list shows, by their first word."""
    return sorted({each["name"].split()[0] for each in found.json()["items"]})


def test_an_operator_acts_for_the_tenant_that_the_header_names_and_no_other(
    make_web: MakeWeb, database: str, conn: make.Connection
) -> None:
    for is_hosting in (False, True):
        web = make_web(database, is_hosting=is_hosting)
        operator, a, b = Api(web, conn, "operator"), Api(web, conn), Api(web, conn)
        rows = {}
        for who, word in ((a, A), (b, B)):
            assert who.tenant
            rows[word] = tenanted.schedule(conn, who.tenant, word)
        for who, word, other in ((a, A, B), (b, B, A)):
            named = {"Tocsin-Tenant": tenanted.slug(conn, who.tenant, word)} if who.tenant else {}
            assert slugs(operator("GET", "/api/schedules", headers=named)) == [word]
            assert operator("GET", f"/api/schedules/{rows[word]}", headers=named).status_code == 200
            assert operator("GET", f"/api/schedules/{rows[other]}", headers=named).status_code == 404
            made = operator("POST", "/api/schedules", json=ROUTES["POST /api/schedules"].body, headers=named)
            owner = make.value(conn, "select tenant_id from schedules where id = %s", made.json()["id"])
            assert owner == who.tenant
        missing = operator("GET", "/api/schedules", headers={"Tocsin-Tenant": "of-nobody"})
        assert (missing.status_code, missing.json()["detail"]) == (404, "Tocsin-Tenant names no tenant")


def test_without_the_header_an_operator_has_the_default_tenant_and_under_hosting_none(
    make_web: MakeWeb, database: str, conn: make.Connection
) -> None:
    alone, hosting = make_web(database), make_web(database, is_hosting=True)
    a = Api(alone, conn)
    assert a.tenant
    tenanted.schedule(conn, a.tenant, A)
    operator = Api(alone, conn, "operator")
    assert operator("GET", "/api/tenant").json()["slug"] == "default"
    assert slugs(operator("GET", "/api/schedules")) == []
    operator.web = hosting
    for operation, route in ROUTES.items():
        if route.role != "operator":
            answer = ask(operator, operation, str(uuid4()))
            assert answer.status_code == 400, operation
            assert "Tocsin-Tenant" in answer.json()["detail"]
        elif operation.startswith("GET ") and not path_names(operation):
            assert ask(operator, operation).status_code == 200


def test_the_header_is_the_operators_alone(two: Two) -> None:
    _web, conn, a, b = two
    assert a.tenant
    assert b.tenant
    tenanted.schedule(conn, a.tenant, A)
    theirs = tenanted.schedule(conn, b.tenant, B)
    named = {"Tocsin-Tenant": tenanted.slug(conn, b.tenant, B)}
    assert slugs(a("GET", "/api/schedules", headers=named)) == [A]
    assert a("GET", f"/api/schedules/{theirs}", headers=named).status_code == 404
    assert a("PATCH", "/api/tenant", json={"name": "Ours"}, headers=named).json()["id"] == str(a.tenant)
