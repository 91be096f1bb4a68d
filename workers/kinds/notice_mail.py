"""`notice.mail`: mails the owner of a schedule, or the tenant's admins, what they should know; of a source all whom it ails.

Made by Tocsin alone, in the transaction of what it tells: a schedule failed, is late, could not be delivered; a webhook
was disabled. Whom it is for is found when it is sent. It tells of nothing itself: one that fails makes no other.
"""

from datetime import datetime
from typing import cast
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from workers.kind import Context, InnerJournal, Kind
from workers.kinds import pages
from workers.outcome import Done, Message, Outcome


class Params(BaseModel):
    """What is told, in plain text, and of which schedule, source or graph.

    Of a run whose deliveries failed, they are named below.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    subject: str
    text: str
    schedule_id: UUID | None = None
    source_id: UUID | None = None
    graph_id: UUID | None = None
    undelivered_run_id: UUID | None = None
    undelivered_slot_at: datetime | None = None


def run(ctx: Context[Params]) -> Outcome:
    """Return one mail to all who own the schedule now."""
    params, journal = ctx.params, cast("InnerJournal", ctx.journal)
    owners = journal.owners(params.schedule_id, params.source_id, params.graph_id)
    if not owners:
        return Done({"reason": "the tenant has nobody to be told"})
    parts = [params.text.strip()]
    if params.undelivered_run_id is not None and params.undelivered_slot_at is not None:
        failed = journal.failed_deliveries(params.undelivered_run_id, params.undelivered_slot_at)
        parts.append(
            "\n".join(f"- {each.recipient} {each.state}: {each.error or 'no reason given'}" for each in failed)
        )
    left_by, barred = owners[0].left_by, owners[0].barred
    if barred is not None:
        parts.append(
            f"It is told to you because {barred}, whose schedule it is, may not be mailed: the address is suppressed, or its "
            "domain is not allowed."
        )
    if left_by is not None:
        parts.append(
            f"It is told to you because {left_by}, who made the schedule, is no member any more. The schedule goes on."
        )
    text, html = pages.fill(
        "notice_mail", {"subject": params.subject, "text": "\n\n".join(filter(None, parts))}, ctx.branding()
    )
    return Done(
        messages=(Message(to=tuple(each.email for each in owners), subject=params.subject, text=text, html=html),)
    )


KIND = Kind(
    name="notice.mail",
    Params=Params,
    run=run,
    summary="mails the owner of a schedule, or the tenant's admins, what they should know",
    queue="alerts",
)
