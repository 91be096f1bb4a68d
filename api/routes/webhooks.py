"""`/api/webhooks`: who is told of runs and alerts. An address and a secret go in; the secret is shown once."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api import shapes, webhooks
from api.definitions import Line
from api.paging import Cursor, Limit, Lower, page, place_of, room
from api.problems import answers, good
from api.request import Change, Editor, Reader, answer, etag_of
from api.webhooks import Event, Webhook
from db.pool import Connection
from workers.http import MAX_URL

router = APIRouter(prefix="/api/webhooks", tags=["webhooks"], responses=answers(400, 401, 403, 404, 422, 429, 503))

WebhookOut = shapes.model_of(Webhook, "Webhook")
WebhookList = shapes.list_of(WebhookOut, "WebhookList")
MadeWebhook = shapes.model_of(
    Webhook,
    "MadeWebhook",
    secret=(str | None, Field(description="what signs its calls: it is shown here and never again")),
)

Url = Annotated[
    str,
    Field(
        max_length=MAX_URL,
        description="http or https, without user name; never shown again",
        json_schema_extra={"writeOnly": True},
    ),
]
Secret = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        description="whsec_ and 24 to 64 bytes in base64; left out, Tocsin makes one",
        json_schema_extra={"writeOnly": True, "format": "password"},
    ),
]
Events = Annotated[list[Annotated[Event, Lower]], Field(min_length=1, max_length=20)]


class _Body(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", hide_input_in_errors=True
    )


class WebhookIn(_Body):
    """A webhook to be made."""

    name: Line
    url: Url
    events: Events
    secret: Secret | None = None


class WebhookPatch(_Body):
    """What changes; the secret changes by `/rotate`."""

    name: Line | None = None
    url: Url | None = None
    events: Events | None = None


class RotateIn(_Body):
    """The new secret."""

    secret: Secret | None = None


class Tried(BaseModel):
    """The run that calls the webhook."""

    runId: UUID  # noqa: N815  as the contract names it


@router.get("", responses=good(200, WebhookList))
def list_webhooks(asking: Reader, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """The webhooks, newest first."""
    before = place_of(cursor, "webhooks", asking.tenant)
    with asking.listing() as conn:
        rows = webhooks.list_all(conn, asking.tenant, before=before, limit=room(limit))
    return answer(page(rows, limit, "webhooks", asking.tenant, lambda row: (row.created_at, row.id), shapes.plain))


@router.post("", status_code=201, responses=good(201, MadeWebhook, 409))
def create_webhook(asking: Editor, body: WebhookIn) -> Response:
    """Makes a webhook. Repeated under its Idempotency-Key, the answer is the same without the secret."""

    def work(conn: Connection) -> Change:
        made, secret = webhooks.create(
            conn, asking.tenant, body.name, body.url, body.events, body.secret, asking.web.seal
        )
        return _shown_once("created", None, made, secret, status=201, location=f"/api/webhooks/{made.id}")

    return asking.writing(work)


@router.get("/{webhook_id}", responses=good(200, WebhookOut))
def get_webhook(asking: Reader, webhook_id: UUID) -> Response:
    """One webhook, with the reason where it is disabled."""
    with asking.reading() as conn:
        shape = shapes.plain(webhooks.get(conn, asking.tenant, webhook_id))
    return answer(shape, etag=etag_of(shape))


@router.patch("/{webhook_id}", responses=good(200, WebhookOut, 412))
def edit_webhook(asking: Editor, webhook_id: UUID, body: WebhookPatch) -> Response:
    """Changes a webhook; what is on its way already goes to the new address."""

    def work(conn: Connection) -> Change:
        before = webhooks.locked(conn, asking.tenant, webhook_id)
        asking.check_match(etag_of(shapes.plain(before)))
        after = webhooks.edit(
            conn,
            asking.tenant,
            webhook_id,
            name=body.name,
            url=body.url,
            events=body.events,
            seal=asking.web.seal,
        )
        return _changed("edited", before, after, has_new_url=body.url is not None)

    return asking.writing(work)


@router.delete("/{webhook_id}", status_code=204, responses=answers(412))
def delete_webhook(asking: Editor, webhook_id: UUID) -> Response:
    """Deletes a webhook; what was on its way to it is not sent."""

    def work(conn: Connection) -> Change:
        asking.check_match(etag_of(shapes.plain(webhooks.locked(conn, asking.tenant, webhook_id))))
        before = webhooks.delete(conn, asking.tenant, webhook_id)
        return Change("webhook.deleted", ("webhook", webhook_id), shapes.plain(before), None, status=204)

    return asking.writing(work)


@router.post("/{webhook_id}/rotate", responses=good(200, MadeWebhook))
def rotate_webhook(asking: Editor, webhook_id: UUID, body: RotateIn | None = None) -> Response:
    """Gives it a new secret; for a day the one before signs too. Repeated, the answer is without the secret."""

    def work(conn: Connection) -> Change:
        before = webhooks.locked(conn, asking.tenant, webhook_id)
        given = None if body is None else body.secret
        after, secret = webhooks.rotate(conn, asking.tenant, webhook_id, given, asking.web.seal)
        return _shown_once("rotated", before, after, secret)

    return asking.writing(work)


@router.post("/{webhook_id}/enable", responses=good(200, WebhookOut, 409))
def enable_webhook(asking: Editor, webhook_id: UUID) -> Response:
    """Makes a disabled one active; what died meanwhile is among the dead letters."""

    def work(conn: Connection) -> Change:
        before = webhooks.locked(conn, asking.tenant, webhook_id)
        return _changed("enabled", before, webhooks.enable(conn, asking.tenant, webhook_id))

    return asking.writing(work)


@router.post("/{webhook_id}/test", status_code=202, responses=good(202, Tried, 409))
def test_webhook(asking: Editor, webhook_id: UUID) -> Response:
    """Calls it once with the event `webhook.test`, in a run of its own."""

    def work(conn: Connection) -> Change:
        run_id = webhooks.test(conn, asking.tenant, webhook_id, by=asking.author.who)
        shape = {"runId": run_id}
        return Change("webhook.tested", ("webhook", webhook_id), None, shape, shape, 202, f"/api/runs/{run_id}")

    return asking.writing(work)


def _changed(what: str, before: Webhook, after: Webhook, *, has_new_url: bool = False) -> Change:
    shape = shapes.plain(after)
    noted = shape | {"url": shapes.MASK} if has_new_url else shape
    return Change(f"webhook.{what}", ("webhook", after.id), shapes.plain(before), noted, shape, etag=etag_of(shape))


def _shown_once(
    what: str, before: Webhook | None, after: Webhook, secret: str, *, status: int = 200, location: str | None = None
) -> Change:
    shape = shapes.plain(after)
    return Change(
        f"webhook.{what}",
        ("webhook", after.id),
        before and shapes.plain(before),
        shape,
        {**shape, "secret": secret},
        status,
        location,
        etag_of(shape),
        kept={**shape, "secret": None},
    )
