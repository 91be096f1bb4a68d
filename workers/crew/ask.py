"""How an endpoint is asked about a user: at once, or by CrewAI's kickoff and status."""

import asyncio
import json
import time
from collections.abc import Mapping
from datetime import UTC
from typing import Any, NamedTuple, cast
from urllib.parse import quote

from telemetry import traces
from workers.addresses import Forbidden
from workers.async_http import AsyncClient
from workers.crew.answers import Answered, Failed, Pending, excerpt_of, read
from workers.crew.book import CrewBook, KickoffStep
from workers.crew.caller import Call
from workers.http import BadUrl, Crowded, Response, TooLarge, TooSlow, Unreachable
from workers.kind import Context, InnerJournal

KIND = "crew.ask"
_FIRST_POLL, _LAST_POLL = 0.5, 10.0
_LONGEST_ID = 1000
_KICKOFF, _CAME_TO_NOTHING = "kickoff", " came to nothing"
_ENDED_WELL = frozenset({"success", "completed", "complete", "finished"})
_ENDED_BADLY = frozenset({"failed", "failure", "error", "timeout", "cancelled", "canceled"})


class Kickoff(NamedTuple):
    """A kickoff by its step: its id, and how many seconds ago it was made."""

    step: str
    id: str
    seconds: float


def body_of(call: Call) -> dict[str, str]:
    """What is sent about a user."""
    return {
        "customer_business_background_latest": call.context or "",
        "customer_goal_latest": call.goal or "",
    }


def headers_of(ctx: Context[Any], call: Call, own: Mapping[str, str]) -> dict[str, str]:
    """All headers of one attempt: the endpoint's first, then ours, which no endpoint's can be."""
    headers = traces.headers() | dict(own)
    headers |= {
        "Content-Type": "application/json",
        "Accept": "application/json",
        # A user has one run a slot, so its id is both.
        "Idempotency-Key": str(ctx.run_id),
        "Tocsin-Run-Id": str(ctx.run_id),
        "Tocsin-Slot": ctx.slot_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "Tocsin-Attempt": str(ctx.attempt),
    }
    if call.schedule_id is not None:
        headers["Tocsin-Schedule-Id"] = str(call.schedule_id)
    return headers


async def ask(
    ctx: Context[Any], http: AsyncClient, call: Call, headers: Mapping[str, str]
) -> tuple[Answered | Failed | Pending, float]:
    """What the endpoint says about the user, within its time, and how many seconds it worked on that.

    A kickoff is worked on from when it was made, whichever attempt made it.
    """
    began = time.monotonic()
    seconds = min(call.timeout_seconds or 0.0, max(0.0, ctx.seconds_left() - 1.0))
    deadline = began + seconds
    if call.protocol == "crewai":
        kickoff = last_kickoff(await asyncio.to_thread(_book(ctx).kickoffs))
        asked = await _ask_crewai(ctx, http, call, headers, deadline, kickoff)
        return asked, time.monotonic() - began + kickoff.seconds
    content = json.dumps(body_of(call), ensure_ascii=False).encode()
    found = await _exchange(http, "POST", call.url or "", headers, content, deadline)
    return found if isinstance(found, Failed) else read(found, ctx.started_at), time.monotonic() - began


