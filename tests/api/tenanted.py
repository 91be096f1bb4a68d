"""What the tests of the walls know of each route: the role it needs, a good body, and how a row of its own is made.

A route that is missing here, or whose id nobody can make, fails `test_walls.py`: its author says here whom it serves.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from httpx2 import Response

from api import sign_in_links, tokens
from config.seal import Seal
from db.ids import id_at
from db.jsonb import Jsonb
from db.sealed import credential_place, endpoint_headers_place, webhook_secret_place, webhook_url_place
from tests import make
from tests.api.conftest import KEY, Api

OPEN = {"GET /healthz", "GET /readyz", "GET /metrics"}
"""What asks for no token of a tenant's."""

SIGNED = {"/a/{token}", "/f/{token}", "/hooks/mail/{provider}"} | {
    *("/sign-in", "/sign-in/oidc", "/sign-in/oidc/callback", "/sign-in/{code}", "/sign-out")
}
"""What no program of a tenant's calls, so that it stands on no page: a recipient's and a provider's signature opens it."""

A, B = "alfa", "bravo"
"""Words in all that the one tenant has, and the other."""

RANKS = ["viewer", "editor", "admin", "operator"]

VERBS = ("get", "post", "put", "patch", "delete")


class Route(NamedTuple):
    """A route: the least role, a good body, what an id of one's own answers, and what the row behind that id is like."""

    role: str
    body: Any = None
    own: int = 200
    row: Mapping[str, Any] = {}


_CRON = {"jobType": "test.noop", "cronExpression": "0 9 * * 1"}
_PAUSED = {"status": "paused", "next_fire_at": None}
_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
_TOLD = {"name": "told", "url": "https://example.com/hook", "events": ["run.dead"]}
_ALERT: dict[str, Any] = {
    "alertName": "low",
    "recipients": ["x@example.com"],
    "threshold": {"condition": "EQUAL", "thresholdValue": 1},
}
_REPORT: dict[str, Any] = {"name": "weekly", "cronExpression": "0 8 * * 1", "exportFormats": ["csv"]}
_NOBODYS = "00000000-0000-4000-8000-000000000000"
_URL = "postgresql://reader@db.example.com:5432/sales"

