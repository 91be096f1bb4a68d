"""Every page of the dashboard: who may see it, and what its form needs. Claims about all pages walk this table."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from fastapi.routing import APIRoute

from api.pages.all_pages import PAGE_ROOMS
from tests import make
from tests.api.tenanted import ROWS


class PageRow(NamedTuple):
    """A page: the least role that may ask for it, the fields of its form, and how the row in its path is made."""

    role: str = "viewer"
    form: Mapping[str, str] = {}
    row: Mapping[str, Any] = {}


# What anybody may ask for.
OPEN = {
    "GET /static/{name:path}",
}

# Shown in a frame of another page: somebody else's words, under their own policy.
FRAMES = {
    "GET /templates/{template_id}/sample",
    "GET /pulses/jobs/{job_id}/report",
    "GET /reports/{report_id}/sample",
}

# A file itself, which claims of their own look at.
FILES = {
    "GET /artifacts/{artifact_id}/view",
    "GET /artifacts/{artifact_id}/download",
}

SCHEDULE = {"kind": "test.noop", "how": "cron", "cronExpression": "0 9 * * 1", "timezone": "UTC"}
# Named by what every tenant has, so that none of them is another's.
OURS = {"GET /docs/{operation_id}": {"operation_id": "create_pulse"}}
# What is no page: it says to pages that something changed.
STREAMS = {"GET /events"}

PAGES: dict[str, PageRow] = {
    "GET /": PageRow(),
    "GET /schedules": PageRow(),
    "POST /schedules/bulk": PageRow("editor", {"do": "pause"}),
    "GET /schedules/new": PageRow("editor"),
    "POST /schedules/new": PageRow("editor", SCHEDULE),
    "POST /schedules/new/look": PageRow("editor", SCHEDULE),
    "GET /schedules/{schedule_id}": PageRow(),
    "GET /schedules/{schedule_id}/changes": PageRow("admin"),
    "GET /schedules/{schedule_id}/edit": PageRow("editor"),
    "POST /schedules/{schedule_id}/edit": PageRow("editor", {**SCHEDULE, "priority:number": "7"}),
    "POST /schedules/{schedule_id}/edit/look": PageRow("editor", SCHEDULE),
    "GET /schedules/{schedule_id}/backfill": PageRow("editor"),
    "POST /schedules/{schedule_id}/backfill": PageRow(
        "editor", {"from": "2000-01-01T00:00:00Z", "to": "2000-01-01T00:00:00Z"}
    ),
    "POST /schedules/{schedule_id}/pause": PageRow("editor"),
    "POST /schedules/{schedule_id}/resume": PageRow("editor", row={"status": "paused", "next_fire_at": None}),
    "POST /schedules/{schedule_id}/reschedule": PageRow("editor"),
    "POST /schedules/{schedule_id}/run": PageRow("editor"),
    "POST /schedules/{schedule_id}/cancel": PageRow("editor"),
    "GET /runs": PageRow(),
    "GET /runs/{run_id}": PageRow(),
    "POST /runs/{run_id}/cancel": PageRow("editor"),
    "POST /runs/{run_id}/retry": PageRow("editor"),
    "POST /runs/{run_id}/resend": PageRow("editor"),
    "GET /artifacts/{artifact_id}/view": PageRow(),
    "GET /artifacts/{artifact_id}/download": PageRow(),
    "GET /dead-letters": PageRow(),
    "GET /dead-letters/list": PageRow(),
    "GET /dead-letters/replay": PageRow("editor"),
    "POST /dead-letters/replay": PageRow("editor"),
    "GET /dead-letters/discard": PageRow("editor"),
    "POST /dead-letters/discard": PageRow("editor"),
    "GET /dead-letters/{letter_id}": PageRow(),
    "GET /deliveries": PageRow(),
    "GET /deliveries/{delivery_id}": PageRow(),
    "POST /deliveries/{delivery_id}/resend": PageRow("editor"),
    "GET /alerts": PageRow(),
    "GET /alerts/new": PageRow("editor"),
    "POST /alerts/new": PageRow("editor", {"alertName": "Ours", "alertType": "threshold"}),
    "POST /alerts/new/backtest": PageRow("editor", {"alertType": "threshold"}),
    "GET /alerts/{alert_id}": PageRow(),
    "GET /alerts/{alert_id}/edit": PageRow("editor"),
    "POST /alerts/{alert_id}/edit": PageRow("editor", {"alertName": "Ours"}),
    "POST /alerts/{alert_id}/backtest": PageRow("editor"),
    "POST /alerts/{alert_id}/test": PageRow("editor"),
    "POST /alerts/{alert_id}/check": PageRow("editor"),
    "POST /alerts/{alert_id}/pause": PageRow("editor"),
    "POST /alerts/{alert_id}/resume": PageRow("editor"),
    "POST /alerts/{alert_id}/delete": PageRow("editor"),
    "GET /silences": PageRow(),
    "GET /silences/new": PageRow("editor"),
    "POST /silences/new": PageRow("editor", {"name": "Works", "durationSeconds:number": "3600"}),
    "POST /silences/{silence_id}/end": PageRow("editor"),
    "POST /silences/{silence_id}/delete": PageRow("editor"),
    "POST /templates/new/preview": PageRow("editor", {"name": "Ours", "purpose": "kpi.threshold", "subject": "Look"}),
    "GET /templates/{template_id}/sample": PageRow("editor"),
    "POST /sources/{source_id}/test": PageRow("editor"),
    "POST /sources/{source_id}/preview": PageRow("editor", {"query": "select 1"}),
    "POST /graphs/{graph_id}/preview": PageRow("editor"),
    "POST /channels/{channel_id}/test": PageRow("editor"),
    "POST /webhooks/{webhook_id}/rotate": PageRow("editor"),
    "POST /webhooks/{webhook_id}/enable": PageRow("editor"),
    "POST /webhooks/{webhook_id}/test": PageRow("editor"),
    "POST /pulses/jobs/cleanup": PageRow("editor"),
    "POST /pulses/{pulse_id}/publish": PageRow("editor"),
    "POST /pulses/{pulse_id}/preview": PageRow("editor"),
    "POST /pulses/{pulse_id}/enable": PageRow("editor"),
    "POST /pulses/{pulse_id}/disable": PageRow("editor"),
    "GET /pulses/jobs/{job_id}": PageRow(),
    "GET /pulses/jobs/{job_id}/report": PageRow(),
    "GET /reports/definitions": PageRow(),
    "GET /reports/definitions/new": PageRow("editor"),
    "POST /reports/definitions/new": PageRow("editor", {"name": "sales", "query": "select 1"}),
    "GET /reports/definitions/{definition_id}": PageRow(),
    "GET /reports/definitions/{definition_id}/edit": PageRow("editor"),
    "POST /reports/definitions/{definition_id}/edit": PageRow("editor", {"description": "what was sold"}),
    "POST /reports/definitions/{definition_id}/delete": PageRow("editor"),
    "POST /reports/definitions/{definition_id}/preview": PageRow("editor"),
    "GET /reports": PageRow(),
    "GET /reports/new": PageRow("editor"),
    "POST /reports/new": PageRow("editor", {"name": "Ours", "reportType": "nobodys"}),
    "POST /reports/new/preview": PageRow("editor", {"reportType": "nobodys"}),
    "GET /reports/{report_id}": PageRow(),
    "GET /reports/{report_id}/edit": PageRow("editor"),
    "POST /reports/{report_id}/edit": PageRow("editor", {"description:as-is": "what was sold"}),
    "GET /reports/{report_id}/sample": PageRow("editor"),
    "POST /reports/{report_id}/run": PageRow("editor"),
    "POST /reports/{report_id}/pause": PageRow("editor"),
    "POST /reports/{report_id}/resume": PageRow("editor"),
    "POST /reports/{report_id}/delete": PageRow("editor"),
    "GET /crew": PageRow(),
    "POST /crew/start": PageRow("editor", {"intervalMinutes:number": "60"}),
    "POST /crew/stop": PageRow("editor"),
    "POST /crew/run": PageRow("editor"),
    "GET /crew/endpoints": PageRow(),
    "GET /crew/endpoints/new": PageRow("editor"),
    "POST /crew/endpoints/new": PageRow("editor", {"name": "Ours", "url": "https://example.com/run-crew"}),
    "GET /crew/endpoints/{endpoint_id}": PageRow(),
    "GET /crew/endpoints/{endpoint_id}/edit": PageRow("editor"),
    "POST /crew/endpoints/{endpoint_id}/edit": PageRow("editor", {"concurrency:number": "7"}),
    "POST /crew/endpoints/{endpoint_id}/delete": PageRow("editor"),
    "GET /crew/dead-letters": PageRow(),
    "POST /crew/dead-letters/{letter_id}/replay": PageRow("editor"),
    "GET /crew/users": PageRow(),
    "GET /crew/users/new": PageRow("editor"),
    "POST /crew/users/new": PageRow("editor", {"uid": "someone", "goal": "to grow"}),
    "GET /crew/users/import": PageRow("editor"),
    "POST /crew/users/import": PageRow("editor", {"csv": "uid,goal\nsomeone,to grow"}),
    "GET /crew/users/{uid}": PageRow(),
    "GET /crew/users/{uid}/edit": PageRow("editor"),
    "POST /crew/users/{uid}/edit": PageRow("editor", {"goal:clear": "to rest"}),
    "POST /crew/users/{uid}/deactivate": PageRow("editor"),
    "POST /crew/users/{uid}/activate": PageRow("editor"),
    "POST /crew/users/{uid}/delete": PageRow("editor"),
    "GET /crew/answers": PageRow(),
    "GET /crew/answers/{response_id}": PageRow(),
    "POST /crew/answers/{response_id}/delete": PageRow("editor"),
    "GET /audit-log": PageRow("admin"),
    "GET /audit-log/operator": PageRow("operator"),
    "GET /docs": PageRow(),
    "GET /docs/{operation_id}": PageRow(),
    "GET /processes": PageRow("operator"),
    "GET /tenants": PageRow("operator"),
    "POST /tenants": PageRow("operator", {"slug": "acme"}),
    "POST /tenants/{slug}/enter": PageRow("operator"),
    "POST /tenants/{slug}/suspend": PageRow("operator"),
    "POST /tenants/{slug}/reinstate": PageRow("operator"),
    "GET /settings": PageRow("admin"),
    "POST /settings": PageRow("admin", {"name": "Ours"}),
}

# A room of a noun: its list, its form, and a page for each row.
NOUNS = {
    "source": {"name": "Ours", "url": "postgresql://u@127.0.0.1:1/x"},
    "graph": {"name": "Ours", "query": "select 1"},
    "dashboard": {"name": "Ours"},
    "channel": {"name": "Ours", "type": "slack", "credential": "https://hooks.example.com/x"},
    "template": {"name": "Ours", "purpose": "kpi.threshold", "subject": "Look"},
    "calendar": {"name": "Ours", "country": "ES"},
    "suppression": {"recipient": "gone@example.com"},
    "webhook": {"name": "Ours", "url": "https://example.com/x", "events:list": "run.dead"},
    "limit": {"name": "host:example.com", "maxRunning:number": "4"},
    "member": {"email": "ada@example.com", "subject": "ada", "role": "viewer"},
    "token": {"name": "Ours", "scope": "read"},
    "pulse": {"name": "Tuesdays", "prompt": "What is new?", "cron": "0 9 * * 2"},
}
UNCHANGED = {"suppression", "token"}
ADMINS = {"member", "token"}
for noun, form in NOUNS.items():
    may, row = "admin" if noun in ADMINS else "editor", f"/{noun}s/{{{noun}_id}}"
    PAGES[f"GET /{noun}s"] = PAGES[f"GET {row}"] = PageRow("admin" if noun in ADMINS else "viewer")
    PAGES[f"GET /{noun}s/new"] = PageRow(may)
    PAGES[f"POST /{noun}s/new"] = PageRow(may, form)
    PAGES[f"POST {row}/delete"] = PageRow(may)
    if noun not in UNCHANGED:
        PAGES[f"GET {row}/edit"] = PageRow(may)
        PAGES[f"POST {row}/edit"] = PageRow(may, form)


def page_routes() -> Iterator[str]:
    """The pages that the application has, as `METHOD /path`."""
    for room in PAGE_ROOMS:
        for route in room.router.routes:
            if isinstance(route, APIRoute):
                yield from (f"{method} {route.path}" for method in route.methods or ())


def names_in(page: str) -> list[str]:
    """The names in a page's path."""
    return [part[1:-1] for part in page.split("/") if part.startswith("{")]


def made(conn: make.Connection, page: str, tenant_id: UUID | None, word: str = "own") -> str:
    """The page's path with the id of a new row of the tenant's in it; its texts hold the word."""
    path = page.split(" ", 1)[1]
    assert tenant_id is not None
    for name in names_in(page):
        ours = OURS.get(page, {}).get(name)
        path = path.replace("{" + name + "}", ours or ROWS[name](conn, tenant_id, word, **PAGES[page].row))
    return path