async def _ask_crewai(
    ctx: Context[Any], http: AsyncClient, call: Call, headers: Mapping[str, str], deadline: float, kickoff: Kickoff
) -> Answered | Failed | Pending:
    """Kicks off once, however often it is attempted, and asks for the status until the crew ended or time is up.

    A replay of one that ended badly, or that the endpoint forgot, kicks off anew.
    """
    base = (call.url or "").rstrip("/").removesuffix("/kickoff")
    step, kickoff_id, _ = kickoff
    if not kickoff_id:
        content = json.dumps({"inputs": body_of(call)}, ensure_ascii=False).encode()
        found = await _exchange(http, "POST", f"{base}/kickoff", headers, content, deadline)
        started = found if isinstance(found, Failed) else read(found, ctx.started_at)
        if not isinstance(started, Answered):
            return started
        given = started.value.get("kickoff_id") if isinstance(started.value, dict) else None
        if not isinstance(given, str) or not 0 < len(given) <= _LONGEST_ID:
            return Failed("the endpoint named no kickoff_id", excerpt=excerpt_of(started.text.encode()))
        kickoff_id = await asyncio.to_thread(_book(ctx).keep_kickoff, step, given, is_open=True)
    status_url = f"{base}/status/{quote(kickoff_id, safe='')}"
    wait = _FIRST_POLL
    # Once at least, however short its time is: else it would never be known.
    is_first = True
    while is_first or time.monotonic() + wait < deadline:
        is_first = False
        await asyncio.sleep(wait)
        wait = min(_LAST_POLL, wait * 1.5)
        ended = await _status(ctx, http, call, headers, status_url)
        if isinstance(ended, Failed) and ended.is_over:
            await asyncio.to_thread(_book(ctx).keep_kickoff, step + _CAME_TO_NOTHING, ended.why, is_open=False)
        if ended is not None:
            return ended
    return Pending(f"the crew works on it: kickoff {kickoff_id[:100]}")


async def _status(
    ctx: Context[Any], http: AsyncClient, call: Call, headers: Mapping[str, str], url: str
) -> Answered | Failed | None:
    """How a kickoff ended; None while it has not. Asking has the whole time of a call: what is cut short is no outage."""
    seconds = min(call.timeout_seconds or 0.0, max(0.0, ctx.seconds_left() - 1.0))
    found = await _exchange(http, "GET", url, headers, b"", time.monotonic() + seconds)
    status = found if isinstance(found, Failed) else read(found, ctx.started_at)
    if _is_forgotten(found) and isinstance(status, Failed):
        return status._replace(is_refusal=False, is_over=True)
    return status if isinstance(status, Failed) else _ended(status)


def last_kickoff(kept: Mapping[str, KickoffStep]) -> Kickoff:
    """The kickoff to ask about; no id: it is to be made, the first or after one that failed."""
    step, number = _KICKOFF, 1
    while step + _CAME_TO_NOTHING in kept:
        number += 1
        step = f"{_KICKOFF} {number}"
    return Kickoff(step, kept[step].value, kept[step].seconds) if step in kept else Kickoff(step, "", 0.0)


def _book(ctx: Context[Any]) -> CrewBook:
    return cast(InnerJournal, ctx.journal).crew()


def _is_forgotten(found: Response | Failed) -> bool:
    """Whether the endpoint knows nothing of the kickoff any more."""
    return isinstance(found, Response) and found.status in (404, 410)


def _ended(status: Answered) -> Answered | Failed | None:
    """How a crew ended; None while it has not."""
    value = status.value if isinstance(status.value, dict) else {}
    word = str(value.get("state") or value.get("status") or "").lower()
    if word in _ENDED_WELL:
        return status
    if word in _ENDED_BADLY:
        return Failed(f"the crew ended as {word}", excerpt=excerpt_of(status.text.encode()), is_over=True)
    return None


async def _exchange(
    http: AsyncClient, method: str, url: str, headers: Mapping[str, str], content: bytes, deadline: float
) -> Response | Failed:
    """One exchange; what the network refuses is a failure like others."""
    seconds = max(0.001, deadline - time.monotonic())
    try:
        return await http.request(method, url, headers=headers, content=content, timeout_seconds=seconds, kind=KIND)
    except TooLarge as error:
        return Failed(str(error), excerpt=excerpt_of(error.response.content))
    except (Unreachable, TooSlow) as error:
        return Failed(str(error), is_passing=True)
    except (Forbidden, BadUrl) as error:
        return Failed(str(error), is_refusal=True)
    except Crowded as error:
        return Failed(str(error), is_ours=True)
