"""Webhooks as a tenant makes and changes them."""

import base64
from typing import Any
from uuid import UUID

import pytest

from api import webhooks
from config.seal import Seal
from db.ids import slot_of
from tests import make
from tests.api.conftest import KEY, Api
from workers.journal import OPEN_WEBHOOK, open_webhook
from workers.kind import Webhook

SECRET = "whsec_" + base64.b64encode(b"a secret of the receiver's own").decode()
OTHER = "whsec_" + base64.b64encode(b"another secret of the receiver").decode()
URL = "https://hooks.example.com:8443/T0/hush"
BODY: dict[str, Any] = {"name": "ops", "url": URL, "events": ["run.dead", "ALERT.FIRING", "run.dead"]}


def opened(api: Api, conn: make.Connection, webhook_id: str) -> Webhook:
    """The webhook as a worker opens it."""
    row = OPEN_WEBHOOK.one(conn, tenant_id=api.tenant, id=UUID(webhook_id))
    assert row
    assert api.tenant
    return open_webhook(row, api.tenant, UUID(webhook_id), Seal((KEY,)))


def test_a_webhook_is_made_and_shows_its_secret_once_and_its_path_never(api: Api, conn: make.Connection) -> None:
    made = api("POST", "/api/webhooks", json=BODY)
    assert made.status_code == 201
    shape = made.json()
    assert made.headers["Location"] == f"/api/webhooks/{shape['id']}"
    assert len(base64.b64decode(shape["secret"].removeprefix("whsec_"))) == 32
    assert (shape["origin"], shape["events"], shape["status"]) == (
        "https://hooks.example.com:8443",
        ["run.dead", "alert.firing"],
        "active",
    )
    found = opened(api, conn, shape["id"])
    assert (found.url, found.secret) == (URL, shape["secret"])
    assert "hush" not in repr(found)
    secret = shape.pop("secret")
    shown = api("GET", made.headers["Location"])
    assert shown.json() == shape
    everything = shown.text + api("GET", "/api/webhooks").text + api("GET", "/api/audit-log").text
    dumped = str(conn.execute("select to_jsonb(w) from webhooks as w").fetchall())
    for text in (everything, dumped):
        assert "hush" not in text
        assert secret not in text
    assert "webhook.created" in everything


