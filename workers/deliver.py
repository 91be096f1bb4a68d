"""Deliver: leases written deliveries and hands their stored bytes over, one recipient at a time.

The row is there before the first byte. Before connecting and before the final dot the sender asks its own lease;
before the content it also writes, under its fence and a live lease, that the content is about to leave: after a crash
everything before that is certainly not sent, and what is left after it is the acknowledgement window (`unknown`).
"""

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from config.faults import faultpoint
from db.jsonb import rfc3339
from db.pool import DatabaseError, Pool
from db.processes import Heartbeat, Lease
from db.query import Query
from telemetry import errors, metrics, traces
from telemetry.log import Events
from workers import action_links
from workers.channels import Guard, LeaseLost, Mailer, Receipt
from workers.channels.types import TYPES
from workers.mail_rules import RuleBook
from workers.posting import Posting
from workers.rows import LeasedDelivery, Value

events = Events("deliver")

START = Query("start_deliveries", LeasedDelivery)
HAND_OVER = Query("hand_over_delivery")
SUPPRESS = Query("suppress_delivery", Value)
FINISH = Query("finish_delivery", Value)

# Less than the two minutes of start_deliveries.sql, after which the reaper gives the delivery to others.
_OWN_SECONDS = 110.0
_BUSY = 32


@dataclass(frozen=True, slots=True)
class LeaseGuard:
    """Asked by a channel before each step that can't be taken back."""

    pool: Pool
    lease: Lease
    delivery: LeasedDelivery
    until: float

    def before_connect(self) -> None:
        """Raises LeaseLost unless this process's lease is held and the delivery's own time is not over."""
        if not self.lease.is_held() or time.monotonic() > self.until:
            raise LeaseLost

    def before_data(self) -> None:
        """Writes that the content is about to leave. Raises LeaseLost when that cannot be written under the fence."""
        faultpoint("before_data")
        self.before_connect()
        delivery = self.delivery
        try:
            with self.pool.connection(timeout=5) as conn:
                is_ours = HAND_OVER.run(
                    conn,
                    id=delivery.id,
                    slot_at=delivery.slot_at,
                    fence=delivery.fence,
                    process_id=self.lease.process_id,
                )
        except DatabaseError as error:
            raise LeaseLost from error
        if not is_ours:
            raise LeaseLost

    def before_dot(self) -> None:
        """Raises LeaseLost unless this process's lease is held."""
        faultpoint("before_dot")
        self.before_connect()


