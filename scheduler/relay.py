"""Released runs -> Dramatiq messages, packed and in batches, at least once.

A ring that is lost loses nothing: workers look in Postgres for runs that were released and not leased.
"""

import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from types import MappingProxyType
from typing import Protocol
from uuid import UUID, uuid4

from config.environ import CROWDS, QUEUES
from config.faults import faultpoint
from config.tls import redis_options
from db.runs import Ring
from telemetry import metrics, traces
from telemetry.log import Events

events = Events("relay")

ACTOR = "start_runs"
SUSPECT_ACTOR = "start_suspects"
SUSPECT = "suspect"
NAMESPACE = "dramatiq"
_LARGEST_PACK = 100
_PACKS_OF_A_HERD = 32
_LEAST_OF_A_CROWD = 4
_SILENCE_SECONDS = 2.0
_FIRST_OF_A_SECOND = 16
_CROWD_OF = dict(zip(QUEUES, CROWDS, strict=True))

# One call a batch: the messages in Dramatiq's own layout, and a capped bell for consumers that wait in BLPOP.
_RING = """
local count = 0
for i = 1, #ARGV, 3 do
    local queue, id, message = ARGV[i], ARGV[i + 1], ARGV[i + 2]
    redis.call('hset', KEYS[1] .. ':' .. queue .. '.msgs', id, message)
    redis.call('rpush', KEYS[1] .. ':' .. queue, id)
    local bell = KEYS[1] .. ':bell:' .. queue
    redis.call('rpush', bell, '')
    redis.call('ltrim', bell, -16, -1)
    count = count + 1
end
return count
"""


class Bell(Protocol):
    """Sends packed messages to a broker; raises whatever its client raises."""

    def ring(self, packs: Sequence[tuple[str, bytes, str]]) -> None:
        """Sends (queue, message, message id) for each pack."""
        ...


class Relay:
    """Rings runs on a broker; while the broker is away it stays silent and lets the workers look."""

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self._silent_until = 0.0
        self._lanes = Lanes()

    def ring(self, runs: Sequence[Ring]) -> None:
        """Rings every run once, or says in the log that it could not."""
        for kind in {run.kind for run in runs}:
            metrics.begin_kind(kind)
        if not runs or time.monotonic() < self._silent_until:
            return
        try:
            faultpoint("before_ring")
            since = time.monotonic()
            first, crowd = self._lanes.split(runs)
            self._bell.ring([*pack(first), *pack(crowd, _CROWD_OF, _LEAST_OF_A_CROWD)])
            faultpoint("after_ring")
        except Exception as error:  # noqa: BLE001  each client raises its own; the runs are safe in Postgres
            self._silent_until = time.monotonic() + _SILENCE_SECONDS
            events.warning("relay.failed", error=f"{type(error).__name__}: {error}", runs=len(runs))
        else:
            metrics.relayed.inc(len(runs))
            traces.each_took("relay", (run.id for run in runs), since)


class Lanes:
    """Tells a tenant's first runs of each second from its crowd, so that nobody waits behind another's fifty thousand."""

    def __init__(self) -> None:
        self._second = 0
        self._rung: Counter[UUID] = Counter()

    def split(self, runs: Sequence[Ring]) -> tuple[list[Ring], list[Ring]]:
        """The runs to ring first, and those of crowds."""
        second = int(time.monotonic())
        if second != self._second:
            self._second = second
            self._rung.clear()
        first: list[Ring] = []
        crowd: list[Ring] = []
        rung = self._rung
        for run in runs:
            count = rung[run.tenant_id]
            if count < _FIRST_OF_A_SECOND or run.queue not in _CROWD_OF:
                rung[run.tenant_id] = count + 1
                first.append(run)
            else:
                crowd.append(run)
        return first, crowd


def pack(
    runs: Iterable[Ring], queues: Mapping[str, str] = MappingProxyType({}), least: int = 1
) -> list[tuple[str, bytes, str]]:
    """Packs pointers by queue and kind: a few runs `least` a message, a herd by up to a hundred.

    `queues` maps a run's queue to the one that its message goes to, where that is another.
    """
    packs = []
    ordered = sorted(runs, key=attrgetter("queue", "kind"))
    for (queue, _), group in groupby(ordered, key=attrgetter("queue", "kind")):
        members = list(group)
        size = max(least, min(_LARGEST_PACK, len(members) // _PACKS_OF_A_HERD))
        lane = queues.get(queue, queue)
        packs += [_message(lane, members[start : start + size]) for start in range(0, len(members), size)]
    return packs


def _message(queue: str, runs: Sequence[Ring]) -> tuple[str, bytes, str]:
    """Dramatiq's message for these runs: each an id and a fence, since the id tells the slot."""
    message_id = str(uuid4())
    message = {
        "queue_name": queue,
        "actor_name": SUSPECT_ACTOR if queue == SUSPECT else ACTOR,
        "args": [queue, [[str(run.id), run.fence] for run in runs]],
        "kwargs": {},
        "options": {"redis_message_id": message_id},
        "message_id": message_id,
        "message_timestamp": runs[0].id.int >> 80,
    }
    return queue, json.dumps(message, separators=(",", ":")).encode(), message_id


class RedisBell:
    """Rings in Redis by one script a batch."""

    def __init__(self, url: str) -> None:
        import redis

        # Short limits: a broker that hangs must not hold up the ticker.
        self._client = redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1, **redis_options(url))
        self._script = self._client.register_script(_RING)

    def ring(self, packs: Sequence[tuple[str, bytes, str]]) -> None:
        """Sends the packs, five hundred a call."""
        for start in range(0, len(packs), 500):
            args: list[str | bytes] = []
            for queue, message, message_id in packs[start : start + 500]:
                args += (queue, message_id, message)
            self._script(keys=[NAMESPACE], args=args)


class RabbitBell:
    """Rings in RabbitMQ through Dramatiq's own broker, with publisher confirms."""

    def __init__(self, url: str) -> None:
        from dramatiq.brokers.rabbitmq import RabbitmqBroker

        self._broker = RabbitmqBroker(url=url, confirm_delivery=True, middleware=[])

    def ring(self, packs: Sequence[tuple[str, bytes, str]]) -> None:
        """Publishes each pack and waits until the broker confirms it."""
        from dramatiq import Message

        for queue, message, _ in packs:
            self._broker.declare_queue(queue)
            self._broker.enqueue(Message.decode(message))


def relay_to(broker_url: str) -> Relay:
    """The relay for a redis://, rediss:// or amqp:// address."""
    return Relay(RabbitBell(broker_url) if broker_url.startswith("amqp") else RedisBell(broker_url))
