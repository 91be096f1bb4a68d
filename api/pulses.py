"""Pulses: a pulse and its schedule are one thing, of one id, made, changed and deleted together or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from pydantic import BaseModel

from api import channels, definitions, shapes, templates, tenant_rules, timings
from api.definitions import ScheduleIn
from api.edits import edit_schedule
from api.graphs import GRAPHS
from api.nouns import Id, Noun
from api.pulse_bodies import OnModelFailure, PulseAttachment, PulseIn
from api.refusals import BadDefinition, of_recurrence, refuse
from config.seal import Seal
from config.zones import BadZone, zone
from db.jsonb import Jsonb
from db.pool import Connection, transaction
from db.query import Query
from scheduler import schedules
from scheduler.refusals import NameTaken, NotFound
from scheduler.slots import BadRecurrence
from workers import uses
from workers.kinds import pulse_report
from workers.recipients import OfColumn, listed

NO_SEAL = Seal(())
_KINDS = {pulse_report.KIND.name: pulse_report.KIND}
_OWN = (
    "description",
    "prompt",
    "graph_ids",
    "on_model_failure",
    "skip_if_nothing_notable",
    "attachment",
    "test_mode",
    "template_id",
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
    interval_seconds: int | None
    interval_anchor: datetime | None
    scheduled_at: datetime | None
    recurrence: dict[str, Any] | None
    timezone: str
    names_zone: bool
    status: str
    recipients: list[str] | None
    recipient_rules: list[dict[str, Any]]
    channel_ids: list[UUID]
    graph_ids: list[UUID] | None
    on_model_failure: OnModelFailure
    skip_if_nothing_notable: bool
    attachment: PulseAttachment
    test_mode: bool
    template_id: UUID | None
    deliver_within_seconds: int | None
    late_since: datetime | None
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
TELL = Query("tell_channels_of_pulse")


def shown(row: Pulse) -> dict[str, Any]:
    """A pulse as the outside sees it; one that names no zone has UTC."""
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "prompt": row.prompt,
        "cron": row.cron,
        **timings.shown(row),
        "cronTimezone": row.timezone if row.names_zone or row.timezone != "UTC" else None,
        "enabled": row.status == "active",
        "recipients": recipients_of(row),
        "channels": [str(each) for each in row.channel_ids],
        "graphIds": row.graph_ids,
        "onModelFailure": row.on_model_failure,
        "skipIfNothingNotable": row.skip_if_nothing_notable,
        "attachment": row.attachment,
        "testMode": row.test_mode,
        "templateId": row.template_id,
        "deliverWithinSeconds": row.deliver_within_seconds,
        "lateSince": row.late_since,
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
    volatile=frozenset({"lateSince", "lastRunAt", "nextRunAt", "updatedAt"}),
    shown=shown,
)


def create(
    conn: Connection, tenant_id: UUID, body: PulseIn, *, retention_days: int, created_by: str | None = None
) -> Pulse:
    """The pulse made with its schedule. Raises BadDefinition, NameTaken."""
    timing = timings.timing_of(body, "cron", body.cron)
    used = _uses(conn, tenant_id, body.graph_ids, body.recipients)
    told = channels.ids_of(conn, tenant_id, body.channels, is_report=True)
    _check_template(conn, tenant_id, body.template_id)
    tenant_rules.check_room(conn, tenant_id, "schedules")
    pulse_id = uuid4()
    with transaction(conn), _refusing(body.name):
        scheduled = ScheduleIn(
            job_type=pulse_report.KIND.name,
            name=body.name,
            **timing,
            timezone=_zone(body.cron_timezone),
            # A job that is made ends the ones before it.
            overlap_policy="cancel_running",
            deliver_within_seconds=body.deliver_within_seconds,
        )
        new = replace(definitions.definition(scheduled, pulse_report.KIND, pulse_id), uses=used)
        schedules.create(conn, tenant_id, pulse_id, new, retention_days=retention_days, created_by=created_by)
        own = {name: getattr(body, name) for name in _OWN} | _recipients(body.recipients)
        INSERT.run(conn, id=pulse_id, tenant_id=tenant_id, names_zone=body.cron_timezone is not None, **own)
        TELL.run(conn, tenant_id=tenant_id, id=pulse_id, channel_ids=told)
        if not body.enabled:
            schedules.pause(conn, tenant_id, pulse_id, None)
    return PULSES.get(conn, tenant_id, pulse_id)


def edit(conn: Connection, tenant_id: UUID, row: Pulse, patch: BaseModel) -> Pulse:
    """The pulse with the fields of the patch changed; the caller holds it. Raises BadDefinition, NameTaken, WrongState."""
    given = {name: getattr(patch, name) for name in patch.model_fields_set}
    changes: dict[str, Any] = {}
    if "name" in given:
        changes["name"] = given["name"]
    if {"cron", *timings.BESIDE} & given.keys():
        changes |= timings.changes(row, _timing(row, patch))
    if "cron_timezone" in given and _zone(given["cron_timezone"]) != row.timezone:
        changes["timezone"] = _zone(given["cron_timezone"])
    if "deliver_within_seconds" in given:
        changes["deliverWithinSeconds"] = given["deliver_within_seconds"]
    told = channels.ids_of(conn, tenant_id, given.get("channels", shown(row)["channels"]), is_report=True)
    _check_template(conn, tenant_id, given.get("template_id"))
    with transaction(conn), _refusing(given.get("name", row.name)):
        if changes:
            edit_schedule(conn, tenant_id, row.id, changes, kinds=_KINDS, seal=NO_SEAL)
        own = {name: given.get(name, getattr(row, name)) for name in _OWN}
        whom = given.get("recipients", recipients_of(row))
        if {"graph_ids", "recipients"} & given.keys():
            schedules.edit(conn, tenant_id, row.id, {"uses": _uses(conn, tenant_id, own["graph_ids"], whom)})
        if {*_OWN, "recipients", "channels", "cron_timezone"} & given.keys():
            names_zone = given["cron_timezone"] is not None if "cron_timezone" in given else row.names_zone
            # Before the config, whose change projects them: those that are gone too.
            TELL.run(conn, tenant_id=tenant_id, id=row.id, channel_ids=told)
            UPDATE.run(conn, tenant_id=tenant_id, id=row.id, names_zone=names_zone, **own, **_recipients(whom))
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


def _timing(row: Pulse, patch: BaseModel) -> dict[str, Any]:
    """How the pulse recurs with the patch laid over it, as the schedule's own body takes it. Raises BadDefinition."""
    stored = {"cron": row.cron, **timings.shown(row)}
    given = {
        name: value for name, value in patch.model_dump(by_alias=True, exclude_unset=True).items() if name in stored
    }
    when = timings.laid_over(stored, given, "cron")
    body = PulseIn.model_validate({"name": row.name, "prompt": row.prompt, **when})
    return timings.timing_of(body, "cron", body.cron)


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


