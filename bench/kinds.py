"""Kinds that only benches run."""

from pydantic import BaseModel

from bench.stamps import hit
from workers.kind import Context, Kind
from workers.outcome import Done, Outcome


class Nothing(BaseModel):
    """No params."""


def _noop(_ctx: Context[Nothing]) -> Outcome:
    return Done()


def _stamp(ctx: Context[Nothing]) -> Outcome:
    hit(ctx.slot_at.timestamp())
    return Done()


NOOP = Kind("bench.noop", Nothing, _noop, "does nothing")
STAMP = Kind("bench.stamp", Nothing, _stamp, "writes down when it began")
