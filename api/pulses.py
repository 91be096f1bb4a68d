"""Pulses: a pulse and its schedule are one thing, of one id, made, changed and deleted together or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from pydantic import BaseModel

from api import definitions, shapes, tenant_rules
from api.definitions import ScheduleIn
from api.edits import edit_schedule
from api.graphs import GRAPHS
from api.nouns import Id, Noun
from api.pulse_bodies import OnModelFailure, PulseAttachment, PulseIn
from api.refusals import BadDefinition, of_recurrence, refuse
from config.seal import Seal
from config.zones import BadZone, zone
from db.pool import Connection, transaction
from db.query import Query
from scheduler import schedules
from scheduler.refusals import NameTaken, NotFound
from scheduler.slots import BadRecurrence
from workers import uses
from workers.kinds import pulse_report

NO_SEAL = Seal(())
_KINDS = {pulse_report.KIND.name: pulse_report.KIND}
_OWN = (
    "description",
    "prompt",
    "recipients",
    "graph_ids",
    "on_model_failure",
    "skip_if_nothing_notable",
    "attachment",
    "test_mode",
)
"""The fields that are columns of the config; the others are the schedule's."""
_NAMES = {"cronExpression": "cron", "timezone": "cronTimezone"}
"""What a pulse calls otherwise than its schedule does."""


class Pulse(NamedTuple):
    """A pulse with its schedule."""

    id: UUID
    name: str
    description: str
    prompt: str
    cron: str | None
    timezone: str
    status: str
    recipients: list[str] | None
    graph_ids: list[UUID] | None
    on_model_failure: OnModelFailure
    skip_if_nothing_notable: bool
    attachment: PulseAttachment
    test_mode: bool
    last_run_at: datetime | None
    next_fire_at: datetime | None
    created_by: str | None
    created_at: datetime
    updated_at: datetime


INSERT = Query("insert_pulse")
LIST = Query("list_pulses", Pulse)
LOCK = Query("lock_pulse", Id)
UPDATE = Query("update_pulse")
DELETE = Query("delete_pulse")


def shown(row: Pulse) -> dict[str, Any]:
    """A pulse as the outside sees it; UTC is the zone of one that names none."""
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "prompt": row.prompt,
        "cron": row.cron,
        "cronTimezone": None if row.timezone == "UTC" else row.timezone,
        "enabled": row.status == "active",
        "recipients": row.recipients,
        "graphIds": row.graph_ids,
        "onModelFailure": row.on_model_failure,
        "skipIfNothingNotable": row.skip_if_nothing_notable,
        "attachment": row.attachment,
        "testMode": row.test_mode,
        "lastRunAt": row.last_run_at,
        "nextRunAt": row.next_fire_at,
        "createdBy": row.created_by,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
    }


PULSES: Noun[Pulse] = Noun(
    "pulse",
    "/api/pulse",
    LIST,
    LOCK,
    DELETE,
    volatile=frozenset({"lastRunAt", "nextRunAt", "updatedAt"}),
    shown=shown,
)


def create(
    conn: Connection, tenant_id: UUID, body: PulseIn, *, retention_days: int, created_by: str | None = None
) -> Pulse:
    """The pulse made with its schedule. Raises BadDefinition, NameTaken."""
    used = _uses(conn, tenant_id, body.graph_ids)
    tenant_rules.check_room(conn, tenant_id, "schedules")
    pulse_id = uuid4()
    with transaction(conn), _refusing(body.name):
        scheduled = ScheduleIn(
            job_type=pulse_report.KIND.name,
            name=body.name,
            cron_expression=body.cron,
            timezone=_zone(body.cron_timezone),
            # A job that is made ends the ones before it.
            overlap_policy="cancel_running",
        )
        new = replace(definitions.definition(scheduled, pulse_report.KIND, pulse_id), uses=used)
        schedules.create(conn, tenant_id, pulse_id, new, retention_days=retention_days, created_by=created_by)
        INSERT.run(conn, id=pulse_id, tenant_id=tenant_id, **{name: getattr(body, name) for name in _OWN})
        if not body.enabled:
            schedules.pause(conn, tenant_id, pulse_id, None)
    return PULSES.get(conn, tenant_id, pulse_id)