def recipients_of(row: Pulse) -> list[Any] | None:
    """Its recipients and rules, as the API takes them; None where it names none."""
    return (
        None if row.recipients is None and not row.recipient_rules else [*(row.recipients or ()), *row.recipient_rules]
    )


def _recipients(given: list[Any] | None) -> dict[str, Any]:
    """The recipients as the config's columns hold them."""
    rules = [each for each in given or () if not isinstance(each, str)]
    shapes_of = [each if isinstance(each, dict) else each.model_dump(mode="json", by_alias=True) for each in rules]
    return {"recipients": None if given is None else listed(given), "recipient_rules": Jsonb(shapes_of)}


def _check_template(conn: Connection, tenant_id: UUID, template_id: UUID | None) -> None:
    if template_id is not None:
        templates.check_purpose(conn, tenant_id, template_id, pulse_report.KIND.name)


def _uses(
    conn: Connection, tenant_id: UUID, graph_ids: list[UUID] | None, recipients: list[Any] | None
) -> tuple[str, ...]:
    """The sources of the graphs that are named, as limits name them. Raises BadDefinition."""
    found = []
    named = [("graphIds", each) for each in graph_ids or ()]
    for place, each in enumerate(recipients or ()):
        column = each if isinstance(each, OfColumn) else None
        if isinstance(each, dict) and "graphId" in each:
            column = OfColumn.model_validate(each)
        named += [] if column is None else [(f"recipients.{place}.graphId", column.graph_id)]
    for pointer, graph_id in named:
        try:
            found.append(GRAPHS.get(conn, tenant_id, graph_id))
        except NotFound as error:
            raise refuse(pointer, str(error)) from None
    return tuple(sorted({uses.source(graph.source_id) for graph in found}))


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
