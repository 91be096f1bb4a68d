"""Webhooks: who is told of runs and alerts. The address and the secret are stored sealed; nothing shows them again."""

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID, uuid4

from api.refusals import refuse
from config.seal import Seal
from db.ids import id_at, to_milliseconds
from db.pool import Connection, DatabaseError, transaction
from db.query import Query
from db.sealed import webhook_secret_place, webhook_url_place
from scheduler.refusals import NameTaken, NotFound, WrongState
from scheduler.schedules import read_now, wake
from workers import http
from workers.journal import OPEN_WEBHOOK
from workers.kinds.http_call import signing_keys
from workers.rows import Value

Event = Literal[
    "run.succeeded",
    "run.dead",
    "run.delivered",
    "alert.firing",
    "alert.resolved",
    "schedule.late",
    "schedule.arrived",
    "crew.answered",
    "crew.matched",
]
# Each event of a run is one more run for each of them.
MOST = 20
_LEAST_KEY, _LONGEST_KEY = 24, 64
_UNIQUE = "23505"


class Locked(NamedTuple):
    """The row is the caller's."""

    id: UUID


class Webhook(NamedTuple):
    """A webhook as it is shown: of its address only scheme, host and port."""

    id: UUID
    name: str
    origin: str
    events: list[str]
    status: str
    disabled_reason: str | None
    old_secret_until: datetime | None
    created_at: datetime
    updated_at: datetime


INSERT = Query("insert_webhook", Webhook)
COUNT = Query("count_webhooks", Value)
LIST = Query("list_webhooks", Webhook)
LOCK = Query("lock_webhook", Locked)
GET = Query("get_webhook", Webhook)
UPDATE = Query("update_webhook")
ROTATE = Query("rotate_webhook")
ENABLE = Query("enable_webhook")
DELETE = Query("delete_webhook")
INSERT_TEST = Query("insert_webhook_test")


def create(
    conn: Connection, tenant_id: UUID, name: str, url: str, events: Sequence[str], secret: str | None, seal: Seal
) -> tuple[Webhook, str]:
    """The webhook made, and its secret, given or made here; nothing is called yet.

    Raises BadDefinition, NameTaken, WrongState when the tenant has as many as it may, SealError.
    """
    _check_url(url)
    secret = _checked(secret)
    found = COUNT.one(conn, tenant_id=tenant_id)
    if found is not None and found.value >= MOST:
        raise WrongState(f"a tenant has at most {MOST} webhooks")
    webhook_id = uuid4()
    made = INSERT.one(
        conn,
        id=webhook_id,
        tenant_id=tenant_id,
        name=name,
        origin=http.origin(url),
        sealed_url=seal.seal(url, webhook_url_place(tenant_id, webhook_id)),
        events=_once(events),
        sealed_secret=seal.seal(secret, webhook_secret_place(tenant_id, webhook_id)),
    )
    if made is None:
        raise _taken(name)
    return made, secret


def list_all(
    conn: Connection,
    tenant_id: UUID,
    *,
    before: tuple[datetime | None, UUID | None] = (None, None),
    limit: int = 1000,
) -> list[Webhook]:
    """The tenant's webhooks, newest first."""
    return LIST.all(conn, tenant_id=tenant_id, before_at=before[0], before_id=before[1], room=limit)


def locked(conn: Connection, tenant_id: UUID, webhook_id: UUID) -> Webhook:
    """The tenant's webhook, locked for the caller's transaction. Raises NotFound."""
    LOCK.one(conn, tenant_id=tenant_id, id=webhook_id)
    return get(conn, tenant_id, webhook_id)


def get(conn: Connection, tenant_id: UUID, webhook_id: UUID) -> Webhook:
    """The tenant's webhook. Raises NotFound."""
    found = GET.one(conn, tenant_id=tenant_id, id=webhook_id)
    if found is None:
        raise NotFound(f"there is no webhook {webhook_id}")
    return found


