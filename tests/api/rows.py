"""A tenant's rows of every sort and in every state, for tests that ask for all that there is."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from db.ids import id_at
from tests import make
from tests.api import tenanted
from tests.api.conftest import Api
from tests.api.tenanted import (
    alert,
    artifact,
    calendar,
    channel,
    dashboard,
    endpoint,
    graph,
    job,
    limit,
    pulse,
    response,
    silence,
    suppression,
    template,
    user,
    webhook,
)

DISABLED = {"status": "disabled", "disabled_reason": "gone"}
STATES = ("pending", "queued", "dead", "dead", "succeeded")


def of_every_sort(conn: make.Connection, api: Api) -> dict[str, list[str]]:
    """Fresh rows of the tenant: their ids, by the names that the paths have for them."""
    assert api.tenant
    slug = f"s-{uuid4().hex[:12]}"
    make.tenant(conn, slug=slug)
    schedules = [
        make.schedule(conn, api.tenant),
        make.schedule(conn, api.tenant, cron="0 9 * * 1"),
        make.schedule(conn, api.tenant, interval_seconds=60, status="paused"),
    ]
    runs: dict[UUID, datetime] = {}
    letters, deliveries = [], []
    for state in STATES:
        slot = make.now(conn)
        run = make.run(conn, api.tenant, state=state, slot_at=slot, schedule_id=schedules[1])
        runs[run] = slot
        if state == "dead":
            letters.append(letter(conn, api.tenant, run, slot))
        if state == "succeeded":
            deliveries = [
                make.delivery(conn, api.tenant, run, slot, state=each, recipient=f"{each}@example.com")
                for each in ("sent", "failed")
            ]
    ids: dict[str, Any] = {
        "schedule_id": schedules,
        "run_id": runs,
        "letter_id": letters,
        "delivery_id": deliveries,
        "artifact_id": [artifact(conn, api.tenant, "alfa")],
        "member_id": [_made(api, "members", subject=uuid4().hex, email="someone@example.com")],
        "source_id": [_made(api, "sources", name=uuid4().hex, url="postgresql://u:p@127.0.0.1:1/x")],
        "webhook_id": [webhook(conn, api.tenant, "alfa"), webhook(conn, api.tenant, "alfa", **DISABLED)],
        "channel_id": [channel(conn, api.tenant, "alfa")],
        "uid": [user(conn, api.tenant, "alfa")],
        "endpoint_id": [endpoint(conn, api.tenant, "alfa")],
        "response_id": [response(conn, api.tenant, "alfa")],
        "limit_id": [limit(conn, api.tenant, "alfa")],
        "alert_id": [alert(conn, api.tenant, "alfa")],
        "pulse_id": [pulse(conn, api.tenant, "alfa")],
        "job_id": [job(conn, api.tenant, "alfa"), job(conn, api.tenant, "alfa", state="succeeded")],
        "graph_id": [graph(conn, api.tenant, "alfa")],
        "silence_id": [silence(conn, api.tenant, "alfa")],
        "dashboard_id": [dashboard(conn, api.tenant, "alfa")],
        "template_id": [template(conn, api.tenant, "alfa")],
        "definition_id": [tenanted.definition(conn, api.tenant, "alfa")],
        "report_id": [tenanted.export(conn, api.tenant, "alfa")],
        "execution_id": [tenanted.execution(conn, api.tenant, "alfa")],
        "calendar_id": [calendar(conn, api.tenant, "alfa")],
        "suppression_id": [suppression(conn, api.tenant, "alfa")],
        "token_id": [_made(api, "tokens", name="a spare one", scope="read")],
        "slug": [slug],
    }
    return {name: [str(each) for each in found] for name, found in ids.items()}


def letter(conn: make.Connection, tenant_id: UUID, run_id: UUID, slot_at: datetime) -> UUID:
    """An open dead letter of the run."""
    row = {"id": id_at(slot_at), "tenant_id": tenant_id, "run_id": run_id, "slot_at": slot_at, "kind": "test.noop"}
    make.insert(conn, "dead_letters", row | {"cause": "rejected", "error": "never", "attempts": 1, "fence": 1})
    return UUID(str(row["id"]))


def _made(api: Api, room: str, **body: str) -> str:
    made = api("POST", f"/api/{room}", json=body)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])
