"""`/api/channels`: made, changed, tried and deleted; a credential goes in, goes nowhere else, and never comes out."""

from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import pytest

from tests import make
from tests.api.conftest import Api, MakeWeb, TestClient
from tests.api.tenanted import channel, graph
from tests.workers.channels.chats import BOT, SECRETS, Chat, chat
from tests.workers.wire import LOOPBACK

HOOK = "https://hooks.example.com/services/T0/B0/hush"
THRESHOLD = {"condition": "LESS_THAN", "thresholdValue": 5}
TIMED = {"frequencyInterval": "day", "scheduleHour": 8, "scheduleMinute": 0}


@pytest.fixture
def conn(owner: make.Connection) -> make.Connection:
    """A connection to the module's database."""
    return owner


@pytest.fixture
def api(host: TestClient, conn: make.Connection) -> Api:
    """A tenant of its own in the module's web."""
    return Api(host, conn)


def made(api: Api, **body: Any) -> dict[str, Any]:
    whole = {"name": f"ops {uuid4().hex[:6]}", "type": "slack", "credential": HOOK} | body
    answer = api("POST", "/api/channels", json=whole)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def refused(answer: Any) -> set[str]:
    assert answer.status_code == 422, answer.text
    assert "hush" not in answer.text
    return {each["pointer"] for each in answer.json()["errors"]}


def test_a_credential_goes_in_and_never_comes_out(api: Api, conn: make.Connection) -> None:
    found = made(api, name="ops")
    assert set(found) == {"id", "name", "type", "origin", "options", "createdAt", "updatedAt"}
    assert (found["origin"], found["options"]) == ("https://hooks.example.com", {})
    shown = [api("GET", f"/api/channels/{found['id']}"), api("GET", "/api/channels"), api("GET", "/api/audit-log")]
    assert all("hush" not in each.text and "sealed" not in each.text for each in shown)
    stored = make.value(conn, "select sealed_credential from channels where id = %s", found["id"])
    assert stored.startswith("sealed:")
    assert refused(api("POST", "/api/channels", json={"name": "ops", "type": "slack", "credential": HOOK})) == {"/name"}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"type": "fax"}, "/type"),
        ({"credential": "hush"}, "/credential"),
        ({"credential": BOT}, "/credential"),
        ({"credential": "http://hooks.example.com/hush"}, "/credential"),
        ({"credential": "https://u:hush@hooks.example.com/"}, "/credential"),
        ({"options": {"nosuch": 1}}, "/options/nosuch"),
        ({"type": "telegram", "credential": SECRETS["telegram"]}, "/options/chatId"),
        ({"type": "pagerduty", "credential": SECRETS["pagerduty"], "options": {"region": "mars"}}, "/options/region"),
        (
            {"type": "opsgenie", "credential": SECRETS["opsgenie"], "options": {"endpoint": "http://x"}},
            "/options/endpoint",
        ),
        ({"type": "twilio", "credential": SECRETS["twilio"], "options": {"accountSid": "AC1"}}, "/options/accountSid"),
    ],
)
def test_what_its_type_does_not_take_is_refused_by_its_field(api: Api, body: dict[str, Any], pointer: str) -> None:
    whole = {"name": "wrong", "type": "slack", "credential": HOOK} | body
    assert pointer in refused(api("POST", "/api/channels", json=whole))


def test_a_stored_credential_goes_nowhere_else(api: Api) -> None:
    found = made(api, credential=BOT, options={"channel": "C1"})
    place = f"/api/channels/{found['id']}"
    assert found["origin"] == "https://slack.com"
    elsewhere = {"channel": "C1", "endpoint": "https://evil.example"}
    assert refused(api("PATCH", place, json={"options": elsewhere})) == {"/credential"}
    assert refused(api("PATCH", place, json={"options": {}})) == {"/options"}
    assert api("PATCH", place, json={"options": {"channel": "C2"}, "name": "renamed"}).json()["options"] == {
        "channel": "C2"
    }
    again = api("PATCH", place, json={"options": elsewhere, "credential": BOT})
    assert (again.status_code, again.json()["origin"]) == (200, "https://evil.example")


def test_a_test_sends_one_message_and_says_what_was_answered(make_web: MakeWeb, database: str) -> None:
    web = make_web(database, egress_allow=LOOPBACK)
    with make.connect(database) as conn, chat("discord") as played, chat("telegram") as bot:
        api = Api(web, conn)

        def tried(of: Chat) -> dict[str, Any]:
            found = made(api, type=of.type, credential=of.credential, options=of.options, name=uuid4().hex)
            answer = api("POST", f"/api/channels/{found['id']}/test")
            assert answer.status_code == 200, answer.text
            assert of.credential not in answer.text
            return dict(answer.json())

        assert tried(played) == {"ok": True, "state": "sent", "error": None, "providerMessageId": "1"}
        assert played.taken[0]["embeds"][0]["title"].startswith("Test of the channel")
        bot.refuses = 1
        assert tried(bot) == {
            "ok": False,
            "state": "pending",
            "error": "Telegram answers 503",
            "providerMessageId": None,
        }
        dry = Api(make_web(database, egress_allow=LOOPBACK, mode="dry"), conn, tenant=api.tenant)
        [first, *_] = dry("GET", "/api/channels").json()["items"]
        answer = dry("POST", f"/api/channels/{first['id']}/test")
        assert (answer.status_code, len(played.taken) + len(bot.taken)) == (409, 1)


