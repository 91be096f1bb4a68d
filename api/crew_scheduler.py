"""The tenant's default crew: one schedule named `crew`, which is started, stopped and run by hand."""

from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

from api import crew_default
from api.crew_endpoints import ENDPOINTS, CrewEndpoint
from api.definitions import create_schedule, read_schedule
from config.seal import Seal
from db.pool import Connection
from db.runs import cancel as cancel_runs
from scheduler import asked, schedules
from scheduler.definition import Schedule
from scheduler.refusals import NotFound, WrongState
from workers.kinds import crew_call

NAME = "crew"
MOST_MINUTES = 527_040
_OVER = frozenset({"cancelled", "completed"})
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
    found = _endpoints(conn, tenant_id, row)
    is_default = not found and _named(row) is None
    stands = {
        "isRunning": row is not None and row.status == "active",
        "intervalMinutes": means.interval_minutes if row is None else _minutes(row),
        "apiUrl": _shown(means.url if is_default else found[0].url if found else None),
    }
    return stands | ({"endpoints": len(found)} if len(found) > 1 else {})


def start(mover: Mover, conn: Connection, means: Means, minutes: int | None) -> Schedule:
    """The crew's schedule, active at this interval; a new one where the last was cancelled or completed. Raises WrongState."""
    row = _find(conn, mover.tenant)
    _need_endpoint(mover, conn, means, row)
    if row is None or row.status in _OVER:
        return _make(mover, conn, means, minutes or (row and _minutes(row)) or means.interval_minutes)
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
    """The id of a run of the crew made for now; one that was never started, or is over, is made, and stays stopped."""
    row = _find(conn, mover.tenant)
    _need_endpoint(mover, conn, means, row)
    if row is None or row.status in _OVER:
        row = _make(mover, conn, means, (row and _minutes(row)) or means.interval_minutes)
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


def _minutes(row: Schedule) -> int | None:
    """How often it runs; None where that is no interval."""
    return None if row.interval_seconds is None else max(1, row.interval_seconds // 60)


def _make(mover: Mover, conn: Connection, means: Means, minutes: int) -> Schedule:
    """A new one; one that is over lets it have the name."""
    ended = _find(conn, mover.tenant)
    if ended is not None:
        schedules.free_name(conn, ended)
    body = read_schedule({"jobType": crew_call.KIND.name, "name": NAME, "intervalSeconds": minutes * 60})
    return create_schedule(
        conn,
        mover.tenant,
        body,
        kinds={crew_call.KIND.name: crew_call.KIND},
        seal=means.seal,
        retention_days=means.retention_days,
        created_by=mover.who,
        crew_url=means.url,
    )


def _need_endpoint(mover: Mover, conn: Connection, means: Means, row: Schedule | None) -> None:
    """Passes once there is an endpoint to ask: that of CREW_API_URL where the tenant made none. Raises WrongState."""
    named = _named(row)
    if named is None:
        crew_default.make(conn, mover.tenant, means.url)
    if not _endpoints(conn, mover.tenant, row):
        whose = "" if named is None else f", for the schedule {NAME!r} names {' and '.join(named)} alone"
        raise WrongState(f"there is no endpoint to ask: make one at /api/crew-endpoints, or set CREW_API_URL{whose}")


def _named(row: Schedule | None) -> list[str] | None:
    """The endpoints that the crew names, where it names any and is not over."""
    return None if row is None or row.status in _OVER else row.params.get("endpoints")


def _endpoints(conn: Connection, tenant_id: UUID, row: Schedule | None) -> list[CrewEndpoint]:
    """What the crew asks, first that which most users come to: `default`, then what takes all segments, then by name."""
    named = _named(row)
    found = [
        each
        for each in ENDPOINTS.list_all(conn, tenant_id)
        if named is None or each.name in named or str(each.id) in named
    ]
    return sorted(found, key=lambda each: (each.name != crew_default.NAME, bool(each.segments), each.name))


def _shown(url: str | None) -> str | None:
    """An address without what may be a credential."""
    if url is None:
        return None
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))
