"""The broker as a worker consumes it: the bell, the small window, what is unreadable, and Redis away."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import dramatiq
import pytest
from dramatiq.errors import ConnectionClosed
from redis import Redis as Client

from db.ids import id_at
from db.runs import Ring
from local.processes import free_port
from local.redis import Redis
from scheduler.relay import RedisBell, pack
from tests.system import until
from workers.broker import ALL_QUEUES, WINDOW, DoorbellBroker, open_broker

SLOT = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


@pytest.fixture
def broker(redis: str) -> Iterator[Any]:
    broker = open_broker(redis, 8)
    assert isinstance(broker, DoorbellBroker)
    for name in ALL_QUEUES:
        broker.declare_queue(name)
    yield broker
    broker.close()
    broker.client.connection_pool.disconnect()


def ring(url: str, count: int = 1) -> None:
    """Rings so many messages, each of its own kind."""
    bell = RedisBell(url)
    bell.ring(pack(Ring(id_at(SLOT), SLOT, 1, "default", f"k{number}", UUID(int=7)) for number in range(count)))
    bell._client.close()


def test_a_message_comes_by_the_bell_at_once(broker: Any, redis: str) -> None:
    consumer = broker.consume("default")
    found: list[float] = []

    def wait() -> None:
        while next(consumer) is None:
            continue
        found.append(time.monotonic())

    thread = threading.Thread(target=wait)
    thread.start()
    with Client.from_url(redis) as client:
        until(lambda: client.info("clients")["blocked_clients"] == 1)
    began = time.monotonic()
    ring(redis)
    thread.join(5)

    assert found[0] - began < 0.2


def test_no_more_is_fetched_than_the_window_holds(broker: Any, redis: str) -> None:
    ring(redis, 10)
    consumer = broker.consume("default", prefetch=500)
    fetched = [next(consumer) for _ in range(WINDOW)]

    assert all(fetched)
    with Client.from_url(redis) as client:
        assert client.llen("dramatiq:default") == 10 - WINDOW
        consumer.ack(fetched[0])
        assert next(consumer) is not None
        assert client.llen("dramatiq:default") == 10 - WINDOW - 1


def test_acknowledged_messages_leave_nothing(broker: Any, redis: str) -> None:
    ring(redis, 20)
    consumer = broker.consume("default")
    for _ in range(20):
        message = next(consumer)
        assert message is not None
        consumer.ack(message)

    with Client.from_url(redis) as client:
        assert client.llen("dramatiq:default") == client.hlen("dramatiq:default.msgs") == 0


@pytest.mark.parametrize("content", [b"", b"\x00", b"[]", b"{}", b'{"queue_name": "x"}', b'"x"', b"7"])
def test_what_is_no_message_does_not_stop_those_behind_it(broker: Any, redis: str, content: bytes) -> None:
    with Client.from_url(redis) as client:
        client.hset("dramatiq:default.msgs", "bad", content)
        client.rpush("dramatiq:default", "bad", "gone")
    ring(redis)
    consumer = broker.consume("default")

    message = next(consumer)

    assert message is not None
    assert message.actor_name == "start_runs"


def test_requeued_messages_come_again(broker: Any, redis: str) -> None:
    ring(redis, 2)
    consumer = broker.consume("default")
    messages = [next(consumer) for _ in range(2)]
    consumer.requeue(messages)

    other = broker.consume("default")
    assert {next(other).message_id for _ in range(2)} == {message.message_id for message in messages}


def test_a_redis_that_is_gone_is_said_in_dramatiqs_words() -> None:
    broker: Any = open_broker(f"redis://127.0.0.1:{free_port()}/0", 1)
    with pytest.raises(ConnectionClosed):
        next(broker.consume("default"))


def test_an_ack_without_redis_is_no_error(redis_server: Redis, broker: Any, redis: str) -> None:
    ring(redis)
    consumer = broker.consume("default")
    message = next(consumer)
    pool = broker.client.connection_pool
    pool.disconnect()
    pool.connection_kwargs["port"] = free_port()
    # Connections that it has would go on to the port that they were made for.
    pool.reset()

    assert consumer._open
    consumer.ack(message)

    assert not consumer._open
    with pytest.raises(ConnectionClosed):
        next(consumer)


def test_there_is_no_middleware_that_retries_or_cuts(broker: Any) -> None:
    assert broker.middleware == []
    assert isinstance(broker, dramatiq.Broker)
    assert broker.delay_queues == set()
