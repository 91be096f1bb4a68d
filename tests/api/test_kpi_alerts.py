"""`/api/kpi-alerts`: made whole or not at all, changed, paused, deleted; and what one says of its past, now and by history."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from api import alert_checks
from config.zones import zone
from tests import make
from tests.api.conftest import Api, MakeWeb, TestClient
from tests.api.tenanted import alert, graph, report, whole
from tests.workers.wire import LOOPBACK
from workers.alerting.backtest import backtest, summary
from workers.alerting.policy import Policy
from workers.alerting.series import Graph, read
from workers.kinds.threshold_alert import KIND

NOBODYS = "00000000-0000-4000-8000-000000000000"
BELOW = {"condition": "less_than", "thresholdValue": "0.10", "guards": {"forSeconds": 600}}


@pytest.fixture
def conn(owner: make.Connection) -> make.Connection:
    """A connection to the module's database."""
    return owner


@pytest.fixture
def api(host: TestClient, conn: make.Connection) -> Api:
    """A tenant of its own in the module's web."""
    return Api(host, conn)


def asked(api: Api, conn: make.Connection, **body: Any) -> dict[str, Any]:
    assert api.tenant
    alert = {"alertName": f"low {uuid4()}", "recipients": ["ops@example.com", "ops@example.com"], "threshold": BELOW}
    return alert | {"graphId": graph(conn, api.tenant, "alfa")} | body


def made(api: Api, conn: make.Connection, **body: Any) -> dict[str, Any]:
    answer = api("POST", "/api/kpi-alerts", json=asked(api, conn, **body))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def schedule_of(api: Api, alert: dict[str, Any]) -> dict[str, Any]:
    return dict(api("GET", f"/api/schedules/{alert['scheduleId']}").json())


def test_an_alert_is_made_with_its_schedule_and_its_threshold(api: Api, conn: make.Connection) -> None:
    alert = made(api, conn, description="what\nmatters", tags=["money"])
    assert alert["recipients"] == ["ops@example.com"]
    assert alert["threshold"] == {
        "condition": "LESS_THAN",
        "thresholdValue": "0.10",
        "guards": {"forSeconds": 600},
        "timezone": "UTC",
        "checkCron": "*/5 * * * *",
    }
    assert (alert["isActive"], alert["state"], alert["createdBy"]) == (True, None, f"token:{api.made.id}")
    schedule = schedule_of(api, alert)
    assert (schedule["jobType"], schedule["queue"], schedule["name"]) == (KIND.name, "alerts", alert["alertName"])
    source = make.value(conn, "select source_id from graphs where id = %s", alert["graphId"])
    assert schedule["uses"] == [f"source:{source}"]
    params = KIND.Params.model_validate(schedule["jobPayload"])
    assert (str(params.alert_id), params.threshold_value) == (alert["id"], Decimal("0.10"))  # type: ignore[attr-defined]
    assert len(alert.pop("next")) == 10
    assert api("GET", "/api/kpi-alerts").json()["items"] == [alert]


def test_a_schedule_of_an_alert_is_made_and_changed_with_its_alert_alone(api: Api, conn: make.Connection) -> None:
    body = {"jobType": "kpi.threshold", "cronExpression": "@hourly", "jobPayload": {}}
    answer = api("POST", "/api/schedules", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/jobType")
    assert "/api/kpi-alerts" in answer.text
    alert = made(api, conn)
    answer = api("PATCH", f"/api/schedules/{alert['scheduleId']}", json={"jobPayload": {"alertName": "x"}})
    assert answer.status_code == 422
    assert schedule_of(api, alert)["jobPayload"]["alertName"] == alert["alertName"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"graphId": NOBODYS}, "graphId"),
        ({"graphId": None}, "graphId"),
        ({"dashboardId": NOBODYS}, "graphId"),
        ({"threshold": None}, "threshold"),
        ({"threshold": BELOW | {"measure": "percentChange"}}, "graphId"),
        ({"threshold": BELOW | {"checkCron": "61 * * * *"}}, "threshold/checkCron"),
        ({"threshold": BELOW | {"timezone": "Mars/Olympus"}}, "threshold/timezone"),
        ({"threshold": {"condition": "LESS_THAN"}}, "threshold"),
        ({"threshold": BELOW | {"condition": "BETWEEN"}}, "threshold"),
        ({"threshold": BELOW | {"color": "red"}}, "threshold/color"),
        ({"threshold": BELOW | {"guards": {"forSeconds": -1}}}, "threshold/guards/forSeconds"),
        ({"recipients": []}, "recipients"),
        ({"recipients": ["nobody"]}, "recipients/0"),
        ({"calendarId": NOBODYS}, "calendarId"),
        ({"alertName": "two\nlines"}, "alertName"),
        ({"query": "select 1"}, "query"),
    ],
)
def test_what_cannot_be_an_alert_is_refused_by_its_field_and_nothing_is_stored(
    api: Api, conn: make.Connection, body: dict[str, Any], pointer: str
) -> None:
    assert api.tenant
    wanted = asked(api, conn) | body
    before = whole(conn, api.tenant)
    answer = api("POST", "/api/kpi-alerts", json=wanted)
    assert answer.status_code == 422, answer.text
    assert f"/{pointer}" in [each["pointer"] for each in answer.json()["errors"]], answer.text
    assert whole(conn, api.tenant) == before