def edit(
    conn: Connection,
    tenant_id: UUID,
    webhook_id: UUID,
    *,
    name: str | None,
    url: str | None,
    events: Sequence[str] | None,
    seal: Seal,
) -> Webhook:
    """The webhook changed, what is None left. Raises NotFound, BadDefinition, NameTaken, SealError."""
    row = locked(conn, tenant_id, webhook_id)
    if url is not None:
        _check_url(url)
    try:
        with transaction(conn):
            UPDATE.run(
                conn,
                tenant_id=tenant_id,
                id=webhook_id,
                name=name or row.name,
                events=row.events if events is None else _once(events),
                origin=row.origin if url is None else http.origin(url),
                sealed_url=None if url is None else seal.seal(url, webhook_url_place(tenant_id, webhook_id)),
            )
    except DatabaseError as error:
        if error.sqlstate != _UNIQUE:
            raise
        raise _taken(name) from None
    return get(conn, tenant_id, webhook_id)


def rotate(conn: Connection, tenant_id: UUID, webhook_id: UUID, secret: str | None, seal: Seal) -> tuple[Webhook, str]:
    """The webhook with a new secret, and that secret; for a day the one before it signs too.

    Raises NotFound, BadDefinition, SealError.
    """
    secret = _checked(secret)
    locked(conn, tenant_id, webhook_id)
    place = webhook_secret_place(tenant_id, webhook_id)
    newest = opened(conn, tenant_id, webhook_id, seal)[1]
    ROTATE.run(conn, tenant_id=tenant_id, id=webhook_id, sealed_secret=seal.seal(f"{secret} {newest}", place))
    return get(conn, tenant_id, webhook_id), secret


def opened(conn: Connection, tenant_id: UUID, webhook_id: UUID, seal: Seal) -> tuple[str, str]:
    """Its address, and the newest secret that signs its calls. Raises NotFound, SealError."""
    stored = OPEN_WEBHOOK.one(conn, tenant_id=tenant_id, id=webhook_id)
    if stored is None:
        raise NotFound(f"there is no webhook {webhook_id}")
    url = seal.open(stored.sealed_url, webhook_url_place(tenant_id, webhook_id))
    return url, seal.open(stored.sealed_secret, webhook_secret_place(tenant_id, webhook_id)).split()[0]


def enable(conn: Connection, tenant_id: UUID, webhook_id: UUID) -> Webhook:
    """The webhook active again. Raises NotFound, and WrongState when it is."""
    if locked(conn, tenant_id, webhook_id).status == "active":
        raise WrongState("the webhook is active")
    ENABLE.run(conn, tenant_id=tenant_id, id=webhook_id)
    return get(conn, tenant_id, webhook_id)


def delete(conn: Connection, tenant_id: UUID, webhook_id: UUID) -> Webhook:
    """The webhook as it was before it was deleted. Raises NotFound."""
    row = locked(conn, tenant_id, webhook_id)
    DELETE.run(conn, tenant_id=tenant_id, id=webhook_id)
    return row


def test(conn: Connection, tenant_id: UUID, webhook_id: UUID, *, by: str) -> UUID:
    """The run that calls the webhook once with the event `webhook.test`. Raises NotFound, WrongState when disabled."""
    if get(conn, tenant_id, webhook_id).status != "active":
        raise WrongState("the webhook is disabled; enable it first")
    slot_at = to_milliseconds(read_now(conn))
    run_id = id_at(slot_at)
    INSERT_TEST.run(conn, id=run_id, slot_at=slot_at, tenant_id=tenant_id, triggered_by=by, webhook_id=webhook_id)
    wake(conn)
    return run_id


def _check_url(url: str) -> None:
    try:
        http.check_url(url)
    except http.BadUrl as error:
        raise refuse("url", str(error)) from None


def _checked(secret: str | None) -> str:
    """The one secret given, or a new one. Raises BadDefinition, which does not repeat it."""
    if secret is None:
        return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    try:
        keys = signing_keys(secret)
    except ValueError as error:
        raise refuse("secret", str(error)) from None
    if len(keys) != 1 or not _LEAST_KEY <= len(keys[0]) <= _LONGEST_KEY:
        raise refuse("secret", f"takes whsec_ and {_LEAST_KEY} to {_LONGEST_KEY} bytes in base64")
    return secret.strip()


def _once(events: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(events))


def _taken(name: str | None) -> NameTaken:
    return NameTaken(f"there is a webhook named {name!r} already")
