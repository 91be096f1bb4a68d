"""Deliveries as somebody looks at them and has them sent anew."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from db.ids import slot_of
from db.pool import Connection, transaction
from db.query import Query
from scheduler.refusals import NotFound, WrongState
from scheduler.runs import Delivery


class Content(NamedTuple):
    """The bytes that are sent."""

    content: bytes


class DeliveryFilter(NamedTuple):
    """Which deliveries of a tenant are listed; None asks nothing. The instants are those of their runs' slots."""

    state: str | None = None
    channel: str | None = None
    recipient: str | None = None
    run_id: UUID | None = None
    first_at: datetime | None = None
    last_at: datetime | None = None


GET = Query("get_delivery", Delivery)
LIST = Query("list_deliveries_of_tenant", Delivery)
GET_CONTENT = Query("get_delivery_content", Content)
RESEND = Query("resend_delivery")


def list_all(
    conn: Connection,
    tenant_id: UUID,
    wanted: DeliveryFilter | None = None,
    *,
    before: tuple[datetime | None, UUID | None] = (None, None),
    limit: int = 100,
) -> list[Delivery]:
    """The tenant's deliveries, newest slot first; `before`: behind the one with that slot and id."""
    asked = _narrowed(wanted or DeliveryFilter())
    if asked is None:
        return []
    return LIST.all(conn, tenant_id=tenant_id, before_at=before[0], before_id=before[1], room=limit, **asked._asdict())


def get(conn: Connection, tenant_id: UUID, delivery_id: UUID) -> Delivery:
    """The tenant's delivery of that id. Raises NotFound."""
    try:
        slot_at = slot_of(delivery_id)
    except (ValueError, OverflowError):
        raise NotFound(f"{delivery_id} is not the id of a delivery") from None
    found = GET.one(conn, tenant_id=tenant_id, id=delivery_id, slot_at=slot_at)
    if found is None:
        raise NotFound(f"there is no delivery {delivery_id}")
    return found


def content(conn: Connection, tenant_id: UUID, delivery: Delivery) -> bytes:
    """The bytes that the delivery sends, without the links that are its recipient's own. Raises NotFound."""
    found = GET_CONTENT.one(conn, tenant_id=tenant_id, id=delivery.id, slot_at=delivery.slot_at)
    if found is None:
        raise NotFound(f"the message of the delivery {delivery.id} is not kept")
    return found.content


def resend(conn: Connection, tenant_id: UUID, delivery_id: UUID, *, is_forced: bool) -> Delivery:
    """The delivery pending again; workers find it within two seconds, and send the bytes of the first time.

    Raises NotFound, and WrongState for one that is open, or that was sent unless it `is_forced`.
    """
    with transaction(conn):
        found = get(conn, tenant_id, delivery_id)
        if found.state == "sent" and not is_forced:
            raise WrongState("the delivery was sent; `force` sends it once more")
        key = {"tenant_id": tenant_id, "id": found.id, "slot_at": found.slot_at}
        if not RESEND.run(conn, **key, is_forced=is_forced):
            raise WrongState(f"the delivery is {found.state} already")
        return get(conn, tenant_id, delivery_id)


def _narrowed(wanted: DeliveryFilter) -> DeliveryFilter | None:
    """The filter with the slot that a run's id carries, which leaves one partition to read; None: there is no such run."""
    if wanted.run_id is None:
        return wanted
    try:
        slot_at = slot_of(wanted.run_id)
    except (ValueError, OverflowError):
        return None
    return wanted._replace(
        first_at=max(slot_at, wanted.first_at or slot_at), last_at=min(slot_at, wanted.last_at or slot_at)
    )
