"""What calls about users share in a process: the client, and one thread that reads and counts for all of them at once.

A statement of its own for each of a thousand calls would cost more than the calls: those that begin or end within a
hundredth of a second go together.
"""

import asyncio
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from config.seal import Seal
from db.jsonb import loads
from db.pool import Connection, Database, DatabaseError
from db.query import Query, literal
from db.sealed import endpoint_headers_place
from telemetry.log import Events
from workers.async_http import AsyncClient
from workers.kind import Context

events = Events("crew")

_LARGEST_GROUP = 500
_GATHER_SECONDS = 0.01
# Whose calls have to fail until that is an outage: as many as a crew has, but these at least.
_FEWEST_USERS = 3


class Away(Exception):
    """Postgres gave no answer: the call waits."""


class Call(NamedTuple):
    """Whom a call is about and whom it asks, in the order of look_at_calls.sql; what is None is not there any more.

    `is_among_answers`: the endpoint has answered somebody since the crew began, which is not over and has so many calls,
    or five and more.
    """

    id: UUID
    uid: str
    context: str | None
    goal: str | None
    is_active: bool
    endpoint_id: UUID | None
    url: str | None
    sealed_headers: str | None
    timeout_seconds: float | None
    protocol: str | None
    schedule_id: UUID | None
    parent_state: str
    rule: dict[str, Any] | None
    schedule_name: str | None
    user_id: UUID | None
    crew_began_at: datetime | None = None
    is_among_answers: bool = False
    calls: int = 1


class Circuit(NamedTuple):
    """For how many seconds an endpoint's circuit has been open, None: it is shut; and whether somebody was told just now."""

    endpoint_id: UUID
    open_seconds: float | None
    is_told: bool


LOOK = Query("look_at_calls", Call)
RECORD = Query("record_calls", Circuit)


@dataclass(slots=True)
class _Look:
    """A call that begins."""

    run_id: UUID
    slot_at: Any
    waiter: "asyncio.Future[Call]"


@dataclass(slots=True)
class _End:
    """A call that came to something; `waiter` of a failure is told for how long the circuit has been open.

    A failure that is not telling says nothing of the endpoint.
    """

    tenant_id: UUID
    call: Call
    error: str | None
    is_refusal: bool = False
    is_telling: bool = False
    waiter: "asyncio.Future[tuple[float | None]] | None" = None


