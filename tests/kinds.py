"""Kinds that only tests run."""

from pydantic import BaseModel

from workers.kind import Context, Kind
from workers.outcome import Done, Outcome


class Nothing(BaseModel):
    """No params."""


def _done(_ctx: Context[Nothing]) -> Outcome:
    return Done()


NOOP = Kind("test.noop", Nothing, _done, "does nothing")
