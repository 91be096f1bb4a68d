"""Runs as somebody looks at them and changes them: list, show, cancel, retry."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from db.ids import slot_of
from db.pool import Connection, transaction
from db.query import Query
from db.runs import Pointer
from db.runs import cancel as cancel_runs
from scheduler.refusals import NotFound, WrongState
from scheduler.schedules import wake


class Run(NamedTuple):
    """A run's row, in the order of get_run.sql. `available_at` is None while the run waits at its schedule's gate."""

    id: UUID
    slot_at: datetime
    tenant_id: UUID
    schedule_id: UUID | None
    schedule_name: str | None
    schedule_version: int | None
    parent_run_id: UUID | None
    item_key: str | None
    kind: str
    queue: str
    origin: str
    triggered_by: str | None
    state: str
    reason: str | None
    fence: int
    attempt: int
    max_attempts: int
    leased_by: UUID | None
    deadline_at: datetime | None
    cancel_requested_at: datetime | None
    skipped_until: datetime | None
    skipped_count: int | None
    started_at: datetime | None
    finished_at: datetime | None
    outcome: dict[str, Any] | None
    error: str | None
    progress: dict[str, Any] | None
    created_at: datetime
    available_at: datetime | None
    limited_by: list[str] | None


class LatestRun(NamedTuple):
    """What a strip of a schedule's runs shows of one."""

    schedule_id: UUID
    id: UUID
    slot_at: datetime
    origin: str
    state: str
    reason: str | None
    attempt: int
    started_at: datetime | None
    finished_at: datetime | None
    skipped_count: int | None


class Attempt(NamedTuple):
    """An attempt that ended."""

    fence: int
    attempt: int
    process_id: UUID | None
    started_at: datetime | None
    finished_at: datetime
    outcome: str
    error: str | None
    traceback: str | None


class Step(NamedTuple):
    """A step with the result that is kept of it."""

    name: str
    result: Any
    created_at: datetime


class Line(NamedTuple):
    """A line of a run's log."""

    message: str
    fields: dict[str, Any]
    created_at: datetime


class Delivery(NamedTuple):
    """A delivery, without its content. `recipient_name` is that of a channel now, None of anybody else."""

    id: UUID
    run_id: UUID
    slot_at: datetime
    channel: str
    recipient: str
    recipient_type: str
    state: str
    attempts: int
    max_attempts: int
    unknown_policy: str
    unknown_count: int
    available_at: datetime
    provider_message_id: str | None
    error: str | None
    created_at: datetime
    sent_at: datetime | None
    recipient_name: str | None


class DeadLetter(NamedTuple):
    """Why a run died; `state` is open, replayed or discarded. The schedule of a run that another made is that one's."""

    id: UUID
    run_id: UUID
    slot_at: datetime
    schedule_id: UUID | None
    schedule_name: str | None
    parent_run_id: UUID | None
    item_key: str | None
    kind: str
    cause: str
    error: str | None
    attempts: int
    fence: int
    state: str
    created_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None


class Artifact(NamedTuple):
    """A file that a run made."""

    id: UUID
    run_id: UUID
    slot_at: datetime
    name: str
    format: str
    content_type: str
    size_bytes: int
    sha256: str
    record_count: int | None
    created_at: datetime


class RunFilter(NamedTuple):
    """Which runs of a tenant are listed; None asks nothing. The instants are those of slots, both ends included."""

    schedule_id: UUID | None = None
    state: str | None = None
    kind: str | None = None
    origin: str | None = None
    parent_run_id: UUID | None = None
    tag: str | None = None
    first_at: datetime | None = None
    last_at: datetime | None = None


class History(NamedTuple):
    """A run with all that belongs to it."""

    run: Run
    attempts: list[Attempt]
    steps: list[Step]
    logs: list[Line]
    deliveries: list[Delivery]
    dead_letters: list[DeadLetter]
    artifacts: list[Artifact]


GET = Query("get_run", Run)
LIST = Query("list_runs", Run)
LIST_OF_SCHEDULE = Query("list_runs_of_schedule", Run)
LIST_LATEST = Query("list_latest_runs", LatestRun)
LIST_ATTEMPTS = Query("list_attempts", Attempt)
LIST_STEPS = Query("list_steps", Step)
LIST_LOGS = Query("list_logs", Line)
LIST_DELIVERIES = Query("list_deliveries", Delivery)
LIST_DEATHS = Query("list_deaths", DeadLetter)
LIST_ARTIFACTS = Query("list_artifacts", Artifact)
REOPEN = Query("reopen_run", Pointer)


