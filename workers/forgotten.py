"""Forgotten: what Postgres says that this process leases, and the process knows nothing of, is given back.

So it is after a lease whose answer was lost, and after a failover to a server that never heard of an end. Nobody else
would look for it before its deadline: the process is alive.
"""

import math
import time
from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from db.pool import Pool
from db.processes import Heartbeat
from db.query import Query
from telemetry.log import Events
from workers.lease import RELEASE

events = Events("forgotten")

# How long after the doubt began each look is: a statement whose answer was lost may still come to its end.
_LOOKS = (0.0, 1.0, 3.0, 10.0, 30.0, 60.0)


class Held(NamedTuple):
    """A lease, as Postgres has it."""

    id: UUID
    slot_at: datetime
    fence: int


LIST_RUNS = Query("list_leased_runs", Held)
LIST_DELIVERIES = Query("list_leased_deliveries", Held)
EXPIRE_DELIVERIES = Query("expire_deliveries")


class Forgotten:
    """Compares what Postgres says with what the process holds, a few times after an answer or a connection was lost.

    `runs` and `deliveries` are what is held: ids are there before Postgres hears of the lease, or, of runs, before
    `lease_pools` let go of the connections on which all are leased; they go once an end is committed or void.
    """

    def __init__(
        self,
        pool: Pool,
        lease_pools: tuple[Pool, Pool],
        heartbeat: Heartbeat,
        runs: Collection[tuple[UUID, int]],
        deliveries: Collection[UUID | None],
    ) -> None:
        self._pool = pool
        self._lease_pools = lease_pools
        self._heartbeat = heartbeat
        self._runs = runs
        self._deliveries = deliveries
        self._doubts = heartbeat.doubts
        self._looks = len(_LOOKS)
        self._since = -math.inf

    def give_back(self) -> None:
        """Gives back what was forgotten, if there is a doubt and it is time to look."""
        now = time.monotonic()
        if self._doubts != self._heartbeat.doubts:
            self._doubts, self._looks, self._since = self._heartbeat.doubts, 0, now
        if self._looks < len(_LOOKS) and now >= self._since + _LOOKS[self._looks]:
            self._give_back_runs()
            self._give_back_deliveries()
            self._looks += 1

    def _give_back_runs(self) -> None:
        # Nobody else has both: so no run is leased whose id is not yet held.
        with self._lease_pools[0].connection() as conn, self._lease_pools[1].connection():
            process_id = self._heartbeat.lease.process_id
            listed = LIST_RUNS.all(conn, process_id=process_id)
            forgotten = [run for run in listed if (run.id, run.fence) not in self._runs]
            if forgotten:
                RELEASE.run(conn, **_columns(forgotten), process_id=process_id, reason="answer_lost", delay=0)
                events.warning("runs.forgotten", runs=len(forgotten))

    def _give_back_deliveries(self) -> None:
        with self._pool.connection() as conn:
            process_id = self._heartbeat.lease.process_id
            listed = LIST_DELIVERIES.all(conn, process_id=process_id)
            forgotten = [delivery for delivery in listed if delivery.id not in self._deliveries]
            if forgotten:
                EXPIRE_DELIVERIES.run(conn, **_columns(forgotten), process_id=process_id)
                events.warning("deliveries.forgotten", deliveries=len(forgotten))


def _columns(held: Collection[Held]) -> dict[str, list[object]]:
    return {
        "ids": [each.id for each in held],
        "slots": [each.slot_at for each in held],
        "fences": [each.fence for each in held],
    }
