"""`/webhooks`: addresses that are told of what happened; a secret is shown once."""

from typing import get_args
from uuid import UUID

from fastapi.responses import Response

from api.pages.page import EditorPage, Page, told
from api.pages.rooms import Field, Room, Shape, routes
from api.routes import webhooks
from api.routes.webhooks import WebhookIn, WebhookPatch
from api.webhooks import Event


def _shown_once(page: Page, made: Shape) -> Response:
    return ROOM.page_of(page, UUID(made["id"]), secret=made["secret"])


ROOM = Room(
    path="/webhooks",
    title="Webhooks",
    one="webhook",
    note="Addresses of yours that are told of runs, alerts and answers, signed by Standard Webhooks.",
    empty="A webhook tells a program of yours when a run died, an alert fired or a schedule is late.",
    columns={"Name": "name", "Where": "origin", "Told of": "events", "Status": "status", "Since": "createdAt"},
    listed=webhooks.list_webhooks,
    got=webhooks.get_webhook,
    made=webhooks.create_webhook,
    taken=WebhookIn,
    edited=webhooks.edit_webhook,
    patched=WebhookPatch,
    deleted=webhooks.delete_webhook,
    show="webhooks/one.html.j2",
    after_made=_shown_once,
    fields=(
        Field("name", "Name", required=True),
        Field("url", "Address", "secret", "http or https; never shown again.", required=True),
        Field("events", "Told of", "boxes", choices=[(each, each) for each in get_args(Event)]),
    ),
)
router = routes(ROOM)


@router.post("/webhooks/{webhook_id}/rotate")
def rotate_webhook(page: EditorPage, webhook_id: UUID) -> Response:
    """Gives it a new secret, which is shown once."""
    return _shown_once(page, told(webhooks.rotate_webhook(page.asking, webhook_id)))


@router.post("/webhooks/{webhook_id}/enable")
def enable_webhook(page: EditorPage, webhook_id: UUID) -> Response:
    """Makes a disabled one active."""
    webhooks.enable_webhook(page.asking, webhook_id)
    return page.done(ROOM.at(webhook_id), "The webhook is called again.")


@router.post("/webhooks/{webhook_id}/test")
def test_webhook(page: EditorPage, webhook_id: UUID) -> Response:
    """Calls it once, in a run of its own."""
    run = told(webhooks.test_webhook(page.asking, webhook_id))
    return page.done(f"/runs/{run['runId']}", "The webhook is called by this run.")
