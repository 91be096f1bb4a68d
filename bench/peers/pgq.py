"""PgQueuer: two worker processes, a pool of ten connections and batches of a hundred (its default of ten is slower)."""

import asyncio
from datetime import datetime, timedelta

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver, AsyncpgPoolDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries

from bench.peers.peer import Loaded, Place, environ, nothing
from bench.stage import Processes, value
from bench.stamps import hit

_LOADED_AT_ONCE = 5000


class PgQueuerPeer:
    lead_seconds = 8.0

    def start(self, processes: Processes, place: Place) -> None:
        self._url = place.database
        asyncio.run(self._install())
        self._conn = place.conn
        for _ in range(2):
            processes.start("worker", "bench.peers.pgq", BENCH_DATABASE=place.database)
        warm = self.load(16, value(self._conn, "select now()"))
        assert processes.wait_until(warm.is_finished, 40), "the workers did not start"

    def load(self, count: int, due_at: datetime) -> Loaded:
        asyncio.run(self._enqueue(count, due_at))
        self._conn.execute("vacuum analyze pgqueuer")
        return Loaded(nothing, lambda: bool(value(self._conn, "select not exists (select from pgqueuer)")))

    async def _install(self) -> None:
        conn = await asyncpg.connect(self._url)
        await Queries(AsyncpgDriver(conn)).install()
        await conn.close()

    async def _enqueue(self, count: int, due_at: datetime) -> None:
        conn = await asyncpg.connect(self._url)
        queries = Queries(AsyncpgDriver(conn))
        for start in range(0, count, _LOADED_AT_ONCE):
            size = min(_LOADED_AT_ONCE, count - start)
            left: timedelta = due_at - await conn.fetchval("select clock_timestamp()")
            wait = max(timedelta(0), left)
            await queries.enqueue(["noop"] * size, [None] * size, [0] * size, [wait] * size)
        await conn.close()


async def noop(_job: Job) -> None:
    hit()


async def work() -> None:
    pool = await asyncpg.create_pool(environ("BENCH_DATABASE"), min_size=2, max_size=10)
    queuer = PgQueuer(AsyncpgPoolDriver(pool))
    queuer.entrypoint("noop")(noop)
    await queuer.run(batch_size=100)


if __name__ == "__main__":
    asyncio.run(work())
