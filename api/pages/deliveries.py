"""`/deliveries`: each message to each recipient, and what became of it."""

from typing import Annotated, get_args
from uuid import UUID

from fastapi import Query
from fastapi.responses import Response

from api.pages.forms import Typed
from api.pages.page import EditorPage, ViewerPage, told
from api.pages.route import pages
from api.paging import Cursor, Instant, Word
from api.routes import deliveries
from api.routes.deliveries import ResendIn, State

router = pages("deliveries")


@router.get("/deliveries")
def list_deliveries(
    page: ViewerPage,
    state: State | None = None,
    channel: Word | None = None,
    recipient: Word | None = None,
    run_id: Annotated[UUID | None, Query(alias="runId")] = None,
    first_at: Annotated[Instant, Query(alias="from")] = None,
    last_at: Annotated[Instant, Query(alias="to")] = None,
    cursor: Cursor = None,
) -> Response:
    """The deliveries, newest slot first."""
    wanted = (state, channel, recipient, run_id, first_at, last_at)
    found = told(deliveries.list_deliveries(page.asking, *wanted, cursor=cursor))
    return page.show("deliveries/list.html.j2", found=found, states=get_args(State))


@router.get("/deliveries/{delivery_id}")
def show_delivery(page: ViewerPage, delivery_id: UUID) -> Response:
    """One delivery."""
    return page.show("deliveries/one.html.j2", row=told(deliveries.get_delivery(page.asking, delivery_id)))


@router.post("/deliveries/{delivery_id}/resend")
def resend_delivery(page: EditorPage, delivery_id: UUID, form: Typed) -> Response:
    """Sends it again; one that was sent only where the form says so."""
    sent = told(deliveries.resend_delivery(page.asking, delivery_id, ResendIn(force=form["force"] == "yes")))
    return page.done(f"/deliveries/{delivery_id}", f"It is sent to {sent['recipientName'] or sent['recipient']} again.")
