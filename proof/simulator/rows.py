"""What the model of Postgres keeps: rows, and the journal of what was committed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

INFINITY: Final = datetime.max.replace(tzinfo=UTC)
PLANNED: Final = ("schedule", "backfill")


class NotModelled(BaseException):
    """The engine gives a statement that the model lacks; the engine's own loops must not take it for a passing error."""


@dataclass(slots=True, eq=False)
class ScheduleRow:
    """A row of `schedules` with its gate.

    `definition` holds the columns that somebody gives, by name, and `closed_days` as its calendar had them.
    """

    id: UUID
    name: str
    definition: Mapping[str, Any]
    next_fire_at: datetime | None
    plan_from: datetime
    status: str = "active"
    last_slot_at: datetime | None = None
    run_count: int = 0
    version: int = 1
    last_error: str | None = None
    has_gate: bool = False
    gate: "RunRow | None" = None
    earlier: "tuple[RunRow, ...]" = ()

    @property
    def overlap(self) -> str:
        """The overlap policy."""
        return str(self.definition["overlap_policy"])


@dataclass(slots=True, eq=False)
class RunRow:
    """A row of `runs`."""

    id: UUID
    slot_at: datetime
    schedule: ScheduleRow
    version: int
    origin: str
    state: str
    queue: str
    available_at: datetime
    created_at: datetime
    max_attempts: int = 1
    fence: int = 0
    written_fence: int | None = None
    attempt: int = 0
    reason: str | None = None
    released_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    leased_by: UUID | None = None
    deadline_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    skipped_until: datetime | None = None
    skipped_count: int | None = None
    limited_by: tuple[str, ...] | None = None

    @property
    def kind(self) -> str:
        """The kind, which is its schedule's."""
        return str(self.schedule.definition["kind"])

    @property
    def is_skip(self) -> bool:
        """Whether it tells of slots that were skipped, beside which a run may stand."""
        return self.skipped_until is not None

    @property
    def waits_at_gate(self) -> bool:
        """Whether it is pending at its schedule's gate."""
        return self.state == "pending" and self.available_at == INFINITY


@dataclass(slots=True, eq=False)
class ProcessRow:
    """A row of `processes`; `leased_until` is infinite as long as its process lives and extends it."""

    id: UUID
    role: str
    leased_until: datetime = INFINITY
    lost_at: datetime | None = None
    stopped_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        """Whether it was lost or stopped."""
        return self.lost_at is not None or self.stopped_at is not None


@dataclass(slots=True, eq=False)
class LimitRow:
    """A row of `limits`."""

    max_running: int | None = None
    max_per_minute: int | None = None
    spent_until: datetime | None = None
    retries_left: float | None = None
    retries_at: datetime | None = None


@dataclass(slots=True, eq=False)
class CalendarRow:
    """A row of `calendars`, with days of its own alone."""

    own_days: list[dict[str, str]]

    @property
    def dates(self) -> frozenset[str]:
        """Its days."""
        return frozenset(day["date"] for day in self.own_days)


Row = ScheduleRow | RunRow | ProcessRow | LimitRow | CalendarRow


@dataclass(slots=True)
class Journal:
    """What was committed, for the checker: see check.py and begun.py."""

    changes: dict[UUID, list["Change"]] = field(default_factory=dict)
    ticks: list["Tick"] = field(default_factory=list)
    moves: dict[UUID, list["Move"]] = field(default_factory=dict)
    asked: list["Asked"] = field(default_factory=list)


@dataclass(slots=True, frozen=True)
class Change:
    """A schedule as it is since `at` (the clock of the transaction) or since `until` at the latest (its commit).

    `planned_to` is the instant up to which its slots had been decided before.
    """

    at: datetime
    until: datetime
    what: str
    status: str
    version: int
    definition: Mapping[str, Any]
    planned_to: datetime | None


@dataclass(slots=True, frozen=True)
class Tick:
    """What a tick decided of one schedule: the slots after `after` as seen at `at`, with `room` runs left."""

    schedule: ScheduleRow
    definition: Mapping[str, Any]
    at: datetime
    after: datetime
    room: int | None
    fires: tuple[datetime, ...]
    skips: tuple[tuple[datetime, datetime, int, str], ...]


@dataclass(slots=True, frozen=True)
class Move:
    """A state that a run came to, under which fence and leased by whom."""

    at: datetime
    state: str
    fence: int
    leased_by: UUID | None
    reason: str | None
    overlap: str


@dataclass(slots=True, frozen=True)
class Asked:
    """A backfill that was granted: for the slots in [first, last] of the definition of that time."""

    schedule: ScheduleRow
    definition: Mapping[str, Any]
    first: datetime
    last: datetime
    at: datetime
