"""`/api/report-definitions` and `/api/scheduled-reports`: checked when saved, versioned, stopped and started, and nobody else's."""

from datetime import timedelta
from ipaddress import ip_network
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb

from api.sources import create_source
from config.seal import Seal
from db.pool import Database
from local import activities
from tests import make
from tests.api import tenanted
from tests.api.conftest import KEY, Api, MakeWeb, TestClient
from tocsin import report_examples

REPORT = {"name": "weekly", "cronExpression": "0 8 * * 1", "exportFormats": ["CSV", "pdf", "csv"]}
PARAMETERS = [{"name": "period", "type": "PERIOD", "default": "last_full_week"}, {"name": "most", "type": "integer"}]


@pytest.fixture
def api(host: TestClient, owner: make.Connection) -> Api:
    """A tenant of its own on the module's web."""
    return Api(host, owner)


def body_of(api: Api, owner: make.Connection, **more: Any) -> dict[str, Any]:
    assert api.tenant
    source = tenanted.source(owner, api.tenant, "alfa")
    asked = "select day, count from x where at >= $param_period_start limit $param_most"
    return {"name": "sales", "sourceId": source, "query": asked, "parameters": PARAMETERS} | more


WRONG = [
    ({"query": "select $param_nobody"}, "/query", "$param_nobody"),
    ({"query": None}, "/query", "go together"),
    ({"graphId": "00000000-0000-4000-8000-000000000000"}, "/graphId", "exactly one"),
    ({"window": "most"}, "/window", "type period"),
    ({"parameters": [{"name": "most", "type": "integer", "default": "many"}]}, "/parameters/0/default", "whole number"),
    ({"parameters": [{"name": "most"}, {"name": "most"}]}, "/parameters/1/name", "twice"),
    ({"parameters": [{"name": "region", "type": "choice"}]}, "/parameters/0/choices", "at least one"),
    ({"columns": [{"name": "a"}, {"name": "a"}]}, "/columns/1/name", "is there twice"),
    ({"columns": [{"name": "a", "isHidden": True}], "chart": {"x": "a", "y": ["b"]}}, "/chart/x", "shown"),
    ({"title": "{{ parameters.nobody }}"}, "/title", "there is no `nobody`"),
    ({"name": "no/such"}, "/name", "match"),
]


@pytest.mark.parametrize(("fields", "pointer", "said"), WRONG, ids=[each[2] for each in WRONG])
def test_what_is_wrong_with_a_definition_is_named_by_its_field(
    api: Api, owner: make.Connection, fields: dict[str, Any], pointer: str, said: str
) -> None:
    answer = api("POST", "/api/report-definitions", json=body_of(api, owner, **fields))
    assert answer.status_code == 422, answer.text
    [error] = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert said in error["detail"]


def test_a_report_is_made_changed_stopped_and_started_again(api: Api, owner: make.Connection) -> None:
    definition = api("POST", "/api/report-definitions", json=body_of(api, owner))
    assert definition.status_code == 201, definition.text
    body = REPORT | {"reportType": "sales", "parameters": {"most": 5}, "emailSubject": "{{ report }}"}
    missing = api("POST", "/api/scheduled-reports", json=body | {"parameters": {}})
    assert [each["pointer"] for each in missing.json()["errors"]] == ["/parameters/most"]
    unmailed = api("POST", "/api/scheduled-reports", json=body | {"emailEnabled": True})
    assert [each["pointer"] for each in unmailed.json()["errors"]] == ["/emailRecipients"]
    foreign = api("POST", "/api/scheduled-reports", json=body | {"workspaceId": "somebody"})
    assert [each["pointer"] for each in foreign.json()["errors"]] == ["/workspaceId"]
    made = api("POST", "/api/scheduled-reports", json=body)
    assert made.status_code == 201, made.text
    row = made.json()
    assert (row["exportFormats"], row["status"], row["emailEnabled"], row["runCount"]) == (
        ["csv", "pdf"],
        "ACTIVE",
        False,
        0,
    )
    path = f"/api/scheduled-reports/{row['id']}"
    assert api("PATCH", path, json={"status": "paused"}).json()["status"] == "PAUSED"
    assert api("GET", "/api/scheduled-reports?status=paused").json()["items"][0]["id"] == row["id"]
    assert api("GET", "/api/scheduled-reports?isActive=true").json()["items"] == []
    assert api("PATCH", path, json={"isActive": True}).json()["status"] == "ACTIVE"
    run = api("POST", f"{path}/run")
    assert run.status_code == 202
    execution = api("GET", f"/api/report-executions/{run.json()['executionId']}").json()
    assert (execution["status"], execution["triggeredManually"], execution["files"]) == ("PENDING", True, [])

    place = f"/api/report-definitions/{definition.json()['id']}"
    refused = api("PATCH", place, json={"parameters": PARAMETERS[:1], "query": "select 1"})
    assert "'weekly' no longer fits" in refused.json()["errors"][0]["detail"]
    assert api("PATCH", place, json={"description": "x"}).json()["version"] == 2
    assert [each["version"] for each in api("GET", f"{place}/versions").json()["items"]] == [2, 1]
    assert api("DELETE", place).status_code == 409
    assert api("DELETE", path).status_code == 204
    assert api("DELETE", place).status_code == 204


