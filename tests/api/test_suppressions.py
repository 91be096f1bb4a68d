"""Suppressions by the API: made, found, taken away; what the audit log keeps names nobody."""

from uuid import uuid4

import pytest

from tests import make
from tests.api.conftest import Api, TestClient


def test_a_suppression_is_made_found_and_taken_away(host: TestClient, owner: make.Connection) -> None:
    api = Api(host, owner)
    assert api.tenant
    schedule = make.schedule(owner, api.tenant, interval_seconds=60)
    made = api("POST", "/api/suppressions", json={"recipient": " Ann@Example.com", "note": "asked by phone"})
    assert made.status_code == 201
    found = api("GET", made.headers["Location"])
    assert found.json() == made.json()
    assert (found.json()["recipient"], found.json()["reason"], found.json()["source"]) == (
        "ann@example.com",
        "manual",
        "api",
    )
    assert api("POST", "/api/suppressions", json={"recipient": "ANN@example.com"}).status_code == 422
    scoped = {"recipient": "ann@example.com", "scheduleId": str(schedule)}
    assert api("POST", "/api/suppressions", json=scoped).json()["scheduleId"] == str(schedule)
    assert len(api("GET", "/api/suppressions?recipient=Ann@example.com&reason=manual").json()["items"]) == 2
    assert api("GET", "/api/suppressions?reason=bounce").json()["items"] == []
    stale = api("DELETE", made.headers["Location"], headers={"If-Match": '"other"'})
    assert stale.status_code == 412
    assert api("DELETE", made.headers["Location"], headers={"If-Match": found.headers["ETag"]}).status_code == 204
    assert api("GET", made.headers["Location"]).status_code == 404
    kept = str(owner.execute("select * from audit_log where tenant_id = %s", (api.tenant,)).fetchall()).lower()
    assert "suppression.deleted" in kept
    assert "ann@" not in kept
    assert "phone" not in kept


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"recipient": "no address"}, "/recipient"),
        ({"recipient": "a@x.example, b@x.example"}, "/recipient"),
        ({"recipient": "a@x.example", "scheduleId": str(uuid4())}, "/scheduleId"),
        ({"recipient": "a@x.example", "reason": "bounce"}, "/reason"),
        ({}, "/recipient"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(
    host: TestClient, owner: make.Connection, body: dict[str, str], pointer: str
) -> None:
    refused = Api(host, owner)("POST", "/api/suppressions", json=body)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == pointer
