"""Who tells of an answer: its crew as long as it can count it, or the answer itself."""

import asyncio
from typing import Any, cast
from uuid import UUID

from tests.workers.kinds.contexts import context
from workers.crew.caller import Away, Call, Caller
from workers.kinds import crew_ask

CALL = Call(UUID(int=1), "ann", "c", "g", True, UUID(int=2), "https://a.example", None, 60.0, "plain", None, "running", None, None, None)  # fmt: skip


class Looks:
    """Answers the states of a crew one after the other; None: Postgres is away."""

    def __init__(self, *states: str | None) -> None:
        self.left = list(states)

    async def look(self, _ctx: Any) -> Call:
        state = self.left.pop(0)
        if state is None:
            raise Away
        return CALL._replace(parent_state=state)


def state_for(looks: Looks, first: str, **overrides: Any) -> str:
    ctx = context(crew_ask.Params(endpoint_id=UUID(int=2)), **overrides)
    call = CALL._replace(parent_state=first)
    return asyncio.run(crew_ask._crew_state(ctx, cast(Caller, looks), call))


def test_a_replayed_answer_waits_until_it_is_known_whether_its_crew_is_at_its_end() -> None:
    looks = Looks("running", None, "succeeded")
    assert state_for(looks, "running", attempt=2) == "succeeded"
    assert looks.left == []
    assert state_for(Looks("pending"), "running", attempt=2) == "pending"


def test_who_is_counted_for_certain_asks_for_nothing() -> None:
    for first, attempt in (("running", 1), ("pending", 2), ("succeeded", 2)):
        assert state_for(Looks(), first, attempt=attempt) == first
