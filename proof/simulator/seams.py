"""Where the engine meets the model: a connection whose statements are functions, and the clock and chance put in place."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import datetime
from types import SimpleNamespace, TracebackType
from typing import Any, Final, Protocol
from unittest.mock import patch
from uuid import UUID, uuid4

import psycopg

import scheduler.frontier
import scheduler.made
import scheduler.relay
import scheduler.steps
import scheduler.ticker
from db import ids, processes
from db.query import Query
from proof.simulator import calendars, changing, limiting, planning, releasing
from proof.simulator.planning import Answer
from proof.simulator.rows import NotModelled
from proof.simulator.store import Busy, Store
from proof.simulator.world import World

Statement = Callable[[Store, datetime, Mapping[str, Any], object], Answer]

STATEMENTS: Final[Mapping[str, Statement]] = {
    statement.__name__: statement
    for room in (planning, changing, releasing, limiting, calendars)
    for statement in room.STATEMENTS
}
_LOCKS_FIRST: Final = frozenset(
    {
        "read_now",
        "get_schedule",
        "get_run",
        "lock_schedule",
        "claim_due_schedules",
        "list_days",
        "list_calendars",
        "lock_calendar_schedules",
        "lock_calendar",
        "hold_calendar",
    }
)
_READS: Final = frozenset(
    {
        "next_due_seconds",
        "find_made_runs",
        "find_held_back_runs",
        "find_ended_tickers",
        "find_waiting_schedules",
        "find_overlapped_runs",
        "find_stale_runs",
        "reap_deliveries",
        "record_last_runs",
        "fail_reports",
        "read_now",
        "get_schedule",
        "get_run",
    }
)
_IDLE_SECONDS = 5.0


class Nemesis(Protocol):
    """Who decides what fails."""

    def at_point(self, name: str) -> None:
        """Raises Died when the process that stands at this fault point dies there."""
        ...

    def before(self, name: str) -> None:
        """Lets others go on before the statement, or raises what the database would."""
        ...

    def is_answer_lost(self, owner: object) -> bool:
        """Whether the connection breaks after a commit and before its answer."""
        ...


class Connection:
    """A connection to the store, as far as the engine looks at one."""

    prepare_threshold = 5

    def __init__(self, store: Store, nemesis: Nemesis, owner: object) -> None:
        self.store = store
        self.nemesis = nemesis
        self.owner = owner
        self.broken = self.closed = False
        self.began: datetime | None = None
        self.is_writing = False

    def transaction(self) -> AbstractContextManager[None]:
        """All statements inside at one now(), all of them or none; the rows locked are free afterwards.

        One within another is a part of it: nobody here goes on after an error within.
        """
        return Transaction(self) if self.began is None else nullcontext()

    def unlock(self) -> None:
        """Gives back the rows that this connection locked."""
        if self.store.locks:
            self.store.locks = {id_: owner for id_, owner in self.store.locks.items() if owner is not self}

    def close(self) -> None:
        """The connection closed."""
        self.closed = True

    def ask(self, name: str, params: Mapping[str, Any]) -> Answer:
        """What the statement answers."""
        if self.broken:
            raise psycopg.OperationalError("the connection is closed")
        statement = STATEMENTS.get(name)
        if statement is None:
            raise NotModelled(f"proof/simulator has no model of {name}.sql")
        began = self.began
        if began is None:
            self.nemesis.before(name)
            if name in _READS:
                return statement(self.store, self.store.world.now, params, self)
            return self._alone(statement, params)
        if name in _LOCKS_FIRST:
            return self._lock(name, statement, params, began)
        self.refuse_when_idled()
        if not self.is_writing:
            self.store.begin()
            self.is_writing = True
        self.nemesis.before("write")
        return statement(self.store, began, params, self)

    def _alone(self, statement: Statement, params: Mapping[str, Any]) -> Answer:
        """A statement that is a transaction of its own."""
        self.store.begin()
        try:
            found = statement(self.store, self.store.world.now, params, self)
        except BaseException:
            self.store.roll_back()
            raise
        self.store.commit()
        return found

    def _lock(self, name: str, statement: Statement, params: Mapping[str, Any], began: datetime) -> Answer:
        if name in ("lock_schedule", "lock_calendar_schedules", "claim_due_schedules") and not self.is_writing:
            self.nemesis.before(name)
        if name == "lock_schedule" and self.store.locks.get(params["id"], self) is not self:
            raise Busy
        return statement(self.store, began, params, self)

    def refuse_when_idled(self) -> None:
        """The server ended the transaction of a process that stood still in it."""
        if self.began is not None and not self.is_writing:
            stood = (self.store.world.now - self.began).total_seconds()
            if stood > _IDLE_SECONDS:
                self.broken = True
                raise psycopg.OperationalError("terminating connection due to idle-in-transaction timeout")


class Transaction:
    """A transaction of a connection, committed at its end unless something was raised."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    def __enter__(self) -> None:
        self._conn.began = self._conn.store.world.now

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        conn, store = self._conn, self._conn.store
        try:
            if error is None:
                conn.refuse_when_idled()
            if conn.is_writing and error is not None:
                store.roll_back()
            elif conn.is_writing:
                store.commit()
                if conn.nemesis.is_answer_lost(conn.owner):
                    conn.broken = True
                    raise psycopg.OperationalError("the connection was lost after the commit")
        finally:
            conn.began, conn.is_writing = None, False
            conn.unlock()