def edit(conn: Connection, tenant_id: UUID, row: Pulse, patch: BaseModel) -> Pulse:
    """The pulse with the fields of the patch changed; the caller holds it. Raises BadDefinition, NameTaken, WrongState."""
    given = {name: getattr(patch, name) for name in patch.model_fields_set}
    changes: dict[str, Any] = {}
    if "name" in given:
        changes["name"] = given["name"]
    if "cron" in given:
        changes["cronExpression"] = given["cron"]
    if "cron_timezone" in given:
        changes["timezone"] = _zone(given["cron_timezone"])
    with transaction(conn), _refusing(given.get("name", row.name)):
        if changes:
            edit_schedule(conn, tenant_id, row.id, changes, kinds=_KINDS, seal=NO_SEAL)
        own = {name: given.get(name, getattr(row, name)) for name in _OWN}
        if "graph_ids" in given:
            schedules.edit(conn, tenant_id, row.id, {"uses": _uses(conn, tenant_id, own["graph_ids"])})
        if set(_OWN) & given.keys():
            UPDATE.run(conn, tenant_id=tenant_id, id=row.id, **own)
        if "enabled" in given:
            _switch(conn, tenant_id, row, is_on=given["enabled"])
    return PULSES.get(conn, tenant_id, row.id)


def retire(conn: Connection, tenant_id: UUID, row: Pulse) -> None:
    """Cancels the schedule of a pulse that is about to be deleted, and lets its name be taken again."""
    if row.status in ("active", "paused", "failed"):
        gone = f"{row.name[:170]} (deleted {str(row.id)[:8]})"
        schedules.edit(conn, tenant_id, row.id, {"name": gone})
        schedules.cancel(conn, tenant_id, row.id)


def next_slots(conn: Connection, tenant_id: UUID, row: Pulse, count: int) -> list[dict[str, Any]]:
    """When it is written next; of a paused one as if it were resumed now."""
    return shapes.slots(schedules.preview(conn, tenant_id, row.id, count))


def _switch(conn: Connection, tenant_id: UUID, row: Pulse, *, is_on: bool) -> None:
    if not is_on and row.status == "active":
        schedules.pause(conn, tenant_id, row.id, None)
    if is_on and row.status in ("paused", "failed"):
        schedules.resume(conn, tenant_id, row.id)


def _zone(named: str | None) -> str:
    """The zone that is named, or else UTC. Raises BadDefinition."""
    if named is None:
        return "UTC"
    try:
        zone(named)
    except BadZone as error:
        raise refuse("cronTimezone", str(error)) from None
    return named


def _uses(conn: Connection, tenant_id: UUID, graph_ids: list[UUID] | None) -> tuple[str, ...]:
    """The sources of the graphs that are named, as limits name them. Raises BadDefinition."""
    try:
        graphs = [GRAPHS.get(conn, tenant_id, each) for each in graph_ids or ()]
    except NotFound as error:
        raise refuse("graphIds", str(error)) from None
    return tuple(sorted({uses.source(graph.source_id) for graph in graphs}))


@contextmanager
def _refusing(name: str) -> Iterator[None]:
    """Refusals of the schedule told as those of the pulse. Raises BadDefinition, NameTaken."""
    try:
        yield
    except BadRecurrence as error:
        raise _renamed(of_recurrence(error)) from None
    except BadDefinition as error:
        raise _renamed(error) from None
    except NameTaken:
        raise NameTaken(f"there is a pulse or a schedule named {name!r} already") from None


def _renamed(error: BadDefinition) -> BadDefinition:
    return BadDefinition(each._replace(pointer=_NAMES.get(each.pointer, each.pointer)) for each in error.problems)
