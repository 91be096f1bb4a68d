"""Pulses and their jobs as the API makes, changes, shows and ends them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from api import pulse_jobs
from api.pulse_jobs import PulseRun
from db.jsonb import Jsonb
from tests import make
from tests.api import tenanted
from tests.api.conftest import Api

WEEKLY: dict[str, Any] = {
    "name": "Weekly Revenue Report",
    "description": "Weekly summary of revenue metrics",
    "prompt": "Generate a weekly revenue report with trends and insights",
    "cron": "0 0 * * 0",
    "cronTimezone": "America/New_York",
    "recipients": ["ceo@company.com", "reports@company.com"],
    "enabled": True,
}


def made(api: Api, **fields: Any) -> dict[str, Any]:
    answer = api("POST", "/api/pulse", json=WEEKLY | fields)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_pulse_is_made_listed_read_changed_and_deleted(api: Api, conn: make.Connection) -> None:
    first = made(api)
    assert {name: first[name] for name in WEEKLY} == WEEKLY
    assert first["lastRunAt"] is None
    assert first["nextRunAt"].endswith(("T04:00:00Z", "T05:00:00Z"))  # midnight in New York, summer and winter
    second = made(api, name="Daily", cronTimezone=None, recipients=None)
    assert (second["cronTimezone"], second["recipients"], second["graphIds"]) == (None, None, None)
    assert second["nextRunAt"].endswith("T00:00:00Z")
    assert api("GET", "/api/pulse").json() == [second, first]
    path = f"/api/pulse/{first['id']}"
    assert api("GET", path).json() == first

    paused = api("PUT", path, json={"enabled": False}).json()
    assert (paused["enabled"], paused["nextRunAt"], paused["prompt"]) == (False, None, WEEKLY["prompt"])
    moved = api("PUT", path, json={"enabled": True, "cron": "30 2 * * *", "cronTimezone": "UTC"}).json()
    assert (moved["cronTimezone"], moved["nextRunAt"][10:]) == ("UTC", "T02:30:00Z")
    unsaid = api("PUT", path, json={"cronTimezone": None}).json()
    assert (unsaid["cronTimezone"], unsaid["nextRunAt"]) == (None, moved["nextRunAt"])
    told = api("PUT", path, json={"recipients": None, "name": "Nightly", "onModelFailure": "ERROR"}).json()
    assert (told["recipients"], told["name"], told["onModelFailure"]) == (None, "Nightly", "error")
    assert api("GET", f"{path}/next?count=2").json()["items"][0]["at"] == moved["nextRunAt"]

    assert api("DELETE", path).status_code == 204
    assert api("GET", path).status_code == 404
    assert [each["id"] for each in api("GET", "/api/pulse").json()] == [second["id"]]
    assert make.value(conn, "select status from schedules where id = %s", first["id"]) == "cancelled"
    assert made(api, name="Nightly")["name"] == "Nightly"


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"cron": "0 0 * *"}, "/cron"),
        ({"cronTimezone": "Mars/Olympus"}, "/cronTimezone"),
        ({"recipients": ["Ann <ann@example.com>"]}, "/recipients/0"),
        ({"graphIds": [str(uuid4())]}, "/graphIds"),
        ({"prompt": " \n"}, "/prompt"),
        ({"name": ""}, "/name"),
        ({"tenantId": "another"}, "/tenantId"),
        ({"channels": ["nowhere"]}, "/channels/0"),
        ({"templateId": str(uuid4())}, "/templateId"),
        ({"recipients": [{"role": "king"}]}, "/recipients/0"),
        ({"recipients": [{"graphId": str(uuid4()), "column": "mail"}]}, "/recipients/0/graphId"),
        ({"deliverWithinSeconds": 0}, "/deliverWithinSeconds"),
    ],
)
def test_what_is_wrong_is_named(api: Api, conn: make.Connection, wrong: dict[str, Any], pointer: str) -> None:
    before = made(api)
    for answer in (
        api("POST", "/api/pulse", json=WEEKLY | {"name": "another"} | wrong),
        api("PUT", f"/api/pulse/{before['id']}", json=wrong),
    ):
        assert answer.status_code == 422, answer.text
        assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
    assert api("GET", "/api/pulse").json() == [before]
    assert api("POST", "/api/pulse", json=WEEKLY).status_code == 422, "the name is taken"
    assert make.value(conn, "select count(*) from schedules") == 1


def test_a_pulse_tells_whom_an_alert_may_tell(api: Api, conn: make.Connection) -> None:
    assert api.tenant
    graph = tenanted.graph(conn, api.tenant, "alfa")
    slack = {"name": "ops", "type": "slack", "credential": "https://hooks.slack.com/services/T0/B0/x"}
    channel = api("POST", "/api/channels", json=slack).json()["id"]
    made_template = {"name": "ours", "purpose": "pulse.report", "subject": "{{ report }}"}
    template = api("POST", "/api/templates", json=made_template).json()["id"]
    rules = [{"role": "viewer"}, {"graphId": graph, "column": "mail"}]
    told = {"recipients": ["ann@example.com", *rules], "templateId": template, "deliverWithinSeconds": 3600}
    pulse = made(api, channels=["ops"], **told)
    assert {name: pulse[name] for name in (*told, "channels", "lateSince")} == told | {
        "channels": [channel],
        "lateSince": None,
    }
    path = f"/api/pulse/{pulse['id']}"
    params = make.value(conn, "select params from schedules where id = %s", pulse["id"])
    assert params["recipients"] == told["recipients"]
    assert (params["channels"], params["templateId"]) == ([{"id": channel, "type": "slack"}], template)
    assert make.value(conn, "select count(*) from watches") == 1
    assert make.value(conn, "select cardinality(uses) from schedules where id = %s", pulse["id"]) == 1

    # What a pulse names is not deleted, and the refusal names the pulse.
    for noun, id_ in (("channels", channel), ("templates", template)):
        kept = api("DELETE", f"/api/{noun}/{id_}")
        assert (kept.status_code, WEEKLY["name"] in kept.text) == (409, True)
    other = api("POST", "/api/templates", json=made_template | {"name": "b", "purpose": "kpi.schedule"})
    assert api("PUT", path, json={"templateId": other.json()["id"]}).status_code == 422
    pager = {"name": "pager", "type": "pagerduty", "credential": "0123456789abcdef0123456789abcdef"}
    assert api("POST", "/api/channels", json=pager).status_code == 201
    assert api("PUT", path, json={"channels": ["pager"]}).status_code == 422

    same = api("PUT", path, json={"description": "read it"}).json()
    assert {name: same[name] for name in told} == told
    assert same["channels"] == [channel]
    bare: dict[str, Any] = {"channels": [], "templateId": None, "deliverWithinSeconds": None, "recipients": None}
    changed = api("PUT", path, json=bare).json()
    assert {name: changed[name] for name in bare} == bare
    params = make.value(conn, "select params from schedules where id = %s", pulse["id"])
    assert {"channels", "templateId", "recipients"} & params.keys() == set()
    assert make.value(conn, "select cardinality(uses) from schedules where id = %s", pulse["id"]) == 0
    assert [
        api("DELETE", f"/api/{noun}/{id_}").status_code
        for noun, id_ in (("channels", channel), ("templates", template))
    ] == [204, 204]


def test_what_tools_answered_is_left_out_of_lists(api: Api, conn: make.Connection) -> None:
    assert api.tenant
    pulse = made(api, enabled=False)
    said = [
        {"role": "user", "content": "new?"},
        {"role": "tool", "content": "x" * 1000},
        {"role": "assistant", "content": "no"},
    ]
    of: dict[str, Any] = {"schedule_id": UUID(pulse["id"]), "kind": "pulse.report", "state": "succeeded", "attempt": 1}
    run = make.run(conn, api.tenant, **of, outcome=Jsonb({"messages": said, "report": "no", "evidence": {}}))
    make.run(conn, api.tenant, **of, outcome=Jsonb({"outcome": "not_notable"}))
    assert api("GET", f"/api/pulse-job/{run}").json()["payload"]["messages"] == said
    listed = [each["payload"] for each in api("GET", f"/api/pulse/{pulse['id']}/jobs").json()["items"]]
    assert {"messages": [said[0], said[2]], "report": "no"} in listed
    assert {"outcome": "not_notable"} in listed


def test_the_graphs_of_another_tenant_are_none(api: Api, conn: make.Connection) -> None:
    assert api.tenant
    theirs, mine = tenanted.graph(conn, make.tenant(conn), "bravo"), tenanted.graph(conn, api.tenant, "alfa")
    assert api("POST", "/api/pulse", json=WEEKLY | {"graphIds": [theirs]}).status_code == 422
    pulse = made(api, graphIds=[mine, mine])
    assert pulse["graphIds"] == [mine]
    assert api("PUT", f"/api/pulse/{pulse['id']}", json={"graphIds": [mine, theirs]}).status_code == 422


def test_a_new_job_cancels_what_is_not_finished_and_a_preview_nothing(api: Api) -> None:
    pulse = made(api)
    path = f"/api/pulse/{pulse['id']}"
    first = api("POST", f"{path}/publish")
    assert (first.status_code, first.headers["location"]) == (202, f"/api/pulse-job/{first.json()['jobId']}")
    job = api("GET", first.headers["location"]).json()
    assert (job["pulseConfigId"], job["state"], job["result"]) == (pulse["id"], "created", None)
    assert (job["payload"], job["error"], job["emailSent"], job["emailSentAt"]) == (None, None, False, None)
    assert api("POST", f"{first.headers['location']}/run").json() == {"job": job}

    preview = api("POST", f"{path}/preview").json()["jobId"]
    assert api("GET", f"/api/pulse-job/{job['id']}").json()["state"] == "created"
    second = api("POST", f"{path}/publish").json()["jobId"]
    states = [(each["id"], each["state"], each["result"]) for each in api("GET", f"{path}/jobs").json()["items"]]
    assert states == [(second, "created", None), (job["id"], "finished", "canceled")]
    assert api("GET", f"/api/pulse-job/{preview}").json()["state"] == "created"
    assert api("POST", f"/api/pulse-job/{job['id']}/run").json()["job"]["result"] == "canceled"

    # What is deleted can still be read, and is finished with it.
    assert api("DELETE", path).status_code == 204
    assert api("GET", f"/api/pulse-job/{second}").json()["result"] == "canceled"
    assert api("POST", f"{path}/publish").status_code == 404
    assert api("GET", f"/api/pulse-job/{uuid4()}").status_code == 404


def test_two_publishes_at_once_leave_one_unfinished_job(api: Api) -> None:
    path = f"/api/pulse/{made(api)['id']}"
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: api("POST", f"{path}/publish"), range(8)))
    assert {each.status_code for each in answers} == {202}
    jobs = api("GET", f"{path}/jobs").json()["items"]
    assert len(jobs) == 8
    assert [each["state"] for each in jobs].count("created") == 1


def test_cleanup_ends_what_is_stuck_and_no_live_work(api: Api, conn: make.Connection) -> None:
    pulse = made(api, enabled=False)
    assert api.tenant
    old = make.now(conn) - timedelta(days=2)
    of: dict[str, Any] = {"schedule_id": UUID(pulse["id"]), "kind": "pulse.report", "slot_at": old}
    alive = make.process(conn)
    running = make.run(conn, api.tenant, state="running", attempt=1, leased_by=alive, **of)
    stuck = make.run(conn, api.tenant, state="pending", **of)
    fresh = api("POST", f"/api/pulse/{pulse['id']}/preview").json()["jobId"]
    other = make.run(conn, api.tenant, slot_at=old, state="queued")
    assert api("POST", "/api/pulse-job/cleanup").json() == {"canceled": 1}
    assert api("POST", "/api/pulse-job/cleanup", json={"openForHours": 1}).json() == {"canceled": 0}
    states = dict(conn.execute("select id, state from runs").fetchall())
    assert {each: states[each] for each in (running, stuck, UUID(fresh), other)} == {
        running: "running",
        stuck: "cancelled",
        UUID(fresh): "pending",
        other: "queued",
    }


NOW = datetime(2026, 3, 29, 1, tzinfo=UTC)
FRESH = PulseRun(uuid4(), NOW, uuid4(), "pending", None, None, None, None, None, NOW, None, 0, 0, None)


@pytest.mark.parametrize(
    ("row", "state", "result"),
    [
        ({}, "created", None),
        ({"state": "queued"}, "created", None),
        ({"state": "running", "started_at": NOW}, "running", None),
        ({"state": "pending", "started_at": NOW}, "running", None),
        ({"state": "succeeded", "started_at": NOW, "finished_at": NOW}, "finished", "success"),
        ({"state": "dead", "started_at": NOW, "finished_at": NOW, "died_at": NOW}, "finished", "error"),
        # Tried again: it stays what it was until there is more to tell.
        ({"state": "pending", "started_at": NOW, "died_at": NOW}, "finished", "error"),
        ({"state": "running", "started_at": NOW, "died_at": NOW}, "finished", "error"),
        ({"state": "succeeded", "started_at": NOW, "died_at": NOW}, "finished", "success"),
        ({"state": "running", "started_at": NOW, "cancel_requested_at": NOW}, "finished", "canceled"),
        ({"state": "cancelled", "finished_at": NOW}, "finished", "canceled"),
        ({"state": "skipped", "finished_at": NOW}, "finished", "canceled"),
    ],
)
def test_a_jobs_state_follows_its_run_and_is_never_taken_back(
    row: dict[str, Any], state: str, result: str | None
) -> None:
    found = pulse_jobs.shown(FRESH._replace(**row))
    assert (found["state"], found["result"]) == (state, result)
    assert (found["finishedAt"] is not None) == (state == "finished")


def test_a_mail_is_sent_once_all_of_it_is() -> None:
    some = pulse_jobs.shown(FRESH._replace(state="succeeded", mails=2, mails_sent=1, mailed_at=NOW))
    assert (some["emailSent"], some["emailSentAt"]) == (False, None)
    whole = pulse_jobs.shown(FRESH._replace(state="succeeded", mails=2, mails_sent=2, mailed_at=NOW))
    assert (whole["emailSent"], whole["emailSentAt"]) == (True, NOW)


def test_a_schedule_of_the_kind_without_its_pulse_is_refused_whoever_writes(conn: make.Connection) -> None:
    tenant = make.tenant(conn)

    def refused() -> Any:
        return pytest.raises(psycopg.DatabaseError, check=lambda error: getattr(error, "sqlstate", None) == "TC007")

    with refused():
        make.schedule(conn, tenant, kind="pulse.report", cron="@daily")
    with refused():
        other = make.schedule(conn, tenant, cron="@daily")
        make.insert(conn, "pulse_configs", {"schedule_id": other, "tenant_id": tenant, "prompt": "x"})
    pulse = tenanted.pulse(conn, tenant, "alfa")
    with refused():
        conn.execute("delete from pulse_configs where schedule_id = %s", (pulse,))
    with refused():
        conn.execute("update schedules set kind = 'test.noop' where id = %s", (pulse,))
