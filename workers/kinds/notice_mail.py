"""`notice.mail`: mails the tenant's admins what they should know, such as that a webhook was disabled.

Made by Tocsin alone, in the transaction of what it tells.
"""

from typing import cast

from pydantic import BaseModel, ConfigDict

from workers.kind import Context, InnerJournal, Kind
from workers.kinds import pages
from workers.outcome import Done, Message, Outcome


class Params(BaseModel):
    """What is told, in plain text."""

    model_config = ConfigDict(extra="forbid")

    subject: str
    text: str


def run(ctx: Context[Params]) -> Outcome:
    """Return one mail to all who are admins now."""
    admins = cast("InnerJournal", ctx.journal).admins()
    if not admins:
        return Done({"reason": "the tenant has no admin to be told"})
    text, html = pages.fill(
        "notice_mail", {"subject": ctx.params.subject, "text": ctx.params.text.strip()}, ctx.branding()
    )
    return Done(messages=(Message(to=tuple(admins), subject=ctx.params.subject, text=text, html=html),))


KIND = Kind(
    name="notice.mail",
    Params=Params,
    run=run,
    summary="mails the tenant's admins what they should know",
    queue="alerts",
)
