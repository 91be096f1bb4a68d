"""`/api/kpi-alerts` of the type schedule: when it is sent, told as the alert's own fields, changed, refused by field."""

from typing import Any
from uuid import uuid4

import pytest

from tests import make
from tests.api.conftest import Api
from tests.api.tenanted import dashboard, graph, source

MONDAYS = {"frequencyInterval": "week", "scheduleHour": 8, "scheduleMinute": 30, "selectedDays": ["Mon"]}


def body_of(api: Api, conn: make.Connection, schedule: dict[str, Any], **more: Any) -> dict[str, Any]:
    assert api.tenant
    made = {"alertName": uuid4().hex, "alertType": "SCHEDULE", "recipients": ["ann@example.com"], "schedule": schedule}
    if "graphId" not in more and "dashboardId" not in more:
        made["graphId"] = graph(conn, api.tenant, "alfa")
    return made | more


def made_of(api: Api, conn: make.Connection, schedule: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = api("POST", "/api/kpi-alerts", json=body_of(api, conn, schedule, **more))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def locals_of(api: Api, alert: dict[str, Any], count: int = 3) -> list[str]:
    found = api("GET", f"/api/schedules/{alert['scheduleId']}/next?count={count}").json()["items"]
    return [each["local"] for each in found]


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        (MONDAYS, "T08:30:00"),
        ({"frequencyInterval": "day", "scheduleHour": 7}, "T07:00:00"),
        ({"frequencyInterval": "month", "scheduleHour": 6, "selectedDays": ["first business day"]}, "T06:00:00"),
        ({"frequencyInterval": "month", "scheduleHour": 6, "selectedDays": [1, 15]}, "T06:00:00"),
        ({"frequencyInterval": "quarter", "scheduleHour": 6, "selectedDays": ["last fri"]}, "T06:00:00"),
        ({"frequencyInterval": "hour", "scheduleMinute": 20}, ":20:00"),
        ({"cron": "15 9 * * 1-5"}, "T09:15:00"),
    ],
    ids=str,
)
def test_it_is_sent_when_its_own_fields_say(
    api: Api, conn: make.Connection, schedule: dict[str, Any], says: str
) -> None:
    alert = made_of(api, conn, schedule | {"timezone": "Europe/Madrid"})
    assert (alert["alertType"], alert["threshold"], alert["schedule"]["timezone"]) == (
        "schedule",
        None,
        "Europe/Madrid",
    )
    for name, value in schedule.items():
        given = [str(each).lower() for each in value] if isinstance(value, list) else value
        assert alert["schedule"][name] == given
    for local in locals_of(api, alert):
        assert says in local
    assert api("GET", f"/api/kpi-alerts/{alert['id']}").json() == alert
    params = make.value(conn, "select params from schedules where id = %s", alert["scheduleId"])
    assert (params["alertId"], params["graphId"]) == (alert["id"], alert["graphId"])


def test_a_dashboard_is_sent_with_a_gate_on_its_graphs_and_uses_their_sources(api: Api, conn: make.Connection) -> None:
    assert api.tenant
    asked = {"sourceId": source(conn, api.tenant, uuid4().hex[:8]), "query": "select 1"}
    graphs = [api("POST", "/api/graphs", json={"name": name, **asked}).json()["id"] for name in ("Revenue", "Orders")]
    shown = api("POST", "/api/dashboards", json={"name": "Mondays", "graphIds": graphs}).json()["id"]
    gate = {"expression": "revenue > 10000 && orders > 0", "onlyIfChanged": True}
    alert = made_of(api, conn, MONDAYS | {"gatingCondition": gate, "attachmentType": "PDF"}, dashboardId=shown)
    assert (alert["dashboardId"], alert["graphId"]) == (shown, None)
    assert (alert["schedule"]["gatingCondition"], alert["schedule"]["attachmentType"]) == (gate, "pdf")
    schedule = api("GET", f"/api/schedules/{alert['scheduleId']}").json()
    assert schedule["uses"] == [f"source:{asked['sourceId']}"]
    assert (schedule["jobType"], schedule["queue"]) == ("kpi.schedule", "reports")
    assert api("DELETE", f"/api/dashboards/{shown}").status_code == 409


def test_waiting_for_fresh_figures_has_attempts_enough(api: Api, conn: make.Connection) -> None:
    alert = made_of(api, conn, MONDAYS | {"freshness": {"maxAgeSeconds": 3600, "waitSeconds": 7200}})
    attempts = make.value(conn, "select max_attempts from schedules where id = %s", alert["scheduleId"])
    assert attempts == 5 + 7200 // 90 + 1


