"""The broker as workers consume it: queue names, the doorbell, a small window, and no middleware at all.

No Retries, TimeLimit or AgeLimit: Postgres counts attempts and keeps deadlines, so that a lost or doubled message
costs nothing.
"""

import threading
from typing import Any

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import ConnectionClosed, DecodeError

from config.environ import CROWDS, QUEUES
from config.tls import redis_options
from telemetry.log import Events

events = Events("broker")

SUSPECT = "suspect"
# In the order of their urgency.
LANES = (*QUEUES, *CROWDS)
ALL_QUEUES = (*LANES, SUSPECT)
# A large window gives a whole herd to one process (measured: 200 gave all packs to one of two, 8 gave 52/48).
WINDOW = 2
_BELL_SECONDS = 1


class DoorbellConsumer(dramatiq.Consumer):
    """Fetches messages of one queue; while there are none it waits on the queue's bell instead of polling."""

    def __init__(self, broker: "DoorbellBroker", queue_name: str) -> None:
        self._broker = broker
        self._queue = queue_name
        self._bell = f"{broker.namespace}:bell:{queue_name}"
        self._fetched: list[bytes | None] = []
        self._open: set[str] = set()
        self._has_room = threading.Event()

    def __next__(self) -> dramatiq.MessageProxy | None:
        """The next message, or None after about a second without one."""
        try:
            while True:
                while self._fetched:
                    message = self._decode(self._fetched.pop(0))
                    if message is not None:
                        self._open.add(message.options["redis_message_id"])
                        return dramatiq.MessageProxy(message)
                room = WINDOW - len(self._open)
                if room <= 0:
                    self._has_room.clear()
                    if len(self._open) >= WINDOW:
                        self._has_room.wait(_BELL_SECONDS)
                    return None
                self._fetched = self._broker.do_fetch(self._queue, room)
                if not self._fetched and self._broker.client.blpop([self._bell], timeout=_BELL_SECONDS) is None:
                    return None
        except redis.RedisError as error:
            raise ConnectionClosed(error) from None  # type: ignore[no-untyped-call]

    def ack(self, message: dramatiq.MessageProxy) -> None:
        """Forgets the message. When the broker is away it comes again, and finds its runs started."""
        self._forget("ack", message)

    def nack(self, message: dramatiq.MessageProxy) -> None:
        """Forgets the message: what a failed one pointed at is found in Postgres."""
        self._forget("ack", message)

    def requeue(self, messages: Any) -> None:
        """Gives fetched messages back to their queue."""
        ids = [message.options["redis_message_id"] for message in messages]
        if ids:
            try:
                self._broker.do_requeue(self._queue, *ids)
            except redis.RedisError as error:
                events.debug("requeue.failed", error=str(error))

    def _forget(self, command: str, message: dramatiq.MessageProxy) -> None:
        message_id = message.options["redis_message_id"]
        try:
            getattr(self._broker, f"do_{command}")(self._queue, message_id)
        except redis.RedisError as error:
            events.debug("ack.failed", error=str(error))
        finally:
            self._open.discard(message_id)
            self._has_room.set()

    def _decode(self, content: bytes | None) -> dramatiq.Message[Any] | None:
        """The message; None when it is gone or is not one, which must not stop those behind it."""
        try:
            message = dramatiq.Message.decode(content) if content else None
        except (DecodeError, TypeError, KeyError, ValueError):
            message = None
        if message is None or "redis_message_id" not in message.options:
            events.warning("message.unreadable", queue=self._queue)
            return None
        return message


class DoorbellBroker(RedisBroker):
    """Dramatiq's Redis broker without delay queues and with consumers that wait on a bell."""

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> dramatiq.Consumer:  # noqa: ARG002  as above
        """A consumer with our own small window, whatever the worker asks for."""
        return DoorbellConsumer(self, queue_name)

    def declare_queue(self, queue_name: str) -> None:
        """Declares a queue without a delay queue: delays are rows in Postgres."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)


def open_broker(url: str, threads: int) -> dramatiq.Broker:
    """The broker at a redis://, rediss:// or amqp:// address, with every queue declared; `threads` may use it at once."""
    if url.startswith("amqp"):
        return _rabbitmq(url)
    # The limit on a reply exceeds the wait on the bell; the pool is larger than the threads that use it.
    pool = redis.ConnectionPool.from_url(
        url,
        socket_timeout=_BELL_SECONDS + 4,
        socket_connect_timeout=3,
        max_connections=threads + 50,
        **redis_options(url),
    )
    return DoorbellBroker(  # type: ignore[no-untyped-call]
        client=redis.Redis(connection_pool=pool), middleware=[]
    )


def _rabbitmq(url: str) -> dramatiq.Broker:
    from dramatiq.brokers.rabbitmq import RabbitmqBroker

    class SmallWindow(RabbitmqBroker):
        def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> dramatiq.Consumer:  # noqa: ARG002  the window is ours
            return super().consume(queue_name, WINDOW, timeout)

    return SmallWindow(url=url, confirm_delivery=True, middleware=[])
