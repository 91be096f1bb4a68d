"""ring: how many runs a second reach the broker, beside Dramatiq's own `broker.enqueue` with one message a run."""

import time
from datetime import UTC, datetime
from uuid import UUID

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker

from bench.result import Goal, Options, Result
from bench.stage import Stage
from db.ids import ids_at
from db.runs import Ring
from scheduler.relay import NAMESPACE, RedisBell, Relay

BATCH = 1000


def run(options: Options) -> list[Result]:
    count = options.size(20_000)
    slot = datetime(2026, 1, 1, tzinfo=UTC)
    tenant = UUID(int=1)
    rings = [Ring(run_id, slot, 1, "default", "bench.noop", tenant) for run_id in ids_at(slot, count)]
    ours, plain, messages = [], [], 0
    with Stage() as stage:
        for rep in range(options.reps):
            for is_ours in (True, False) if rep % 2 == 0 else (False, True):
                stage.flush()
                if is_ours:
                    seconds, messages = _relay(stage.redis.url, rings)
                    ours.append(count / seconds)
                else:
                    plain.append(count / _enqueue(stage.redis.url, [ring.id for ring in rings]))
    details = {"runs": count, "batch": BATCH, "runsPerMessage": round(count / messages, 1)}
    return [Result("ring", "runs/s", "higher", ours, {"broker.enqueue": plain}, [Goal(5, "broker.enqueue")], details)]


def _relay(url: str, rings: list[Ring]) -> tuple[float, int]:
    """Seconds that our relay takes in batches as the ticker has them, and how many messages it made."""
    relay = Relay(RedisBell(url))
    relay.ring(rings[:1])
    began = time.perf_counter()
    for start in range(0, len(rings), BATCH):
        relay.ring(rings[start : start + BATCH])
    seconds = time.perf_counter() - began
    with redis.Redis.from_url(url) as client:
        messages = client.llen(f"{NAMESPACE}:default")
    assert isinstance(messages, int)
    assert messages > 1, "nothing was rung"
    return seconds, messages - 1


def _enqueue(url: str, run_ids: list[UUID]) -> float:
    """Seconds that Dramatiq's broker takes, as it comes, with one message a run."""
    broker = RedisBroker(url=url)  # type: ignore[no-untyped-call]
    broker.declare_queue("plain")
    names = [str(run_id) for run_id in run_ids]
    broker.enqueue(_message(names[0]))
    began = time.perf_counter()
    for name in names:
        broker.enqueue(_message(name))
    seconds = time.perf_counter() - began
    assert broker.client.llen("dramatiq:plain") == len(names) + 1, "messages are missing"
    broker.close()
    return seconds


def _message(name: str) -> dramatiq.Message[None]:
    return dramatiq.Message(queue_name="plain", actor_name="run", args=(name,), kwargs={}, options={})
