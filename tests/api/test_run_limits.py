"""Limits on runs as a tenant makes and changes them, and what runs and schedules tell of them."""

from typing import Any
from uuid import uuid4

import pytest

from tests import make
from tests.api.conftest import Api, TestClient, Two
from workers import uses

HOST = {"name": "host:API.Example.com.", "maxRunning": 3}
CALL = {"jobType": "http.call", "intervalSeconds": 60, "overlapPolicy": "allow"}


def source(api: Api) -> str:
    body = {"name": uuid4().hex, "url": "postgresql://u:p@db.example.com/x"}
    return str(api("POST", "/api/sources", json=body).json()["id"])


def test_a_limit_is_made_shown_changed_and_taken_away(api: Api) -> None:
    made = api("POST", "/api/limits", json=HOST)
    assert made.status_code == 201
    shape = made.json()
    assert made.headers["Location"] == f"/api/limits/{shape['id']}"
    assert (shape["name"], shape["maxRunning"], shape["maxPerMinute"]) == ("host:api.example.com", 3, None)
    assert (shape["running"], shape["waiting"]) == (0, 0)

    changed = api("PATCH", f"/api/limits/{shape['id']}", json={"maxRunning": None, "maxPerMinute": 60})
    assert (changed.json()["maxRunning"], changed.json()["maxPerMinute"]) == (None, 60)
    assert api("GET", "/api/limits").json()["items"] == [changed.json()]

    assert api("DELETE", f"/api/limits/{shape['id']}").status_code == 204
    assert api("GET", f"/api/limits/{shape['id']}").status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        ({"name": "host:a.example"}, "maxRunning", "a limit limits something"),
        ({"name": "everything", "maxRunning": 1}, "name", "takes tenant, source:ID or host:NAME"),
        ({"name": "host:", "maxRunning": 1}, "name", "takes tenant, source:ID or host:NAME"),
        ({"name": "host:a.example/path", "maxRunning": 1}, "name", "takes tenant, source:ID or host:NAME"),
        ({"name": f"host:{'a' * 260}"[:290], "maxRunning": 1}, "name", "takes tenant, source:ID or host:NAME"),
        ({"name": "host:me@a.example", "maxRunning": 1}, "name", "takes tenant, source:ID or host:NAME"),
        ({"name": f"source:{uuid4()}", "maxRunning": 1}, "name", "there is no source"),
        ({"name": "source:mine", "maxRunning": 1}, "name", "takes tenant, source:ID or host:NAME"),
        ({"name": "host:a.example", "maxRunning": -1}, "maxRunning", "greater than or equal to 0"),
        ({"name": "host:a.example", "maxPerMinute": 0}, "maxPerMinute", "greater than or equal to 1"),
        ({"name": "host:a.example", "maxRunning": "3"}, "maxRunning", "integer"),
    ],
)
def test_a_wrong_limit_is_refused_by_the_field_and_nothing_is_stored(
    api: Api, body: dict[str, Any], pointer: str, detail: str
) -> None:
    answer = api("POST", "/api/limits", json=body)
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["pointer"].endswith(pointer)
    assert detail in error["detail"]
    assert api("GET", "/api/limits").json()["items"] == []


def test_a_change_that_leaves_no_number_is_refused(api: Api) -> None:
    limit_id = api("POST", "/api/limits", json=HOST).json()["id"]
    assert api("PATCH", f"/api/limits/{limit_id}", json={"maxRunning": None}).status_code == 422
    assert api("GET", f"/api/limits/{limit_id}").json()["maxRunning"] == 3


def test_a_second_limit_of_a_name_is_refused(api: Api) -> None:
    assert api("POST", "/api/limits", json=HOST).status_code == 201
    again = api("POST", "/api/limits", json={"name": "host:api.example.com", "maxRunning": 9})
    assert again.status_code == 422
    assert again.json()["errors"][0]["detail"].startswith("there is a limit host:api.example.com already")
    assert api("POST", "/api/limits", json={"name": "host:api.example.com:8443", "maxRunning": 9}).status_code == 201