def test_an_edit_keeps_what_it_does_not_name_and_plans_anew_what_it_moves(api: Api, conn: make.Connection) -> None:
    assert api.tenant
    alert = made(api, conn)
    path = f"/api/kpi-alerts/{alert['id']}"
    etag = api("GET", path).headers["ETag"]
    edited = api("PATCH", path, json={"threshold": {"thresholdValue": 5}}, headers={"If-Match": etag}).json()
    assert edited["threshold"] == alert["threshold"] | {"thresholdValue": "5"}
    assert schedule_of(api, edited)["jobPayload"]["thresholdValue"] == "5"
    assert api("PATCH", path, json={"description": "x"}, headers={"If-Match": etag}).status_code == 412

    edited = api(
        "PATCH", path, json={"threshold": {"guards": {"noData": "alert"}, "notify": {"resolved": False}}}
    ).json()
    assert edited["threshold"]["guards"] == {"forSeconds": 600, "noData": "alert"}
    edited = api(
        "PATCH", path, json={"threshold": {"guards": {"noData": None}, "notify": {"repeatSeconds": 60}}}
    ).json()
    assert edited["threshold"]["guards"] == {"forSeconds": 600}
    assert edited["threshold"]["notify"] == {"resolved": False, "repeatSeconds": 60}
    edited = api("PATCH", path, json={"threshold": {"guards": None, "notify": None}}).json()
    assert {"guards", "notify"}.isdisjoint(edited["threshold"])

    moved = api("PATCH", path, json={"threshold": {"checkCron": "0 9 * * *", "timezone": "Asia/Tokyo"}}).json()
    assert moved["nextRunAt"].endswith("T00:00:00Z")
    other = graph(conn, api.tenant, "bravo")
    assert api("PATCH", path, json={"graphId": other}).status_code == 200
    source = make.value(conn, "select source_id from graphs where id = %s", other)
    assert schedule_of(api, alert)["uses"] == [f"source:{source}"]

    for wrong, pointer in (
        ({"threshold": {"condition": "BETWEEN"}}, "/threshold"),
        ({"graphId": NOBODYS}, "/graphId"),
        ({"alertName": made(api, conn)["alertName"]}, None),
    ):
        answer = api("PATCH", path, json=wrong)
        assert answer.status_code == 422, answer.text
        assert pointer in (None, answer.json()["errors"][0]["pointer"])


def test_an_alert_rests_and_goes_on(api: Api, conn: make.Connection) -> None:
    alert = made(api, conn, isActive=False)
    path = f"/api/kpi-alerts/{alert['id']}"
    assert (alert["isActive"], alert["status"], alert["nextRunAt"]) == (False, "paused", None)
    resumed = api("PATCH", path, json={"isActive": True}).json()
    assert (resumed["status"], resumed["nextRunAt"] is None) == ("active", False)
    assert api("PATCH", path, json={"isActive": False}).json()["status"] == "paused"


def test_an_alert_that_is_deleted_leaves_its_runs_and_its_name(api: Api, conn: make.Connection) -> None:
    assert api.tenant
    alert = made(api, conn)
    run = make.run(conn, api.tenant, schedule_id=UUID(alert["scheduleId"]), state="succeeded", kind=KIND.name)
    assert api("DELETE", f"/api/graphs/{alert['graphId']}").status_code == 409
    assert api("DELETE", f"/api/kpi-alerts/{alert['id']}").status_code == 204
    assert api("GET", f"/api/kpi-alerts/{alert['id']}").status_code == 404
    assert schedule_of(api, alert)["status"] == "cancelled"
    assert api("GET", f"/api/runs/{run}").status_code == 200
    assert made(api, conn, alertName=alert["alertName"])["id"] != alert["id"]
    assert api("DELETE", f"/api/graphs/{alert['graphId']}").status_code == 204


