"""`webhook.send`: tells one webhook of one event, signed by Standard Webhooks; the receiver's status decides the outcome.

The database makes its runs, in the transaction of what happened; waits are in seconds. The id of the message is the
run's and the body is stored with the run, so that both are the same at every attempt. A receiver that fails is called
ten times in three days; one that answers 410 disables its webhook.
"""

import random
from typing import cast
from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic.alias_generators import to_camel

from workers import http
from workers.kind import Context, InnerJournal, Kind, Webhook
from workers.kinds import http_call
from workers.outcome import Done, Later, Outcome, Rejected

# What is waited after each attempt. Source: Standard Webhooks 1.0.0, its example of a schedule.
WAITS = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
TIMEOUT_SECONDS = 30.0
GONE = "its receiver answered 410: it is gone for good"


class Params(BaseModel):
    """Which webhook is told, and what is sent: `type`, `timestamp`, `data`."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    webhook_id: UUID
    body: dict[str, JsonValue]


def outcome_of(answer: http.Response, ctx: Context[Params]) -> Outcome:
    """Return what an answer other than 410 means: 2xx done, all else, a redirect too, later; of its body nothing is kept."""
    if 200 <= answer.status < 300:
        return Done({"status": answer.status})
    asked = http_call.retry_after(answer.headers, ctx.started_at)
    return Later(wait_after(ctx.attempt) if asked is None else asked, f"the receiver answered {answer.status}")


def wait_after(attempt: int) -> float:
    """Return the wait after that attempt, a tenth more or less, so that what failed together does not come together."""
    return WAITS[min(attempt, len(WAITS)) - 1] * random.uniform(0.9, 1.1)


def notice_of(webhook: Webhook) -> tuple[str, str]:
    """Return the subject and the text that tell the admins of a webhook that was disabled."""
    text = (
        f"The webhook {webhook.name} ({http.origin(webhook.url)}) was disabled, since {GONE}.\n\n"
        "Nothing more is sent to it until somebody enables it. What was on its way is among the dead letters and can be "
        "replayed then.\n"
    )
    return f"The webhook {webhook.name} was disabled", text


def run(ctx: Context[Params]) -> Outcome:
    """Call once and return what the answer means; a webhook that was deleted or disabled is not called."""
    journal = cast("InnerJournal", ctx.journal)
    webhook = journal.webhook(ctx.params.webhook_id)
    if webhook is None:
        return Done({"reason": "its webhook was deleted, so nobody was told"})
    if not webhook.is_active:
        return Rejected("its webhook is disabled; enable it, then replay this")
    body: JsonValue = dict(ctx.params.body)
    params = http_call.Params(url=webhook.url, body=body, secret=webhook.secret, timeout_seconds=TIMEOUT_SECONDS)
    found = http_call.call(ctx, params, KIND.name)
    if isinstance(found, Later):
        return Later(wait_after(ctx.attempt), found.why)
    if not isinstance(found, http.Response):
        return found
    if found.status == 410:
        subject, text = notice_of(webhook)
        journal.disable_webhook(ctx.params.webhook_id, GONE, subject=subject, text=text)
        return Rejected(f"its webhook was disabled, since {GONE}")
    return outcome_of(found, ctx)


KIND = Kind(
    name="webhook.send",
    Params=Params,
    run=run,
    summary="tells a webhook of an event, signed by Standard Webhooks",
    queue="calls",
)
