"""Faults of the broker: of Redis, and of RabbitMQ where that is the broker."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from proof.chaos.faults.attack import Attack
from proof.chaos.world import World
from workers.broker import ALL_QUEUES


@contextmanager
def flushed(world: World, _chance: random.Random) -> Iterator[str]:
    """Redis forgets everything."""
    with redis.Redis.from_url(world.redis.url) as client:
        client.flushall()
    yield "redis"


@contextmanager
def shut_down(world: World, chance: random.Random) -> Iterator[str]:
    """Redis is killed, and comes back empty after a while."""
    world.redis.kill()
    yield "redis"
    time.sleep(chance.uniform(0.2, 3.0))
    world.redis.start()


@contextmanager
def old_dump(world: World, chance: random.Random) -> Iterator[str]:
    """What Redis held some seconds ago comes back."""
    with redis.Redis.from_url(world.redis.url) as client:
        client.save()
        dump = world.redis.folder / "dump.rdb"
        kept = dump.read_bytes()
        yield f"{len(kept)} bytes"
        time.sleep(chance.uniform(1.0, 3.0))
    world.redis.kill()
    dump.write_bytes(kept)
    world.redis.start()


def configured(name: str, value: str, usual: str) -> Attack:
    """A setting of Redis has that value for a while."""

    @contextmanager
    def fault(world: World, chance: random.Random) -> Iterator[str]:
        with redis.Redis.from_url(world.redis.url) as client:
            client.config_set(name, value)
            yield f"redis {name} {value}"
            time.sleep(chance.uniform(0.5, 3.0))
            client.config_set(name, usual)

    return fault


@contextmanager
def read_only(world: World, chance: random.Random) -> Iterator[str]:
    """Redis takes no writes for a while, as a replica whose primary is gone."""
    with redis.Redis.from_url(world.redis.url) as client:
        client.replicaof("127.0.0.1", "1")
        yield "redis"
        time.sleep(chance.uniform(0.5, 3.0))
        client.replicaof("NO", "ONE")


@contextmanager
def restart(world: World, chance: random.Random) -> Iterator[str]:
    """The node is killed or stopped, is away for a while, and comes back with the messages that it kept."""
    is_killed = chance.random() < 0.5
    if is_killed:
        world.rabbitmq.kill()
    else:
        world.rabbitmq.stop()
    time.sleep(chance.uniform(0.2, 3.0))
    world.rabbitmq.start()
    yield f"rabbitmq, {'killed' if is_killed else 'stopped'}"


@contextmanager
def purge(world: World, _chance: random.Random) -> Iterator[str]:
    """All queues are emptied."""
    from dramatiq.brokers.rabbitmq import RabbitmqBroker  # it needs more than Redis does, and is needed here alone

    client = RabbitmqBroker(url=world.rabbitmq.url, middleware=[])
    try:
        count = 0
        for queue in ALL_QUEUES:
            client.declare_queue(queue, ensure=True)
            count += client.get_queue_message_counts(queue)[0]
            client.flush(queue)
    finally:
        client.close()
    yield f"{count} messages"
