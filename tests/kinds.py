"""Kinds that only tests run. Those that leave a trace append a line to `file` and have it on disk before they go on."""

import asyncio
import os
import signal
import time
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from pydantic import BaseModel

from workers.chat.conversation import Conversation
from workers.chat.outcome import Answered, Limits, Unavailable
from workers.kind import Cancelled, Context, InnerJournal, Kind
from workers.outcome import AlertMove, AlertState, Done, Later, Message, Outcome, Rejected


class Nothing(BaseModel):
    """No params."""


class Trace(BaseModel):
    """Where the lines go."""

    file: Path


class Wait(Trace):
    """How long to take at most, and the file whose appearance ends it sooner."""

    seconds: float = 60.0
    until: Path | None = None


class Flaky(Trace):
    """How many attempts end badly before one ends well."""

    bad: int = 1
    delay: float | None = 0.0


class Poll(Trace):
    """How often to wait before it is done."""

    times: int = 1


class Mails(BaseModel):
    """Whom to mail."""

    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()


class Found(BaseModel):
    """An alert and the segment that it is about."""

    alert: UUID
    segment: str = ""


def note(file: Path, ctx: Context[Any], word: str = "") -> None:
    """Appends `run attempt process word`, in one write, and flushes it to the disk."""
    line = f"{ctx.run_id} {ctx.attempt} {os.getpid()} {word}".rstrip() + "\n"
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(handle, line.encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def _done(_ctx: Context[Nothing]) -> Outcome:
    return Done()


def _record(ctx: Context[Trace]) -> Outcome:
    note(ctx.params.file, ctx)
    return Done({"attempt": ctx.attempt})


async def _record_async(ctx: Context[Trace]) -> Outcome:
    await asyncio.sleep(0)
    note(ctx.params.file, ctx)
    return Done()


def _is_over(ctx: Context[Wait], began: float) -> bool:
    until = ctx.params.until
    return time.monotonic() > began + ctx.params.seconds or (until is not None and until.exists())


def _wait(ctx: Context[Wait]) -> Outcome:
    note(ctx.params.file, ctx, "began")
    began = time.monotonic()
    while not _is_over(ctx, began):
        if ctx.is_cancelled():
            note(ctx.params.file, ctx, "cancelled")
            raise Cancelled
        time.sleep(0.01)
    note(ctx.params.file, ctx, "ended")
    return Done()


def _wait_deaf(ctx: Context[Wait]) -> Outcome:
    note(ctx.params.file, ctx, "began")
    began = time.monotonic()
    while not _is_over(ctx, began):
        time.sleep(0.01)
    note(ctx.params.file, ctx, "ended")
    return Done()


def _keep(ctx: Context[Flaky]) -> Outcome:
    def make() -> bytes:
        note(ctx.params.file, ctx, "made")
        return f"made in attempt {ctx.attempt}".encode()

    kept = ctx.keep("a report.csv", make, "text/csv; charset=utf-8", "csv", 1)
    if ctx.attempt <= ctx.params.bad:
        raise ValueError("after the file")
    return Done({"link": kept.link, "text": ctx.read_kept(kept.name).decode()})


async def _wait_async(ctx: Context[Wait]) -> Outcome:
    note(ctx.params.file, ctx, "began")
    began = time.monotonic()
    while not _is_over(ctx, began):  # noqa: ASYNC110  a file ends it
        await asyncio.sleep(0.01)
    note(ctx.params.file, ctx, "ended")
    return Done()


def _crash(ctx: Context[Trace]) -> Outcome:
    note(ctx.params.file, ctx)
    os.kill(os.getpid(), signal.SIGKILL)
    return Done()


class How(BaseModel):
    """By what it leaves, and whether it does so in a task of its own."""

    by: str
    in_task: bool = False


_WAYS: dict[str, BaseException] = {
    "exit": SystemExit(3),
    "interrupt": KeyboardInterrupt("no"),
    "cancel": asyncio.CancelledError("nobody asked"),
}


async def _leave(ctx: Context[How]) -> Outcome:
    async def leave() -> None:
        await asyncio.sleep(0)
        raise _WAYS[ctx.params.by]

    await (asyncio.create_task(leave()) if ctx.params.in_task else leave())
    return Done()


def _raise(ctx: Context[Flaky]) -> Outcome:
    note(ctx.params.file, ctx)
    if ctx.attempt <= ctx.params.bad:
        raise ValueError("a bug of this kind")
    return Done()


def _later(ctx: Context[Flaky]) -> Outcome:
    note(ctx.params.file, ctx)
    return Later(ctx.params.delay, "not yet") if ctx.attempt <= ctx.params.bad else Done()


def _poll(ctx: Context[Poll]) -> Outcome:
    note(ctx.params.file, ctx)
    count = len(ctx.params.file.read_text().splitlines())
    return Later(0.0, "it waits", is_counted=False) if count <= ctx.params.times else Done()


def _reject(ctx: Context[Trace]) -> Outcome:
    note(ctx.params.file, ctx)
    return Rejected("never")


def _step(ctx: Context[Flaky]) -> Outcome:
    def work() -> dict[str, int]:
        note(ctx.params.file, ctx, "worked")
        return {"made_in": ctx.attempt}

    made = ctx.step("make", work)
    ctx.log("made", attempt=ctx.attempt)
    ctx.progress(0.5, "half")
    if ctx.attempt <= ctx.params.bad:
        raise ValueError("after the step")
    return Done(made)


def _mail(ctx: Context[Mails]) -> Outcome:
    params = ctx.params
    subject = f"run {ctx.run_id} attempt {ctx.attempt}"
    return Done(messages=(Message(to=params.to, cc=params.cc, bcc=params.bcc, subject=subject, text="hello"),))


def _nonsense(_ctx: Context[Nothing]) -> Any:
    return "done"


def _unstorable(_ctx: Context[Nothing]) -> Outcome:
    return Done({"nul": "\x00"})


def _find(ctx: Context[Found]) -> Outcome:
    # Written with escapes, for JSON in Postgres holds no lone surrogate.
    segment = ctx.params.segment.encode().decode("unicode_escape")
    value, earlier = Decimal("1.5"), ctx.slot_at - timedelta(hours=1)
    # A slot that is made up for, and the run's own.
    moves = (
        AlertMove(earlier, "ok", "pending", value, "it began"),
        AlertMove(ctx.slot_at, "pending", "firing", value, "x"),
    )
    state = AlertState(ctx.params.alert, segment, "firing", value, ctx.slot_at, moves=moves)
    return Done(alert_states=(state,))


def _chat(ctx: Context[Trace]) -> Outcome:
    journal = cast("InnerJournal", ctx.journal)
    limits = Limits(pause_seconds=0.01)
    found = Conversation(ctx, journal.model(), journal.graphs(), limits=limits).ask("How was the week?")
    note(ctx.params.file, ctx, type(found).__name__)
    if isinstance(found, Answered):
        return Done({"text": found.text, "usage": found.usage.as_json()})
    return Later(0, found.why) if isinstance(found, Unavailable) else Rejected(found.why)


NOOP = Kind("test.noop", Nothing, _done, "does nothing")
RECORD = Kind("test.record", Trace, _record, "leaves a line")
RECORD_ASYNC = Kind("test.record_async", Trace, _record_async, "leaves a line on the event loop")
WAIT = Kind("test.wait", Wait, _wait, "takes its time, and heeds its cancel")
WAIT_DEAF = Kind("test.wait_deaf", Wait, _wait_deaf, "takes its time, whatever is asked of it")
WAIT_ASYNC = Kind("test.wait_async", Wait, _wait_async, "takes its time on the event loop")
LEAVE = Kind("test.leave", How, _leave, "leaves the event loop by what ends a loop")
CRASH = Kind("test.crash", Trace, _crash, "kills its process")
RAISE = Kind("test.raise", Flaky, _raise, "raises at first")
LATER = Kind("test.later", Flaky, _later, "puts off at first")
POLL = Kind("test.poll", Poll, _poll, "waits at first")
REJECT = Kind("test.reject", Trace, _reject, "rejects")
STEP = Kind("test.step", Flaky, _step, "makes a step and raises at first")
KEEP = Kind("test.keep", Flaky, _keep, "keeps a file and raises at first")
MAIL = Kind("test.mail", Mails, _mail, "mails")
NONSENSE = Kind("test.nonsense", Nothing, _nonsense, "returns what is no outcome")
UNSTORABLE = Kind("test.unstorable", Nothing, _unstorable, "returns what Postgres can't hold")
FIND = Kind("test.find", Found, _find, "finds an alert firing")
CHAT = Kind("test.chat", Trace, _chat, "asks the model", queue="ai")

ALL = (
    "NOOP,RECORD,RECORD_ASYNC,WAIT,WAIT_DEAF,WAIT_ASYNC,LEAVE,CRASH,RAISE,LATER,POLL,REJECT,STEP,KEEP,MAIL,NONSENSE,UNSTORABLE,"
    "FIND,CHAT"
)
NAMES = ",".join(f"tests.kinds:{name}" for name in ALL.split(","))
"""What TOCSIN_KINDS is for a worker that runs them all."""