ROUTES: dict[str, Route] = {
    "GET /api/session": Route("viewer"),
    "POST /api/session": Route("viewer"),
    "DELETE /api/session": Route("viewer", own=204),
    "GET /api/kinds": Route("viewer"),
    "GET /api/processes": Route("operator"),
    "GET /api/schedules": Route("viewer"),
    "POST /api/schedules": Route("editor", _CRON, 201),
    "GET /api/schedules/{schedule_id}": Route("viewer"),
    "PATCH /api/schedules/{schedule_id}": Route("editor", {"priority": 7}),
    "DELETE /api/schedules/{schedule_id}": Route("editor", own=204),
    "POST /api/schedules/{schedule_id}/pause": Route("editor", {"note": "a rest"}),
    "POST /api/schedules/{schedule_id}/resume": Route("editor", row=_PAUSED),
    "POST /api/schedules/{schedule_id}/reschedule": Route("editor"),
    "POST /api/schedules/{schedule_id}/run": Route("editor", own=202),
    "POST /api/schedules/{schedule_id}/backfill": Route(
        "editor", {"from": "2000-01-01T00:00:00Z", "to": "2000-01-01T00:00:00Z"}, 422
    ),
    "GET /api/schedules/{schedule_id}/next": Route("viewer"),
    "POST /api/cron/preview": Route("viewer", {"cronExpression": "0 9 * * 1"}),
    "GET /api/runs": Route("viewer"),
    "GET /api/runs/{run_id}": Route("viewer"),
    "GET /api/runs/{run_id}/artifacts": Route("viewer"),
    "POST /api/runs/{run_id}/cancel": Route("editor"),
    "POST /api/runs/{run_id}/retry": Route("editor", row={"state": "dead", "attempt": 1}),
    "GET /api/artifacts/{artifact_id}/download": Route("viewer", own=503),
    "GET /api/dead-letters": Route("viewer"),
    "GET /api/dead-letters/groups": Route("viewer"),
    "POST /api/dead-letters/effect": Route("viewer", {"kind": "test.none"}),
    "POST /api/dead-letters/replay": Route("editor", {"kind": "test.none"}, 202),
    "POST /api/dead-letters/discard": Route("editor", {"kind": "test.none"}),
    "GET /api/dead-letters/{letter_id}": Route("viewer"),
    "DELETE /api/dead-letters/{letter_id}": Route("editor", own=204),
    "POST /api/dead-letters/{letter_id}/replay": Route("editor"),
    "GET /api/deliveries": Route("viewer"),
    "GET /api/deliveries/{delivery_id}": Route("viewer"),
    "POST /api/deliveries/{delivery_id}/resend": Route("editor", {"force": False}, row={"state": "failed"}),
    "GET /api/sources": Route("viewer"),
    "POST /api/sources": Route("editor", {"name": "sales", "url": _URL}, 201),
    "GET /api/sources/{source_id}": Route("viewer"),
    "PATCH /api/sources/{source_id}": Route("editor", {"name": "renamed"}),
    "DELETE /api/sources/{source_id}": Route("editor", own=204),
    "POST /api/sources/{source_id}/test": Route("editor"),
    "POST /api/sources/{source_id}/preview": Route("editor", {"query": "select 1"}, 422),
    "GET /api/graphs": Route("viewer"),
    "POST /api/graphs": Route("editor", {"name": "orders", "sourceId": _NOBODYS, "query": "select 1"}, 422),
    "GET /api/graphs/{graph_id}": Route("viewer"),
    "PATCH /api/graphs/{graph_id}": Route("editor", {"unit": "orders"}),
    "DELETE /api/graphs/{graph_id}": Route("editor", own=204),
    "GET /api/dashboards": Route("viewer"),
    "POST /api/dashboards": Route("editor", {"name": "mondays", "graphIds": [_NOBODYS]}, 422),
    "GET /api/dashboards/{dashboard_id}": Route("viewer"),
    "PATCH /api/dashboards/{dashboard_id}": Route("editor", {"description": "what matters"}),
    "DELETE /api/dashboards/{dashboard_id}": Route("editor", own=204),
    "GET /api/templates": Route("viewer"),
    "POST /api/templates": Route("editor", {"name": "ours", "purpose": "kpi.threshold", "subject": "Look"}, 201),
    "POST /api/templates/preview": Route("editor", {"purpose": "kpi.schedule", "subject": "Look"}),
    "GET /api/templates/{template_id}": Route("viewer"),
    "PATCH /api/templates/{template_id}": Route("editor", {"subject": "Look here"}),
    "DELETE /api/templates/{template_id}": Route("editor", own=204),
    "GET /api/report-definitions": Route("viewer"),
    "POST /api/report-definitions": Route("editor", {"name": "sales", "graphId": _NOBODYS}, 422),
    "GET /api/report-definitions/{definition_id}": Route("viewer"),
    "PATCH /api/report-definitions/{definition_id}": Route("editor", {"description": "what was sold"}),
    "DELETE /api/report-definitions/{definition_id}": Route("editor", own=204),
    "GET /api/report-definitions/{definition_id}/versions": Route("viewer"),
    # Its source lies where none may.
    "POST /api/report-definitions/{definition_id}/preview": Route("editor", {}, 422),
    "GET /api/scheduled-reports": Route("viewer"),
    "POST /api/scheduled-reports": Route("editor", {**_REPORT, "reportType": "nobodys"}, 422),
    "GET /api/scheduled-reports/{report_id}": Route("viewer"),
    "PATCH /api/scheduled-reports/{report_id}": Route("editor", {"description": "what was sold"}),
    "DELETE /api/scheduled-reports/{report_id}": Route("editor", own=204),
    "POST /api/scheduled-reports/{report_id}/run": Route("editor", own=202),
    "POST /api/scheduled-reports/{report_id}/preview": Route("viewer", own=422),
    "GET /api/scheduled-reports/{report_id}/executions": Route("viewer"),
    "GET /api/scheduled-reports/{report_id}/stats": Route("viewer"),
    "GET /api/report-executions/{execution_id}": Route("viewer"),
    "GET /api/report-executions/{execution_id}/download": Route("viewer", own=503),
    "GET /api/kpi-alerts": Route("viewer"),
    "POST /api/kpi-alerts": Route("editor", {**_ALERT, "graphId": _NOBODYS}, 422),
    "POST /api/kpi-alerts/backtest": Route("viewer", {"graphId": _NOBODYS, "threshold": _ALERT["threshold"]}, 422),
    "GET /api/kpi-alerts/{alert_id}": Route("viewer"),
    "PATCH /api/kpi-alerts/{alert_id}": Route("editor", {"description": "watch it"}),
    "DELETE /api/kpi-alerts/{alert_id}": Route("editor", own=204),
    "GET /api/kpi-alerts/{alert_id}/history": Route("viewer"),
    "GET /api/alert-events": Route("viewer"),
    "GET /api/kpi-alerts/{alert_id}/why": Route("viewer"),
    # It does not fire.
    "POST /api/kpi-alerts/{alert_id}/acknowledge": Route("editor", own=409),
    "POST /api/kpi-alerts/{alert_id}/snooze": Route("editor", {"seconds": 3600}),
    "POST /api/kpi-alerts/{alert_id}/test": Route("viewer"),
    "GET /api/pulse": Route("viewer"),
    "POST /api/pulse": Route("editor", {"name": "tuesdays", "prompt": "what is new?", "cron": "0 9 * * 1"}, 201),
    "POST /api/pulse/tick": Route("editor"),
    "POST /api/pulse/dispatch-ticks": Route("operator"),
    "GET /api/pulse/{pulse_id}": Route("viewer"),
    "PUT /api/pulse/{pulse_id}": Route("editor", {"description": "read it"}),
    "DELETE /api/pulse/{pulse_id}": Route("editor", own=204),
    "POST /api/pulse/{pulse_id}/publish": Route("editor", own=202),
    "POST /api/pulse/{pulse_id}/preview": Route("editor", own=202),
    "GET /api/pulse/{pulse_id}/jobs": Route("viewer"),
    "GET /api/pulse/{pulse_id}/next": Route("viewer"),
    "POST /api/pulse-job/cleanup": Route("editor"),
    "GET /api/pulse-job/{job_id}": Route("viewer"),
    "POST /api/pulse-job/{job_id}/run": Route("editor"),
    "GET /api/silences": Route("viewer"),
    "POST /api/silences": Route("editor", {"name": "a move", "durationSeconds": 3600}, 201),
    "GET /api/silences/{silence_id}": Route("viewer"),
    "PATCH /api/silences/{silence_id}": Route("editor", {"name": "a long move"}),
    "DELETE /api/silences/{silence_id}": Route("editor", own=204),
    "GET /api/webhooks": Route("viewer"),
    "POST /api/webhooks": Route("editor", _TOLD, 201),
    "GET /api/webhooks/{webhook_id}": Route("viewer"),
    "PATCH /api/webhooks/{webhook_id}": Route("editor", {"name": "renamed"}),
    "DELETE /api/webhooks/{webhook_id}": Route("editor", own=204),
    "POST /api/webhooks/{webhook_id}/rotate": Route("editor"),
    "POST /api/webhooks/{webhook_id}/enable": Route("editor", row={"status": "disabled", "disabled_reason": "gone"}),
    "POST /api/webhooks/{webhook_id}/test": Route("editor", own=202),
    "GET /api/channels": Route("viewer"),
    "POST /api/channels": Route(
        "editor", {"name": "told", "type": "slack", "credential": "https://example.com/x"}, 201
    ),
    "GET /api/channels/{channel_id}": Route("viewer"),
    "PATCH /api/channels/{channel_id}": Route("editor", {"name": "renamed"}),
    "DELETE /api/channels/{channel_id}": Route("editor", own=204),
    "POST /api/channels/{channel_id}/test": Route("editor"),
    "GET /api/users": Route("viewer"),
    "POST /api/users": Route("editor", {"uid": "someone", "goal": "to grow"}, 201),
    "POST /api/users/bulk": Route("editor", {"users": [{"uid": "someone else"}]}),
    "POST /api/users/import": Route("editor", own=422),
    "POST /api/users/import-source": Route("editor", {"sourceId": _NOBODYS, "query": "select 1"}, 422),
    "GET /api/users/{uid}": Route("viewer"),
    "PATCH /api/users/{uid}": Route("editor", {"goal": "to rest"}),
    "DELETE /api/users/{uid}": Route("editor", own=204),
    "GET /api/crew-endpoints": Route("viewer"),
    "POST /api/crew-endpoints": Route("editor", {"name": "ours", "url": "https://example.com/run-crew"}, 201),
    "GET /api/crew-endpoints/{endpoint_id}": Route("viewer"),
    "PATCH /api/crew-endpoints/{endpoint_id}": Route("editor", {"concurrency": 7}),
    "DELETE /api/crew-endpoints/{endpoint_id}": Route("editor", own=204),
    "GET /api/crew-responses": Route("viewer"),
    "POST /api/crew-responses": Route("editor", {"userUid": "nobody", "responseData": {}}, 422),
    "GET /api/crew-responses/{response_id}": Route("viewer"),
    "DELETE /api/crew-responses/{response_id}": Route("editor", own=204),
    "GET /api/scheduler": Route("viewer"),
    "POST /api/scheduler": Route("editor", {"action": "stop"}),
    "GET /api/limits": Route("viewer"),
    "POST /api/limits": Route("editor", {"name": "host:api.example.com", "maxRunning": 3}, 201),
    "GET /api/limits/{limit_id}": Route("viewer"),
    "PATCH /api/limits/{limit_id}": Route("editor", {"maxPerMinute": 60}),
    "DELETE /api/limits/{limit_id}": Route("editor", own=204),
    "GET /api/calendars": Route("viewer"),
    "POST /api/calendars": Route("editor", {"name": "a year", "country": "DE"}, 201),
    "GET /api/calendars/{calendar_id}": Route("viewer"),
    "PATCH /api/calendars/{calendar_id}": Route("editor", {"subdivision": None}),
    "DELETE /api/calendars/{calendar_id}": Route("editor", own=204),
    "GET /api/suppressions": Route("viewer"),
    "POST /api/suppressions": Route("editor", {"recipient": "gone@example.com"}, 201),
    "GET /api/suppressions/{suppression_id}": Route("viewer"),
    "DELETE /api/suppressions/{suppression_id}": Route("editor", own=204),
    "GET /api/members": Route("admin"),
    "POST /api/members": Route("admin", {"subject": "someone", "email": "someone@example.com"}, 201),
    "GET /api/members/{member_id}": Route("admin"),
    "PATCH /api/members/{member_id}": Route("admin", {"isDisabled": True}),
    "DELETE /api/members/{member_id}": Route("admin", own=204),
    "GET /api/tokens": Route("admin"),
    "POST /api/tokens": Route("admin", {"name": "a robot", "scope": "read"}, 201),
    "GET /api/tokens/{token_id}": Route("admin"),
    "DELETE /api/tokens/{token_id}": Route("admin", own=204),
    "GET /api/tenants": Route("operator"),
    "POST /api/tenants": Route("operator", {"slug": "another"}, 201),
    "GET /api/tenants/{slug}": Route("operator"),
    "PATCH /api/tenants/{slug}": Route("operator", {"name": "Another"}),
    "POST /api/tenants/{slug}/suspend": Route("operator"),
    "POST /api/tenants/{slug}/reinstate": Route("operator", own=409),
    "GET /api/tenant": Route("viewer"),
    "PATCH /api/tenant": Route("admin", {"name": "Ours"}),
    "GET /api/audit-log": Route("admin"),
    "GET /api/audit-log/operator": Route("operator"),
}


