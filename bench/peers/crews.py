"""Who else makes many slow calls from one process: a Celery worker with a pool of greenlets or of threads, one a call, whose
tasks call by the standard library and are acknowledged when they come in; and a bare program of asyncio and httpx that
keeps nothing. `python -m bench.peers.crews gevent|threads|asyncio`.
"""

import sys

if sys.argv[1:2] == ["gevent"]:
    from gevent import monkey

    monkey.patch_all()

import asyncio
import json
import os
import urllib.request
from pathlib import Path

BODY = json.dumps({"customer_business_background_latest": "sells", "customer_goal_latest": "to grow"}).encode()
MOST = 1000


def call(url: str) -> None:
    request = urllib.request.Request(url, BODY, {"Content-Type": "application/json"})  # noqa: S310  the bench's own
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  likewise
        json.load(answer)


def app(broker: str):  # type: ignore[no-untyped-def]
    from celery import Celery

    found = Celery("crews", broker=broker)
    found.conf.update(
        task_ignore_result=True,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
    )
    found.task(call, name="call")
    return found


async def _bare(url: str, count: int) -> None:
    """So many calls at once, once the file that says so is there."""
    import httpx

    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=None), timeout=60, trust_env=False) as client:
        while not Path(os.environ["BENCH_GO"]).exists():  # noqa: ASYNC110, ASYNC240  nothing else runs yet
            await asyncio.sleep(0.02)
        answers = await asyncio.gather(*(client.post(url, content=BODY) for _ in range(count)))
        assert all(answer.json() for answer in answers)
        await asyncio.sleep(60)  # until it is ended


if __name__ == "__main__":
    pool = sys.argv[1]
    if pool == "asyncio":
        asyncio.run(_bare(os.environ["BENCH_URL"], int(os.environ["BENCH_COUNT"])))
    else:
        quiet = ["--loglevel=ERROR", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        app(os.environ["BENCH_REDIS"]).start(argv=["worker", f"--pool={pool}", f"--concurrency={MOST}", *quiet])
