"""The look: once a second, a worker with free room finds in Postgres what no message brought it.

One rule for every lost message: flushed, evicted, failed over, stranded in a dead process, or never sent because the
broker was away. Busy workers don't look, so a long queue is not flooded; stale messages find their runs started.
"""

import random
import threading
from typing import NamedTuple
from uuid import UUID

from db.pool import DatabaseError, Pool
from db.processes import Heartbeat
from db.query import Query
from db.runs import Pointer
from telemetry.log import Events
from workers.broker import SUSPECT
from workers.deliver import Deliverer
from workers.execute import Executor
from workers.forgotten import Forgotten
from workers.lease import Leaser, Work
from workers.runner import Runner

events = Events("look")

LARGEST_LOOK = 64
# Behind busy threads a run may be queued for long and be nobody's loss; where one is idle it should have begun.
_QUEUED_SECONDS, _STRANDED_SECONDS = 2.0, 0.5


class StaleRun(NamedTuple):
    """A run that was released and not leased."""

    id: UUID
    slot_at: object
    fence: int


class RunId(NamedTuple):
    """A run by its id."""

    id: UUID


FIND_RUNS = Query("find_stale_runs", StaleRun)
FIND_DELIVERIES = Query("find_stale_deliveries", Pointer)
LIST_CANCEL_REQUESTS = Query("list_cancel_requests", RunId)


class Look:
    """A thread that looks about once a second, at once again while it finds as much as it has room for."""

    def __init__(
        self,
        pool: Pool,
        heartbeat: Heartbeat,
        leaser: Leaser,
        executor: Executor,
        runner: Runner[Work],
        deliverer: Deliverer,
        queues: tuple[str, ...],
        suspects: threading.Semaphore,
        forgotten: Forgotten,
    ) -> None:
        self._pool = pool
        self._heartbeat = heartbeat
        self._leaser = leaser
        self._executor = executor
        self._runner = runner
        self._deliverer = deliverer
        self._queues = list(queues)
        self._suspects = suspects
        self._forgotten = forgotten
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="look", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread."""
        self._stopping.set()
        self._thread.join(10)

    def _run(self) -> None:
        wait = 1.0
        while not self._stopping.wait(wait):
            try:
                found = self._look()
            except DatabaseError as error:
                events.warning("look.failed", error=str(error).strip())
                found = False
            except Exception as error:  # noqa: BLE001  the look must outlive every bug: without it lost messages stay lost
                events.error("look.raised", error=f"{type(error).__name__}: {error}")
                found = False
            # Jitter keeps many workers from looking at the same rows at the same moment.
            wait = 0.02 if found else random.uniform(0.7, 1.3)

    def _look(self) -> bool:
        self._executor.end_overdue()
        self._forgotten.give_back()
        self._give_back()
        with self._pool.connection() as conn:
            requests = LIST_CANCEL_REQUESTS.all(conn, process_id=self._heartbeat.lease.process_id)
        self._executor.cancel([row.id for row in requests])
        self._look_for_suspects()
        has_more_deliveries = self._look_for_deliveries()
        return self._look_for_runs() or has_more_deliveries

    def _look_for_runs(self) -> bool:
        """Starts stale runs as far as there is room; True when there may be more."""
        room = min(self._runner.room(), LARGEST_LOOK)
        if not room:
            return False
        age = _STRANDED_SECONDS if self._runner.has_idle_thread() else _QUEUED_SECONDS
        with self._pool.connection() as conn:
            stale = FIND_RUNS.all(conn, queues=self._queues, age=age, room=4 * room)
        chosen = stale if len(stale) <= room else random.sample(stale, room)
        self._runner.take(self._leaser.lease([(str(run.id), run.fence) for run in chosen]))
        return len(stale) > room

    def _look_for_suspects(self) -> None:
        if not self._suspects.acquire(blocking=False):
            return
        works: list[tuple[Work, bool]] = []
        try:
            with self._pool.connection() as conn:
                stale = FIND_RUNS.all(conn, queues=[SUSPECT], age=_STRANDED_SECONDS, room=8)
            chosen = random.sample(stale, 1) if stale else []
            works = self._leaser.lease([(str(run.id), run.fence) for run in chosen])
        finally:
            if not works:
                self._suspects.release()
        for work, _ in works:
            work.when_done = self._suspects.release
        self._runner.take(works)

    def _look_for_deliveries(self) -> bool:
        """Offers stale deliveries as far as there is room; True when there may be more."""
        room = self._deliverer.room()
        if not room:
            return False
        with self._pool.connection() as conn:
            stale = FIND_DELIVERIES.all(conn, age=1.0, room=room)
        for row in stale:
            self._deliverer.offer(row.id, row.slot_at)
        return len(stale) == room

    def _give_back(self) -> None:
        """Gives back what was leased ahead once the runs before it turn out slow."""
        if self._runner.is_stalled():
            works = self._runner.unstarted()
            self._leaser.give_back([work.leased for work in works], "given_back")
            for work in works:
                work.let_go()