def test_it_is_changed_in_part_and_from_fields_to_cron_and_back(api: Api, conn: make.Connection) -> None:
    alert = made_of(api, conn, MONDAYS | {"periods": 12})
    path = f"/api/kpi-alerts/{alert['id']}"
    edited = api("PATCH", path, json={"schedule": {"scheduleHour": 10}}).json()
    assert edited["schedule"] == alert["schedule"] | {"scheduleHour": 10}
    assert all("T10:30:00" in local for local in locals_of(api, edited))
    by_cron = api("PATCH", path, json={"schedule": {"cron": "0 7 * * *"}}).json()
    assert by_cron["schedule"] == {"cron": "0 7 * * *", "periods": 12, "attachmentType": "none", "timezone": "UTC"}
    back = api("PATCH", path, json={"schedule": MONDAYS}).json()
    assert "cron" not in back["schedule"]
    assert all("T08:30:00" in local for local in locals_of(api, back))
    waits = {"maxAgeSeconds": 3600, "waitSeconds": 600}
    api("PATCH", path, json={"schedule": {"freshness": waits}})
    skips = api("PATCH", path, json={"schedule": {"freshness": {"waitSeconds": None, "otherwise": "skip"}}}).json()
    assert skips["schedule"]["freshness"] == {"maxAgeSeconds": 3600, "otherwise": "skip"}
    answer = api("PATCH", path, json={"schedule": {"freshness": {"maxAgeSeconds": None}}})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/schedule/freshness/maxAgeSeconds")
    assert api("PATCH", path, json={"schedule": {"freshness": None}}).json()["schedule"] == back["schedule"]
    renamed = api("PATCH", path, json={"alertName": "Other", "isActive": False}).json()
    assert (renamed["alertName"], renamed["status"], renamed["schedule"]) == ("Other", "paused", back["schedule"])
    assert api("DELETE", path).status_code == 204
    assert make.value(conn, "select count(*) from kpi_schedules") == 0
    assert make.value(conn, "select status from schedules where id = %s", alert["scheduleId"]) == "cancelled"


def test_an_address_is_in_one_audience_and_in_one_spelling(api: Api, conn: make.Connection) -> None:
    assert api.tenant
    north = {"recipients": ["ann@example.com", "bob@example.com"], "context": {"region": "north"}}
    alert = made_of(api, conn, MONDAYS | {"audiences": [north]})
    path = f"/api/kpi-alerts/{alert['id']}"
    for number, audiences in (
        (1, [north, {"recipients": ["eve@example.com", "bob@example.com"], "context": {"region": "south"}}]),
        (1, [north, {"recipients": ["Bob@example.com"], "context": {}}]),
        (0, [{"recipients": ["Ann@example.com"], "context": {"region": "south"}}]),
    ):
        created = api("POST", "/api/kpi-alerts", json=body_of(api, conn, MONDAYS | {"audiences": audiences}))
        edited = api("PATCH", path, json={"schedule": {"audiences": audiences}})
        for answer in (created, edited):
            assert answer.status_code == 422, answer.text
            assert answer.json()["errors"][0]["pointer"] == f"/schedule/audiences/{number}/recipients"
    assert api("PATCH", path, json={"recipients": ["Bob@example.com"]}).status_code == 422

    kept = {"outcome": "sent", "notified": False, "sentence": "sent"}
    its = {"schedule_id": alert["scheduleId"], "slot_at": make.now(conn), "kind": "kpi.schedule"}
    make.run(conn, api.tenant, state="succeeded", origin="schedule", outcome=kept, **its)
    people = ("bob", "Bob", "eve")
    said = {name: api("GET", f"{path}/why?recipient={name}@example.com").json()["sentence"] for name in people}
    assert said == {"bob": "sent", "Bob": "sent", "eve": "sent; eve@example.com is none of its recipients"}
    answer = api("POST", f"{path}/test")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/alertType")


