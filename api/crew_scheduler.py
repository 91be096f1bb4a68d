"""The tenant's default crew: one schedule named `crew`, which is started, stopped and run by hand."""

from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

from api import crew_endpoints
from api.crew_endpoints import ENDPOINTS, CrewEndpointIn
from api.definitions import create_schedule, read_schedule
from config.seal import Seal
from db.pool import Connection
from db.runs import cancel as cancel_runs
from scheduler import asked, schedules
from scheduler.definition import Schedule
from scheduler.refusals import NotFound, WrongState
from workers.kinds import crew_call

NAME = "crew"
DEFAULT_ENDPOINT = "default"
MOST_MINUTES = 527_040
_DONE = {"start": "started", "stop": "stopped", "run-now": "run"}


class Means(NamedTuple):
    """What the settings say of crews, and what their endpoint and schedule are made with."""

    url: str | None
    interval_minutes: int
    seal: Seal
    retention_days: int


class Mover(NamedTuple):
    """Whose crew is moved, and by whom."""

    tenant: UUID
    who: str


class Moved(NamedTuple):
    """What was done, and how the crew stood before and stands now."""

    action: str
    before: dict[str, Any]
    after: dict[str, Any]


def show(conn: Connection, tenant_id: UUID, means: Means) -> dict[str, Any]:
    """Whether the crew runs, how often, and what it asks."""
    row = _find(conn, tenant_id)
    seconds = row.interval_seconds if row else None
    return {
        "isRunning": row is not None and row.status == "active",
        "intervalMinutes": means.interval_minutes if seconds is None else seconds // 60,
        "apiUrl": _shown(_url(conn, tenant_id) or means.url),
    }


def start(mover: Mover, conn: Connection, means: Means, minutes: int | None) -> Schedule:
    """The crew's schedule, active at this interval. Raises WrongState."""
    _need_endpoint(mover, conn, means)
    row = _find(conn, mover.tenant)
    if row is None:
        return _make(mover, conn, means, minutes or means.interval_minutes)
    if row.status not in ("active", "paused", "failed"):
        raise WrongState(f"the schedule {NAME!r} is {row.status}; make one of another name at /api/schedules")
    if minutes is not None and row.interval_seconds != minutes * 60:
        row = schedules.edit(conn, mover.tenant, row.id, {"interval_seconds": minutes * 60})
    if row.status != "active":
        row = schedules.resume(conn, mover.tenant, row.id)
    return row


def stop(conn: Connection, tenant_id: UUID) -> None:
    """The crew is paused, and its calls end; nothing where it does not run."""
    row = _find(conn, tenant_id)
    if row is None:
        return
    if row.status == "active":
        schedules.pause(conn, tenant_id, row.id, "stopped at /api/scheduler")
    open_runs = schedules.LIST_OPEN_RUNS.all(conn, tenant_id=tenant_id, schedule_id=row.id)
    cancel_runs(conn, open_runs, "stopped")
    schedules.wake(conn)


def run_now(mover: Mover, conn: Connection, means: Means) -> UUID:
    """The id of a run of the crew made for now; one that was never started is made, and stays stopped."""
    _need_endpoint(mover, conn, means)
    row = _find(conn, mover.tenant)
    if row is None:
        row = _make(mover, conn, means, means.interval_minutes)
        schedules.pause(conn, mover.tenant, row.id, "made to run by hand; start it at /api/scheduler")
    return asked.run_now(conn, mover.tenant, row.id, triggered_by=mover.who)


def move(mover: Mover, conn: Connection, means: Means, action: str, minutes: int | None = None) -> Moved:
    """The crew started (again: at another interval), stopped with all its calls, or run now. Raises WrongState."""
    before, more = show(conn, mover.tenant, means), dict[str, Any]()
    if action == "start":
        start(mover, conn, means, minutes)
    elif action == "stop":
        stop(conn, mover.tenant)
    else:
        more = {"runId": run_now(mover, conn, means)}
    return Moved(f"crew.{_DONE[action]}", before, show(conn, mover.tenant, means) | more)


def _find(conn: Connection, tenant_id: UUID) -> Schedule | None:
    try:
        row = schedules.get(conn, tenant_id, NAME)
    except NotFound:
        return None
    if row.kind != crew_call.KIND.name:
        raise WrongState(f"the schedule {NAME!r} is of the kind {row.kind}; rename it, and this one can be made")
    return row


def _make(mover: Mover, conn: Connection, means: Means, minutes: int) -> Schedule:
    body = read_schedule({"jobType": crew_call.KIND.name, "name": NAME, "intervalSeconds": minutes * 60})
    return create_schedule(
        conn,
        mover.tenant,
        body,
        kinds={crew_call.KIND.name: crew_call.KIND},
        seal=means.seal,
        retention_days=means.retention_days,
        created_by=mover.who,
    )


def _need_endpoint(mover: Mover, conn: Connection, means: Means) -> None:
    """Passes once there is an endpoint to ask: that of CREW_API_URL where the tenant made none. Raises WrongState."""
    if _url(conn, mover.tenant) is not None:
        return
    if means.url is None:
        raise WrongState("there is no endpoint to ask: make one at /api/crew-endpoints, or set CREW_API_URL")
    body = CrewEndpointIn(name=DEFAULT_ENDPOINT, url=means.url)
    crew_endpoints.create(conn, mover.tenant, body, means.seal)


def _url(conn: Connection, tenant_id: UUID) -> str | None:
    """What the crew asks: the endpoint named `default`, or else the first by name."""
    found = ENDPOINTS.list_all(conn, tenant_id)
    first = min(found, key=lambda row: (row.name != DEFAULT_ENDPOINT, row.name), default=None)
    return None if first is None else first.url


def _shown(url: str | None) -> str | None:
    """An address without what may be a credential."""
    if url is None:
        return None
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))
