"""Channels as a worker tells them: deliveries that are written with the outcome, and sent by the channel as it is then."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import ValidationError

from config.seal import Seal, SealError
from db.ids import id_at
from db.pool import Connection, Pool
from db.query import Query
from db.sealed import credential_place
from workers.channels import post
from workers.channels.adapter import Account, Adapter
from workers.channels.poster import Poster
from workers.channels.receipt import Guard, Receipt
from workers.channels.types import TYPES
from workers.finish import Intent
from workers.outcome import ChannelMessage
from workers.rows import Leased, LeasedDelivery, Value

# What began longer ago is no thread any more, and what is late by more is waited for no more.
_REMEMBERED = timedelta(days=30)
_LATE = timedelta(days=1)
_WAIT_SECONDS = 15.0


class ChannelRow(NamedTuple):
    """A channel as it is stored."""

    name: str
    type: str
    sealed_credential: str
    options: dict[str, Any]


OPEN = Query("open_channel", ChannelRow)
EARLIER = Query("find_earlier_post", Value)
ROOT = Query("find_thread_root", Value)


def opened(row: ChannelRow, tenant_id: UUID, channel_id: UUID, seal: Seal) -> tuple[Adapter, Account]:
    """The channel's type, and its account opened. Raises SealError, and ValueError for options that are none any more."""
    adapter = TYPES[row.type]
    try:
        options = adapter.Options.model_validate(row.options)
    except ValidationError as error:
        raise ValueError("its options are not what its type takes; save the channel anew") from error
    return adapter, Account(
        row.name, seal.open(row.sealed_credential, credential_place(tenant_id, channel_id)), options
    )


def intents_of(leased: Leased, message: ChannelMessage, number: int, why_not: str | None) -> Sequence[Intent]:
    """A delivery for each channel: its recipient is the channel's id, which no rename moves."""
    state = "suppressed" if why_not else "pending"
    return [Intent(id_at(leased.slot_at), each.type, str(each.id), "to", number, state, why_not) for each in message.to]


@dataclass(frozen=True, slots=True)
class Posting:
    """Sends deliveries to channels."""

    pool: Pool
    seal: Seal
    poster: Poster

    def send(self, delivery: LeasedDelivery, guard: Guard) -> Receipt:
        """Return what became of the hand-over. Raises LeaseLost when the guard does.

        A channel hears of a thread in order: what closes an incident never overtakes what opens it.
        """
        channel_id = _id(delivery.recipient)
        with self.pool.connection() as conn:
            row = channel_id and OPEN.one(conn, tenant_id=delivery.tenant_id, id=channel_id)
            if not row or not channel_id or row.type != delivery.channel:
                return Receipt("failed", error="its channel was deleted")
            try:
                thread = post.read(delivery.content).thread
            except ValueError as error:
                return Receipt("failed", error=str(error))
            root = ""
            if thread:
                if self._asked(conn, EARLIER, delivery, thread, _LATE) is not None:
                    why = "it waits for an earlier message of its thread"
                    return Receipt("pending", error=why, retry_after=_WAIT_SECONDS, is_waiting=True)
                found = self._asked(conn, ROOT, delivery, thread, _REMEMBERED, resolved=post.RESOLVED_MARK)
                root = str(found.value) if found else ""
        try:
            adapter, account = opened(row, delivery.tenant_id, channel_id, self.seal)
        except SealError as error:
            return Receipt("pending", error=str(error))
        except ValueError as error:
            return Receipt("failed", error=str(error))
        key = f"{delivery.id}.{delivery.resends}"
        return self.poster.send(adapter, account, delivery.content, guard, key=key, root=root)

    @staticmethod
    def _asked(
        conn: Connection, query: Query[Value], delivery: LeasedDelivery, thread: str, span: timedelta, **more: Any
    ) -> Value | None:
        return query.one(
            conn,
            id=delivery.id,
            tenant_id=delivery.tenant_id,
            recipient=delivery.recipient,
            slot_at=delivery.slot_at,
            low=delivery.slot_at - span,
            thread=post.thread_mark(thread),
            **more,
        )


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
