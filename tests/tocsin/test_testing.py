"""`tocsin.testing` runs a kind as a worker would, with nothing round it."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from tocsin import Cancelled, Context, Done, Kind, Later, Message
from tocsin.testing import A_SLOT, Notes, receiver, run_kind


class Params(BaseModel):
    city: str


def _greet(ctx: Context[Params]) -> Done | Later:
    ctx.log("greeting", city=ctx.params.city)
    greeting = ctx.step("greeting", lambda: f"hello {ctx.params.city}")
    ctx.progress(1.0, "said")
    return Done({"greeting": greeting, "at": ctx.slot_local.isoformat()}) if ctx.attempt > 1 else Later(5, "not yet")


async def _greet_async(ctx: Context[Params]) -> Done:
    return Done({"greeting": ctx.params.city})


GREET = Kind("test.greet", Params, _greet, "greets")


def test_a_kinds_outcome_comes_back_with_what_it_noted() -> None:
    notes = Notes()
    assert run_kind(GREET, {"city": "Oslo"}, journal=notes) == Later(5, "not yet")
    done = run_kind(GREET, {"city": "Oslo"}, journal=notes, attempt=2, timezone="Europe/Oslo", slot_at=A_SLOT)
    assert done == Done({"greeting": "hello Oslo", "at": "2026-01-01T10:00:00+01:00"})
    assert notes.lines == [("greeting", {"city": "Oslo"})] * 2
    assert notes.steps == {"greeting": "hello Oslo"}


def test_an_async_kind_is_awaited() -> None:
    assert run_kind(Kind("test.async", Params, _greet_async, "greets"), {"city": "Oslo"}) == Done({"greeting": "Oslo"})


def test_params_are_validated_as_at_save() -> None:
    with pytest.raises(ValidationError):
        run_kind(GREET, {})


async def _work(ctx: Context[Params]) -> Done:
    async def ask() -> int:
        return (await ctx.aio.http.post(ctx.params.city, content=b"{}")).status

    ctx.deliver(Message(to=("ann@example.com",), subject="done"))
    await ctx.aio.log("asking")
    await ctx.aio.progress(0.5, "half")
    kept = await ctx.aio.keep("a.csv", b"1", "text/csv", "csv")
    return Done(
        {"status": await ctx.aio.step("ask", ask), "file": kept.name, "bytes": len(await ctx.aio.read_kept("a.csv"))},
        messages=(Message(to=("bob@example.com",)),),
    )


WORK = Kind("test.work", Params, _work, "works")


def test_an_async_kind_reaches_all_of_its_run_and_a_step_is_done_once() -> None:
    notes = Notes()
    with receiver(201, 500) as server:
        first = run_kind(WORK, {"city": server.url}, journal=notes, http=server.http)
        again = run_kind(WORK, {"city": server.url}, journal=notes, http=server.http, attempt=2)
    assert isinstance(first, Done)
    assert first.result == {"status": 201, "file": "a.csv", "bytes": 1}
    assert first == again
    assert [message.to for message in first.messages] == [("bob@example.com",), ("ann@example.com",)]
    assert [(call.method, call.body) for call in server.calls] == [("POST", b"{}")]
    assert (notes.lines, notes.shown) == ([("asking", {})] * 2, [(0.5, "half")] * 2)


def _deliver_and_put_off(ctx: Context[Params]) -> Later:
    ctx.deliver(Message(to=("ann@example.com",)))
    return Later(None, "not yet")


def test_what_is_put_off_tells_nobody() -> None:
    outcome = run_kind(Kind("test.put_off", Params, _deliver_and_put_off, "tells"), {"city": "Oslo"})
    assert outcome == Later(None, "not yet")


def _heed(ctx: Context[Params]) -> Done:
    if ctx.is_cancelled():
        raise Cancelled
    return Done()


async def _sleep(_ctx: Context[Params]) -> Done:
    await asyncio.sleep(60)
    return Done()


def test_a_cancel_and_a_deadline_can_be_tried() -> None:
    heed = Kind("test.heed", Params, _heed, "heeds")
    with pytest.raises(Cancelled):
        run_kind(heed, {"city": "Oslo"}, is_cancelled=True)
    with pytest.raises(Cancelled):
        run_kind(heed, {"city": "Oslo"}, seconds=-1)
    sleep = Kind("test.sleep", Params, _sleep, "sleeps")
    with pytest.raises(TimeoutError):
        run_kind(sleep, {"city": "Oslo"}, seconds=0.01)
    with pytest.raises(asyncio.CancelledError):
        run_kind(sleep, {"city": "Oslo"}, is_cancelled=True)


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()], ids=repr)
def test_what_an_async_kind_leaves_by_is_what_its_test_sees(error: BaseException) -> None:
    async def leave(_ctx: Context[Params]) -> Done:
        raise error

    with pytest.raises(type(error)):
        run_kind(Kind("test.leave", Params, leave, "leaves"), {"city": "Oslo"})


def _last(ctx: Context[Params]) -> Done | Later:
    return Done({"gave up": True}) if ctx.is_last_attempt else Later(None, "once more")


def test_a_kind_knows_its_last_attempt() -> None:
    last = Kind("test.last", Params, _last, "gives up")
    assert run_kind(last, {"city": "Oslo"}, attempt=2, max_attempts=3) == Later(None, "once more")
    assert run_kind(last, {"city": "Oslo"}, attempt=3, max_attempts=3) == Done({"gave up": True})


async def _hidden(ctx: Context[Params]) -> Done:
    return Done({"city": ctx.params.city})


def _hide(ctx: Context[Params]) -> Any:
    return _hidden(ctx)


def _tell_nobody(ctx: Context[Params]) -> Done:
    ctx.deliver(Message(to=("no address",)))
    return Done()


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (_hide, "returned coroutine; it takes Done, Later or Rejected"),
        (lambda _: {"city": "Oslo"}, "returned dict; it takes"),
        (lambda _: None, "returned NoneType"),
        (lambda _: Done({"cities": {"Oslo"}}), "set is not JSON"),
        (lambda _: Done({"share": float("nan")}), "Out of range float"),
        (lambda _: Done({"deep": [{"city": "Os\0lo"}]}), "character NUL"),
        (lambda _: Done(messages=(Message(to=("Ann <ann@example.com>",)),)), "one plain e-mail address"),
        (_tell_nobody, "one plain e-mail address"),
    ],
)
def test_what_a_worker_would_refuse_is_refused(run: Callable[[Any], Any], said: str) -> None:
    with pytest.raises((TypeError, ValueError), match=said):
        run_kind(Kind("test.wrong", Params, run, "is wrong"), {"city": "Oslo"})


def test_the_client_of_a_test_reaches_loopback_and_a_kinds_own_does_not() -> None:
    from workers.addresses import Forbidden

    with receiver() as server, pytest.raises(Forbidden):
        run_kind(WORK, {"city": server.url})
    assert server.calls == []


def test_a_step_comes_back_as_json_brings_it_back() -> None:
    notes = Notes()
    assert notes.step("pair", lambda: (1, 2)) == [1, 2]
    with pytest.raises(TypeError):
        notes.step("no json", object)
    with pytest.raises(ValueError, match="larger than 256 KiB"):
        notes.step("large", lambda: "x" * 300_000)
