"""What a failure is, and when a call that failed is made again: what is the endpoint's fault is no user's."""

import asyncio
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import pytest

from tests.workers.crew.test_late import CALL
from tests.workers.kinds.contexts import SLOT, context
from workers.crew.answers import Failed, Pending, read
from workers.crew.caller import Call, Caller
from workers.http import Response
from workers.kinds import crew_ask
from workers.outcome import Later, Outcome, Rejected

DAY = 86_400.0
AWAY = Failed("busy", is_passing=True)


class Counted:
    """Counts what calls came to; its circuit has been open for so long."""

    def __init__(self, open_seconds: float | None = None) -> None:
        self.open_seconds = open_seconds
        self.told: list[tuple[str, bool]] = []

    async def failed(self, _ctx: Any, _call: Any, error: str, *, is_refusal: bool = False) -> float | None:
        self.told.append((error, is_refusal))
        return self.open_seconds


def failed(found: Failed, counted: Counted | None = None, call: Call = CALL, **overrides: Any) -> Outcome:
    ctx = context(crew_ask.Params(endpoint_id=UUID(int=2)), **overrides)
    return asyncio.run(crew_ask._failed(ctx, cast(Caller, counted or Counted()), call, found, 1))


def waits(outcome: Outcome, why: str) -> None:
    """It waits for a second, which is no attempt, and what came is kept meanwhile."""
    assert isinstance(outcome, Later)
    assert (outcome.delay_seconds, outcome.why, outcome.is_counted) == (1.0, why, False)
    assert outcome.answer is not None
    assert outcome.answer.error == why


def answered(status: int, content: bytes = b"{}", **headers: str) -> Failed:
    found = read(Response(status, headers, content), SLOT)
    assert isinstance(found, Failed)
    return found


@pytest.mark.parametrize(("asked", "wait"), [("7", 7.0), ("86400", 3600.0), ("soon", None)])
def test_what_an_endpoint_asks_to_wait_is_kept_within_an_hour(asked: str, wait: float | None) -> None:
    found = read(Response(503, {"Retry-After": asked}, b"away"), SLOT)
    assert found == Failed("the endpoint answered 503", is_passing=True, excerpt="away", wait_seconds=wait)


def test_a_call_waits_as_asked_and_not_all_come_back_at_once() -> None:
    found = []
    for _ in range(50):
        shut = failed(AWAY._replace(wait_seconds=900.0))
        assert isinstance(shut, Later)
        assert shut.is_counted
        assert shut.answer is not None
        found.append(shut.delay_seconds or 0.0)
    assert all(900.0 <= wait <= 990.0 for wait in found)
    assert len(set(found)) > 10


def test_while_the_circuit_is_open_it_decides_who_tries_whatever_the_endpoint_asked_for() -> None:
    waits(failed(AWAY._replace(wait_seconds=900.0), Counted(5.0)), "busy")


@pytest.mark.parametrize("found", [AWAY, answered(401)])
def test_a_day_of_patience_begins_with_the_outage_and_not_with_the_slot(found: Failed) -> None:
    late = SLOT + timedelta(days=3)
    waits(failed(found, Counted(5.0), started_at=late), found.why)
    ended = failed(found, Counted(DAY + 1), started_at=SLOT)
    assert isinstance(ended, Later)
    assert ended.is_counted
    assert ended.answer is not None


@pytest.mark.parametrize("found", [AWAY, answered(401)])
def test_where_others_of_the_slot_were_answered_patience_is_ten_minutes_and_then_attempts_count(found: Failed) -> None:
    among = CALL._replace(is_among_answers=True)
    waits(failed(found, Counted(599.0), among), found.why)
    counting = failed(found, Counted(601.0), among)
    assert isinstance(counting, Later), "a refusal too, as long as it may be an outage"
    assert counting.is_counted


def test_a_day_of_patience_with_a_kickoff_begins_when_it_was_made() -> None:
    ctx = context(crew_ask.Params(endpoint_id=UUID(int=2)), started_at=SLOT + timedelta(days=3))
    caller = cast(Caller, Counted())
    soon = asyncio.run(crew_ask._ended(ctx, caller, CALL, Pending("works"), int(DAY - 1) * 1000))
    assert soon == Later(0.0, "works", is_counted=False)
    assert isinstance(asyncio.run(crew_ask._ended(ctx, caller, CALL, Pending("works"), int(DAY) * 1000)), Rejected)


REFUSED = {
    "a wrong key": answered(401),
    "no right": answered(403),
    "a wrong address": answered(404),
    "a proxy": answered(407),
    "a redirect": answered(302),
    "a page": answered(200, b"<html>"),
    "no text": answered(200, b"\xff"),
}
USERS_OWN = {
    "bad data": answered(422),
    "NaN": answered(200, b'{"a": NaN}'),
    "deep": answered(200, b"[" * 200 + b"]" * 200),
    "gone": answered(410),
    "a crew that failed": Failed("the crew ended as failed", is_over=True),
}


@pytest.mark.parametrize("found", REFUSED.values(), ids=REFUSED)
def test_a_refusal_is_a_dead_letter_that_counts_against_the_endpoint(found: Failed) -> None:
    counted = Counted()
    assert isinstance(failed(found, counted), Rejected)
    assert counted.told == [(found.why, True)]


@pytest.mark.parametrize("found", USERS_OWN.values(), ids=USERS_OWN)
def test_what_else_lasts_says_nothing_of_the_endpoint(found: Failed) -> None:
    counted = Counted(5.0)
    assert isinstance(failed(found, counted), Rejected)
    assert counted.told == []


def test_what_is_our_own_fault_is_put_off_and_counted_by_nobody() -> None:
    counted = Counted()
    assert failed(Failed("full", is_ours=True), counted) == Later(1.0, "full", is_counted=False)
    assert counted.told == []
