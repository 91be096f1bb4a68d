"""Users: what an import leaves alone, what a source's rows become, and what the audit log keeps of whoever is deleted."""

from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Any
from uuid import uuid4

import pytest

from api import user_imports
from api.app import create_app
from db.migrate import register
from local.postgres import Postgres
from local.redis import Redis
from tests import make
from tests.api.conftest import Api, TestClient, settings_of, web_of_it
from tests.crew import asked_at, endpoint


@pytest.fixture(scope="module")
def near(postgres: Postgres, template: str, redis_server: Redis) -> Iterator[TestClient]:
    """A web application that may reach loopback, whose tests keep to tenants of their own."""
    name = f"test_{uuid4().hex}"
    url = postgres.create_database(name, template=template)
    with make.connect(url) as conn:
        register(conn)
        conn.execute(
            "create table customers as select 'c' || n as uid, jsonb_build_object('plan', n) as context, "
            "array['grow', 'rest'] as goal, (n % 10)::int as priority from generate_series(1, 12000) as n"
        )
    settings = settings_of(url, redis_server.url, is_hosting=True, egress_allow=(IPv4Network("127.0.0.0/8"),))
    with TestClient(create_app(settings)) as web:
        yield web
    postgres.drop_database(name)


@pytest.fixture
def owner(near: TestClient) -> Iterator[make.Connection]:
    with make.connect(web_of_it(near).settings.database.url) as found:
        yield found


@pytest.fixture
def api(near: TestClient, owner: make.Connection) -> Api:
    """A tenant with an admin's token."""
    return Api(near, owner)


def _import(api: Api, text: str) -> dict[str, int]:
    answer = api("POST", "/api/users/import", content=text.encode(), headers={"Content-Type": "text/csv"})
    assert answer.status_code == 200, answer.text
    found: dict[str, int] = answer.json()
    return found


def _shown(api: Api, uid: str) -> tuple[Any, ...]:
    found = api("GET", f"/api/users/{uid}").json()
    return tuple(found[name] for name in ("context", "goal", "segment", "priority", "active"))


def test_after_an_erasure_nothing_about_the_user_stands_in_the_audit_log(api: Api) -> None:
    user = {"uid": "ann", "context": "context-canary", "goal": "goal-canary", "segment": "big", "priority": 2}
    assert api("POST", "/api/users", json=user).status_code == 201
    assert api("PATCH", "/api/users/ann", json={"goal": "goal-canary two", "priority": 3}).status_code == 200
    assert api("POST", "/api/users/bulk", json={"users": [user]}).status_code == 200
    _import(api, "uid,goal\nann,goal-canary three")
    assert api("DELETE", "/api/users/ann").status_code == 204
    log = api("GET", "/api/audit-log")
    assert "canary" not in log.text
    deleted, _, _, edited, created = log.json()["items"]
    assert (created["action"], created["after"]["uid"], created["after"]["segment"]) == ("user.created", "ann", "big")
    assert edited["after"]["changed"] == ["goal", "priority"]
    assert (edited["before"]["priority"], edited["after"]["priority"]) == (2, 3)
    assert (deleted["action"], deleted["before"]["uid"]) == ("user.deleted", "ann")


def test_an_import_changes_the_columns_that_it_has_and_no_others(api: Api) -> None:
    _import(api, "uid,context,goal,segment,priority,active\nann,sells,to grow,big,2,no")
    assert _import(api, "uid,priority\nann,7\nben,3") == {"created": 1, "updated": 1}
    assert _shown(api, "ann") == ("sells", "to grow", "big", 7, False)
    assert _shown(api, "ben") == (None, None, None, 3, True)
    assert _import(api, "uid,priority\nann,7\nben,3") == {"created": 0, "updated": 0}
    # A blank cell of a column that is there says that there is nothing.
    _import(api, "uid,goal,priority,active\nann,,,")
    assert _shown(api, "ann") == ("sells", None, "big", 5, True)


def test_many_at_once_change_the_fields_that_each_gives(api: Api) -> None:
    first = [{"uid": uid, "context": "sells", "goal": "to grow", "priority": 2} for uid in ("ann", "ben", "cy")]
    assert api("POST", "/api/users/bulk", json={"users": first}).json() == {"created": 3, "updated": 0}
    changes = [{"uid": "ben", "priority": 4}, {"uid": "ann", "goal": None}, {"uid": "cy"}, {"uid": "dee", "goal": "x"}]
    assert api("POST", "/api/users/bulk", json={"users": changes}).json() == {"created": 1, "updated": 2}
    assert _shown(api, "ann") == ("sells", None, None, 2, True)
    assert _shown(api, "ben") == ("sells", "to grow", None, 4, True)
    assert _shown(api, "cy") == ("sells", "to grow", None, 2, True)
    twice = api("POST", "/api/users/bulk", json={"users": [{"uid": "ann"}, {"uid": "ben"}, {"uid": "ann"}]})
    assert (twice.status_code, twice.json()["errors"][0]["pointer"]) == (422, "/users/2/uid")


