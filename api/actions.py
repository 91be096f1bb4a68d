"""What a recipient does by a link in their mail, without a login: acknowledge, snooze, unsubscribe, not useful.

A token says which delivery and which action; whose mail it was says the delivery, and the signature covers both.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from api import audit, suppressions
from api.audit import Author
from api.returned import Found
from api.state import Web
from db.ids import slot_of
from db.live import connected
from db.pool import Connection
from db.query import Query
from db.walls import within
from scheduler.schedules import read_now
from workers import action_links
from workers.outcome import Action

SNOOZE = timedelta(days=1)


class Offered(NamedTuple):
    """A true token: the action, and the delivery that it is about."""

    action: Action
    delivery: Found


class Expired(Exception):
    """The link was true once."""


class Unknown(Exception):
    """The link is not ours, or its delivery is no more."""


class Kept(NamedTuple):
    """An action that was written, and until when it holds."""

    until: datetime | None


FIND = Query("find_acted_delivery", Found)
INSERT = Query("insert_message_action", Kept)


def offered(web: Web, token: str) -> Offered:
    """What the token offers; changes nothing. Raises Expired, Unknown."""
    with connected(web.pool, 5.0) as conn:
        return _offered(web, conn, token)


def act(web: Web, token: str, author: Author) -> Offered:
    """Does what the token offers, once; again it changes nothing. Raises Expired, Unknown."""
    with connected(web.pool, 5.0) as conn:
        found = _offered(web, conn, token)
        delivery = found.delivery
        with within(conn, delivery.tenant_id, is_walled=web.is_walled(conn)):
            made = INSERT.one(
                conn,
                tenant_id=delivery.tenant_id,
                delivery_id=delivery.id,
                run_id=delivery.run_id,
                schedule_id=delivery.schedule_id,
                action=found.action,
                seconds=SNOOZE.total_seconds() if found.action == "snooze" else None,
                acted_by=delivery.recipient,
            )
            if made is not None:
                if found.action == "unsubscribe":
                    _unsubscribe(conn, delivery)
                after = {"action": found.action, "until": made.until, "runId": delivery.run_id}
                subject = ("delivery", delivery.id)
                audit.record(conn, delivery.tenant_id, author, f"message.{found.action}", subject, None, after)
    return found


def _offered(web: Web, conn: Connection, token: str) -> Offered:
    claim = action_links.read(token)
    keys = web.seal.derived(action_links.PURPOSE)
    if claim is None or not keys:
        raise Unknown
    try:
        slot_at = slot_of(claim.delivery_id)
    except ValueError:
        raise Unknown from None
    found = FIND.one(conn, id=claim.delivery_id, slot_at=slot_at)
    if found is None or not action_links.is_signed(claim, keys, found.tenant_id, found.recipient):
        raise Unknown
    if read_now(conn) > claim.expires_at:
        raise Expired
    return Offered(claim.action, found)


def _unsubscribe(conn: Connection, delivery: Found) -> None:
    """Suppresses the recipient for the schedule that the mail came from; of one without, for all of the tenant's."""
    suppressions.write(
        conn,
        delivery.tenant_id,
        delivery.recipient,
        "unsubscribe",
        source="recipient",
        schedule_id=delivery.schedule_id,
        run_id=delivery.run_id,
        delivery_id=delivery.id,
    )