class Caller:
    """One thread and one connection that look and count for all calls of the process."""

    def __init__(self, database: Database, http: AsyncClient, seal: Seal) -> None:
        self.http = http
        self._database = database
        self._seal = seal
        self._asked: queue.SimpleQueue[_Look | _End | None] = queue.SimpleQueue()
        self._conn: Connection | None = None
        self._thread = threading.Thread(target=self._run, name="crew", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Counts what ended, and ends the thread."""
        self._asked.put(None)
        self._thread.join(2)

    async def look(self, ctx: Context[Any]) -> Call:
        """Whom the run is about and whom it asks. Raises Away."""
        waiter: asyncio.Future[Call] = asyncio.get_running_loop().create_future()
        self._asked.put(_Look(ctx.run_id, ctx.slot_at, waiter))
        return await waiter

    def answered(self, ctx: Context[Any], call: Call) -> None:
        """Counts that the endpoint answered."""
        self._asked.put(_End(ctx.tenant_id, call, None))

    async def failed(self, ctx: Context[Any], call: Call, error: str, *, is_refusal: bool = False) -> float | None:
        """Counts that the endpoint gave no answer, or refused to.

        Of a user who was tried before, while others of the slot were answered, that is no news of the endpoint.
        Returns for how many seconds its circuit has been open; None while it is shut. Raises Away.
        """
        waiter: asyncio.Future[tuple[float | None]] = asyncio.get_running_loop().create_future()
        is_telling = ctx.attempt == 1 or not call.is_among_answers
        self._asked.put(_End(ctx.tenant_id, call, error, is_refusal, is_telling, waiter))
        return (await waiter)[0]

    def headers(self, ctx: Context[Any], call: Call) -> dict[str, str]:
        """The endpoint's own headers, opened. Raises SealError."""
        if call.sealed_headers is None or call.endpoint_id is None:
            return {}
        found: dict[str, str] = loads(
            self._seal.open(call.sealed_headers, endpoint_headers_place(ctx.tenant_id, call.endpoint_id))
        )
        return found

    def _run(self) -> None:
        is_last = False
        while not is_last:
            group = [self._asked.get()]
            time.sleep(_GATHER_SECONDS)
            while len(group) < _LARGEST_GROUP and not self._asked.empty():
                group.append(self._asked.get())
            is_last = None in group
            self._look([each for each in group if isinstance(each, _Look)])
            self._count([each for each in group if isinstance(each, _End)])
        if self._conn is not None:
            self._conn.close()

    def _look(self, looks: Sequence[_Look]) -> None:
        if not looks:
            return
        found: dict[UUID, Call] = {}
        try:
            rows = LOOK.all(self._open(), ids=[each.run_id for each in looks], slots=[each.slot_at for each in looks])
            found = {row.id: row for row in rows}
        except DatabaseError as error:
            self._lose(error)
        _tell([(each.waiter, found.get(each.run_id)) for each in looks])

    def _count(self, ends: Sequence[_End]) -> None:
        if not ends:
            return
        by_endpoint = defaultdict[tuple[UUID, UUID], list[_End]](list)
        for end in ends:
            if end.call.endpoint_id is not None:
                by_endpoint[end.tenant_id, end.call.endpoint_id].append(end)
        failed = {key: [end.error for end in each if end.error is not None] for key, each in by_endpoint.items()}
        telling = [[end for end in each if end.is_telling] for each in by_endpoint.values()]
        open_seconds: dict[UUID, float | None] | None = {}
        try:
            rows = RECORD.all(
                self._open(),
                tenant_ids=[tenant for tenant, _ in by_endpoint],
                endpoint_ids=[endpoint for _, endpoint in by_endpoint],
                schedule_ids=[each[-1].call.schedule_id for each in by_endpoint.values()],
                answered=[len(each) - len(failed[key]) for key, each in by_endpoint.items()],
                failed=[len(failed[key]) for key in by_endpoint],
                telling=[len(each) for each in telling],
                refused=[sum(end.is_refusal for end in each) for each in telling],
                failing=literal(literal(_users_of(each)) for each in telling),
                needed=[max([_FEWEST_USERS, *(end.call.calls for end in each)]) for each in telling],
                began_at=[_newest(each) for each in by_endpoint.values()],
                errors=literal(failed[key][-1] if failed[key] else None for key in by_endpoint),
            )
            open_seconds = {row.endpoint_id: row.open_seconds for row in rows}
        except DatabaseError as error:
            self._lose(error)
            open_seconds = None
        told = [
            (end.waiter, None if open_seconds is None else (open_seconds.get(end.call.endpoint_id),))
            for end in ends
            if end.waiter is not None and end.call.endpoint_id is not None
        ]
        _tell(told)

    def _open(self) -> Connection:
        if self._conn is None:
            self._conn = self._database.connect("crew")
        return self._conn

    def _lose(self, error: DatabaseError) -> None:
        events.warning("crew.away", error=str(error).strip())
        if self._conn is not None and (self._conn.broken or self._conn.closed):
            self._conn = None


def _users_of(ends: Sequence[_End]) -> list[UUID]:
    """Whose calls these were."""
    return [end.call.user_id for end in ends if end.call.user_id is not None]


def _newest(ends: Sequence[_End]) -> datetime | None:
    """When the newest of the crews began whose calls were answered."""
    began = (end.call.crew_began_at for end in ends if end.error is None)
    return max((each for each in began if each is not None), default=None)


def _tell(results: Sequence[tuple[Any, Any]]) -> None:
    """Hands each waiter its result, on the loop that it waits on; None is Postgres's silence."""
    by_loop = defaultdict[asyncio.AbstractEventLoop, list[tuple[Any, Any]]](list)
    for waiter, result in results:
        by_loop[waiter.get_loop()].append((waiter, result))
    for loop, each in by_loop.items():
        loop.call_soon_threadsafe(_settle, each)


def _settle(results: Sequence[tuple[Any, Any]]) -> None:
    for waiter, result in results:
        if waiter.done():
            continue
        if result is None:
            waiter.set_exception(Away("Postgres gave no answer"))
        else:
            waiter.set_result(result)
