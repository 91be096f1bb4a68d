"""Rows that workers read: what they leased."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID


class Leased(NamedTuple):
    """A run that this process leased, in the order of start_runs.sql; `fence` is the fence to write under.

    It may begin at `released_at`; `answered_at` is Postgres's clock as it answered. `is_first` when its kind never ran to
    an end for it, not even to one that waits.
    """

    id: UUID
    slot_at: datetime
    tenant_id: UUID
    schedule_id: UUID | None
    kind: str
    queue: str
    fence: int
    attempt: int
    max_attempts: int
    origin: str
    started_at: datetime
    params: str | None
    name: str | None
    timezone: str | None
    unknown_policy: str | None
    timeout_seconds: int
    released_at: datetime
    answered_at: datetime
    is_first: bool


class LeasedDelivery(NamedTuple):
    """A delivery that this process leased, with the bytes to send."""

    id: UUID
    slot_at: datetime
    tenant_id: UUID
    run_id: UUID
    channel: str
    recipient: str
    fence: int
    attempts: int
    max_attempts: int
    unknown_policy: str
    resends: int
    message_id: str
    content: bytes
    schedule_id: UUID | None


class Ended(NamedTuple):
    """The answer of finish_runs.sql for a run that ended; cancelled where it was to be tried again and is not wanted."""

    id: UUID
    has_waiting: bool
    state: str


class Value(NamedTuple):
    """One value."""

    value: Any