def operations(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What the OpenAPI document describes, by `METHOD /path`."""
    return {
        f"{verb.upper()} {path}": found
        for path, verbs in document["paths"].items()
        for verb, found in verbs.items()
        if verb in VERBS
    }


def check_table(document: Mapping[str, Any]) -> None:
    """Passes when each route of the document is in the table, and each id in a path can be made."""
    found = operations(document)
    assert set(found) == set(ROUTES) | OPEN, "a route is missing in ROUTES, or is no more"
    for name in found:
        missing = set(path_names(name)) - set(ROWS)
        assert not missing, f"{name}: nobody can make {missing}"


def path_names(operation: str) -> list[str]:
    """The names in the path of an operation."""
    return [part[1:-1] for part in operation.split("/") if part.startswith("{")]


def with_ids() -> list[str]:
    """The operations with an id in their path."""
    return [name for name in ROUTES if path_names(name)]


def filled(operation: str, named: str) -> tuple[str, str]:
    """The method, and the path with the id in its place."""
    method, path = operation.split(" ", 1)
    [name] = path_names(operation) or [""]
    return method, path.replace("{" + name + "}", named)


def own_row(conn: make.Connection, operation: str, tenant_id: UUID, word: str) -> str:
    """The id of a new row of the tenant's that the operation may be asked about; its texts hold the word."""
    return ROWS[path_names(operation)[0]](conn, tenant_id, word, **ROUTES[operation].row)


def nobodys_id(operation: str, like: str) -> str:
    """An id that nobody has: of the same slot as `like` where ids carry one."""
    if path_names(operation) == ["slug"]:
        return f"t-{uuid4().hex[:12]}"
    given = UUID(like)
    return str(UUID(int=given.int ^ 1) if given.version == 7 else uuid4())


def schedule(conn: make.Connection, tenant_id: UUID, word: str, **row: Any) -> str:
    """A schedule of every hour."""
    name = f"{word} {uuid4().hex[:8]}"
    return str(make.schedule(conn, tenant_id, name=name, metadata={"of": word}, interval_seconds=3600, **row))


def run(conn: make.Connection, tenant_id: UUID, word: str, **row: Any) -> str:
    """A run of a schedule, by hand."""
    schedule_id = schedule(conn, tenant_id, word)
    return str(make.run(conn, tenant_id, schedule_id=schedule_id, triggered_by=word, **row))


def letter(conn: make.Connection, tenant_id: UUID, word: str) -> str:
    """An open dead letter of a dead run."""
    run_id = UUID(run(conn, tenant_id, word, state="dead", attempt=1))
    slot_at = make.value(conn, "select slot_at from runs where id = %s", run_id)
    row = {"id": id_at(slot_at), "run_id": run_id, "slot_at": slot_at, "tenant_id": tenant_id, "kind": "test.noop"}
    make.insert(conn, "dead_letters", {**row, "cause": "rejected", "error": word, "attempts": 1, "fence": 1})
    return str(row["id"])


def delivery(conn: make.Connection, tenant_id: UUID, word: str, **row: Any) -> str:
    """A delivery of a run."""
    run_id = UUID(run(conn, tenant_id, word, state="succeeded"))
    slot_at = make.value(conn, "select slot_at from runs where id = %s", run_id)
    return str(make.delivery(conn, tenant_id, run_id, slot_at, recipient=f"{word}@example.com", **row))


def artifact(conn: make.Connection, tenant_id: UUID, word: str, **row: Any) -> str:
    """A file of a run, which is in no store."""
    run_id = UUID(run(conn, tenant_id, word, state="succeeded"))
    slot_at = make.value(conn, "select slot_at from runs where id = %s", run_id)
    return str(make.artifact(conn, tenant_id, run_id, slot_at, name=f"{word}.csv", **row))


def source(conn: make.Connection, tenant_id: UUID, word: str) -> str:
    """A source on a machine that no source may be on."""
    source_id = uuid4()
    url = f"postgresql://{word}@127.0.0.1:1/{word}"
    row = {"id": source_id, "tenant_id": tenant_id, "name": f"{word} {source_id}", "type": "postgres", "url": url}
    make.insert(conn, "sources", row)
    return str(source_id)


def alert(conn: make.Connection, tenant_id: UUID, word: str) -> str:
    """A threshold alert with its state."""
    alert_id, graph_id = uuid4(), graph(conn, tenant_id, word)
    schedule_id = make.schedule(
        conn, tenant_id, kind="kpi.threshold", name=f"{word} {alert_id.hex[:8]}", cron="@hourly"
    )
    of = {"tenant_id": tenant_id}
    row = {"schedule_id": schedule_id, "graph_id": graph_id, "alert_type": "threshold", "alert_name": word}
    threshold = {"condition": "EQUAL", "threshold_value": 1}
    with conn.transaction():
        make.insert(conn, "kpi_alerts", {"id": alert_id, **of, **row, "recipients": [f"{word}@example.com"]})
        make.insert(conn, "kpi_thresholds", {"kpi_alert_id": alert_id, **of, **threshold})
    state = {"state": "ok", "since": make.now(conn), "run_id": uuid4(), "slot_at": make.now(conn)}
    make.insert(conn, "alert_states", {"alert_id": alert_id, **of, **state})
    return str(alert_id)


def report(conn: make.Connection, tenant_id: UUID, word: str) -> str:
    """A scheduled alert."""
    alert_id, graph_id = uuid4(), graph(conn, tenant_id, word)
    name = f"{word} {alert_id.hex[:8]}"
    schedule_id = make.schedule(conn, tenant_id, kind="kpi.schedule", name=name, cron="@daily")
    of = {"tenant_id": tenant_id}
    row = {"schedule_id": schedule_id, "graph_id": graph_id, "alert_type": "schedule", "alert_name": word}
    with conn.transaction():
        make.insert(conn, "kpi_alerts", {"id": alert_id, **of, **row, "recipients": [f"{word}@example.com"]})
        make.insert(conn, "kpi_schedules", {"kpi_alert_id": alert_id, **of})
    return str(alert_id)


def pulse(conn: make.Connection, tenant_id: UUID, word: str) -> str:
    """A pulse that mails nobody."""
    pulse_id = uuid4()
    row = {"id": pulse_id, "kind": "pulse.report", "name": f"{word} {pulse_id.hex[:8]}", "cron": "@daily"}
    with conn.transaction():
        make.schedule(conn, tenant_id, overlap_policy="cancel_running", **row)
        make.insert(conn, "pulse_configs", {"schedule_id": pulse_id, "tenant_id": tenant_id, "prompt": word})
    return str(pulse_id)


def job(conn: make.Connection, tenant_id: UUID, word: str, **row: Any) -> str:
    """A job of a pulse."""
    of = {"schedule_id": UUID(pulse(conn, tenant_id, word)), "kind": "pulse.report", "triggered_by": word}
    return str(make.run(conn, tenant_id, **of | row))


def definition(conn: make.Connection, tenant_id: UUID, word: str) -> str:
    """A report definition of a graph."""
    definition_id = uuid4()
    row = {"id": definition_id, "tenant_id": tenant_id, "name": f"{word} {definition_id.hex[:8]}"}
    make.insert(conn, "report_definitions", row | {"graph_id": graph(conn, tenant_id, word), "description": word})
    return str(definition_id)


def export(conn: make.Connection, tenant_id: UUID, word: str) -> str:
    """A scheduled report of a definition of its own."""
    report_id = uuid4()
    row = {"id": report_id, "tenant_id": tenant_id, "description": word, "export_formats": ["csv"]}
    of = {"report_definition_id": definition(conn, tenant_id, word)}
    with conn.transaction():
        name = f"{word} {report_id.hex[:8]}"
        of["schedule_id"] = str(make.schedule(conn, tenant_id, kind="report.export", name=name, cron="@daily"))
        make.insert(conn, "scheduled_reports", row | of)
    return str(report_id)


def execution(conn: make.Connection, tenant_id: UUID, word: str, report_id: str = "") -> str:
    """An execution of a report, with a file that is in no store."""
    of = "select schedule_id from scheduled_reports where id = %s"
    schedule_id = make.value(conn, of, report_id or export(conn, tenant_id, word))
    row = {"schedule_id": schedule_id, "kind": "report.export", "triggered_by": word, "state": "succeeded"}
    run_id = make.run(conn, tenant_id, **row)
    slot_at = make.value(conn, "select slot_at from runs where id = %s", run_id)
    make.artifact(conn, tenant_id, run_id, slot_at, name=f"{word}.csv")
    return str(run_id)


def member(conn: make.Connection, tenant_id: UUID, word: str) -> str:
    """A member."""
    member_id = uuid4()
    row = {"subject": f"{word} {member_id}", "email": f"{word}@example.com", "name": word, "role": "viewer"}
    make.insert(conn, "members", {"id": member_id, "tenant_id": tenant_id, **row})
    return str(member_id)


def webhook(conn: make.Connection, tenant_id: UUID, word: str, **row: Any) -> str:
    """A webhook with an address and a secret sealed by the tests' key."""
    webhook_id, seal = uuid4(), Seal((KEY,))
    stored = {
        "id": webhook_id,
        "tenant_id": tenant_id,
        "name": f"{word} {webhook_id}",
        "origin": f"https://{word}.example",
        "sealed_url": seal.seal(f"https://{word}.example/hook", webhook_url_place(tenant_id, webhook_id)),
        "sealed_secret": seal.seal(_SECRET, webhook_secret_place(tenant_id, webhook_id)),
        "events": ["run.dead"],
    }
    make.insert(conn, "webhooks", stored | row)
    return str(webhook_id)


def channel(conn: make.Connection, tenant_id: UUID, word: str) -> str:
    """A channel on a machine that no channel may be on, its credential sealed by the tests' key."""
    channel_id = uuid4()
    sealed = Seal((KEY,)).seal(f"https://127.0.0.1:1/{word}", credential_place(tenant_id, channel_id))
    row = {"id": channel_id, "tenant_id": tenant_id, "name": f"{word} {channel_id.hex[:8]}", "type": "slack"}
    make.insert(conn, "channels", row | {"origin": "https://127.0.0.1:1", "sealed_credential": sealed})
    return str(channel_id)


def limit(conn: make.Connection, tenant_id: UUID, word: str) -> str:
    """A limit of a host."""
    limit_id = uuid4()
    row = {"id": limit_id, "tenant_id": tenant_id, "name": f"host:{word}.{limit_id.hex[:8]}.example", "max_running": 3}
    make.insert(conn, "limits", row)
    return str(limit_id)


def user(conn: make.Connection, tenant_id: UUID, word: str) -> str:
    """The uid of a user of a crew."""
    uid = str(uuid4())
    row = {"tenant_id": tenant_id, "uid": uid, "context": word, "goal": word, "segment": word}
    make.insert(conn, "users", row)
    return uid


def user_id(conn: make.Connection, tenant_id: UUID, word: str) -> str:
    """The id of a user's row."""
    return str(make.value(conn, "select id from users where uid = %s", user(conn, tenant_id, word)))


def endpoint(conn: make.Connection, tenant_id: UUID, word: str) -> str:
    """A crew endpoint on a machine that none may be on."""
    endpoint_id = uuid4()
    row = {"id": endpoint_id, "tenant_id": tenant_id, "name": f"{word} {endpoint_id.hex[:8]}"}
    sealed = Seal((KEY,)).seal('{"X-Of": "it"}', endpoint_headers_place(tenant_id, endpoint_id))
    make.insert(conn, "crew_endpoints", row | {"url": f"https://127.0.0.1:1/{word}", "sealed_headers": sealed})
    return str(endpoint_id)


def response(conn: make.Connection, tenant_id: UUID, word: str) -> str:
    """A crew's answer about a user."""
    response_id = uuid4()
    row = {"id": response_id, "tenant_id": tenant_id, "user_uid": user(conn, tenant_id, word)}
    make.insert(conn, "crew_responses", row | {"request_goal": word, "response_data": {"of": word}})
    return str(response_id)


def graph(conn: make.Connection, tenant_id: UUID, word: str) -> str:
    """A graph of a source of its own."""
    graph_id = uuid4()
    source_id = source(conn, tenant_id, f"{word} {graph_id.hex[:8]}")
    row = {"id": graph_id, "tenant_id": tenant_id, "name": f"{word} {graph_id.hex[:8]}", "source_id": source_id}
    make.insert(conn, "graphs", row | {"query": f"select '{word}'"})
    return str(graph_id)


def template(conn: make.Connection, tenant_id: UUID, word: str) -> str:
    """A template of the mails of thresholds."""
    template_id = uuid4()
    row = {"id": template_id, "tenant_id": tenant_id, "name": f"{word} {template_id.hex[:8]}"}
    make.insert(conn, "templates", row | {"purpose": "kpi.threshold", "subject": f"{word}: {{{{ alert }}}}"})
    return str(template_id)


def dashboard(conn: make.Connection, tenant_id: UUID, word: str) -> str:
    """A dashboard with a graph of its own."""
    dashboard_id = uuid4()
    shown = {"tenant_id": tenant_id, "dashboard_id": dashboard_id, "position": 1}
    make.insert(
        conn, "dashboards", {"id": dashboard_id, "tenant_id": tenant_id, "name": f"{word} {dashboard_id.hex[:8]}"}
    )
    make.insert(conn, "dashboard_graphs", shown | {"graph_id": graph(conn, tenant_id, word)})
    return str(dashboard_id)


def calendar(conn: make.Connection, tenant_id: UUID, word: str) -> str:
    """A calendar with a day of its own."""
    calendar_id = uuid4()
    days = Jsonb([{"date": "2026-12-24", "name": word}])
    row = {"id": calendar_id, "tenant_id": tenant_id, "name": f"{word} {calendar_id.hex[:8]}", "own_days": days}
    make.insert(conn, "calendars", row)
    return str(calendar_id)


def silence(conn: make.Connection, tenant_id: UUID, word: str, **row: Any) -> str:
    """A silence of tomorrow, of an alert."""
    silence_id, tomorrow = uuid4(), make.now(conn) + timedelta(days=1)
    of = {"id": silence_id, "tenant_id": tenant_id, "alert_id": alert(conn, tenant_id, word), "name": word}
    span = {"starts_at": tomorrow, "ends_at": tomorrow + timedelta(hours=1)}
    make.insert(conn, "silences", of | span | row)
    return str(silence_id)


def suppression(conn: make.Connection, tenant_id: UUID, word: str) -> str:
    """A suppression of an address."""
    suppression_id = uuid4()
    address = f"{word}-{suppression_id.hex[:8]}@example.com"
    row = {"id": suppression_id, "tenant_id": tenant_id, "recipient": address, "reason": "bounce", "source": "x"}
    make.insert(conn, "suppressions", row)
    return str(suppression_id)


def token(conn: make.Connection, tenant_id: UUID, word: str) -> str:
    """A token that nobody uses."""
    return str(tokens.create(conn, tenant_id, word, "read")[0].id)


def sign_in_link(conn: make.Connection, tenant_id: UUID, word: str) -> str:
    """A link that nobody followed."""
    return str(sign_in_links.create(conn, tenant_id, "read", word, minutes=15)[0].id)


def slug(conn: make.Connection, tenant_id: UUID, _word: str) -> str:
    """The tenant's own slug."""
    return str(make.value(conn, "select slug from tenants where id = %s", tenant_id))


ROWS: dict[str, Callable[..., str]] = {
    "schedule_id": schedule,
    "run_id": run,
    "letter_id": letter,
    "delivery_id": delivery,
    "artifact_id": artifact,
    "source_id": source,
    "member_id": member,
    "token_id": token,
    "webhook_id": webhook,
    "channel_id": channel,
    "limit_id": limit,
    "uid": user,
    "endpoint_id": endpoint,
    "response_id": response,
    "calendar_id": calendar,
    "alert_id": alert,
    "pulse_id": pulse,
    "job_id": job,
    "graph_id": graph,
    "dashboard_id": dashboard,
    "template_id": template,
    "definition_id": definition,
    "report_id": export,
    "execution_id": execution,
    "silence_id": silence,
    "suppression_id": suppression,
    "slug": slug,
}
"""For each name in a path, who makes a row of a tenant's and says its id."""


def whole(conn: make.Connection, tenant_id: UUID) -> dict[str, str]:
    """A digest of all that a tenant has, table by table; that a token was used is no change of it."""
    tables = [
        name
        for (name,) in conn.execute(
            "select c.relname from pg_class as c inner join pg_attribute as a on a.attrelid = c.oid "
            "where a.attname = 'tenant_id' and c.relkind in ('r', 'p') and not c.relispartition "
            "and c.relnamespace = 'public'::regnamespace"
        ).fetchall()
    ]
    parts = " union all ".join(
        f"select '{name}', md5(string_agg((to_jsonb(t) - 'last_used_at')::text, ',' order by to_jsonb(t)::text)) "
        f"from {name} as t where tenant_id = %(tenant)s"
        for name in tables
    )
    own = " union all select 'tenants', md5(to_jsonb(t)::text) from tenants as t where id = %(tenant)s"
    return dict(conn.execute(parts + own, {"tenant": tenant_id}).fetchall())


def later(conn: make.Connection, **apart: float) -> str:
    """Postgres's time and so much more, as a body holds it."""
    return (make.now(conn) + timedelta(**apart)).isoformat()


def seen(answer: Response) -> tuple[int, str, str]:
    """All of an answer that depends on what was asked for."""
    return answer.status_code, answer.headers.get("content-type", ""), answer.text


def ask(who: Api, operation: str, named: str = "", **options: Any) -> Response:
    """The answer to the operation about an id, with the body that fits it."""
    method, path = filled(operation, named)
    body = ROUTES[operation].body
    return who(method, path, **({} if body is None else {"json": body}), **options)
