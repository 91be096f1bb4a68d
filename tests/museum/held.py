"""Runs that a process holds, made by the hundred, and threads that reach for them at once."""

import threading
from collections.abc import Callable, Sequence
from typing import LiteralString
from uuid import UUID

from db.ids import ids_at
from tests import make
from tests.scheduler.ticking import START, Hand
from workers.rows import Leased

INSERT: LiteralString = """
    insert into runs (id, slot_at, tenant_id, kind, queue, origin, state, available_at, released_at, fence, max_attempts)
    select id, %(at)s, %(tenant)s, 'test.noop', 'default', 'manual', 'queued', %(at)s, %(at)s, 1, 5
    from unnest(%(ids)s::uuid[]) as id
"""


def queue(hand: Hand, count: int) -> list[UUID]:
    """So many queued runs that were asked for by hand."""
    at = make.now(hand.conn)
    ids = ids_at(at, count)
    hand.conn.execute(INSERT, {"at": at, "tenant": hand.tenant, "ids": ids})
    return ids


def lease(hand: Hand, ids: Sequence[UUID], process: UUID | None = None) -> list[Leased]:
    """Leases queued runs, as a worker does."""
    slots = [hand.value("select slot_at from runs where id = %s", ids[0])] * len(ids)
    leased = START.all(
        hand.conn, ids=list(ids), slots=slots, fences=[1] * len(ids), process_id=process or hand.process, lead=0
    )
    assert len(leased) == len(ids)
    return leased


def at_once(*acts: Callable[[], None]) -> list[BaseException]:
    """Does all of them at the same moment, each in a thread; what they raised."""
    raised: list[BaseException] = []
    ready = threading.Barrier(len(acts))

    def begin(act: Callable[[], None]) -> None:
        try:
            ready.wait(10)
            act()
        except BaseException as error:  # noqa: BLE001  a thread's error is the test's to judge
            raised.append(error)

    threads = [threading.Thread(target=begin, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return raised