def test_a_schedule_of_reports_has_its_report_whoever_writes(api: Api, owner: make.Connection) -> None:
    assert api.tenant
    with pytest.raises(psycopg.Error, match="not both there") as refused:
        make.schedule(owner, api.tenant, kind="report.export", cron="@daily")
    assert refused.value.sqlstate == "TC007"
    tenanted.export(owner, api.tenant, "alfa")
    with pytest.raises(psycopg.Error, match="not both there"):
        owner.execute("delete from scheduled_reports where tenant_id = %s", (api.tenant,))
    schedule = {"jobType": "report.export", "cronExpression": "@daily"}
    assert "/api/scheduled-reports" in api("POST", "/api/schedules", json=schedule).text


STATUSES = {
    "pending": ("PENDING", 0),
    "queued": ("PENDING", 0),
    "running": ("PROCESSING", 40),
    "succeeded": ("COMPLETED", 100),
    "dead": ("FAILED", 40),
    "cancelled": ("CANCELLED", 40),
    "skipped": ("CANCELLED", 0),
}


def test_an_execution_has_a_status_for_each_state_of_its_run_and_lists_those_by_hand_among_the_planned(
    api: Api, owner: make.Connection
) -> None:
    assert api.tenant
    report = tenanted.export(owner, api.tenant, "alfa")
    schedule = make.value(owner, "select schedule_id from scheduled_reports where id = %s", report)
    now = make.now(owner)
    for hours, (state, (_, progress)) in enumerate(STATUSES.items()):
        made = {
            "origin": "manual" if hours % 2 else "schedule",
            "state": state,
            "slot_at": now - timedelta(hours=hours),
        }
        shown = {"progress": Jsonb({"fraction": progress / 100})} if 0 < progress < 100 else {}
        make.run(owner, api.tenant, kind="report.export", schedule_id=schedule, **made, **shown)

    path = f"/api/scheduled-reports/{report}/executions"
    first = api("GET", f"{path}?limit=3").json()
    rest = api("GET", f"{path}?limit=100&cursor={first['nextCursor']}").json()
    found = first["items"] + rest["items"]
    assert [(each["status"], each["progress"]) for each in found] == list(STATUSES.values())
    assert [each["triggeredManually"] for each in found] == [bool(place % 2) for place in range(len(STATUSES))]
    assert rest["nextCursor"] is None
    stats = api("GET", f"/api/scheduled-reports/{report}/stats").json()
    assert (stats["count"], stats["succeeded"], stats["failed"], stats["successRatio"]) == (7, 1, 1, 0.5)


def test_a_report_is_worded_by_a_template_of_its_purpose_and_watched(api: Api, owner: make.Connection) -> None:
    assert api("POST", "/api/report-definitions", json=body_of(api, owner, parameters=[], query="select 1")).is_success
    words = {"name": "ours", "subject": "{{ name }}: {{ record_count }} rows"}
    ours, foreign = (
        api("POST", "/api/templates", json=words | more).json()["id"]
        for more in ({"purpose": "report.export"}, {"purpose": "kpi.schedule", "name": "theirs", "subject": "Look"})
    )
    body = REPORT | {"reportType": "sales", "deliverWithinSeconds": 600}
    refused = api("POST", "/api/scheduled-reports", json=body | {"templateId": foreign})
    assert [each["pointer"] for each in refused.json()["errors"]] == ["/templateId"]
    made = api("POST", "/api/scheduled-reports", json=body | {"templateId": ours})
    row = made.json()
    assert (row["templateId"], row["deliverWithinSeconds"], row["lateSince"]) == (ours, 600, None)
    assert make.value(owner, "select params ->> 'templateId' from schedules where id = %s", row["scheduleId"]) == ours
    assert make.value(owner, "select count(*) from watches where schedule_id = %s", row["scheduleId"]) == 1
    kept = api("DELETE", f"/api/templates/{ours}")
    assert (kept.status_code, "weekly" in kept.json()["detail"]) == (409, True)
    path = f"/api/scheduled-reports/{row['id']}"
    free = api("PATCH", path, json={"templateId": None, "deliverWithinSeconds": None}).json()
    assert (free["templateId"], free["deliverWithinSeconds"]) == (None, None)
    assert api("DELETE", f"/api/templates/{ours}").status_code == 204


