"""An API token opens what its scope says, to whoever shows it once in the one place, and is stored nowhere."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from psycopg import sql

from api import tokens
from api.app import openapi
from tests import make
from tests.api.conftest import Api, MakeWeb, TestClient, web_of_it

PATHS = openapi()["paths"]
WRITES = [
    (method.upper(), path)
    for path, verbs in PATHS.items()
    for method in verbs
    if method != "get" and path != "/api/cron/preview"
]


def _of(path: str) -> str:
    return re.sub(r"{[^}]+}", str(uuid4()), path)


def test_a_token_is_shown_once_in_one_header(host: TestClient, owner: make.Connection) -> None:
    token = Api(host, owner).token
    shown = ("Authorization", f"Bearer {token}")
    for headers in ([], [("Authorization", "")], [("Authorization", "Bearer")], [("Authorization", "Bearer ")]):
        answer = host.get("/api/tenant", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    for scheme in ("Basic", "Token", "", "bearer:"):
        assert host.get("/api/tenant", headers={"Authorization": f"{scheme} {token}"}).status_code == 401
    assert host.get("/api/tenant", headers=[shown, shown]).status_code == 400
    assert host.get("/api/tenant", headers=[shown, ("authorization", "Bearer other")]).status_code == 400
    assert host.get("/api/tenant", headers=[("AUTHORIZATION", f"bearer  {token} ")]).status_code == 200


@pytest.mark.parametrize("name", ["token", "access_token", "authorization", "api_key", "jwt"])
def test_a_token_in_the_address_or_a_cookie_is_not_looked_at(
    host: TestClient, owner: make.Connection, name: str
) -> None:
    token = Api(host, owner).token
    assert host.get("/api/tenant", params={name: token}).status_code == 401
    assert host.get("/api/tenant", params={name: f"Bearer {token}"}).status_code == 401
    assert host.get("/api/tenant", headers={"Cookie": f"{name}={token}", "X-Api-Key": token}).status_code == 401


def test_every_token_that_is_not_good_is_answered_alike(host: TestClient, owner: make.Connection) -> None:
    admin = Api(host, owner)
    revoked, expired = admin.of_scope(owner, "read"), admin.of_scope(owner, "read")
    assert (revoked("GET", "/api/tenant").status_code, expired("GET", "/api/tenant").status_code) == (200, 200)
    assert admin("DELETE", f"/api/tokens/{revoked.made.id}").status_code == 204
    owner.execute("update api_tokens set expires_at = now() where id = %s", (expired.made.id,))
    good = admin.token
    other = "x" if good[-1] != "x" else "y"
    wrong = [
        revoked.token,
        expired.token,
        tokens.mint(),
        good[:-1] + other,
        good[:-1],
        good + "x",
        "tok_" + good[4:],
        good[4:],
        good.upper(),
        "toc_",
        "toc_é",
        "toc_" + "0" * 38,
    ]
    answers = [
        host.get("/api/tenant", headers={b"Authorization": f"Bearer {token}".encode("latin-1")}) for token in wrong
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(401, answers[0].text)}
    assert admin("GET", "/api/tenant").status_code == 200


def test_a_token_whose_checksum_is_wrong_costs_no_look_at_the_database(make_web: MakeWeb) -> None:
    from local.processes import free_port

    web = make_web(f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    good = tokens.mint()
    wrong = good[:-1] + ("x" if good[-1] != "x" else "y")
    assert web.get("/api/tenant", headers={"Authorization": f"Bearer {wrong}"}).status_code == 401
    assert web.get("/api/tenant", headers={"Authorization": f"Bearer {good}"}).status_code == 503


def test_tokens_are_long_random_and_checked() -> None:
    minted = {tokens.mint() for _ in range(500)}
    assert len(minted) == 500
    assert all(re.fullmatch(r"toc_[0-9A-Za-z]{38}", token) and tokens.is_whole(token) for token in minted)


def test_no_dump_of_the_database_holds_a_token(host: TestClient, owner: make.Connection) -> None:
    admin = Api(host, owner)
    issued = [admin.token]
    for number in range(200):
        # Under a key the answer is kept, and the audit log keeps what was made.
        headers = {"Idempotency-Key": f"key {number}"} if number % 2 else {}
        body = {"name": f"token {number}", "scope": "read"}
        answer = admin("POST", "/api/tokens", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        issued.append(answer.json()["token"])
    # The others as the command makes them, which nobody limits.
    tenant_id = make.value(owner, "select tenant_id from api_tokens where id = %s", admin.made.id)
    issued += [tokens.create(owner, tenant_id, f"other {number}", "read")[1] for number in range(800)]
    dump = _dump(owner)
    assert "token 199" in dump
    assert tokens.hash_of(issued[-1]).hex() in dump
    for token in issued:
        secret = token[4:36]
        for form in (token, secret, token.encode().hex(), secret.encode().hex()):
            assert form not in dump


def test_a_replayed_answer_does_not_hold_the_token(host: TestClient, owner: make.Connection) -> None:
    admin = Api(host, owner)
    headers = {"Idempotency-Key": "once"}
    first, second = (
        admin("POST", "/api/tokens", json={"name": "a", "scope": "read"}, headers=headers) for _ in range(2)
    )
    assert second.headers["Idempotency-Replayed"] == "true"
    assert second.json() == first.json() | {"token": None}
    assert first.json()["token"] not in admin("GET", first.headers["location"]).text
    assert first.json()["token"] not in admin("GET", "/api/tokens").text


# Who reads may sign in and out, ask what a replay would meet, and try what is stored: nothing is changed by it.
ASKED = {
    "/api/session",
    "/api/dead-letters/effect",
    "/api/kpi-alerts/backtest",
    "/api/kpi-alerts/{alert_id}/test",
    "/api/scheduled-reports/{report_id}/preview",
}


def test_a_token_that_reads_writes_nowhere(host: TestClient, owner: make.Connection) -> None:
    reader = Api(host, owner, "read")
    for method, path in WRITES:
        if path in ASKED:
            continue
        answer = reader(method, _of(path), json={})
        assert answer.status_code == 403, path
        assert answer.json()["detail"].endswith("yours is viewer")


def test_a_token_that_writes_governs_nobody(host: TestClient, owner: make.Connection) -> None:
    editor = Api(host, owner, "write")
    for path in PATHS:
        if re.match(r"/api/(tokens|members|tenant|audit)", path):
            for method in PATHS[path].keys() - ({"get"} if path == "/api/tenant" else set()):
                assert editor(method.upper(), _of(path), json={}).status_code == 403, path


def test_no_token_makes_one_that_is_stronger_than_a_tenants_admin(host: TestClient, owner: make.Connection) -> None:
    admin = Api(host, owner)
    for scope in ("operator", "owner", "ADMIN ", "", None, ["admin"]):
        answer = admin("POST", "/api/tokens", json={"name": "a", "scope": scope})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/scope"
    bent: dict[str, Any] = {"name": "a", "scope": "read", "tenantId": None}
    assert admin("POST", "/api/tokens", json=bent).status_code == 422
    for method, path in (("GET", "/api/tenants"), ("POST", "/api/tenants"), ("GET", "/api/audit-log/operator")):
        assert admin(method, path, json={}).status_code == 403
    assert make.value(owner, "select count(*) from api_tokens where tenant_id = %s", admin.tenant) == 1


def test_a_token_expires_in_time_to_come_and_says_when(host: TestClient, owner: make.Connection) -> None:
    admin = Api(host, owner)
    past, future = (make.now(owner) + timedelta(minutes=minutes) for minutes in (-1, 1))
    body = {"name": "a", "scope": "read"}
    refused = admin("POST", "/api/tokens", json=body | {"expiresAt": past.isoformat()})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/expiresAt")
    made = admin("POST", "/api/tokens", json=body | {"expiresAt": future.isoformat()})
    assert made.status_code == 201
    headers = {"Authorization": f"Bearer {made.json()['token']}"}
    assert host.get("/api/tenant", headers=headers).status_code == 200
    owner.execute("update api_tokens set expires_at = now() where id = %s", (made.json()["id"],))
    assert host.get("/api/tenant", headers=headers).status_code == 401


def test_a_revoked_token_is_known_as_good_no_more(host: TestClient, owner: make.Connection) -> None:
    admin = Api(host, owner)
    reader = admin.of_scope(owner, "read")
    known = web_of_it(host).good_tokens
    assert reader("GET", "/api/tenant").status_code == 200
    assert tokens.hash_of(reader.token) in known
    assert admin("DELETE", f"/api/tokens/{reader.made.id}").status_code == 204
    assert reader("GET", "/api/tenant").status_code == 401
    assert tokens.hash_of(reader.token) not in known


def test_the_last_use_of_a_token_is_noted(host: TestClient, owner: make.Connection) -> None:
    admin = Api(host, owner)
    place = f"/api/tokens/{admin.of_scope(owner, 'read').made.id}"
    assert admin("GET", place).json()["lastUsedAt"] is None
    assert admin("GET", f"/api/tokens/{admin.made.id}").json()["lastUsedAt"] is not None


def test_a_tenants_token_acts_for_its_tenant_whatever_a_header_says(host: TestClient, owner: make.Connection) -> None:
    admin, other = Api(host, owner), make.tenant(owner, slug=f"other-{uuid4().hex[:8]}")
    slug = make.value(owner, "select slug from tenants where id = %s", other)
    assert admin("GET", "/api/tenant", headers={"Tocsin-Tenant": slug}).json()["id"] == str(admin.tenant)


def test_an_operator_names_the_tenant(host: TestClient, owner: make.Connection) -> None:
    operator, tenant = Api(host, owner, "operator"), make.tenant(owner)
    slug = make.value(owner, "select slug from tenants where id = %s", tenant)
    assert operator("GET", "/api/tenant").status_code == 400
    assert operator("GET", "/api/tenant", headers={"Tocsin-Tenant": "nobody"}).status_code == 404
    assert operator("GET", "/api/tenant", headers={"Tocsin-Tenant": slug}).json()["id"] == str(tenant)


def test_a_suspended_tenants_tokens_open_nothing(host: TestClient, owner: make.Connection) -> None:
    admin, operator = Api(host, owner), Api(host, owner, "operator")
    slug = make.value(owner, "select slug from tenants where id = %s", admin.tenant)
    assert operator("POST", f"/api/tenants/{slug}/suspend").status_code == 200
    assert admin("GET", "/api/tenant").status_code == 403
    assert operator("POST", f"/api/tenants/{slug}/reinstate").status_code == 200
    assert admin("GET", "/api/tenant").status_code == 200


def _dump(conn: make.Connection) -> str:
    """Every row of every table as text; bytes are in hexadecimal."""
    names = conn.execute(
        "select c.relname from pg_class as c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')"
    ).fetchall()
    texts: list[str] = []
    for (name,) in names:
        texts += [row for (row,) in conn.execute(sql.SQL("select t::text from {} as t").format(sql.Identifier(name)))]
    return "\n".join(texts)