def engine(conn: Connection) -> Any:
    """The connection, for the engine's own functions, which take it for psycopg's."""
    return conn


def _all(self: Query[Any], conn: Connection, /, **params: Any) -> list[Any]:
    found = conn.ask(self.name, params)
    return [self.row(*values) for values in found] if self.row is not None else []


def _one(self: Query[Any], conn: Connection, /, **params: Any) -> Any:
    found = conn.ask(self.name, params)
    return self.row(*found[0]) if found and self.row is not None else None


def _run(self: Query[Any], conn: Connection, /, **params: Any) -> int:
    return len(conn.ask(self.name, params))


def _here(stand_in: Callable[..., Any], real: Callable[..., Any]) -> Callable[..., Any]:
    """`stand_in` for the thread that asks for it; a server that lives beside in others keeps what is real."""
    home = threading.get_ident()

    def chosen(*args: Any, **options: Any) -> Any:
        return (stand_in if threading.get_ident() == home else real)(*args, **options)

    return chosen


@contextmanager
def installed(world: World, nemesis: Nemesis) -> Iterator[None]:
    """This thread's statements, clock, ids and fault points of the engine led to the model for as long as this lasts."""
    clock = SimpleNamespace(monotonic=_here(world.monotonic, time.monotonic))
    log = logging.getLogger("tocsin")
    level = log.level

    def new_id() -> UUID:
        return UUID(int=world.rng.getrandbits(128), version=4)

    with ExitStack() as stack:
        for name, stand_in in (("all", _all), ("one", _one), ("run", _run)):
            stack.enter_context(patch.object(Query, name, _here(stand_in, getattr(Query, name))))
        for room in (scheduler.steps, scheduler.frontier, scheduler.made, scheduler.relay, processes):
            stack.enter_context(patch.object(room, "time", clock))
        for room in (scheduler.steps, scheduler.ticker, scheduler.relay):
            stack.enter_context(patch.object(room, "faultpoint", _here(nemesis.at_point, room.faultpoint)))
        for room in (processes, scheduler.relay):
            stack.enter_context(patch.object(room, "uuid4", _here(new_id, uuid4)))
        chance = SimpleNamespace(urandom=_here(world.rng.randbytes, os.urandom))
        stack.enter_context(patch.object(ids, "os", chance))
        log.setLevel(logging.CRITICAL + 1)
        try:
            yield
        finally:
            log.setLevel(level)