def test_a_definition_of_another_tenant_is_none_to_a_report(api: Api, owner: make.Connection, host: TestClient) -> None:
    other = Api(host, owner)
    theirs = other(
        "POST", "/api/report-definitions", json=body_of(other, owner, parameters=[], query="select 1")
    ).json()
    refused = api("POST", "/api/scheduled-reports", json=REPORT | {"reportType": "sales"})
    assert [each["pointer"] for each in refused.json()["errors"]] == ["/reportType"]
    for method, place in (("GET", ""), ("POST", "/preview"), ("GET", "/versions")):
        answer = api(method, f"/api/report-definitions/{theirs['id']}{place}", json={} if method == "POST" else None)
        assert answer.status_code == 404
    foreign = body_of(api, owner, parameters=[], query="select 1") | {"name": "mine", "sourceId": theirs["sourceId"]}
    refused = api("POST", "/api/report-definitions", json=foreign)
    assert [each["pointer"] for each in refused.json()["errors"]] == ["/sourceId"]


SLIPS = ["2026-01-01' or '1'='1", "1; drop table x", "$param_most", "{{ 1 }}"]


@pytest.mark.parametrize("text", SLIPS)
def test_a_parameter_is_a_value_and_never_a_part_of_the_query(
    make_web: MakeWeb, database: str, conn: make.Connection, text: str
) -> None:
    api, source = reaching(make_web, database, conn)
    asked = "select $param_said::text as said, $param_most as most"
    parameters = [{"name": "said", "type": "string"}, {"name": "most", "type": "integer", "default": 5}]
    body = {"name": "said", "sourceId": source, "query": asked, "parameters": parameters}
    definition = api("POST", "/api/report-definitions", json=body | {"title": "{{ parameters.said }}"}).json()["id"]
    place = f"/api/report-definitions/{definition}/preview"
    found = api("POST", place, json={"parameters": {"said": text}})
    assert found.status_code == 200, found.text
    assert (found.json()["recordCount"], found.json()["parameters"]["said"]) == (1, text)
    assert text in found.json()["text"]
    wrong = api("POST", place, json={"parameters": {"said": "x", "most": text}})
    assert [each["pointer"] for each in wrong.json()["errors"]] == ["/parameters/most"]


def test_both_examples_are_previewed_on_the_sample_table(
    make_web: MakeWeb, database: str, conn: make.Connection
) -> None:
    api, source = reaching(make_web, database, conn)
    activities.load(conn, make.now(conn).date())
    for body in report_examples.bodies(UUID(source)):
        made = api("POST", "/api/report-definitions", json=body | {"sourceId": source})
        assert made.status_code == 201, made.text
    body = REPORT | {"reportType": "workspace-activity", "emailSubject": "{{ record_count }} rows of {{ report }}"}
    report = api("POST", "/api/scheduled-reports", json=body).json()
    found = api("POST", f"/api/scheduled-reports/{report['id']}/preview").json()
    assert (found["subject"], found["problem"]) == (f"{found['recordCount']} rows of weekly", None)
    assert found["recordCount"] > len(found["columns"][0]) > 1
    assert make.value(conn, "select count(*) from runs") == 0, "nothing is kept"
    assert make.value(conn, "select count(*) from artifacts") == 0


def reaching(make_web: MakeWeb, database: str, conn: make.Connection) -> tuple[Api, str]:
    """A tenant of a web that may reach loopback, with a source on the test's own database."""
    api = Api(make_web(database, egress_allow=(ip_network("127.0.0.0/8"),)), conn)
    assert api.tenant
    with Database.at(database).connect("test") as found:
        return api, str(create_source(found, api.tenant, "own", "postgres", database, Seal((KEY,))).id)