def test_the_tenants_own_limit_is_the_operators_to_set(web: TestClient, conn: make.Connection) -> None:
    own = {"name": " tenant ", "maxRunning": 5}
    operator = Api(web, conn, "operator")
    made = operator("POST", "/api/limits", json=own)
    assert made.status_code == 201
    path = made.headers["Location"]
    admin = Api(web, conn, "admin", make.value(conn, "select id from tenants where slug = 'default'"))
    for method, json in (("PATCH", {"maxRunning": 500}), ("DELETE", None)):
        assert admin(method, path, json=json).status_code == 403
    assert admin.of_scope(conn, "read")("GET", path).json()["maxRunning"] == 5
    assert operator("DELETE", path).status_code == 204
    assert admin("POST", "/api/limits", json=own).status_code == 403


def test_a_stale_change_is_refused_and_what_runs_meanwhile_is_no_change(api: Api, conn: make.Connection) -> None:
    limit = api("POST", "/api/limits", json=HOST)
    path, etag = limit.headers["Location"], limit.headers["ETag"]
    assert api.tenant
    make.run(conn, api.tenant, state="running", limited_by=["host:api.example.com"])
    assert api("GET", path).json()["running"] == 1
    assert api("GET", path).headers["ETag"] == etag
    assert api("PATCH", path, json={"maxRunning": 4}, headers={"If-Match": etag}).status_code == 200
    assert api("PATCH", path, json={"maxRunning": 5}, headers={"If-Match": etag}).status_code == 412


def test_schedules_tell_what_they_use_and_an_edit_of_their_address_changes_it(api: Api) -> None:
    call = {**CALL, "jobPayload": {"url": "https://API.example.com/hook"}}
    made = api("POST", "/api/schedules", json=call).json()
    assert made["uses"] == ["host:api.example.com"]
    payload = {"url": "http://other.example.com:8080/hook"}
    edited = api("PATCH", f"/api/schedules/{made['id']}", json={"jobPayload": payload}).json()
    assert edited["uses"] == ["host:other.example.com:8080"]


def test_an_alert_uses_its_source(api: Api) -> None:
    source_id = source(api)
    graph = api("POST", "/api/graphs", json={"name": "orders", "sourceId": source_id, "query": "select 1"}).json()
    threshold = {"condition": "LESS_THAN", "thresholdValue": 0}
    alert = {"alertName": "A", "recipients": ["a@example.com"], "graphId": graph["id"], "threshold": threshold}
    made = api("POST", "/api/kpi-alerts", json=alert).json()
    assert api("GET", f"/api/schedules/{made['scheduleId']}").json()["uses"] == [f"source:{source_id}"]
    assert api("POST", "/api/limits", json={"name": f"source:{source_id}", "maxRunning": 1}).status_code == 201


def test_a_run_by_hand_carries_its_limits_and_says_what_it_waits_for(api: Api, conn: make.Connection) -> None:
    api("POST", "/api/limits", json={**HOST, "maxRunning": 0})
    call = {**CALL, "jobPayload": {"url": "https://api.example.com/hook"}}
    schedule_id = api("POST", "/api/schedules", json=call).json()["id"]
    [run_id] = api("POST", f"/api/schedules/{schedule_id}/run").json()["runIds"]
    run = api("GET", f"/api/runs/{run_id}").json()
    assert run["limitedBy"] == ["host:api.example.com"]
    assert "Next: it starts once its limits leave room for it: host:api.example.com." in run["decision"]
    [limit] = api("GET", "/api/limits").json()["items"]
    assert (limit["running"], limit["waiting"]) == (0, 1)


def test_no_tenant_sees_anothers_limits_nor_uses_its_source(two: Two) -> None:
    path = two.a("POST", "/api/limits", json=HOST).headers["Location"]
    assert two.b("GET", path).status_code == 404
    assert two.b("POST", "/api/limits", json=HOST).status_code == 201
    assert two.b("POST", "/api/limits", json={"name": f"source:{source(two.a)}", "maxRunning": 1}).status_code == 422


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://X.example/a", "host:x.example"),
        ("http://x.example:80/", "host:x.example"),
        ("http://x.example:443/", "host:x.example"),
        ("https://x.example.:8443/", "host:x.example:8443"),
        ("http://[::1]:8080/", "host:[::1]:8080"),
    ],
)
def test_a_host_has_one_name_however_it_is_written(url: str, name: str) -> None:
    assert uses.host(url) == name
    assert uses.host_named(url.split("/")[2]) == name
