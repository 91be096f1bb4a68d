"""What the fields mean that don't say it by their names: the one table that the OpenAPI page takes its words from."""

from typing import Any

# By the name that the outside sees; one that means something else in one model stands there as `Model.name`.
MEANINGS = {
    "address": "where the request came from; null for a command given on the machine itself",
    "after": "what was changed, as it was afterwards, without secrets; null once it is gone",
    "action": "what was done, such as `schedule.edited`",
    "attempt": "how many times a worker took it up; 0 before the first",
    "Attempt.processId": "the process that made the attempt",
    "attempts": "how many times it was tried",
    "availableAt": "when it may be taken up; null while it waits for an earlier run of its schedule",
    "Delivery.availableAt": "when it is tried next",
    "backoff": "how long a failed run waits before its next attempt",
    "baseSeconds": "the wait before the second attempt; it doubles with each, and is drawn at random below that",
    "before": "what was changed, as it was; null where nothing was before",
    "cancelRequestedAt": "when somebody asked it to stop; its worker decides",
    "ColumnOut.type": "the source's own name for its type",
    "cause": "why it died: `rejected` by its kind, `attempts_exhausted`, or `expired` at its deadline",
    "channel": "the way it goes, such as `email`",
    "createdBy": "the token (`token:<id>`) or the member (`member:<subject>`) that made it",
    "cronExpression": "when it fires, as a cron expression of five fields, or six with seconds first, on the wall "
    "clock of `timezone`: `0 9 * * 1-5` is nine in the morning from Monday to Friday",
    "deadlineAt": "when it is stopped if it has not ended",
    "decision": "why the run is as it is, in sentences, oldest first",
    "disabledAt": "since when the member is let in nowhere",
    "dataAsOf": "how old the data is, where the source tells it",
    "SlotOut.dst": "what the clock's turning did to it; null on any other night",
    "dstFold": "what becomes of a time that a clock put back shows twice: it fires at the `first`, the `second` or `both`",
    "dstGap": "what becomes of a time that a clock put forward leaves out: it fires at the `end` of the gap, is "
    "skipped (`skip`), or moves by the gap's length (`shift`)",
    "endsAt": "no slot after this instant",
    "error": "what went wrong, in one line",
    "events": "what it is told of",
    "expiresAt": "from when on it opens nothing; null is never",
    "fence": "rises each time the run is taken up or opened again; a worker with an older one can write nothing",
    "fields": "what the line carries beside its message",
    "ResendIn.force": "sends one once more that was sent",
    "hash": "the SHA-256 of this entry and the one before it, in hex",
    "hasPassword": "whether a password is stored; it is never shown",
    "intervalAnchor": "the instant that the intervals are counted from; the moment of creation if not given",
    "intervalSeconds": "fires each so many seconds, counted from `intervalAnchor`",
    "itemKey": "which item of its parent's the run does",
    "jitterSeconds": "each slot is put off by up to so many seconds, always the same for this schedule",
    "jobPayload": "the params of the kind; `GET /api/kinds` has the JSON Schema of each",
    "jobType": "the kind of work, one of `GET /api/kinds`",
    "lastError": "what the last planning or one-time run failed with",
    "lastRunAt": "when a run of it last succeeded",
    "lastSlotAt": "the newest slot that was planned",
    "lastUsedAt": "when it was last shown, to the minute",
    "leasedBy": "the process that runs it now",
    "leasedUntil": "it is taken for lost if it has not shown itself by then",
    "SlotOut.local": "the wall clock in the schedule's zone",
    "limitedBy": "the limits that it is released under, as they were when it was planned; null for none",
    "madeAhead": "how many of its runs are made already and wait for their instant",
    "maxAttempts": "how many times a run is tried before it dies",
    "Delivery.maxAttempts": "how many times it is tried before it has failed",
    "maxPerMinute": "how many runs are released a minute, evenly; null is no bound",
    "maxRunning": "how many runs may be released and not over at once; null is no bound, 0 holds all back",
    "maxRuns": "completes after so many planned slots; runs by hand, backfilled and skipped ones don't count",
    "maxSeconds": "no wait is longer",
    "metadata": "a JSON object of your own: kept, shown and filtered by, and else not looked at",
    "misfireGraceSeconds": "how late a slot may be and still run as if on time",
    "misfireLimit": "with `all`, at most so many missed slots are made up for; the others are skipped",
    "misfirePolicy": "what becomes of slots that nobody planned in time: one run for all of them (`once`), a run for "
    "each (`all`), or none (`skip`)",
    "Limit.name": "`tenant`, `source:ID` or `host:NAME`",
    "running": "how many runs are released under it and not over",
    "Schedule.name": "unique within the tenant",
    "ScheduleIn.name": "unique within the tenant; made of the kind and the id if not given",
    "nextCursor": "send it as `cursor` for the next page; null on the last one",
    "nextRunAt": "when it fires next; null when nothing is to come",
    "number": "its place in the chain: 1, 2, 3 … without a gap",
    "origin": "what made the run: `schedule` a slot, `manual` somebody, `backfill`, `child` another run, `replay`, "
    "`test` or `system`",
    "outcome": "what its kind returned; null until it succeeded",
    "Attempt.outcome": "how the attempt ended: `done`, `later`, `rejected`, `raised` or `expired`",
    "overlapPolicy": "what becomes of a slot while an earlier run is open: it is skipped (`skip`), waits (`queue`), "
    "runs beside it (`allow`), or stops it (`cancel_running`)",
    "parentRunId": "the run that this one is an item of",
    "pauseNote": "why it rests",
    "priority": "0 is taken first, 9 last",
    "progress": "how far it is, as its kind tells it",
    "providerMessageId": "the id that the mail server or the service gave it",
    "queue": "which workers take it: alerts, reports, ai, calls or default; the kind's own if not given",
    "reason": "why it is in that state, where the state alone does not say it",
    "recipientType": "`to`, `cc` or `bcc`",
    "requestId": "the X-Request-Id of the request",
    "resolvedAt": "when it was replayed or discarded",
    "resolvedBy": "who replayed or discarded it",
    "result": "what the step returned; it is not done again when its run is tried again",
    "revokedAt": "since when it opens nothing",
    "role": "`viewer` reads, `editor` changes schedules, runs and sources, `admin` also members, tokens and settings",
    "ProcessOut.role": "`web`, `ticker` or `worker`",
    "runCount": "how many slots were planned, as `maxRuns` counts them",
    "scheduledAt": "fires once, at this instant; one that has passed fires at once",
    "scheduleName": "the name of its schedule; null for a run of none",
    "scheduleVersion": "which version of the schedule it was planned from",
    "scope": "`read` is a viewer's, `write` an editor's, `admin` an admin's",
    "sentAt": "when the other side took it",
    "skippedCount": "how many slots the row stands for",
    "skippedUntil": "the last of the slots that the row stands for",
    "slotAt": "the instant that it was planned for",
    "slug": "the tenant's name in addresses and headers: lower-case letters, digits and hyphens",
    "startsAt": "no slot before this instant",
    "Schedule.status": "`active`, `paused`, `completed` (nothing is to come), `failed` or `cancelled`",
    "Tenant.status": "`active` or `suspended`",
    "Run.state": "`pending` (not yet due or before its next attempt), `queued`, `running`, `succeeded`, `dead` (replay "
    "or retry opens it again), `cancelled` or `skipped`",
    "DeadLetter.state": "`open`, `replayed` or `discarded`",
    "Delivery.state": "`pending`, `sending`, `sent`, `failed` (for good), `unknown` (sent or not, nobody knows), "
    "`suppressed` (on purpose not sent) or `bounced`",
    "ProcessOut.state": "`alive`, `stopped` (in order) or `lost` (its lease ran out)",
    "subject": "the `sub` of the member's JWT",
    "subjectId": "the id of what was changed",
    "subjectType": "what was changed: `schedule`, `run`, `source`, `member` …",
    "tags": "words of your own that lists are filtered by",
    "timeoutSeconds": "how long one attempt may take; the kind's own if not given",
    "timezone": "an IANA zone, such as Europe/Paris: whose wall clock the cron expression reads",
    "triggeredBy": "who asked for it; null when its slot did",
    "type": "what kind of database it is",
    "unknownCount": "how many times it was not known whether it went out",
    "unknownDeliveryPolicy": "whether a message that may have gone out is sent again (`resend`: perhaps twice) or "
    "held for somebody to decide (`hold`: perhaps never)",
    "unknownPolicy": "the schedule's `unknownDeliveryPolicy`",
    "Problem.type": "always `about:blank`: the status says what sort of problem it is",
    "Source.url": "the address without the password",
    "SourcePatch.url": "one without a password keeps the stored one",
    "disabledReason": "why it is called no more; null while it is active",
    "oldSecretUntil": "until when the secret before signs too; null while one alone signs",
    "Webhook.origin": "scheme, host and port of its address; the rest is never shown",
    "WebhookPatch.url": "http or https, without user name; never shown again",
    "RotateIn.secret": "whsec_ and 24 to 64 bytes in base64; left out, Tocsin makes one",
    "WebhookIn.secret": "whsec_ and 24 to 64 bytes in base64; left out, Tocsin makes one",
    "waiting": "how many runs could go if it let them",
    "words": "the expression in plain words; null for what is no cron expression",
    "uses": "what its runs use, by the names that limits have",
    "version": "rises with each edit",
    "who": "the token (`token:<id>`), the member (`member:<subject>`) or the command that changed it",
}


# Models with the fields of another.
_KIN = {
    "RunDetail": "Run",
    "MadeToken": "Token",
    "MadeWebhook": "Webhook",
    "LimitPatch": "LimitIn",
    "SchedulePatch": "ScheduleIn",
    "MemberPatch": "MemberIn",
}


def explain(model: str, schema: dict[str, Any]) -> None:
    """Gives the fields of a model, as OpenAPI shows it, their meaning where they have none of their own.

    The titles go that are made of the fields' names ("Jobtype"): the names themselves tell more.
    """
    for shown, field in schema.get("properties", {}).items():
        places = (f"{model}.{shown}", f"{_KIN.get(model, model)}.{shown}", shown)
        meaning = next((MEANINGS[place] for place in places if place in MEANINGS), None)
        if meaning is not None:
            field.setdefault("description", meaning)
        field.pop("title", None)
