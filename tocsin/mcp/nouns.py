"""What can be listed and shown, and how a thing is found by its name."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from mcp.server.mcpserver.exceptions import ToolError

from tocsin.mcp import shown
from tocsin.mcp.web import Web

What = Literal[
    "schedules",
    "runs",
    "alerts",
    "reports",
    "pulses",
    "dead_letters",
    "deliveries",
    "sources",
    "graphs",
    "dashboards",
    "report_definitions",
    "silences",
    "suppressions",
]
Made = Literal["schedule", "alert", "report", "pulse", "graph", "dashboard", "report_definition"]

_PAGE = 200
_MOST_PAGES = 10
_MOST_NAMED = 20


@dataclass(frozen=True)
class Noun:
    """A list of the API: its path, the field with the name, what a list shows, its filters by the tools' words.

    `room` is the dashboard's page of the list; each row has a page under it, but where `rows_have_pages` says no.
    """

    path: str
    room: str
    name: str | None
    columns: tuple[str, ...]
    filters: Mapping[str, str] = field(default_factory=dict)
    rows_have_pages: bool = True

    def page(self, row_id: str | None = None) -> str:
        """The path of the page that shows the list, or that shows this row of it best."""
        return f"{self.room}/{row_id}" if row_id and self.rows_have_pages else self.room


_SPAN = {"since": "from", "until": "to"}
NOUNS: dict[str, Noun] = {
    "schedules": Noun(
        "/api/schedules",
        "/schedules",
        "name",
        ("id", "name", "jobType", "status", "timezone", "nextRunAt", "lastRunAt", "pauseNote", "lastError"),
        {"state": "status", "kind": "jobType"},
    ),
    "runs": Noun(
        "/api/runs",
        "/runs",
        None,
        ("id", "scheduleName", "kind", "slotAt", "state", "reason", "error"),
        {"state": "state", "kind": "kind", "schedule": "scheduleId", **_SPAN},
    ),
    "alerts": Noun(
        "/api/kpi-alerts",
        "/alerts",
        "alertName",
        ("id", "alertName", "alertType", "state", "status", "recipients", "nextRunAt"),
    ),
    "reports": Noun(
        "/api/scheduled-reports",
        "/reports",
        "name",
        ("id", "name", "reportType", "status", "emailRecipients", "lastRun", "lastRunStatus", "nextRun", "lastError"),
        {"state": "status"},
    ),
    "pulses": Noun("/api/pulse", "/pulses", "name", ("id", "name", "enabled", "recipients", "lastRunAt", "nextRunAt")),
    "dead_letters": Noun(
        "/api/dead-letters",
        "/dead-letters",
        None,
        ("id", "runId", "scheduleName", "itemKey", "kind", "slotAt", "cause", "error", "state"),
        {"state": "state", "kind": "kind", "schedule": "scheduleId", **_SPAN},
    ),
    "deliveries": Noun(
        "/api/deliveries",
        "/deliveries",
        None,
        ("id", "runId", "slotAt", "channel", "recipient", "state", "attempts", "error", "sentAt"),
        {"state": "state", "recipient": "recipient", **_SPAN},
    ),
    "sources": Noun("/api/sources", "/sources", "name", ("id", "name", "type", "url")),
    "graphs": Noun("/api/graphs", "/graphs", "name", ("id", "name", "description", "unit", "grain", "segmentBy")),
    "dashboards": Noun("/api/dashboards", "/dashboards", "name", ("id", "name", "description", "graphIds")),
    "report_definitions": Noun(
        "/api/report-definitions", "/reports/definitions", "name", ("id", "name", "description", "version")
    ),
    "silences": Noun(
        "/api/silences",
        "/silences",
        "name",
        ("id", "name", "alertId", "segment", "startsAt", "endsAt", "isActive"),
        rows_have_pages=False,
    ),
    "suppressions": Noun(
        "/api/suppressions",
        "/suppressions",
        None,
        ("id", "recipient", "scheduleId", "reason", "note", "createdAt"),
        {"recipient": "recipient"},
    ),
}
BODIES: dict[str, tuple[str, str]] = {
    "schedule": ("schedules", "ScheduleIn"),
    "alert": ("alerts", "KpiAlertIn"),
    "report": ("reports", "ScheduledReportIn"),
    "pulse": ("pulses", "PulseIn"),
    "graph": ("graphs", "GraphIn"),
    "dashboard": ("dashboards", "DashboardIn"),
    "report_definition": ("report_definitions", "ReportDefinitionIn"),
}


def id_of(text: str) -> UUID | None:
    """The id that a text is; None when it is a name."""
    try:
        return UUID(text)
    except ValueError:
        return None


async def page(web: Web, what: str, limit: int, cursor: str | None = None, **filters: Any) -> dict[str, Any]:
    """One page of a list, `{items, nextCursor}`; pulses are one plain list."""
    noun = NOUNS[what]
    if what == "pulses":
        items = await web.get(noun.path)
        return {"items": items[:limit], "nextCursor": None}
    found: dict[str, Any] = await web.get(noun.path, limit=limit, cursor=cursor, **filters)
    return found


async def one(web: Web, what: str, which: str) -> dict[str, Any]:
    """The thing of that id or exactly that name. Raises ToolError with the names that come near."""
    found = id_of(which)
    if found is not None:
        return dict(await web.get(f"{NOUNS[what].path}/{found}"))
    name = NOUNS[what].name
    if name is None:
        raise ToolError(f"which: {what} have no names; it takes an id")
    rows = await named(web, what)
    same = same_as(which, rows, name)
    if len(same) == 1:
        return dict(await web.get(f"{NOUNS[what].path}/{same[0]['id']}"))
    near = near_by(which, [row[name] for row in rows])
    raise ToolError(
        f"which: not one of the {len(rows)} {what.replace('_', ' ')} alone has exactly that name"
        + (f"; near it are\n{shown.marked(near)}" if near else "")
    )


async def named(web: Web, what: str) -> list[dict[str, Any]]:
    """The rows of a list, newest first, up to some two thousand of them."""
    rows: list[dict[str, Any]] = []
    cursor = None
    for _ in range(_MOST_PAGES):
        found = await page(web, what, _PAGE, cursor)
        rows += found["items"]
        cursor = found["nextCursor"]
        if cursor is None:
            break
    return rows


def same_as(which: str, rows: list[dict[str, Any]], name: str = "name") -> list[dict[str, Any]]:
    """The row of exactly that name, or else those whose names differ in case alone."""
    exact = [row for row in rows if row[name] == which]
    return exact or [row for row in rows if row[name].casefold() == which.strip().casefold()]


def near_by(which: str, names: list[str]) -> list[str]:
    """The names that hold each word of a text, or else those that are spelt nearly like it."""
    words = which.casefold().split()
    holding = [each for each in names if all(word in each.casefold() for word in words)]
    return (holding or difflib.get_close_matches(which, names, n=5))[:_MOST_NAMED]
