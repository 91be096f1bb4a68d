"""`/api/deliveries`: each message to each recipient, and what became of it."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from api import shapes
from api.paging import Cursor, Instant, Limit, Lower, Word, page, place_of, room
from api.problems import answers, good
from api.request import Change, Editor, Reader, answer
from db.pool import Connection
from scheduler import deliveries
from scheduler.deliveries import DeliveryFilter
from scheduler.runs import Delivery

router = APIRouter(prefix="/api/deliveries", tags=["deliveries"], responses=answers(400, 401, 403, 404, 422, 429, 503))

State = Literal["pending", "sending", "sent", "failed", "unknown", "suppressed", "bounced"]

DeliveryOut = shapes.model_of(Delivery, "Delivery")
DeliveryList = shapes.list_of(DeliveryOut, "DeliveryList")


class ResendIn(BaseModel):
    """Whether one that was sent is sent once more."""

    model_config = ConfigDict(extra="forbid")

    force: bool = False


@router.get("", responses=good(200, DeliveryList))
def list_deliveries(
    asking: Reader,
    state: Annotated[State | None, Lower, Query()] = None,
    channel: Annotated[Word | None, Query()] = None,
    recipient: Annotated[Word | None, Query()] = None,
    run_id: Annotated[UUID | None, Query(alias="runId")] = None,
    first_at: Annotated[Instant, Query(alias="from", description="slots at this instant or later")] = None,
    last_at: Annotated[Instant, Query(alias="to", description="slots at this instant or earlier")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The deliveries, newest slot first."""
    before = place_of(cursor, "deliveries", asking.tenant)
    wanted = DeliveryFilter(state, channel, recipient, run_id, first_at, last_at)
    with asking.listing() as conn:
        found = deliveries.list_all(conn, asking.tenant, wanted, before=before, limit=room(limit))
    return answer(page(found, limit, "deliveries", asking.tenant, lambda each: (each.slot_at, each.id), shapes.plain))


@router.get("/{delivery_id}", responses=good(200, DeliveryOut))
def get_delivery(asking: Reader, delivery_id: UUID) -> Response:
    """One delivery."""
    with asking.reading() as conn:
        return answer(shapes.plain(deliveries.get(conn, asking.tenant, delivery_id)))


@router.post("/{delivery_id}/resend", responses=good(200, DeliveryOut, 409))
def resend_delivery(asking: Editor, delivery_id: UUID, body: ResendIn | None = None) -> Response:
    """Sends a settled delivery anew, with the bytes of the first time; one that was sent needs `force`."""

    def work(conn: Connection) -> Change:
        before = deliveries.get(conn, asking.tenant, delivery_id)
        is_forced = body is not None and body.force
        after = deliveries.resend(conn, asking.tenant, delivery_id, is_forced=is_forced)
        states = ({"state": before.state}, {"state": after.state, "force": is_forced})
        return Change("delivery.resent", ("delivery", after.id), *states, shapes.plain(after))

    return asking.writing(work)