class Deliverer:
    """A few threads that deliver what they are pointed at."""

    def __init__(
        self,
        pool: Pool,
        heartbeat: Heartbeat,
        mailer: Mailer | None,
        rules: RuleBook,
        threads: int,
        link_keys: Sequence[bytes] = (),
        posting: Posting | None = None,
    ) -> None:
        self._pool = pool
        self._rules = rules
        self._heartbeat = heartbeat
        self._mailer = mailer
        self._link_keys = link_keys
        # By the channel of a delivery, who sends it.
        self._senders: Mapping[str, Callable[[LeasedDelivery, Guard], Receipt]] = {
            "email": self._mail,
            **(dict.fromkeys(TYPES, self._post) if posting is not None else {}),
        }
        self._posting = posting
        self._pointers: queue.Queue[tuple[UUID, datetime] | None] = queue.Queue(maxsize=1000)
        self._threads = [
            threading.Thread(target=self._work, args=(number,), name=f"deliver-{number}", daemon=True)
            for number in range(threads)
        ]
        self._is_stopping = False
        # What each thread leases, or is about to.
        self.held: list[UUID | None] = [None] * threads

    def start(self) -> None:
        """Starts the threads."""
        for thread in self._threads:
            thread.start()

    def room(self) -> int:
        """How many deliveries it takes before those that it was pointed at keep it busy for a while."""
        return 0 if self._is_stopping else max(0, _BUSY - self._pointers.qsize())

    def offer(self, delivery_id: UUID, slot_at: datetime) -> None:
        """Points at a delivery; what is not taken now is found in Postgres by a process with room."""
        if not self._is_stopping:
            try:
                self._pointers.put_nowait((delivery_id, slot_at))
            except queue.Full:
                events.debug("delivery.left", delivery_id=delivery_id)

    def stop(self, timeout: float) -> bool:
        """Ends what is being sent, leaves the rest to others; False when `timeout` seconds did not suffice."""
        self._is_stopping = True
        for _ in self._threads:
            self._pointers.put(None)
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self, number: int) -> None:
        while (pointer := self._pointers.get()) is not None:
            if self._is_stopping:
                continue
            self.held[number] = pointer[0]
            try:
                self._deliver(*pointer)
            except Exception as error:  # noqa: BLE001  one delivery's bug must not end the thread; the reaper takes it back
                events.error("delivery.raised", delivery_id=pointer[0], error=f"{type(error).__name__}: {error}")
                if isinstance(error, DatabaseError):
                    self._heartbeat.doubt()
                else:
                    errors.raised(error, delivery_id=pointer[0])
            finally:
                self.held[number] = None

    def _deliver(self, delivery_id: UUID, slot_at: datetime) -> None:
        lease = self._heartbeat.lease
        until = time.monotonic() + _OWN_SECONDS
        with self._pool.connection() as conn:
            if SUPPRESS.one(conn, id=delivery_id, slot_at=slot_at) is not None:
                # It was not when it was written, or somebody had it sent anew; the channel is asked nothing.
                events.info("delivery.suppressed", delivery_id=delivery_id)
                return
            delivery = START.one(
                conn, ids=[delivery_id], slots=[slot_at], low=slot_at, high=slot_at, process_id=lease.process_id
            )
        if delivery is None:
            return
        with traces.part("deliver", delivery.run_id, channel=delivery.channel, delivery_id=str(delivery.id)):
            self._hand_over(delivery, lease, until)

    def _hand_over(self, delivery: LeasedDelivery, lease: Lease, until: float) -> None:
        faultpoint("deliver_after_lease")
        receipt = self._send(delivery, lease, until)
        faultpoint("deliver_before_finish")
        if receipt is None:
            events.warning("delivery.lease_lost", delivery_id=delivery.id)
            # If Postgres alone was away our lease lasts, and nobody else would take this back for two minutes.
            receipt = Receipt("pending", error="the lease or Postgres was away before anything was handed over")
        ended = self._finish(delivery, lease, receipt)
        if ended is None:
            events.warning("delivery.refused", delivery_id=delivery.id, state=receipt.state)
            return
        if receipt.is_ours:
            events.error("mail.refused", error=receipt.error)
        outcome = _outcome(receipt.state, ended.value)
        metrics.deliveries.labels(delivery.channel, outcome).inc()
        traces.tell(outcome=outcome, is_bad=outcome not in ("sent", "later"))
        tell = events.info if outcome == "sent" else events.warning
        tell(
            "delivery.ended",
            delivery_id=delivery.id,
            run_id=delivery.run_id,
            slot_at=rfc3339(delivery.slot_at),
            schedule_id=delivery.schedule_id,
            outcome=outcome,
            state=ended.value,
        )

    def _finish(self, delivery: LeasedDelivery, lease: Lease, receipt: Receipt) -> Value | None:
        """Writes what became of it, again and again while Postgres is away: what was sent must not be sent again."""
        wait = 0.05
        while True:
            try:
                with self._pool.connection(timeout=5) as conn:
                    return FINISH.one(
                        conn,
                        id=delivery.id,
                        slot_at=delivery.slot_at,
                        fence=delivery.fence,
                        state=receipt.state,
                        provider_message_id=receipt.provider_message_id,
                        error=receipt.error.replace("\x00", "")[:2000],
                        retry_after=receipt.retry_after,
                        is_waiting=receipt.is_waiting,
                    )
            except DatabaseError as error:
                if lease.is_lost or self._is_stopping:
                    raise
                events.warning("delivery.finish_repeated", delivery_id=delivery.id, error=str(error).strip())
                time.sleep(wait)
                wait = min(2.0, wait * 2)

    def _send(self, delivery: LeasedDelivery, lease: Lease, until: float) -> Receipt | None:
        """What became of the hand-over; None when the lease was lost and somebody else decides."""
        sender = self._senders.get(delivery.channel)
        if sender is None:
            return Receipt("failed", error=f"nothing sends to a channel of the type {delivery.channel}")
        try:
            return sender(delivery, LeaseGuard(self._pool, lease, delivery, until))
        except LeaseLost:
            return None

    def _mail(self, delivery: LeasedDelivery, guard: Guard) -> Receipt:
        if self._mailer is None:
            return Receipt("failed", error="MAIL_URL is not set on the workers")
        # It was allowed when it was written; since then somebody may have set a rule, or have it sent once more.
        why_not = self._rules.of(delivery.tenant_id).why_not(delivery.recipient)
        if why_not is not None:
            return Receipt("failed", error=why_not)
        key = f"{delivery.id}.{delivery.resends}"
        return self._mailer.send(delivery.recipient, self._content(delivery), guard, key)

    def _post(self, delivery: LeasedDelivery, guard: Guard) -> Receipt:
        why_nobody = self._rules.of(delivery.tenant_id).why_nobody
        if self._posting is None or why_nobody is not None:
            return Receipt("failed", error=why_nobody or "this worker posts to no channels")
        return self._posting.send(delivery, guard)

    def _content(self, delivery: LeasedDelivery) -> bytes:
        """The stored bytes with the recipient's own links in them."""
        return action_links.filled(
            delivery.content,
            self._link_keys,
            delivery.message_id,
            lambda key, action: action_links.token(
                key, delivery.tenant_id, delivery.id, delivery.recipient, action, delivery.slot_at
            ),
        )


def _outcome(answered: str, committed: str) -> str:
    """What the attempt counts as: by what was committed, since the last of the attempts that are put off is a failure.

    One that nobody knows of counts so also where it is sent again.
    """
    if answered == "unknown":
        return "unknown"
    return "later" if committed == "pending" else committed
