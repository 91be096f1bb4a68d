"""`/api/silences`: begun or planned, of one alert or of all, ended early, kept once begun, and refused field by field."""

from datetime import timedelta
from typing import Any

import pytest

from tests import make
from tests.api.conftest import Api, TestClient
from tests.api.tenanted import alert, later
from workers.alert_book import LIST_SILENCES

NOBODYS = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def conn(owner: make.Connection) -> make.Connection:
    """A connection to the module's database."""
    return owner


@pytest.fixture
def api(host: TestClient, conn: make.Connection) -> Api:
    """A tenant of its own in the module's web."""
    return Api(host, conn)


def made(api: Api, **body: Any) -> dict[str, Any]:
    answer = api("POST", "/api/silences", json={"name": "a move"} | body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"/api/silences/{answer.json()['id']}"
    return dict(answer.json())


def test_a_silence_begins_at_once_ends_early_and_stays_as_history(api: Api, conn: make.Connection) -> None:
    assert api.tenant
    of = alert(conn, api.tenant, "alfa")
    silence = made(api, alertId=of, segment="DE*", durationSeconds=3600)
    path = f"/api/silences/{silence['id']}"
    assert (silence["isActive"], silence["alertId"], silence["segment"]) == (True, of, "DE*")
    assert silence["createdBy"] == f"token:{api.made.id}"
    assert (
        len(LIST_SILENCES.all(conn, tenant_id=api.tenant, alert_id=of, at=make.now(conn) + timedelta(seconds=1))) == 1
    )

    answer = api("DELETE", path)
    assert (answer.status_code, "has begun" in answer.text) == (409, True)
    etag = api("GET", path).headers["ETag"]
    longer = api("PATCH", path, json={"durationSeconds": 7200}, headers={"If-Match": etag}).json()
    assert longer["endsAt"] > silence["endsAt"]
    assert api("PATCH", path, json={"name": "x"}, headers={"If-Match": etag}).status_code == 412
    # An end that has passed is now: until now nobody was told.
    ended = api("PATCH", path, json={"endsAt": "2001-01-01T00:00:00Z"}).json()
    assert (ended["isActive"], ended["endsAt"] > ended["startsAt"]) == (False, True)
    assert api("PATCH", path, json={"durationSeconds": 60}).status_code == 409
    assert api("GET", "/api/silences").json()["items"] == [ended]
    assert LIST_SILENCES.all(conn, tenant_id=api.tenant, alert_id=of, at=make.now(conn) + timedelta(seconds=1)) == []


def test_a_silence_is_planned_and_taken_back(api: Api, conn: make.Connection) -> None:
    planned = made(api, startsAt=later(conn, days=2), endsAt=later(conn, days=3))
    path = f"/api/silences/{planned['id']}"
    assert (planned["isActive"], planned["alertId"], planned["segment"]) == (False, None, "*")
    answer = api("PATCH", path, json={"endsAt": later(conn, days=1)})
    assert [each["pointer"] for each in answer.json()["errors"]] == ["/endsAt"]
    assert api("PATCH", path, json={"endsAt": later(conn, days=4)}).status_code == 200
    assert api("DELETE", path).status_code == 204
    assert api("GET", path).status_code == 404


def test_those_that_hold_now_and_those_of_an_alert_are_listed_apart(api: Api, conn: make.Connection) -> None:
    assert api.tenant
    of = alert(conn, api.tenant, "alfa")
    holds, planned = (
        made(api, durationSeconds=60),
        made(api, alertId=of, startsAt=later(conn, days=2), durationSeconds=9),
    )
    for query, found in (
        ("isActive=true", [holds]),
        ("isActive=false", [planned]),
        (f"alertId={of}", [planned]),
        (f"alertId={of}&isActive=true", []),
        ("limit=200", [planned, holds]),
    ):
        assert api("GET", f"/api/silences?{query}").json()["items"] == found, query
    assert api("GET", "/api/silences?isActive=perhaps").status_code == 422


@pytest.mark.parametrize(
    ("body", "pointer", "says"),
    [
        ({}, "endsAt", "is required"),
        ({"durationSeconds": 60, "endsAt": "2999-01-01T00:00:00Z"}, "durationSeconds", "in place of endsAt"),
        ({"durationSeconds": 0}, "durationSeconds", "greater"),
        ({"durationSeconds": 366 * 86400 + 1}, "durationSeconds", "less"),
        ({"endsAt": "2001-01-01T00:00:00Z"}, "endsAt", "takes an instant to come"),
        ({"endsAt": "9999-12-31T23:59:59Z"}, "endsAt", "at most 366 days"),
        ({"startsAt": "9999-12-31T23:59:59Z", "durationSeconds": 60}, "startsAt", "within 366 days"),
        ({"durationSeconds": 60, "segment": ""}, "segment", "printable"),
        ({"durationSeconds": 60, "alertId": NOBODYS}, "alertId", f"there is no alert {NOBODYS}"),
        ({"durationSeconds": 60, "until": "noon"}, "until", "not a field"),
    ],
)
def test_what_cannot_be_a_silence_is_refused_by_its_field(
    api: Api, body: dict[str, Any], pointer: str, says: str
) -> None:
    answer = api("POST", "/api/silences", json={"name": "a move"} | body)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["pointer"], says in error["detail"]) == (f"/{pointer}", True), error
    assert api("GET", "/api/silences").json()["items"] == []


def test_nobody_silences_another_tenants_alert(api: Api, conn: make.Connection) -> None:
    theirs = alert(conn, make.tenant(conn), "bravo")
    body = {"name": "hush", "durationSeconds": 60}
    answers = [api("POST", "/api/silences", json={**body, "alertId": each}) for each in (theirs, NOBODYS)]
    assert [each.status_code for each in answers] == [422, 422]
    assert answers[0].text.replace(theirs, "") == answers[1].text.replace(NOBODYS, "")
    assert api.of_scope(conn, "read")("POST", "/api/silences", json=body).status_code == 403