@pytest.mark.parametrize(
    "statement",
    [
        "delete from kpi_thresholds where kpi_alert_id = %s",
        "update kpi_alerts set alert_type = 'schedule' where id = %s",
        "update schedules set kind = 'http.call' where id = (select schedule_id from kpi_alerts where id = %s)",
    ],
)
def test_the_database_refuses_an_alert_without_its_child(api: Api, conn: make.Connection, statement: str) -> None:
    alert = made(api, conn)
    # What is wrong is looked at when the transaction ends.
    conn.execute("begin")
    conn.execute(statement, (alert["id"],))
    conn.execute("update kpi_alerts set updated_at = now() where id = %s", (alert["id"],))
    with pytest.raises(psycopg.Error) as error:
        conn.execute("commit")
    assert error.value.sqlstate == "TC007"
    assert api("GET", f"/api/kpi-alerts/{alert['id']}").json()["threshold"] == alert["threshold"]


def test_why_tells_of_the_last_check_by_an_instant(api: Api, conn: make.Connection) -> None:
    assert api.tenant
    alert = made(api, conn)
    path = f"/api/kpi-alerts/{alert['id']}/why"
    now = make.now(conn)
    never = api("GET", path).json()
    assert never["runId"] is None
    assert never["sentence"].startswith("it had not been checked by ")

    def check(minutes: int, **row: Any) -> UUID:
        slot = now - timedelta(minutes=minutes)
        of = {"schedule_id": UUID(alert["scheduleId"]), "slot_at": slot, "origin": "schedule", "kind": KIND.name}
        return make.run(conn, api.tenant or uuid4(), **of, **row)

    quiet = {"outcome": "quiet", "notified": False, "sentence": "5 is not below 0.10"}
    fired = {"outcome": "fired", "notified": True, "sentence": "0.05 is below 0.10"}
    check(30, state="succeeded", outcome=quiet)
    run = check(20, state="succeeded", outcome=fired)
    make.delivery(conn, api.tenant, run, now - timedelta(minutes=20), state="sent", recipient="ops@example.com")
    check(10, state="dead", error="its graph was deleted")

    def why(minutes: int, **query: str) -> dict[str, Any]:
        at = (now - timedelta(minutes=minutes)).isoformat()
        return dict(api("GET", path, params={"at": at, **query}).json())

    assert (why(30)["sentence"], why(30)["record"]) == (quiet["sentence"], quiet)
    told = why(20)
    assert (told["runId"], [each["state"] for each in told["deliveries"]]) == (str(run), ["sent"])
    for spelled in ("ops@example.com", "Ops@Example.COM"):
        found = why(20, recipient=spelled)
        assert (found["sentence"], len(found["deliveries"])) == (fired["sentence"], 1)
    stranger = why(15, recipient="eve@example.com")
    assert (stranger["sentence"], stranger["deliveries"]) == (
        "0.05 is below 0.10; eve@example.com is none of its recipients",
        [],
    )
    assert why(0)["sentence"].endswith("is dead: its graph was deleted")
    conn.execute("set session_replication_role to replica")
    conn.execute("update runs set state = 'cancelled', reason = 'superseded' where error = 'its graph was deleted'")
    assert why(0)["sentence"].endswith("is cancelled: superseded")


def test_the_moves_of_an_alert_are_listed_by_segment(api: Api, conn: make.Connection) -> None:
    alert = made(api, conn)
    for minute, (segment, before, after) in enumerate((("DE", "ok", "firing"), ("FR", "ok", "pending"))):
        row = {"tenant_id": api.tenant, "alert_id": alert["id"], "segment": segment, "run_id": uuid4(), "reason": "x"}
        slot = make.now(conn) + timedelta(minutes=minute)
        make.insert(conn, "alert_events", row | {"previous_state": before, "state": after, "slot_at": slot})
    path = f"/api/kpi-alerts/{alert['id']}/history"
    assert [each["segment"] for each in api("GET", path).json()["items"]] == ["FR", "DE"]
    (move,) = api("GET", f"{path}?segment=DE").json()["items"]
    assert (move["previousState"], move["state"], move["reason"]) == ("ok", "firing", "x")


