"""`crew.ask`: asks an endpoint about one user, and keeps what it answers with the end of the run.

Calls are waiting and not work: hundreds of them share one event loop. Times are in seconds, latencies in milliseconds.
"""

import asyncio
from contextlib import suppress
from typing import cast
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from config.seal import SealError
from workers.crew import ask
from workers.crew.answers import Answered, Failed, Pending, asked_for, back_off
from workers.crew.book import Match, Matches
from workers.crew.caller import Away, Call, Caller
from workers.crew.rules import Judged, judge
from workers.crew.telling import Notify, Told, tell
from workers.kind import Context, InnerJournal, Kind
from workers.outcome import CrewAnswer, Done, Later, Outcome, Rejected

# An endpoint that was away for so long, or worked on a kickoff, is not waited for any more: attempts count again.
_PATIENCE_SECONDS = 86_400.0
# The same where it answered others of the slot: those who are left may be at fault themselves, and the next slot waits.
_PATIENCE_AMONG_ANSWERS = 600.0
_CREW_SECONDS = 0.1
# What the column takes is three weeks, and a replay may ask about an older kickoff.
_LONGEST_LATENCY = 2**31 - 1


class Params(BaseModel):
    """Which endpoint is asked; the user is the run's item."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    endpoint_id: UUID


def why_not(call: Call) -> str | None:
    """Why nobody wants the answer any more; None while somebody does."""
    if call.parent_state == "cancelled":
        return "the crew was cancelled"
    if not call.is_active:
        return "the user is not active any more"
    if not (call.context or call.goal):
        return "the user has neither context nor goal any more"
    if call.url is None:
        return "the endpoint was deleted"
    return None


async def run(ctx: Context[Params]) -> Outcome:
    """Asks once and returns what the answer means."""
    caller = cast(InnerJournal, ctx.journal).crew_caller()
    try:
        call = await caller.look(ctx)
        if why := why_not(call):
            return Done({"outcome": "skipped", "why": why})
        if ctx.mode == "dry":
            return Done({"outcome": "suppressed"})
        headers = ask.headers_of(ctx, call, caller.headers(ctx, call))
        found, seconds = await ask.ask(ctx, caller.http, call, headers)
        took = min(int(seconds * 1000), _LONGEST_LATENCY)
        if isinstance(found, Failed):
            return await _failed(ctx, caller, call, found, took)
        caller.answered(ctx, call)
        return await _ended(ctx, caller, call, found, took)
    except Away as error:
        return Later(1.0, str(error), is_counted=False)
    except SealError as error:
        return Later(None, str(error))


async def _failed(ctx: Context[Params], caller: Caller, call: Call, found: Failed, took: int) -> Outcome:
    """What a failure is: nobody's attempt while the endpoint is away or refuses all; else the user's.

    What lasts and is no refusal says nothing of the endpoint: its circuit neither opens nor shuts by it.
    """
    if found.is_ours:
        return Later(1.0, found.why, is_counted=False)
    open_seconds = None
    if found.is_passing or found.is_refusal:
        open_seconds = await caller.failed(ctx, call, found.why, is_refusal=found.is_refusal)
    answer = _answer(call, took, error=found.why, excerpt=found.excerpt)
    patience = _PATIENCE_AMONG_ANSWERS if call.is_among_answers else _PATIENCE_SECONDS
    if open_seconds is not None and open_seconds < patience:
        # The circuit decides when somebody tries again, whatever the endpoint asked for.
        return Later(1.0, found.why, is_counted=False, answer=answer)
    if not found.is_passing and open_seconds is None:
        return Rejected(found.why, answer=answer)
    wait = back_off(ctx.attempt)
    if found.wait_seconds is not None:
        wait = max(wait, asked_for(found.wait_seconds))
    return Later(wait, found.why, answer=answer)


async def _ended(ctx: Context[Params], caller: Caller, call: Call, found: Answered | Pending, took: int) -> Outcome:
    if isinstance(found, Pending):
        if took < _PATIENCE_SECONDS * 1000:
            # It keeps its place, so it goes on at once.
            return Later(0.0, found.why, is_counted=False)
        return Rejected(found.why, answer=_answer(call, took, error=found.why))
    judged = judge(call.rule, found.value) if call.rule else Judged()
    kept = _answer(call, took, response=found.text, matched=judged.found, rule_error=judged.error)
    caller.http.memory.keep(kept, len(found.text))
    told = await _told_late(ctx, caller, call, judged.found) if judged.found else Told()
    done = {"outcome": "answered", "latencyMs": took}
    return Done(done, told.messages, posts=told.posts, answer=kept)


async def _told_late(ctx: Context[Params], caller: Caller, call: Call, found: str) -> Told:
    """What is told of an answer that came after its crew's end, which tells of all that came before."""
    notify = (call.rule or {}).get("notify")
    if notify is None or await _crew_state(ctx, caller, call) != "succeeded":
        return Told()
    book = cast(InnerJournal, ctx.journal).crew()
    matches = Matches([Match(call.uid, found, 1)], 1)
    name = call.schedule_name or ctx.schedule_name
    return await asyncio.to_thread(tell, ctx, book, Notify.model_validate(notify), name, matches)


async def _crew_state(ctx: Context[Params], caller: Caller, call: Call) -> str:
    """The state of the crew by which it is known who tells of this answer.

    A crew that waits counts this call before it ends. One that runs may have counted it already, as dead, if it was
    replayed since: whether it is at its end is known in a moment.
    """
    state = call.parent_state
    while state == "running" and ctx.attempt > 1 and ctx.seconds_left() > _CREW_SECONDS:
        await asyncio.sleep(_CREW_SECONDS)
        with suppress(Away):
            state = (await caller.look(ctx)).parent_state
    return state


def _answer(call: Call, took: int, **kept: str | None) -> CrewAnswer:
    if call.endpoint_id is None:
        raise RuntimeError("nobody was asked")
    return CrewAnswer(call.uid, call.context, call.goal, call.endpoint_id, took, **kept)


KIND = Kind(
    name=ask.KIND,
    Params=Params,
    run=run,
    summary="asks a crew about one user",
    queue="calls",
)