def list_all(
    conn: Connection,
    tenant_id: UUID,
    wanted: RunFilter | None = None,
    *,
    before: tuple[datetime | None, UUID | None] = (None, None),
    limit: int = 100,
) -> list[Run]:
    """The tenant's runs, newest slot first; `before`: behind the run with that slot and id."""
    asked = (wanted or RunFilter())._asdict()
    statement = LIST if asked["schedule_id"] is None else LIST_OF_SCHEDULE
    return statement.all(conn, tenant_id=tenant_id, before_at=before[0], before_id=before[1], room=limit, **asked)


def latest(
    conn: Connection, tenant_id: UUID, schedule_ids: Collection[UUID], count: int
) -> dict[UUID, list[LatestRun]]:
    """The newest runs of each of the schedules, at most `count` of one, oldest slot first."""
    found: dict[UUID, list[LatestRun]] = {each: [] for each in schedule_ids}
    newest_first = LIST_LATEST.all(conn, tenant_id=tenant_id, schedule_ids=list(schedule_ids), room=count)
    for run in reversed(newest_first):
        found[run.schedule_id].append(run)
    return found


def get(conn: Connection, tenant_id: UUID, run_id: UUID) -> Run:
    """The tenant's run. Raises NotFound, also for what is not the id of a run."""
    try:
        slot_at = slot_of(run_id)
    except (ValueError, OverflowError):
        raise NotFound(f"{run_id} is not the id of a run") from None
    run = GET.one(conn, tenant_id=tenant_id, id=run_id, slot_at=slot_at)
    if run is None:
        raise NotFound(f"there is no run {run_id}")
    return run


def show(conn: Connection, tenant_id: UUID, run_id: UUID) -> History:
    """The tenant's run with its attempts, steps, the end of its log, deliveries, dead letters and files. Raises NotFound."""
    with transaction(conn):
        run = get(conn, tenant_id, run_id)
        key = {"tenant_id": tenant_id, "run_id": run.id, "slot_at": run.slot_at}
        return History(
            run,
            LIST_ATTEMPTS.all(conn, **key),
            LIST_STEPS.all(conn, **key),
            LIST_LOGS.all(conn, **key),
            LIST_DELIVERIES.all(conn, **key),
            LIST_DEATHS.all(conn, **key),
            LIST_ARTIFACTS.all(conn, **key),
        )


def artifacts_of(conn: Connection, tenant_id: UUID, run_id: UUID) -> list[Artifact]:
    """The files that the tenant's run made, oldest first. Raises NotFound."""
    run = get(conn, tenant_id, run_id)
    return LIST_ARTIFACTS.all(conn, tenant_id=tenant_id, run_id=run.id, slot_at=run.slot_at)


def cancel(conn: Connection, tenant_id: UUID, run_id: UUID) -> Run:
    """The run cancelled, or still running and asked to stop. Raises NotFound, and WrongState when it is over."""
    with transaction(conn):
        run = get(conn, tenant_id, run_id)
        if not cancel_runs(conn, [Pointer(run.id, run.slot_at)], "cancelled"):
            run = get(conn, tenant_id, run_id)
            raise WrongState(f"the run is {run.state}, so there is nothing to cancel")
        run = get(conn, tenant_id, run_id)
    wake(conn)
    return run


def retry(conn: Connection, tenant_id: UUID, run_id: UUID, *, by: str | None = None) -> Run:
    """The dead run open again: the same run, so what it already did and delivered is kept and not done twice.

    Raises NotFound, and WrongState unless it is dead.
    """
    run = get(conn, tenant_id, run_id)
    if run.state != "dead":
        raise WrongState(f"the run is {run.state}; only a dead run is tried again")
    return reopen(conn, tenant_id, run.id, run.fence, by=by)


def reopen(conn: Connection, tenant_id: UUID, run_id: UUID, fence: int, *, by: str | None) -> Run:
    """The run open again that died under `fence`. Raises WrongState once somebody reopened it."""
    with transaction(conn):
        key = {"tenant_id": tenant_id, "id": run_id, "slot_at": slot_of(run_id), "fence": fence}
        if REOPEN.one(conn, **key, resolved_by=by) is None:
            raise WrongState("the run was reopened already")
        run = get(conn, tenant_id, run_id)
    wake(conn)
    return run
