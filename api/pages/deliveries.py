"""`/deliveries`: each message to each recipient, and what became of it."""

from typing import Annotated, get_args
from uuid import UUID

from fastapi import Query
from fastapi.responses import Response

from api.pages import look, message_views
from api.pages.forms import Typed
from api.pages.message_views import Told
from api.pages.page import EditorPage, Page, ViewerPage, told
from api.pages.route import pages
from api.paging import Cursor, Instant, Word
from api.routes import deliveries
from api.routes.deliveries import ResendIn, State
from scheduler import deliveries as kept
from scheduler.refusals import NotFound

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
    row = told(deliveries.get_delivery(page.asking, delivery_id))
    return page.show("deliveries/one.html.j2", row=row, message=_message(page, delivery_id))


@router.get("/deliveries/{delivery_id}/message")
def show_message(page: ViewerPage, delivery_id: UUID) -> Response:
    """The message for the frame of its delivery's page: a mail's page, or its text."""
    message = _message(page, delivery_id)
    if message is not None and message.html:
        return page.framed(message.html)
    text = "" if message is None else message.text
    return page.framed(look.render("runs/rows.html.j2", rows=[], has_more=False, text=text))


def _message(page: Page, delivery_id: UUID) -> Told | None:
    """What it says, None of what is not kept or can't be read. Raises NotFound without such a delivery."""
    with page.reading() as conn:
        row = kept.get(conn, page.tenant, delivery_id)
        try:
            return message_views.read(row.channel, kept.content(conn, page.tenant, row))
        except NotFound:
            return None


@router.post("/deliveries/{delivery_id}/resend")
def resend_delivery(page: EditorPage, delivery_id: UUID, form: Typed) -> Response:
    """Sends it again; one that was sent only where the form says so."""
    sent = told(deliveries.resend_delivery(page.asking, delivery_id, ResendIn(force=form["force"] == "yes")))
    return page.done(f"/deliveries/{delivery_id}", f"It is sent to {sent['recipientName'] or sent['recipient']} again.")
