"""How an endpoint is asked about a user: at once, or by CrewAI's kickoff and status."""

import asyncio
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import quote

from telemetry import traces
from workers.addresses import Forbidden
from workers.async_http import AsyncClient
from workers.crew.answers import Answered, Failed, Pending, excerpt_of, read
from workers.crew.caller import Call
from workers.http import BadUrl, Response, TooLarge, TooSlow, Unreachable
from workers.kind import Context, InnerJournal

KIND = "crew.ask"
_FIRST_POLL, _LAST_POLL = 0.5, 10.0
_KICKOFF, _CAME_TO_NOTHING = "kickoff", " came to nothing"
_ENDED_WELL = frozenset({"success", "completed", "complete", "finished"})
_ENDED_BADLY = frozenset({"failed", "failure", "error", "timeout", "cancelled", "canceled"})


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
) -> Answered | Failed | Pending:
    """What the endpoint says about the user, within its time."""
    seconds = min(call.timeout_seconds or 0.0, max(0.0, ctx.seconds_left() - 1.0))
    deadline = time.monotonic() + seconds
    if call.protocol == "crewai":
        return await _ask_crewai(ctx, http, call, headers, deadline)
    content = json.dumps(body_of(call), ensure_ascii=False).encode()
    found = await _exchange(http, "POST", call.url or "", headers, content, deadline)
    return found if isinstance(found, Failed) else read(found, ctx.started_at)


async def _ask_crewai(
    ctx: Context[Any], http: AsyncClient, call: Call, headers: Mapping[str, str], deadline: float
) -> Answered | Failed | Pending:
    """Kicks off once, however often it is attempted, and asks for the status until the crew ended or time is up.

    A replay of one that ended badly, or that the endpoint forgot, kicks off anew.
    """
    base = (call.url or "").rstrip("/").removesuffix("/kickoff")
    journal = cast(InnerJournal, ctx.journal)
    step, kickoff_id = await asyncio.to_thread(_last_kickoff, journal)
    if not kickoff_id:
        content = json.dumps({"inputs": body_of(call)}, ensure_ascii=False).encode()
        found = await _exchange(http, "POST", f"{base}/kickoff", headers, content, deadline)
        started = found if isinstance(found, Failed) else read(found, ctx.started_at)
        if not isinstance(started, Answered):
            return started
        given = started.value.get("kickoff_id") if isinstance(started.value, dict) else None
        if not isinstance(given, str) or not given:
            return Failed("the endpoint named no kickoff_id", excerpt=excerpt_of(started.text.encode()))
        kickoff_id = await asyncio.to_thread(ctx.step, step, lambda: given)
    wait = _FIRST_POLL
    while time.monotonic() + wait < deadline:
        await asyncio.sleep(wait)
        wait = min(_LAST_POLL, wait * 1.5)
        found = await _exchange(http, "GET", f"{base}/status/{quote(kickoff_id, safe='')}", headers, b"", deadline)
        status = found if isinstance(found, Failed) else read(found, ctx.started_at)
        ended = status if isinstance(status, Failed) else _ended(status)
        if _is_forgotten(found) or (isinstance(status, Answered) and isinstance(ended, Failed)):
            await asyncio.to_thread(ctx.step, step + _CAME_TO_NOTHING, lambda: True)
        if ended is not None:
            return ended
    return Pending(f"the crew works on it: kickoff {kickoff_id[:100]}")


def _last_kickoff(journal: InnerJournal) -> tuple[str, str]:
    """The step of the kickoff to ask about, and its id; none: it is to be made, for the first or after one that failed."""
    step, number = _KICKOFF, 1
    while journal.find_step(step + _CAME_TO_NOTHING):
        number += 1
        step = f"{_KICKOFF} {number}"
    kept = journal.find_step(step)
    return step, kept[0] if kept else ""


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
        return Failed(f"the crew ended as {word}", excerpt=excerpt_of(status.text.encode()))
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
        return Failed(str(error))


def age_seconds(ctx: Context[Any], now: datetime | None = None) -> float:
    """How long ago the slot was when the attempt began."""
    return ((now or ctx.started_at) - ctx.slot_at).total_seconds()
