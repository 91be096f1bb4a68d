"""`/api/report-definitions` and `/api/scheduled-reports`: checked when saved, versioned, stopped and started, and nobody else's."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests import make
from tests.api import tenanted
from tests.api.conftest import Api, TestClient

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
