"""`/schedules/{id}`: one schedule: when it fires, how its runs went, what it is told, and what may be done with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Query
from fastapi.responses import Response
from markupsafe import Markup

from api import calendars
from api.charts.start_lag import Start, start_lag
from api.pages import people
from api.pages.forms import Typed
from api.pages.page import AdminPage, EditorPage, Page, ViewerPage, told
from api.pages.route import pages
from api.pages.schedules import when_of
from api.routes import audit_log, schedules
from api.routes.schedules import VOLATILE, PauseIn
from config.zones import zone
from db.pool import Connection
from scheduler import ahead, runs
from scheduler.ahead import DayAhead, Night
from scheduler.definition import Schedule
from scheduler.runs import LatestRun
from scheduler.schedules import get, read_now

router = pages("schedules")

_STRIP = 100
_NIGHTS = 2
_MONTH = r"^20\d\d-(0[1-9]|1[0-2])$"
# Of a run whose state has no colour of its own; the same as in the page's macros.
_LOOKS: Final = {"succeeded": "good", "dead": "bad", "running": "run", "skipped": "warn"}


@router.get("/schedules/{schedule_id}")
def show_schedule(
    page: ViewerPage, schedule_id: UUID, month: Annotated[str | None, Query(pattern=_MONTH)] = None
) -> Response:
    """One schedule; `?month=2026-03` is whose days the calendar shows."""
    shape = told(schedules.get_schedule(page.asking, schedule_id))
    with page.reading() as conn:
        now = read_now(conn)
        cells = runs.latest(conn, page.tenant, [schedule_id], _STRIP)[schedule_id]
        shown = _calendar(conn, get(conn, page.tenant, schedule_id), now, month)
    return page.show(
        "schedules/show.html.j2",
        schedule=shape,
        when=when_of(shape),
        people=people.of(page.asking, [shape["createdBy"]]),
        home=home_of(page, shape),
        cells=cells,
        history=_history(cells, shape["timezone"]),
        calendar=shown,
        now=now,
    )


@router.get("/schedules/{schedule_id}/changes")
def list_changes(page: AdminPage, schedule_id: UUID, cursor: audit_log.After = None) -> Response:
    """Who changed what of it, newest first."""
    shape = told(schedules.get_schedule(page.asking, schedule_id))
    found = told(
        audit_log.list_audit_log(page.asking, subject_type="schedule", subject_id=str(schedule_id), cursor=cursor)
    )
    with page.reading() as conn:
        now = read_now(conn)
    names = people.of(page.asking, [each["who"] for each in found["items"]])
    return page.show("schedules/changes.html.j2", schedule=shape, found=found, people=names, changed=changed, now=now)


@router.post("/schedules/{schedule_id}/pause")
def pause_schedule(page: EditorPage, schedule_id: UUID, form: Typed) -> Response:
    """Nothing is planned until it is resumed."""
    note = PauseIn.model_validate({"note": form["note"].strip() or None})
    made = told(schedules.pause_schedule(page.asking, schedule_id, note))
    return page.done(f"/schedules/{schedule_id}", f"{made['name']} is paused.")


@router.post("/schedules/{schedule_id}/resume")
def resume_schedule(page: EditorPage, schedule_id: UUID) -> Response:
    """Active again from now on."""
    made = told(schedules.resume_schedule(page.asking, schedule_id))
    return page.done(f"/schedules/{schedule_id}", f"{made['name']} is {made['status']}.")


@router.post("/schedules/{schedule_id}/reschedule")
def reschedule_schedule(page: EditorPage, schedule_id: UUID) -> Response:
    """Its next fire time computed anew."""
    made = told(schedules.reschedule_schedule(page.asking, schedule_id))
    return page.done(f"/schedules/{schedule_id}", f"{made['name']} is planned anew from now on.")


@router.post("/schedules/{schedule_id}/run")
def run_schedule(page: EditorPage, schedule_id: UUID) -> Response:
    """A run for now, beside its slots."""
    [run_id] = told(schedules.run_schedule(page.asking, schedule_id))["runIds"]
    return page.done(f"/runs/{run_id}", "The run is made; it starts as soon as a worker has room.")


@router.post("/schedules/{schedule_id}/cancel")
def cancel_schedule(page: EditorPage, schedule_id: UUID) -> Response:
    """Ends it for good, and its open runs with it."""
    schedules.cancel_schedule(page.asking, schedule_id)
    return page.done(f"/schedules/{schedule_id}", "The schedule is cancelled, and its open runs with it.")


@dataclass(frozen=True, slots=True)
class Home:
    """The room where a schedule of such a kind is made and changed."""

    path: str
    label: str


_ROOMS: Final = {
    "/api/kpi-alerts": ("/alerts", "alert", "alertId"),
    "/api/pulse": ("/pulses", "pulse", ""),
    "/api/scheduled-reports": ("/reports", "report", "reportId"),
}


def home_of(page: Page, shape: Mapping[str, Any]) -> Home | None:
    """Where the schedule's own room is; None of a kind that has none."""
    kind = page.asking.web.kinds.get(shape["jobType"])
    room = _ROOMS.get(kind.made_at) if kind else None
    if room is None:
        return None
    path, label, field = room
    # A pulse has the id of its schedule.
    return Home(f"{path}/{shape['jobPayload'].get(field, shape['id'])}", label)


