"""RQ: jobs scheduled by `enqueue_at`, two SimpleWorkers (one that forks for each job is five times slower), one of them
with the scheduler. Nothing of it is in Postgres; its end is an empty queue.
"""

from datetime import datetime

import redis
from rq import Queue
from rq.registry import ScheduledJobRegistry, StartedJobRegistry
from rq.worker import SimpleWorker

from bench.peers.peer import Loaded, Place, environ, nothing
from bench.stage import Processes
from bench.stamps import hit


def noop() -> None:
    hit()


class RqPeer:
    lead_seconds = 12.0

    def start(self, processes: Processes, place: Place) -> None:
        self._client = redis.Redis.from_url(place.redis)
        self._queue = Queue("default", connection=self._client)
        for _ in range(2):
            processes.start("worker", "bench.peers.rqs", BENCH_REDIS=place.redis)
        for _ in range(16):
            self._queue.enqueue("bench.peers.rqs.noop", result_ttl=0)
        assert processes.wait_until(lambda: processes.stamps.count() == 16, 40), "the workers did not start"

    def load(self, count: int, due_at: datetime) -> Loaded:
        for _ in range(count):
            self._queue.enqueue_at(due_at, "bench.peers.rqs.noop", result_ttl=0)
        return Loaded(nothing, self._is_finished)

    def _is_finished(self) -> bool:
        waiting: int = ScheduledJobRegistry(queue=self._queue).count + self._queue.count
        running: int = StartedJobRegistry(queue=self._queue).count
        return waiting + running == 0


if __name__ == "__main__":
    client = redis.Redis.from_url(environ("BENCH_REDIS"))
    worker = SimpleWorker([Queue("default", connection=client)], connection=client)
    worker.work(with_scheduler=True, logging_level="ERROR")
