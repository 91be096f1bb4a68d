"""`crew.call`: asks a crew about each of the tenant's users, one run a user, and counts how that went.

It fans out in pages and then waits, without a worker and without an attempt, until all calls have ended.
"""

from typing import Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel

from workers.crew.book import PAGE, Counts, CrewBook
from workers.crew.rules import LONGEST, Language, problem_of
from workers.crew.telling import Notify, Told, tell
from workers.kind import Cancelled, Context, InnerJournal, Kind
from workers.outcome import Done, Later, Outcome, Rejected

FANNED_OUT = "fan-out"
_FIRST = (-1, "")
_EVERYBODY = 2**62
# The share of failed calls beyond which the owner is told.
_MANY = 0.2
_SHORTEST_WAIT, _LONGEST_WAIT = 0.5, 15.0


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


Name = Annotated[str, Field(min_length=1, max_length=200)]


class Rule(_Body):
    """What is looked for in each answer; where it finds something, that is an alert event."""

    language: Language = Field("jmespath", description="jmespath finds something, cel over `answer` is true")
    expression: Annotated[str, Field(min_length=1, max_length=LONGEST)]
    notify: Notify | None = Field(None, description="who is told, once a run, of all that it found")

    @field_validator("expression")
    @classmethod
    def _can_be_read(cls, expression: str, info: ValidationInfo) -> str:
        if "language" in info.data and (problem := problem_of(info.data["language"], expression)):
            raise ValueError(problem)
        return expression


class Params(_Body):
    """Whom it asks about and whom it asks."""

    endpoints: Annotated[list[Name], Field(min_length=1, max_length=100)] | None = Field(
        None, description="the endpoints by name or id; null: all of the tenant's"
    )
    segments: Annotated[list[Name], Field(min_length=1, max_length=100)] | None = Field(
        None, description="the segments whose users it asks about; null: everybody"
    )
    max_users_per_run: Annotated[int, Field(strict=True, ge=1, le=10_000_000)] | None = Field(
        None, description="how many users at most, those of the first priority first; null: all"
    )
    rule: Rule | None = None


def fan_out(ctx: Context[Params], book: CrewBook) -> dict[str, int]:
    """Makes the calls that are not made yet, and returns how many users there are and how many have no endpoint."""
    params = ctx.params
    made = book.count().made
    left = _EVERYBODY if params.max_users_per_run is None else params.max_users_per_run - made
    users, without_endpoint, after = made, 0, _FIRST
    while left > 0:
        if ctx.is_cancelled():
            raise Cancelled
        page = book.make_calls(after, users, left, segments=params.segments, endpoints=params.endpoints)
        users += page.seen
        left -= page.seen
        without_endpoint += page.without_endpoint
        if page.seen < PAGE or page.last_priority is None or page.last_uid is None:
            break
        after = page.last_priority, page.last_uid
    return {"users": users, "withoutEndpoint": without_endpoint}


def result_of(fanned: dict[str, Any], counts: Counts, duration_ms: int) -> dict[str, Any]:
    """What a crew came to."""
    return {
        "users": fanned["users"],
        "called": counts.made,
        "answered": counts.answered,
        "failed": counts.failed,
        "skipped": counts.skipped + fanned["withoutEndpoint"],
        "durationMs": duration_ms,
    }


def run(ctx: Context[Params]) -> Outcome:
    """Fans out once, then looks how far the calls are."""
    journal = cast(InnerJournal, ctx.journal)
    book = journal.crew()
    kept = journal.find_step(FANNED_OUT)
    if kept is None and not book.has_endpoint(ctx.params.endpoints):
        return Rejected(_why_nobody(ctx.params.endpoints))
    fanned = kept[0] if kept else ctx.step(FANNED_OUT, lambda: fan_out(ctx, book))
    counts = book.count()
    elapsed = (ctx.started_at - ctx.slot_at).total_seconds()
    ended = counts.made - counts.waiting
    ctx.progress(ended / counts.made if counts.made else 1.0, f"{ended} of {counts.made} users")
    if counts.waiting:
        wait = min(_LONGEST_WAIT, max(_SHORTEST_WAIT, elapsed / 20))
        return Later(wait, f"{counts.waiting} calls have not ended", is_counted=False)
    told = _told(ctx, book, counts)
    if isinstance(told, Later):
        return told
    _tell_owner(ctx, book, counts)
    return Done(result_of(fanned, counts, int(elapsed * 1000)) | dict(told.kept), told.messages, posts=told.posts)


def _why_nobody(endpoints: list[str] | None) -> str:
    if endpoints is None:
        return "there is no endpoint to ask: make one at /api/crew-endpoints"
    named = f"{endpoints[0]}, which is" if len(endpoints) == 1 else f"{', '.join(endpoints)}, which are"
    return f"its schedule names {named} not there: make the endpoint at /api/crew-endpoints, or name one that is"


def brings_little(counts: Counts) -> bool:
    """Whether a crew's owner has to know: calls failed, and nobody was answered or more than a fifth failed."""
    return counts.failed > 0 and (not counts.answered or counts.failed > _MANY * counts.made)


def _tell_owner(ctx: Context[Params], book: CrewBook, counts: Counts) -> None:
    """Tells the owner, once until the crew brings enough again, how many failed, mostly why, and what can be done."""
    if not brings_little(counts):
        if counts.answered:
            book.settle()
        return
    failure = book.failure()
    said = f"{counts.failed} of {counts.made} calls failed, {counts.answered} were answered"
    text = (
        f"{ctx.schedule_name} asked about {counts.made} users: {said}.\n\n"
        f"Most often, for {failure.users} of them: {failure.error}\n\n"
        "Each is a dead letter of its user. See whether the endpoint's address, key and answers are right, mend what "
        f"is wrong, and replay them: those of this run with `tocsin dead replay --all --parent {ctx.run_id}` or POST "
        f'/api/dead-letters/replay {{"parentRunId": "{ctx.run_id}"}}, one with `tocsin dead replay`. You are told again '
        "once a run of it went well in between."
    )
    subject = f"{ctx.schedule_name}: {'nobody was answered' if not counts.answered else said}"
    book.tell_owner(subject[:200], text)


def _told(ctx: Context[Params], book: CrewBook, counts: Counts) -> Told | Later:
    """What is told of the answers in which the rule found something; Later, where it is not known yet to whom."""
    rule = ctx.params.rule
    if rule is None:
        return Told()
    matches = book.matches()
    kept = {"matched": matches.total}
    if rule.notify is None or not matches.total:
        return Told(kept)
    told = tell(ctx, book, rule.notify, ctx.schedule_name, matches, counts.answered)
    if told.away is not None and not ctx.is_last_attempt:
        return Later(None, told.away)
    return told._replace(kept=kept | dict(told.kept))


KIND = Kind(
    name="crew.call",
    Params=Params,
    run=run,
    summary="asks a crew about each user and keeps the answers",
    queue="calls",
)