FIRST = datetime(2026, 3, 1, tzinfo=UTC)
FIGURES = [100, 90, 40, 45, 95, 20, 100, 100, 30, 100]
POLICY = {"condition": "LESS_THAN", "thresholdValue": 50}


@pytest.fixture
def its(database: str) -> Iterator[make.Connection]:
    """A connection to a database of the test's own."""
    with make.connect(database) as found:
        yield found


@pytest.fixture
def near(make_web: MakeWeb, database: str, its: make.Connection) -> Api:
    """A tenant of a web that may reach loopback, where there are figures of ten days."""
    its.execute("create table figures (day timestamptz, orders int)")
    for place, orders in enumerate(FIGURES):
        its.execute("insert into figures values (%s, %s)", (FIRST + timedelta(days=place), orders))
    return Api(make_web(database, egress_allow=LOOPBACK), its)


def figures(api: Api, database: str) -> str:
    source = api("POST", "/api/sources", json={"name": "figures", "url": database}).json()["id"]
    graph = {"name": "orders", "sourceId": source, "query": "select day, orders from figures", "valueColumn": "orders"}
    return str(api("POST", "/api/graphs", json=graph | {"timeDimension": "day", "grain": "day"}).json()["id"])


def test_alerts_are_listed_by_what_they_are_and_how_they_stand(api: Api, conn: make.Connection) -> None:
    assert api.tenant
    calm, loud, sent = (
        fill(conn, api.tenant, word) for fill, word in ((alert, "calm"), (alert, "LOUD"), (report, "weekly"))
    )
    conn.execute("update alert_states set state = 'firing' where alert_id = %s", (loud,))
    assert api("PATCH", f"/api/kpi-alerts/{calm}", json={"isActive": False}).status_code == 200
    for query, wanted in {
        "alertType=schedule": {sent},
        "alertType=threshold": {calm, loud},
        "state=firing": {loud},
        "state=OK": {calm},
        "isActive=false": {calm},
        "isActive=true&alertType=threshold": {loud},
        "search=lou": {loud},
        "search=l%25": set(),
    }.items():
        found = api("GET", f"/api/kpi-alerts?{query}").json()["items"]
        assert {each["id"] for each in found} == wanted, query
    for wrong in ("state=loud", "alertType=x", "isActive=perhaps"):
        assert api("GET", f"/api/kpi-alerts?{wrong}").status_code == 422, wrong


def test_a_dead_mans_switch_is_set_shown_and_taken_away(api: Api, conn: make.Connection) -> None:
    alert = made(api, conn, deliverWithinSeconds=600)
    place, schedule = f"/api/kpi-alerts/{alert['id']}", f"/api/schedules/{alert['scheduleId']}"
    assert (alert["deliverWithinSeconds"], alert["lateSince"]) == (600, None)
    # The web beside this test looks at what is due to be looked at, and would find that nothing is late.
    conn.execute(
        "update watches set late_since = '2026-03-02 08:10Z', late_slot_at = '2026-03-02 08:00Z',"
        " look_at = now() + interval '1 day' where schedule_id = %s",
        (alert["scheduleId"],),
    )
    for path in (place, schedule):
        found = api("GET", path).json()
        assert (found["deliverWithinSeconds"], found["lateSince"]) == (600, "2026-03-02T08:10:00Z")
    for path in ("/api/kpi-alerts", "/api/schedules"):
        [listed] = [each for each in api("GET", path).json()["items"] if each["lateSince"]]
        assert listed["lateSince"] == "2026-03-02T08:10:00Z"
    assert api("PATCH", schedule, json={"deliverWithinSeconds": 60}).json()["deliverWithinSeconds"] == 60
    off = api("PATCH", place, json={"deliverWithinSeconds": None}).json()
    assert (off["deliverWithinSeconds"], off["lateSince"]) == (None, None)
    assert make.value(conn, "select count(*) from watches where schedule_id = %s", alert["scheduleId"]) == 0
    for wrong in (0, -1, 2592001, "10", 1.5, True):
        answer = api("PATCH", place, json={"deliverWithinSeconds": wrong})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/deliverWithinSeconds"), wrong


