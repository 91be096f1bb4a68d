"""Mail that came back: the delivery is `bounced`, and its tenant mails that recipient no more.

Whose it is says the delivery that the provider's id leads to, never the call.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from api import audit, suppressions
from api.audit import Author
from api.mail_events import MailEvent
from api.state import Web
from db.live import connected
from db.query import Query
from db.walls import within


class Found(NamedTuple):
    """The delivery that a provider or a recipient speaks of, with the schedule and the alert that it came from."""

    id: UUID
    slot_at: datetime
    tenant_id: UUID
    run_id: UUID
    schedule_id: UUID | None
    recipient: str
    state: str


FIND = Query("find_provider_delivery", Found)
BOUNCE = Query("bounce_delivery")
NOTE = Query("note_delivery")


def take(web: Web, provider: str, event: MailEvent, author: Author) -> bool:
    """Whether the event was about a delivery of ours; then it is noted, and its recipient suppressed unless it is soft."""
    with connected(web.pool, 5.0) as conn:
        if not event.provider_message_id:
            return False
        found = FIND.one(conn, provider_message_id=event.provider_message_id, recipient=event.recipient.lower())
        if found is None:
            return False
        note = event.note.replace("\x00", "")[:500]
        place = {"tenant_id": found.tenant_id, "id": found.id, "slot_at": found.slot_at}
        with within(conn, found.tenant_id, is_walled=web.is_walled(conn)):
            if event.what == "soft":
                NOTE.run(conn, **place, error=f"{provider} tries on: {note}")
                return True
            if event.what != "unsubscribe":
                BOUNCE.run(conn, **place, error=f"{provider}: {event.what}: {note}")
            written = suppressions.write(
                conn,
                found.tenant_id,
                found.recipient,
                event.what,
                source=provider,
                note=note or None,
                run_id=found.run_id,
                delivery_id=found.id,
            )
            if written.is_new:
                made = suppressions.get(conn, found.tenant_id, written.id)
                subject = ("suppression", made.id)
                audit.record(
                    conn, found.tenant_id, author, "suppression.created", subject, None, suppressions.told(made)
                )
    return True