def test_a_repeated_request_is_answered_without_the_secret(api: Api, conn: make.Connection) -> None:
    keyed = {"headers": {"Idempotency-Key": "k"}, "json": BODY | {"secret": SECRET}}
    first, second = (api("POST", "/api/webhooks", **keyed) for _ in range(2))
    assert first.json()["secret"] == SECRET
    assert second.json() == first.json() | {"secret": None}
    assert SECRET not in str(conn.execute("select body from idempotent_answers").fetchall())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "two\nlines"),
        ("url", "ftp://example.com/x"),
        ("url", "https://user:hush@example.com"),
        ("url", "https://example.com/a b"),
        ("events", []),
        ("events", ["run.begun"]),
        ("secret", ""),
        ("secret", "whsec_"),
        ("secret", "whsec_not base64!"),
        ("secret", "whsec_c2hvcnQ="),
        ("secret", f"{SECRET} {SECRET}"),
        ("tenantId", "another"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_field_and_not_repeated(api: Api, field: str, value: Any) -> None:
    refused = api("POST", "/api/webhooks", json=BODY | {field: value})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"].startswith(f"/{field}")
    assert "hush" not in refused.text
    assert api("GET", "/api/webhooks").json()["items"] == []


def test_a_name_is_taken_once_and_twenty_are_the_most(api: Api, conn: make.Connection) -> None:
    assert api("POST", "/api/webhooks", json=BODY).status_code == 201
    again = api("POST", "/api/webhooks", json=BODY)
    assert (again.status_code, again.json()["errors"][0]["pointer"]) == (422, "/name")
    for number in range(webhooks.MOST - 1):
        assert api("POST", "/api/webhooks", json=BODY | {"name": f"n{number}"}).status_code == 201
    assert api("POST", "/api/webhooks", json=BODY | {"name": "one more"}).status_code == 409
    assert Api(api.web, conn)("POST", "/api/webhooks", json=BODY).status_code == 201


def test_an_edit_changes_what_it_names_and_keeps_the_address_and_the_secret(api: Api, conn: make.Connection) -> None:
    made = api("POST", "/api/webhooks", json=BODY | {"secret": SECRET}).json()
    path = f"/api/webhooks/{made['id']}"
    other = api("POST", "/api/webhooks", json=BODY | {"name": "other"}).json()
    etag = api("GET", path).headers["ETag"]
    edited = api("PATCH", path, json={"events": ["run.delivered"]}, headers={"If-Match": etag})
    assert edited.json()["events"] == ["run.delivered"]
    assert (opened(api, conn, made["id"]).url, opened(api, conn, made["id"]).secret) == (URL, SECRET)
    assert api("PATCH", path, json={"name": "x"}, headers={"If-Match": etag}).status_code == 412
    assert api("PATCH", path, json={"name": "other"}).status_code == 422
    moved = api("PATCH", path, json={"url": "http://elsewhere.example.com/hush"})
    assert moved.json()["origin"] == "http://elsewhere.example.com"
    assert opened(api, conn, made["id"]).url == "http://elsewhere.example.com/hush"
    entry = api("GET", "/api/audit-log").json()["items"][0]
    assert (entry["action"], entry["after"]["url"]) == ("webhook.edited", "***")
    assert api("DELETE", path).status_code == 204
    assert api("GET", path).status_code == 404
    assert [each["id"] for each in api("GET", "/api/webhooks").json()["items"]] == [other["id"]]


def test_a_new_secret_signs_at_once_and_the_old_one_for_a_day(api: Api, conn: make.Connection) -> None:
    made = api("POST", "/api/webhooks", json=BODY | {"secret": SECRET}).json()
    newest = SECRET
    for given in (None, {}, {"secret": OTHER}):
        rotated = api("POST", f"/api/webhooks/{made['id']}/rotate", json=given)
        assert rotated.status_code == 200
        assert rotated.json()["oldSecretUntil"] > rotated.json()["updatedAt"]
        before, newest = newest, rotated.json()["secret"]
        assert opened(api, conn, made["id"]).secret.split() == [newest, before]
    assert newest == OTHER
    conn.execute("update webhooks set old_secret_until = now()")
    assert opened(api, conn, made["id"]).secret == OTHER


def test_a_sealed_address_moved_to_another_webhook_does_not_open(api: Api, conn: make.Connection) -> None:
    one, two = (api("POST", "/api/webhooks", json=BODY | {"name": name}).json()["id"] for name in ("a", "b"))
    conn.execute(
        "update webhooks set sealed_url = (select sealed_url from webhooks where id = %s) where id = %s", (one, two)
    )
    with pytest.raises(ValueError, match="another place"):
        opened(api, conn, two)


def test_a_test_is_one_run_that_is_tried_once(api: Api, conn: make.Connection) -> None:
    made = api("POST", "/api/webhooks", json=BODY).json()
    asked = api("POST", f"/api/webhooks/{made['id']}/test")
    assert asked.status_code == 202
    run = api("GET", asked.headers["Location"]).json()
    assert run["id"] == asked.json()["runId"]
    assert (run["kind"], run["origin"], run["state"], run["maxAttempts"]) == ("webhook.send", "test", "pending", 1)
    assert run["triggeredBy"].startswith("token:")
    params = make.value(
        conn, "select params from runs where id = %s and slot_at = %s", run["id"], slot_of(UUID(run["id"]))
    )
    assert params["webhookId"] == made["id"]
    assert params["body"]["type"] == "webhook.test"


def test_a_disabled_webhook_is_enabled_and_not_tested_before(api: Api, conn: make.Connection) -> None:
    made = api("POST", "/api/webhooks", json=BODY).json()
    path = f"/api/webhooks/{made['id']}"
    assert api("POST", f"{path}/enable").status_code == 409
    conn.execute("update webhooks set status = 'disabled', disabled_reason = 'gone'")
    assert api("GET", path).json()["disabledReason"] == "gone"
    assert api("POST", f"{path}/test").status_code == 409
    assert api("POST", f"{path}/enable").json()["status"] == "active"
    assert api("GET", path).json()["disabledReason"] is None


def test_a_viewer_reads_webhooks_and_another_tenant_finds_none(api: Api, conn: make.Connection) -> None:
    made = api("POST", "/api/webhooks", json=BODY).json()
    viewer, stranger = api.of_scope(conn, "read"), Api(api.web, conn)
    path = f"/api/webhooks/{made['id']}"
    assert viewer("GET", path).status_code == 200
    assert viewer("POST", "/api/webhooks", json=BODY).status_code == 403
    for method, place, body in (
        ("GET", path, None),
        ("PATCH", path, {"name": "x"}),
        ("DELETE", path, None),
        *(("POST", f"{path}/{what}", None) for what in ("rotate", "enable", "test")),
    ):
        assert viewer(method, place, json=body).status_code in ((200,) if method == "GET" else (403,))
        assert stranger(method, place, json=body).status_code == 404
    assert stranger("GET", "/api/webhooks").json()["items"] == []


def test_no_schedule_is_made_of_a_kind_of_tocsins_own(api: Api) -> None:
    for kind in ("webhook.send", "notice.mail"):
        refused = api("POST", "/api/schedules", json={"jobType": kind, "intervalSeconds": 60})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/jobType")
