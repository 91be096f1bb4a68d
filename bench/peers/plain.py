"""A plain Dramatiq actor with two Postgres writes a message: what a careful application writes without a scheduler.

Nothing is claimed or planned: the run rows lie there, and one loop enqueues them at the instant. Workers: Dramatiq's
own command with two processes of eight threads, its stock broker and middleware, a pool of connections.
`python -m dramatiq bench.peers.plain` imports this file.
"""

import os
import threading
from datetime import datetime
from typing import Any

import dramatiq
import psycopg
import redis
from dramatiq.brokers.redis import RedisBroker
from psycopg_pool import ConnectionPool

from bench.peers.peer import Loaded, Place
from bench.stage import Processes, value
from bench.stamps import hit

_TABLE = """
create table plain_runs (
    id bigint generated always as identity primary key, state text not null default 'queued',
    started_at timestamptz, finished_at timestamptz
)
"""
_START = "update plain_runs set state = 'running', started_at = now() where id = %s and state = 'queued'"
_FINISH = "update plain_runs set state = 'succeeded', finished_at = now() where id = %s and state = 'running'"
_ONE_POOL = threading.Lock()
_pools: list[ConnectionPool[psycopg.Connection[Any]]] = []


def run(run_id: int) -> None:
    with _pool().connection() as conn:
        if conn.execute(_START, (run_id,), prepare=True).rowcount:
            hit()
            conn.execute(_FINISH, (run_id,), prepare=True)


def _pool() -> ConnectionPool[psycopg.Connection[Any]]:
    with _ONE_POOL:
        if not _pools:
            _pools.append(
                ConnectionPool(os.environ["BENCH_DATABASE"], min_size=8, kwargs={"autocommit": True}, open=True)
            )
            _pools[0].wait()
    return _pools[0]


class Plain:
    lead_seconds = 2.0

    def start(self, processes: Processes, place: Place) -> None:
        self._conn = place.conn
        self._conn.execute(_TABLE)
        self._broker = RedisBroker(url=place.redis)  # type: ignore[no-untyped-call]
        self._actor = dramatiq.actor(broker=self._broker, queue_name="plain")(run)
        command = ("bench.peers.plain:broker", "--processes", "2", "--threads", "8")
        processes.start("worker", "dramatiq", *command, BENCH_DATABASE=place.database, BENCH_REDIS=place.redis)
        warm = self._load(16)
        warm.at_instant()
        assert processes.wait_until(warm.is_finished, 30), "the workers did not start"
        self._conn.execute("truncate plain_runs restart identity")

    def load(self, count: int, _due_at: datetime) -> Loaded:
        return self._load(count)

    def _load(self, count: int) -> Loaded:
        rows = self._conn.execute(
            "insert into plain_runs (state) select 'queued' from generate_series(1, %s) returning id", (count,)
        ).fetchall()
        self._conn.execute("vacuum analyze plain_runs")

        def enqueue() -> None:
            for (run_id,) in rows:
                self._actor.send(run_id)

        unfinished = "select not exists (select from plain_runs where state <> 'succeeded')"
        return Loaded(enqueue, lambda: bool(value(self._conn, unfinished)))


def broker() -> None:
    """Called by Dramatiq's command in each worker process."""
    stock = RedisBroker(client=redis.Redis.from_url(os.environ["BENCH_REDIS"]))  # type: ignore[no-untyped-call]
    dramatiq.set_broker(stock)
    dramatiq.actor(broker=stock, queue_name="plain")(run)
    _pool()
