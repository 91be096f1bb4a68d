"""When a call that failed is made again: not before the endpoint wants it, and not after an hour for its sake."""

from typing import Any
from uuid import UUID

import pytest

from tests.workers.crew.test_late import CALL
from tests.workers.kinds.contexts import SLOT, context
from workers.crew.answers import Failed, read
from workers.http import Response
from workers.kinds import crew_ask
from workers.outcome import Later


def later(found: Failed, **state: Any) -> Later:
    ctx = context(crew_ask.Params(endpoint_id=UUID(int=2)))
    return crew_ask._later(ctx, CALL, found, 1, **state)


@pytest.mark.parametrize(("asked", "wait"), [("7", 7.0), ("86400", 3600.0), ("soon", None)])
def test_what_an_endpoint_asks_to_wait_is_kept_within_an_hour(asked: str, wait: float | None) -> None:
    found = read(Response(503, {"Retry-After": asked}, b"away"), SLOT)
    assert found == Failed("the endpoint answered 503", is_passing=True, excerpt="away", wait_seconds=wait)


def test_a_call_waits_as_asked_whether_its_circuit_is_open_or_not() -> None:
    found = Failed("busy", is_passing=True, wait_seconds=900.0)
    assert later(found, is_open=True) == Later(900.0, "busy", is_counted=False)
    shut = later(found, is_open=False)
    assert (shut.delay_seconds, shut.is_counted) == (900.0, True)
    assert shut.answer is not None
    assert later(Failed("busy", is_passing=True), is_open=True).delay_seconds == 1.0
