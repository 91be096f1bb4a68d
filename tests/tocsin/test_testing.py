"""`tocsin.testing` runs a kind as a worker would, with nothing round it."""

import pytest
from pydantic import BaseModel, ValidationError

from tocsin import Context, Done, Kind, Later
from tocsin.testing import A_SLOT, Notes, run_kind


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
