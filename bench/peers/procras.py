"""Procrastinate: two worker processes of twenty at once that look every 0.2 s (its defaults, 1 and 5 s, are slower)."""

import asyncio
import contextlib
from datetime import datetime

import procrastinate

from bench.peers.peer import Loaded, Place, environ, nothing
from bench.stage import Processes, value
from bench.stamps import hit

_LOADED_AT_ONCE = 2000


async def noop() -> None:
    hit()


def _app(url: str) -> procrastinate.App:
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url, max_size=20))
    app.task(name="noop")(noop)
    return app


class ProcrastinatePeer:
    lead_seconds = 10.0

    def start(self, processes: Processes, place: Place) -> None:
        self._url = place.database
        asyncio.run(self._install())
        self._conn = place.conn
        for _ in range(2):
            processes.start("worker", "bench.peers.procras", BENCH_DATABASE=place.database)
        warm = self.load(16, value(self._conn, "select now()"))
        assert processes.wait_until(warm.is_finished, 40), "the workers did not start"

    def load(self, count: int, due_at: datetime) -> Loaded:
        asyncio.run(self._defer(count, due_at))
        self._conn.execute("vacuum analyze procrastinate_jobs")
        unfinished = "select not exists (select from procrastinate_jobs where status in ('todo', 'doing'))"
        return Loaded(nothing, lambda: bool(value(self._conn, unfinished)))

    async def _install(self) -> None:
        async with _app(self._url).open_async() as app:
            await app.schema_manager.apply_schema_async()

    async def _defer(self, count: int, due_at: datetime) -> None:
        async with _app(self._url).open_async() as app:
            deferrer = app.tasks["noop"].configure(schedule_at=due_at)
            for start in range(0, count, _LOADED_AT_ONCE):
                await deferrer.batch_defer_async(*[{} for _ in range(min(_LOADED_AT_ONCE, count - start))])


async def work() -> None:
    async with _app(environ("BENCH_DATABASE")).open_async() as app:
        await app.run_worker_async(concurrency=20, fetch_job_polling_interval=0.2, wait=True, listen_notify=True)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(work())