def _source(api: Api, database: str) -> str:
    made = api("POST", "/api/sources", json={"name": "shop", "url": database})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def test_a_source_of_more_than_ten_thousand_rows_is_imported_whole_with_its_json_as_text(
    api: Api, near: TestClient
) -> None:
    body = {
        "sourceId": _source(api, web_of_it(near).settings.database.url),
        "query": "select uid, context, to_jsonb(goal) as goal, priority from customers",
    }
    answer = api("POST", "/api/users/import-source", json=body)
    assert (answer.status_code, answer.json()) == (200, {"created": 12_000, "updated": 0}), answer.text
    assert _shown(api, "c11999") == ('{"plan":11999}', '["grow","rest"]', None, 9, True)
    query = "select uid, 3 as priority from customers where uid in ('c3', 'c11999', 'c12000')"
    again = api("POST", "/api/users/import-source", json=body | {"query": query})
    assert again.json() == {"created": 0, "updated": 2}
    assert _shown(api, "c11999") == ('{"plan":11999}', '["grow","rest"]', None, 3, True)


def test_a_row_that_is_no_user_is_named_and_nothing_is_imported(
    api: Api, near: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user_imports, "MOST", 100)
    body = {"sourceId": _source(api, web_of_it(near).settings.database.url)}
    for query, pointer in (
        ("select uid, case uid when 'c3' then 12 else 2 end as priority from customers limit 9", "/row 3/priority"),
        ("select 'one' as uid from customers limit 9", "/row 2/uid"),
        ("select uid, 1 as colour from customers limit 9", "/columns"),
        ("select", "/query"),
        ("select 'a' || n as uid from generate_series(1, 101) as n", "/query"),
    ):
        answer = api("POST", "/api/users/import-source", json=body | {"query": query})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), answer.text
    assert api("GET", "/api/users").json()["items"] == []


def _of_form(*files: tuple[str, str | None, bytes]) -> dict[str, Any]:
    """A form with these parts, as httpx takes it: the name of a field, that of a file, and what it holds."""
    return {"files": [(name, (filename, content)) for name, filename, content in files]}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_file_is_taken_as_a_body_and_out_of_a_form_whatever_parts_its_columns(api: Api, separator: str) -> None:
    rows = (("uid", '"goal"', "priority"), ("ann", '"a, b; c\td"', "2"), ("ben", "f\u00fcr", "3"))
    file = ("\ufeff" + "\r\n".join(map(separator.join, rows))).encode()
    whole = {"created": 2, "updated": 0}
    for uid, sent in (
        ("ann", {"content": file}),
        ("bob", _of_form(("anything", "users.csv", file.replace(b"ann", b"bob").replace(b"ben", b"bea")))),
    ):
        answer = api("POST", "/api/users/import", **sent)
        assert (answer.status_code, answer.json()) == (200, whole), answer.text
        assert _shown(api, uid) == (None, "a, b; c\td", None, 2, True)
    assert _shown(api, "bea")[1] == "f\u00fcr"
    field = _of_form(("csv", None, f"uid{separator}goal\nann{separator}".encode()))
    assert api("POST", "/api/users/import", **field).json() == {"created": 0, "updated": 1}


def test_what_is_no_file_of_users_is_refused_with_the_cause(api: Api) -> None:
    path = "/api/users/import"
    for sent, status, why in (
        ({"json": [{"uid": "ann"}]}, 415, "takes a CSV file, as text/csv"),
        ({"content": b"x", "headers": {"Content-Type": "application/zip"}}, 415, "multipart/form-data"),
        (_of_form(("a", "a.csv", b"uid"), ("b", "b.csv", b"uid")), 422, "takes a form with one file"),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 422, "this one has no boundary"),
        ({"content": b"--x\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}, 422, "has no end"),
        ({"content": "uid;goal\nann;\u00fc".encode("latin-1")}, 422, "takes a CSV file in UTF-8"),
        ({"content": b"uid|goal\nann|x"}, 422, "parted by commas, semicolons or tabs alone"),
        ({"content": b"uid;goal,priority\nann;x,2"}, 422, "parted by commas, semicolons or tabs alone"),
    ):
        answer = api("POST", path, **sent)
        assert (answer.status_code, why in answer.text) == (status, True), answer.text
    assert api("GET", "/api/users").json()["items"] == []


def test_a_uid_that_is_taken_is_the_field_at_fault(api: Api) -> None:
    assert api("POST", "/api/users", json={"uid": "ann"}).status_code == 201
    again = api("POST", "/api/users", json={"uid": "ann"})
    assert (again.status_code, again.json()["errors"][0]["pointer"]) == (422, "/uid")


def test_blanks_are_nothing_by_whatever_door_they_come_and_nobody_is_asked_about_them(
    api: Api, owner: make.Connection
) -> None:
    blank = {"context": " \t\n", "goal": "\u00a0 "}
    assert api("POST", "/api/users", json={"uid": "ann", **blank}).status_code == 201
    assert api("POST", "/api/users/bulk", json={"users": [{"uid": "ben", **blank}]}).status_code == 200
    assert api("POST", "/api/users", json={"uid": "cy", "goal": " to grow "}).status_code == 201
    assert api("POST", "/api/users", json={"uid": "dee", "goal": "to grow"}).status_code == 201
    assert api("PATCH", "/api/users/dee", json=blank).status_code == 200
    _import(api, 'uid,context,goal\neve," ",')
    for uid in ("ann", "ben", "dee", "eve"):
        assert _shown(api, uid)[:2] == (None, None), uid
    assert _shown(api, "cy")[1] == " to grow ", "what is there stays as it came"
    # And one that was stored before they were taken so.
    make.insert(owner, "users", {"tenant_id": api.tenant, "uid": "fay", "context": "  ", "goal": "\t\n"})
    assert api.tenant
    endpoint(owner, api.tenant, "https://crew.example.com")
    assert asked_at(owner, api.tenant) == {"cy": "crew"}
