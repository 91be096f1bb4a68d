"""Sources of every type over HTTP: what each takes, that no secret comes out, and what a test and a preview answer."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests import make
from tests.api.conftest import Api, MakeWeb
from tests.workers.sources.cube_server import SECRET, cube_server
from tests.workers.wire import LOOPBACK, http_server

HTTP = {"name": "rates", "type": "http", "url": "https://api.example.com/rates?from=$start", "secret": "hush"}
CUBE = {"name": "cube", "type": "cube", "url": "https://cube.example.com", "secret": "hush"}
PROMETHEUS = {"name": "metrics", "type": "prometheus", "url": "https://prometheus.example.com", "secret": "hush"}
DUCKDB = {"name": "files", "type": "duckdb", "url": "file:///sales/"}


@pytest.fixture
def near(make_web: MakeWeb, database: str, conn: make.Connection, tmp_path: Path) -> Api:
    """A tenant of a web that may reach loopback and has files."""
    found = Api(make_web(database, egress_allow=LOOPBACK, files=tmp_path), conn)
    slug = make.value(conn, "select slug from tenants where id = %s", found.tenant)
    (tmp_path / slug / "sales").mkdir(parents=True)
    (tmp_path / slug / "sales" / "sales.csv").write_text("amount\n1.5\n2\n")
    return found


def _made(api: Api, body: dict[str, Any]) -> str:
    answer = api("POST", "/api/sources", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"])


@pytest.mark.parametrize(
    ("body", "options"),
    [
        (HTTP, {"method": "POST", "body": {"from": "$start"}, "headers": {"X-A": "b"}, "secretHeader": "X-Key"}),
        (CUBE, {"securityContext": {"tenant": "acme", "roles": ["a"]}}),
        (PROMETHEUS, {"user": "reader"}),
        (DUCKDB, {}),
    ],
)
def test_a_source_of_each_type_is_shown_without_its_secret(
    near: Api, conn: make.Connection, body: dict[str, Any], options: dict[str, Any]
) -> None:
    where = _made(near, body | {"options": options})
    shown = near("GET", where)
    assert (shown.json()["options"], shown.json()["url"]) == (options, body["url"])
    assert shown.json()["hasPassword"] is ("secret" in body)
    assert "hush" not in shown.text + near("GET", "/api/sources").text + near("GET", "/api/audit-log").text
    assert "hush" not in str(make.value(conn, "select sealed_password from sources"))
    again = near("PATCH", where, json={"name": "renamed"}).json()
    assert (again["options"], again["hasPassword"]) == (options, "secret" in body)


WRONG: list[tuple[dict[str, Any], str]] = [
    (HTTP | {"url": "postgresql://u:p@h/x"}, "/url"),
    (HTTP | {"url": "https://u:hush@example.com/"}, "/url"),
    (HTTP | {"url": "https://example.com/#part"}, "/url"),
    (HTTP | {"options": {"methods": "GET"}}, "/options/methods"),
    (HTTP | {"options": {"method": "PUT"}}, "/options/method"),
    (HTTP | {"options": {"body": {"a": 1}}}, "/options/body"),
    (HTTP | {"options": {"headers": {"Authorization": "hush"}}}, "/options/headers"),
    (HTTP | {"options": {"headers": {"X-A": "b\r\nX-C: d"}}}, "/options/headers"),
    (HTTP | {"options": {"headers": {"X A": "b"}}}, "/options/headers"),
    (HTTP | {"options": {"user": "a:b"}}, "/options/user"),
    (HTTP | {"options": {"user": "a", "secretHeader": "X-Key"}}, "/options/secretHeader"),
    (HTTP | {"secret": None, "options": {"user": "a"}}, "/secret"),
    (HTTP | {"secret": "hush\r\nX-C: d"}, "/secret"),
    (CUBE | {"url": "https://cube.example.com/?a=b"}, "/url"),
    (CUBE | {"options": {"securityContext": {"exp": 99}}}, "/options/securityContext"),
    (CUBE | {"options": {"user": "a"}}, "/options/user"),
    (PROMETHEUS | {"options": {"securityContext": {}}}, "/options/securityContext"),
    (DUCKDB | {"url": "file:///../x"}, "/url"),
    (DUCKDB | {"url": "/etc"}, "/url"),
    (DUCKDB | {"secret": "hush"}, "/secret"),
    ({"name": "a", "url": "postgresql://u:p@h/x", "secret": "hush"}, "/secret"),
    ({"name": "a", "url": "postgresql://u:p@h/x", "options": {"a": 1}}, "/options/a"),
    ({"name": "a", "url": "https://h/x", "type": "oracle"}, "/type"),
]


def test_what_a_type_does_not_take_is_refused_under_its_field(near: Api) -> None:
    for body, pointer in WRONG:
        answer = near("POST", "/api/sources", json=body)
        assert (answer.status_code, [each["pointer"] for each in answer.json()["errors"]]) == (422, [pointer]), body
        assert "hush" not in answer.text


def test_without_the_setting_no_source_of_files_is_made(api: Api) -> None:
    answer = api("POST", "/api/sources", json=DUCKDB)
    assert answer.status_code == 422
    assert "TOCSIN_FILES" in answer.text


def test_a_stored_secret_goes_nowhere_else_than_where_it_was_given_for(near: Api) -> None:
    where = _made(near, HTTP)
    for url in ("https://api.example.org/", "http://api.example.com/", "https://api.example.com:8443/"):
        answer = near("PATCH", where, json={"url": url})
        assert (answer.status_code, "the secret again" in answer.text) == (422, True)
    assert near("PATCH", where, json={"url": "https://api.example.com/other"}).status_code == 200
    assert near("PATCH", where, json={"url": "https://api.example.org/", "secret": "hush2"}).status_code == 200
    assert near("PATCH", where, json={"secret": "hush3"}).json()["url"] == "https://api.example.org/"


def _previewed(api: Api, where: str, **body: Any) -> dict[str, Any]:
    answer = api("POST", f"{where}/preview", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture
def window() -> dict[str, str]:
    """A week of local days."""
    return {"start": "2026-11-14T00:00:00+01:00", "end": "2026-11-21T00:00:00+01:00", "timezone": "Europe/Madrid"}


def test_a_cube_is_tested_and_previewed(near: Api, window: dict[str, str]) -> None:
    query = {"measures": ["orders.revenue"], "timeDimensions": [{"dimension": "orders.created_at"}]}
    with cube_server(waits=1) as server:
        where = _made(near, CUBE | {"url": server.url, "secret": SECRET})
        assert near("POST", f"{where}/test").json()["ok"] is True
        shown = _previewed(near, where, query=json.dumps(query), grain="day", context={"region": "north"}, **window)
        assert near("PATCH", where, json={"secret": "another secret that is quite long enough"}).status_code == 200
        refused = near("POST", f"{where}/test").json()
    assert shown["rows"] == [[None, "1250.50"]]
    assert shown["columns"][1] == {"name": "orders.revenue", "type": "number", "holds": "number"}
    assert (shown["dataAsOf"], shown["isStale"], shown["notes"]) == ("2026-11-21T08:29:00Z", False, [])
    assert server.loads[0]["query"]["timeDimensions"][0]["dateRange"][0] == "2026-11-14T00:00:00.000"
    assert server.claims[-1]["region"] == "north"
    assert refused["ok"] is False
    assert "403" in refused["error"]


def test_json_metrics_and_files_are_tested_and_previewed(near: Api, window: dict[str, str]) -> None:
    with http_server(200, b'[{"total": 1.5, "at": "2026-11-20T10:00:00Z"}]') as server:
        where = _made(near, HTTP | {"url": f"{server.url}/x?from=$start"})
        assert near("POST", f"{where}/test").json()["ok"] is True
        assert _previewed(near, where, query="@", **window)["rows"] == [["1.5", "2026-11-20 10:00:00+00:00"]]
        assert near("POST", f"{where}/preview", json={"query": "@"}).json()["errors"][0]["pointer"] == "/query"
    assert server.seen[-1].path == "/x?from=2026-11-13T23%3A00%3A00Z"
    result = {"resultType": "vector", "result": [{"metric": {"job": "web"}, "value": [1763700000, "2"]}]}
    with http_server(200, json.dumps({"status": "success", "data": result}).encode()) as server:
        where = _made(near, PROMETHEUS | {"url": server.url})
        assert near("POST", f"{where}/test").json()["ok"] is True
        assert _previewed(near, where, query="up", slotAt="2026-11-21T00:00:00Z")["rows"][0][-1] == "2"
    where = _made(near, DUCKDB)
    assert near("POST", f"{where}/test").json()["ok"] is True
    shown = _previewed(near, where, query="select sum(amount)::decimal(9,2) as total from sales")
    assert shown["rows"] == [["3.50"]]
    refused = near("POST", f"{where}/preview", json={"query": "select * from read_csv('/etc/passwd')"})
    assert (refused.status_code, "root" in refused.text) == (422, False)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"start": "2026-11-14T00:00:00Z"}, "/query"),
        ({"start": "2026-11-14T00:00:00"}, "/start"),
        ({"start": "2026-11-14T00:00:00Z", "end": "2026-11-14T00:00:00Z"}, "/query"),
        ({"timezone": "Mars/Base"}, "/timezone"),
        ({"grain": "fortnight"}, "/grain"),
        ({"context": {"a": 1}}, "/context/a"),
    ],
)
def test_a_preview_names_the_field_that_is_wrong(near: Api, body: dict[str, Any], pointer: str) -> None:
    answer = near("POST", f"{_made(near, DUCKDB)}/preview", json={"query": "select 1"} | body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
