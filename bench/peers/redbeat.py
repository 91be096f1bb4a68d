"""RedBeat: Celery beat with its entries in Redis, and a Celery worker of two processes. Nothing of it is in Postgres,
so its end is the start of its last handler.
"""

import sys
from datetime import datetime, timedelta

import redis
from celery import Celery
from celery.schedules import schedule
from redbeat import RedBeatSchedulerEntry

from bench.peers.peer import Loaded, Place, environ, nothing
from bench.stage import Processes
from bench.stamps import hit

_EVERY = timedelta(hours=1)


def noop() -> None:
    hit()


def _app(url: str) -> Celery:
    app = Celery("bench", broker=url)
    app.conf.update(
        task_ignore_result=True,
        timezone="UTC",
        enable_utc=True,
        redbeat_redis_url=url,
        # Beat may sleep for five minutes and miss what was added meanwhile; the entries are added while it runs.
        beat_max_loop_interval=1,
        # What it would be without the line above; a tick of 10,000 entries takes longer than five seconds.
        redbeat_lock_timeout=1500,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
    )
    app.task(noop, name="noop")
    return app


class RedBeat:
    lead_seconds = 30.0

    def start(self, processes: Processes, place: Place) -> None:
        self._redis = place.redis
        self._processes = processes
        for role in ("worker", "beat"):
            processes.start(role, "bench.peers.redbeat", role, BENCH_REDIS=self._redis)
        _app(self._redis).send_task("noop")
        assert processes.wait_until(lambda: processes.stamps.count() == 1, 40), "the worker did not start"
        with redis.Redis.from_url(self._redis) as client:
            # Beat is up once it holds RedBeat's lock.
            assert processes.wait_until(lambda: bool(client.exists("redbeat::lock")), 40), "beat did not start"

    def load(self, count: int, due_at: datetime) -> Loaded:
        app = _app(self._redis)
        for number in range(count):
            entry = RedBeatSchedulerEntry(f"entry{number}", "noop", schedule(_EVERY), app=app)
            entry.last_run_at = due_at - _EVERY
            entry.save()
        return Loaded(nothing, lambda: True)


if __name__ == "__main__":
    worker = ["worker", "--concurrency=2", "--loglevel=ERROR", "--without-gossip", "--without-mingle"]
    beat = ["beat", "--scheduler=redbeat.RedBeatScheduler", "--loglevel=ERROR", "--pidfile="]
    _app(environ("BENCH_REDIS")).start(argv=worker if sys.argv[1] == "worker" else beat)
