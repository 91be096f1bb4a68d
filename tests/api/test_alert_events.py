"""Alert events are one list: of an alert, of a run, and of all that the calls of a crew's run found."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from db.jsonb import Jsonb
from tests import make
from tests.api import tenanted
from tests.api.conftest import Api, Two


def _found(conn: make.Connection, tenant: UUID | None, crew: UUID, uid: str) -> None:
    """What the call about the user found, which belongs to this run of a crew."""
    assert tenant
    slot_at = make.value(conn, "select slot_at from runs where id = %s", crew)
    make.insert(conn, "users", {"tenant_id": tenant, "uid": uid})
    call = make.run(
        conn,
        tenant,
        kind="crew.ask",
        parent_run_id=crew,
        origin="child",
        item_key=uid,
        slot_at=slot_at,
        state="succeeded",
    )
    answer = {"tenant_id": tenant, "user_uid": uid, "run_id": call, "slot_at": slot_at, "matched": Jsonb(0.9)}
    make.insert(conn, "crew_responses", answer)


def _items(api: Api, **asked: Any) -> list[dict[str, Any]]:
    answer = api("GET", "/api/alert-events", params=asked)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_events_are_listed_by_run_alert_and_time_and_shown_on_the_runs_page(two: Two) -> None:
    _web, conn, a, b = two
    assert a.tenant
    now = make.now(conn)
    crew = make.run(conn, a.tenant, kind="crew.call", state="succeeded", slot_at=now - timedelta(minutes=5))
    other = make.run(conn, a.tenant, kind="crew.call", state="succeeded", slot_at=now - timedelta(minutes=3))
    for uid in ("ann", "<b>en"):
        _found(conn, a.tenant, crew, uid)
    _found(conn, a.tenant, other, "cy")
    alert = tenanted.alert(conn, a.tenant, "low")
    of = {"tenant_id": a.tenant, "alert_id": alert, "segment": "north", "run_id": uuid4(), "reason": "it is low"}
    make.insert(conn, "alert_events", of | {"previous_state": "ok", "state": "firing", "slot_at": now})

    assert [each["segment"] for each in _items(a)][:2] == ["north", "cy"], "newest slot first"
    assert {each["segment"] for each in _items(a, runId=str(crew))} == {"ann", "<b>en"}
    [moved] = _items(a, alertId=alert)
    assert (moved["alertId"], moved["responseId"], moved["state"], moved["reason"]) == (
        alert,
        None,
        "firing",
        "it is low",
    )
    [called] = _items(a, runId=_items(a, runId=str(other))[0]["runId"])
    assert (called["segment"], called["crewRunId"], called["value"], called["alertId"]) == (
        "cy",
        str(other),
        "0.9",
        None,
    )
    since = (now - timedelta(minutes=4)).isoformat()
    assert {each["segment"] for each in _items(a, **{"from": since})} == {"north", "cy"}
    assert {each["segment"] for each in _items(a, to=since)} == {"ann", "<b>en"}
    assert _items(b) == []

    page = a("GET", f"/runs/{crew}").text
    assert "Alert events" in page
    assert f"/crew/answers/{_items(a, runId=str(crew))[0]['responseId']}" in page
    assert "&lt;b&gt;en" in page
    assert "<b>en" not in page