@pytest.mark.parametrize("name", ["pagerduty", "opsgenie", "alertmanager"])
def test_a_test_leaves_no_incident_open(make_web: MakeWeb, database: str, name: str) -> None:
    with make.connect(database) as conn, chat(name) as played:
        api = Api(make_web(database, egress_allow=LOOPBACK), conn)
        found = made(api, type=played.type, credential=played.credential, options=played.options, name=uuid4().hex)

        answer = api("POST", f"/api/channels/{found['id']}/test").json()

        assert (answer["ok"], answer["state"]) == (True, "sent")
        opened, closed = played.taken
        if name == "pagerduty":
            assert [opened["event_action"], closed["event_action"]] == ["trigger", "resolve"]
            assert opened["dedup_key"] == closed["dedup_key"]
        elif name == "opsgenie":
            assert "/close?" in played.asked[1]
            assert opened["alias"] in unquote(played.asked[1])
        else:
            assert [each["alerts"][0]["status"] for each in (opened, closed)] == ["firing", "resolved"]
            assert opened["alerts"][0]["fingerprint"] == closed["alerts"][0]["fingerprint"]


def test_a_test_that_leaves_an_incident_open_says_so(make_web: MakeWeb, database: str) -> None:
    with make.connect(database) as conn, chat("pagerduty") as played:
        api = Api(make_web(database, egress_allow=LOOPBACK), conn)
        found = made(api, type=played.type, credential=played.credential, options=played.options)
        played.answers = [None, 503]
        answer = api("POST", f"/api/channels/{found['id']}/test").json()
    assert (answer["ok"], answer["error"]) == (False, "it was told, and stays open: PagerDuty answers 503")


def test_an_alert_names_its_channels_by_id_or_name(api: Api, conn: make.Connection) -> None:
    assert api.tenant
    ops, dev = made(api), made(api)
    body = {"alertName": "low", "graphId": graph(conn, api.tenant, "alfa"), "threshold": THRESHOLD}
    alert = api("POST", "/api/kpi-alerts", json=body | {"channels": [ops["name"], dev["id"], ops["id"]]}).json()
    assert (alert["channels"], alert["recipients"]) == ([ops["id"], dev["id"]], [])
    place, schedule = f"/api/kpi-alerts/{alert['id']}", f"/api/schedules/{alert['scheduleId']}"
    told = [{"id": ops["id"], "type": "slack"}, {"id": dev["id"], "type": "slack"}]
    assert api("GET", schedule).json()["jobPayload"]["channels"] == told
    assert api("PATCH", place, json={"channels": [dev["id"]]}).json()["channels"] == [dev["id"]]
    assert api("GET", schedule).json()["jobPayload"]["channels"] == told[1:]
    assert refused(api("PATCH", place, json={"channels": ["nosuch"]})) == {"/channels/0"}
    assert refused(api("PATCH", place, json={"channels": []})) == {"/recipients"}
    mailed = api("PATCH", place, json={"channels": [], "recipients": ["ops@example.com"]}).json()
    assert (mailed["channels"], mailed["recipients"]) == ([], ["ops@example.com"])
    assert "channels" not in api("GET", schedule).json()["jobPayload"]


def test_an_alert_tells_no_channel_of_another_tenants(api: Api, host: TestClient, conn: make.Connection) -> None:
    other = Api(host, conn)
    assert api.tenant
    assert other.tenant
    theirs = channel(conn, other.tenant, "bravo")
    body = {"alertName": "low", "graphId": graph(conn, api.tenant, "alfa"), "threshold": THRESHOLD}
    assert refused(api("POST", "/api/kpi-alerts", json=body | {"channels": [theirs]})) == {"/channels/0"}


def test_a_channel_that_alerts_tell_is_not_deleted(api: Api, conn: make.Connection) -> None:
    assert api.tenant
    ops = made(api)
    body = {"graphId": graph(conn, api.tenant, "alfa"), "channels": [ops["id"]]}
    watch = api("POST", "/api/kpi-alerts", json=body | {"alertName": "low", "threshold": THRESHOLD}).json()
    daily = body | {"alertName": "daily", "alertType": "schedule", "schedule": TIMED}
    report = api("POST", "/api/kpi-alerts", json=daily).json()
    answer = api("DELETE", f"/api/channels/{ops['id']}")
    assert answer.status_code == 409
    assert "'daily', 'low'" in answer.json()["detail"]
    for alert in (watch, report):
        assert api("DELETE", f"/api/kpi-alerts/{alert['id']}").status_code == 204
    assert api("DELETE", f"/api/channels/{ops['id']}").status_code == 204


def test_a_report_pages_nobody(api: Api, conn: make.Connection) -> None:
    assert api.tenant
    pager = made(api, type="pagerduty", credential=SECRETS["pagerduty"])
    body = {
        "alertName": "daily",
        "alertType": "schedule",
        "graphId": graph(conn, api.tenant, "alfa"),
        "schedule": TIMED,
    }
    assert refused(api("POST", "/api/kpi-alerts", json=body | {"channels": [pager["id"]]})) == {"/channels/0"}


def test_a_delivery_shows_its_channels_name_of_now(api: Api, conn: make.Connection) -> None:
    assert api.tenant
    found = made(api)
    slot = make.now(conn)
    run = make.run(conn, api.tenant, slot_at=slot, state="succeeded")
    delivery = make.delivery(conn, api.tenant, run, slot, channel="slack", recipient=found["id"])
    place = f"/api/deliveries/{delivery}"
    assert api("GET", place).json()["recipientName"] == found["name"]
    api("PATCH", f"/api/channels/{found['id']}", json={"name": "renamed"})
    [listed] = api("GET", "/api/deliveries", params={"recipient": found["id"]}).json()["items"]
    assert (listed["recipientName"], listed["channel"]) == ("renamed", "slack")
    api("DELETE", f"/api/channels/{found['id']}")
    assert api("GET", place).json()["recipientName"] is None