@pytest.mark.parametrize(("frequency", "days"), [("week", ["Mon"]), ("month", [1, "last fri"])])
def test_an_edit_that_leaves_its_timing_leaves_the_day_that_it_counts_from(
    api: Api, conn: make.Connection, frequency: str, days: list[Any]
) -> None:
    every = {"frequencyInterval": frequency, "every": 2, "scheduleHour": 8, "selectedDays": days}
    alert = made_of(api, conn, every)
    first = "update schedules set recurrence = jsonb_set(recurrence, '{from}', '\"2026-01-05\"') where id = %s"
    conn.execute(first, (alert["scheduleId"],))
    for schedule in ({"periods": 12}, {"attachmentType": "pdf"}, every, {"selectedDays": days}):
        answer = api("PATCH", f"/api/kpi-alerts/{alert['id']}", json={"schedule": schedule})
        assert answer.status_code == 200, answer.text
        kept = make.value(conn, "select recurrence ->> 'from' from schedules where id = %s", alert["scheduleId"])
        assert kept == "2026-01-05", schedule
    answer = api("PATCH", f"/api/kpi-alerts/{alert['id']}", json={"schedule": {"scheduleHour": 9}})
    assert "T09:00:00" in locals_of(api, answer.json())[0]
    # Another time of day, another number of weeks: the day moves when it is named, and goes where none counts.
    for edit, counted in (
        ({"scheduleMinute": 30}, "2026-01-05"),
        ({"every": 3}, "2026-01-05"),
        ({"from": "2026-02-02"}, "2026-02-02"),
        ({"frequencyInterval": "hour", "scheduleHour": None, "selectedDays": None}, None),
    ):
        answer = api("PATCH", f"/api/kpi-alerts/{alert['id']}", json={"schedule": edit})
        assert answer.status_code == 200, answer.text
        kept = make.value(conn, "select recurrence ->> 'from' from schedules where id = %s", alert["scheduleId"])
        assert (kept, answer.json()["schedule"].get("from")) == (counted, counted), edit


@pytest.mark.parametrize(
    ("schedule", "more", "pointer"),
    [
        ({}, {}, "/schedule/frequencyInterval"),
        ({"cron": "0 8 * * *", "frequencyInterval": "day"}, {}, "/schedule/frequencyInterval"),
        ({"cron": "0 8 * * *", "scheduleHour": 8}, {}, "/schedule/scheduleHour"),
        ({"cron": "every monday"}, {}, "/schedule/cron"),
        ({"frequencyInterval": "week", "selectedDays": ["someday"]}, {}, "/schedule/selectedDays"),
        ({"frequencyInterval": "minute", "scheduleHour": 8}, {}, "/schedule/scheduleHour"),
        ({"frequencyInterval": "fortnight"}, {}, "/schedule/frequencyInterval"),
        (MONDAYS | {"timezone": "Moon/Sea"}, {}, "/schedule/timezone"),
        (MONDAYS | {"gatingCondition": {"expression": "nosuch > 1"}}, {}, "/schedule/gatingCondition"),
        (MONDAYS | {"gatingCondition": {"expression": "1 +"}}, {}, "/schedule/gatingCondition"),
        (MONDAYS | {"attachmentType": "docx"}, {}, "/schedule/attachmentType"),
        (MONDAYS, {"threshold": {"condition": "EQUAL", "thresholdValue": 1}}, "/threshold"),
        (MONDAYS, {"graphId": None}, "/graphId"),
        (MONDAYS, {"dashboardId": "00000000-0000-4000-8000-000000000000"}, "/dashboardId"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_kept(
    api: Api, conn: make.Connection, schedule: dict[str, Any], more: dict[str, Any], pointer: str
) -> None:
    answer = api("POST", "/api/kpi-alerts", json=body_of(api, conn, schedule, **more))
    assert answer.status_code == 422, answer.text
    pointers = [each["pointer"] for each in answer.json()["errors"]]
    assert any(each.startswith(pointer) for each in pointers), pointers
    for table in ("kpi_alerts", "kpi_schedules", "schedules"):
        assert make.value(conn, f"select count(*) from {table}") == 0


def test_the_database_refuses_a_missing_and_a_second_child(api: Api, conn: make.Connection) -> None:
    alert = made_of(api, conn, MONDAYS)
    assert api.tenant
    threshold = {"kpi_alert_id": alert["id"], "tenant_id": api.tenant, "condition": "EQUAL", "threshold_value": 1}
    with pytest.raises(Exception, match="lacks its child"), conn.transaction():
        make.insert(conn, "kpi_thresholds", threshold)
    with pytest.raises(Exception, match="lacks its child"), conn.transaction():
        conn.execute("delete from kpi_schedules where kpi_alert_id = %s", (alert["id"],))
    assert dashboard(conn, api.tenant, "alfa")