def room_of(made_at: str) -> tuple[str, str] | None:
    """The path and the word of the room that makes what the endpoint makes."""
    found = _ROOMS.get(made_at)
    return None if found is None else found[:2]


@dataclass(frozen=True, slots=True)
class History:
    """How the latest runs went. `attempts` were begun, `good` of them ended well; the lags are in seconds."""

    attempts: int
    good: int
    middle: float | None
    plot: Markup | None


def _history(cells: Sequence[LatestRun], timezone: str) -> History:
    # Of a run that was tried again it is not kept here when it started first.
    starts = [
        Start(
            each.slot_at, max((each.started_at - each.slot_at).total_seconds(), 0.001), each.state, look_of(each.state)
        )
        for each in cells
        if each.started_at is not None and each.attempt == 1 and each.origin == "schedule"
    ]
    return History(
        sum(each.attempt for each in cells),
        sum(each.state == "succeeded" for each in cells),
        median(each.lag for each in starts) if starts else None,
        start_lag(starts, timezone) if starts else None,
    )


def look_of(state: str) -> str:
    """The class that colours a run's state."""
    return _LOOKS.get(state, "wait")


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the schedule's zone in weeks from Monday on, those that have passed left out; None outside of it. `holidays` are the calendar's by date."""

    first: date
    weeks: list[list[DayAhead | None]]
    holidays: Mapping[date, str]
    nights: list[Night]
    today: date
    before: str | None
    following: str


def _calendar(conn: Connection, row: Schedule, now: datetime, wanted: str | None) -> Month | None:
    """The month that is asked for, by default that of the next fire time; None once it fires no more."""
    timing = ahead.timing_of(conn, row)
    if timing is None:
        return None
    local = zone(row.timezone)
    today = now.astimezone(local).date()
    first = (
        max(row.next_fire_at or now, now).astimezone(local).date()
        if wanted is None
        else date.fromisoformat(f"{wanted}-01")
    )
    first = max(first, today).replace(day=1)
    days: list[DayAhead | None] = [*[None] * first.weekday(), *timing.month(first.year, first.month)]
    days += [None] * (-len(days) % 7)
    weeks = [days[place : place + 7] for place in range(0, len(days), 7)]
    holidays = {}
    if row.calendar_id is not None:
        found = calendars.get(conn, row.tenant_id, row.calendar_id)
        holidays = {day.date: day.name for day in calendars.days(found, first.year)}
    return Month(
        first,
        [week for week in weeks if any(day is not None and day.date >= today for day in week)],
        holidays,
        timing.nights(_NIGHTS),
        today,
        _month(first, -1) if first > today else None,
        _month(first, 1),
    )


def _month(first: date, further: int) -> str:
    number = first.year * 12 + first.month - 1 + further
    return f"{number // 12}-{number % 12 + 1:02}"


def changed(entry: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """What an entry of the audit log changed: fields with their values before and after."""
    before, after = entry["before"] or {}, entry["after"] or {}
    if not before:
        return []
    return [
        (name, before.get(name), after.get(name))
        for name in sorted({*before, *after} - VOLATILE - {"version"})
        if before.get(name) != after.get(name)
    ]
