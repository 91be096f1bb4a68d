"""Chancy: two worker processes of its asyncio executor, twenty at once, that poll each second and again when a job ends
(its default of five seconds and no more is slower).
"""

import asyncio
from datetime import datetime

from chancy import Chancy, Queue, Worker, job

from bench.peers.peer import Loaded, Place, environ, nothing
from bench.stage import Processes, value
from bench.stamps import hit

_LOADED_AT_ONCE = 2000
_UNFINISHED = "select not exists (select from chancy_jobs where state <> 'succeeded')"


async def noop() -> None:
    hit()


NOOP = job()(noop)


class ChancyPeer:
    lead_seconds = 8.0

    def start(self, processes: Processes, place: Place) -> None:
        self._url = place.database
        asyncio.run(self._install())
        self._conn = place.conn
        for _ in range(2):
            processes.start("worker", "bench.peers.chancied", BENCH_DATABASE=place.database)
        # More than one worker has room for, so that both have begun.
        warm = self.load(64, value(self._conn, "select now()"))
        assert processes.wait_until(warm.is_finished, 40), "the workers did not start"

    def load(self, count: int, due_at: datetime) -> Loaded:
        asyncio.run(self._push(count, due_at))
        self._conn.execute("vacuum analyze chancy_jobs")
        return Loaded(nothing, lambda: bool(value(self._conn, _UNFINISHED)))

    async def _install(self) -> None:
        async with Chancy(self._url) as chancy:
            await chancy.migrate()
            await chancy.declare(
                Queue("default", concurrency=20, executor=Chancy.Executor.Async, polling_interval=1, eager_polling=True)
            )

    async def _push(self, count: int, due_at: datetime) -> None:
        async with Chancy(self._url) as chancy:
            for start in range(0, count, _LOADED_AT_ONCE):
                size = min(_LOADED_AT_ONCE, count - start)
                async for _ in chancy.push_many([NOOP.job.with_scheduled_at(due_at)] * size):
                    pass


async def work() -> None:
    async with Chancy(environ("BENCH_DATABASE")) as chancy, Worker(chancy) as worker:
        await worker.wait_for_shutdown()


if __name__ == "__main__":
    asyncio.run(work())
