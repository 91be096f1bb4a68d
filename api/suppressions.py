"""Suppressions: whom a tenant mails no more, at all or for one schedule. To take one away is to subscribe again."""

from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from api import shapes
from api.refusals import refuse
from db.pool import Connection
from db.query import Query
from scheduler.refusals import NameTaken, NotFound
from scheduler.schedules import get as get_schedule
from workers.channels.email import mailbox

Reason = Literal["bounce", "complaint", "unsubscribe", "manual"]


class Suppression(NamedTuple):
    """A recipient who gets no mail: of one schedule, or with `schedule_id` null of the tenant at all."""

    id: UUID
    recipient: str
    schedule_id: UUID | None
    reason: Reason
    source: str
    note: str | None
    run_id: UUID | None
    delivery_id: UUID | None
    created_at: datetime


class Written(NamedTuple):
    """A suppression that was written, or was there and says now what was written last."""

    id: UUID
    is_new: bool


INSERT = Query("insert_suppression", Written)
LIST = Query("list_suppressions", Suppression)
DELETE = Query("delete_suppression")


def create(
    conn: Connection, tenant_id: UUID, recipient: str, *, schedule_id: UUID | None = None, **said: Any
) -> Suppression:
    """The suppression made by hand; `said` are its `source` and `note`. Raises BadDefinition, NameTaken."""
    try:
        address = mailbox(recipient.strip()).lower()
    except ValueError as error:
        raise refuse("recipient", str(error)) from None
    if schedule_id is not None:
        try:
            get_schedule(conn, tenant_id, schedule_id)
        except NotFound as error:
            raise refuse("scheduleId", str(error)) from None
    written = write(conn, tenant_id, address, "manual", schedule_id=schedule_id, **said)
    if not written.is_new:
        raise NameTaken(f"{address} is suppressed there already")
    return get(conn, tenant_id, written.id)


def write(
    conn: Connection,
    tenant_id: UUID,
    recipient: str,
    reason: Reason,
    *,
    source: str,
    schedule_id: UUID | None = None,
    note: str | None = None,
    run_id: UUID | None = None,
    delivery_id: UUID | None = None,
) -> Written:
    """The suppression written; one that is there already gets this reason."""
    written = INSERT.one(
        conn,
        tenant_id=tenant_id,
        recipient=recipient.lower(),
        schedule_id=schedule_id,
        reason=reason,
        source=source,
        note=note,
        run_id=run_id,
        delivery_id=delivery_id,
    )
    if written is None:
        raise RuntimeError("a suppression is always written")
    return written


def list_all(
    conn: Connection,
    tenant_id: UUID,
    *,
    recipient: str | None = None,
    reason: str | None = None,
    before: tuple[datetime | None, UUID | None] = (None, None),
    limit: int = 1000,
) -> list[Suppression]:
    """The tenant's suppressions, newest first; those of a recipient or a reason where it is given."""
    return LIST.all(
        conn,
        tenant_id=tenant_id,
        id=None,
        recipient=recipient and recipient.lower(),
        reason=reason,
        before_at=before[0],
        before_id=before[1],
        room=limit,
    )


def get(conn: Connection, tenant_id: UUID, suppression_id: UUID) -> Suppression:
    """The tenant's suppression. Raises NotFound."""
    nothing = dict.fromkeys(("recipient", "reason", "before_at", "before_id"))
    found = LIST.one(conn, tenant_id=tenant_id, id=suppression_id, room=1, **nothing)
    if found is None:
        raise NotFound(f"there is no suppression {suppression_id}")
    return found


def told(row: Suppression) -> dict[str, Any]:
    """What the audit log keeps of one: whose address it is stays out of what is never erased."""
    return {name: value for name, value in shapes.plain(row).items() if name not in ("recipient", "note")}


def delete(conn: Connection, tenant_id: UUID, suppression_id: UUID) -> Suppression:
    """The suppression as it was; its recipient is mailed again. Raises NotFound."""
    row = get(conn, tenant_id, suppression_id)
    if not DELETE.run(conn, tenant_id=tenant_id, id=suppression_id):
        raise NotFound(f"there is no suppression {suppression_id}")
    return row