def test_rules_of_recipients_are_kept_as_they_were_given(api: Api, conn: make.Connection) -> None:
    assert api.tenant
    other = graph(conn, api.tenant, "bravo")
    rules = ["ops@example.com", {"role": "viewer"}, {"graphId": other, "column": "email"}]
    alert = made(api, conn, recipients=rules)
    assert alert["recipients"] == rules
    assert schedule_of(api, alert)["jobPayload"]["recipients"] == rules
    place = f"/api/kpi-alerts/{alert['id']}"
    assert api("PATCH", place, json={"recipients": rules[1:]}).json()["recipients"] == rules[1:]
    for wrong in ({"role": "operator"}, {"role": "viewer", "column": "x"}, {"graphId": "x", "column": "email"}, {}):
        answer = api("PATCH", place, json={"recipients": [wrong]})
        assert answer.status_code == 422, wrong
        assert answer.json()["errors"][0]["pointer"].startswith("/recipients/0")


def test_a_rule_names_no_graph_of_another_tenants(api: Api, host: TestClient, conn: make.Connection) -> None:
    stranger = Api(host, conn)
    assert stranger.tenant
    theirs = {"graphId": graph(conn, stranger.tenant, "bravo"), "column": "email"}
    answer = api("POST", "/api/kpi-alerts", json=asked(api, conn, recipients=[theirs]))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/recipients/0/graphId")


def test_a_test_decides_and_stores_nothing(
    near: Api, its: make.Connection, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert near.tenant
    alert = made(near, its, graphId=figures(near, database), threshold={"condition": "LESS_THAN", "thresholdValue": 50})
    its.execute("update figures set day = now() - interval '1 day' where orders = 20")
    before = whole(its, near.tenant)
    found = near("POST", f"/api/kpi-alerts/{alert['id']}/test").json()
    assert (found["outcome"], found["notified"], found["segments"][0]["value"]) == ("fired", True, "20")
    assert whole(its, near.tenant) == before
    monkeypatch.setattr(alert_checks, "MOST_ROWS", 5)
    capped = near("POST", f"/api/kpi-alerts/{alert['id']}/test").json()
    assert (capped["outcome"], "more than 5 rows" in capped["sentence"]) == ("could_not_check", True)
    monkeypatch.undo()
    its.execute("drop table figures")
    found = near("POST", f"/api/kpi-alerts/{alert['id']}/test").json()
    assert (found["outcome"], found["notified"]) == ("could_not_check", False)
    assert "figures" in found["sentence"]
    assert whole(its, near.tenant) == before


def test_a_backtest_tells_what_the_same_steps_come_to_by_themselves(
    near: Api, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = FIRST + timedelta(days=len(FIGURES))
    span = {"from": (FIRST + timedelta(days=1)).isoformat(), "to": last.isoformat()}
    body: dict[str, Any] = {
        "graphId": figures(near, database),
        "threshold": POLICY | {"checkCron": "0 0 * * *"},
        **span,
    }
    answer = near("POST", "/api/kpi-alerts/backtest", json=body)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    rows = [(FIRST + timedelta(days=place), orders) for place, orders in enumerate(FIGURES)]
    meaning = Graph(value="orders", time="day", segments=(), grain="day", zone=zone("UTC"))
    slots = [FIRST + timedelta(days=place) for place in range(1, len(FIGURES) + 1)]
    expected = summary(backtest(Policy.model_validate(POLICY), read(["day", "orders"], rows, meaning, None), slots))
    assert {name: found[name] for name in expected} == expected
    assert (found["checks"], found["fired"], found["resolved"]) == (10, 3, 3)
    assert found["plots"][0]["svg"].startswith("<svg")
    assert found["suggestion"] is None

    wanted = near("POST", "/api/kpi-alerts/backtest", json=body | {"wantedMessages": 2}).json()["suggestion"]
    assert wanted["messages"] <= 2
    stricter = body | {"threshold": body["threshold"] | {"thresholdValue": wanted["thresholdValue"]}}
    assert near("POST", "/api/kpi-alerts/backtest", json=stricter).json()["messages"] == wanted["messages"]

    monkeypatch.setattr(alert_checks, "MOST_CHECKS", 5)
    for more, pointer in (
        ({}, "/from"),
        ({"to": span["from"]}, "/to"),
        ({"graphId": NOBODYS}, "/graphId"),
        ({"wantedMessages": -1}, "/wantedMessages"),
        ({"threshold": POLICY | {"checkCron": "61 * * * *"}}, "/threshold/checkCron"),
    ):
        answer = near("POST", "/api/kpi-alerts/backtest", json=body | more)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), answer.text
    monkeypatch.setattr(alert_checks, "MOST_CHECKS", 50)
    monkeypatch.setattr(alert_checks, "MOST_JUDGED", 5)
    assert "at most 5 checks" in near("POST", "/api/kpi-alerts/backtest", json=body).text
