"""What a checked history is made of: rows of Postgres's history, lines of the sinks, and the faults of the nemesis.

Ids are text. A slot is whole milliseconds since 1970 (UTC), exact, so that slots compare; any other instant is seconds
since 1970 as a float. `seq` orders the moves of all tables; instants of moves are Postgres's clock, those of sinks and
faults this machine's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Millis = int
Seconds = float


class Version(NamedTuple):
    """What a schedule said from `created_at` on; `definition` has the columns of `schedules` by name."""

    schedule: str
    version: int
    created_at: Seconds
    definition: dict[str, Any]


class ScheduleMove(NamedTuple):
    """A row of schedule_history: made, advanced, edited, paused, resumed or ended."""

    seq: int
    at: Seconds
    schedule: str
    version: int
    status: str
    plan_from: Seconds
    last_slot: Millis | None
    next_fire_at: Seconds | None


class Run(NamedTuple):
    """A run as it stands at the end; `skipped_until` (inclusive) and `skipped_count` where it is a range of skips."""

    run: str
    slot: Millis
    tenant: str
    schedule: str | None
    version: int | None
    kind: str
    origin: str
    state: str
    reason: str | None
    fence: int
    attempt: int
    max_attempts: int
    released_at: Seconds | None
    started_at: Seconds | None
    finished_at: Seconds | None
    skipped_until: Millis | None
    skipped_count: int | None
    created_at: Seconds


class RunMove(NamedTuple):
    """A row of run_history; `move` is insert, update or delete (a run made ahead that was taken back).

    `written_fence` is the fence under which a worker's move was written, None where nobody needed one.
    """

    seq: int
    at: Seconds
    run: str
    slot: Millis
    move: str
    state: str
    fence: int
    attempt: int
    leased_by: str | None
    reason: str | None
    available_at: Seconds | None
    written_fence: int | None = None


class Delivery(NamedTuple):
    """A delivery as it stands at the end. `message` is its Message-ID or its idempotency key; `sha` is of its bytes."""

    delivery: str
    slot: Millis
    run: str
    tenant: str
    channel: str
    recipient: str
    state: str
    fence: int
    attempts: int
    max_attempts: int
    unknown_count: int
    message: str
    sha: str


class DeliveryMove(NamedTuple):
    """A row of delivery_history; `handed_over_at` is set once the content is about to leave."""

    seq: int
    at: Seconds
    delivery: str
    slot: Millis
    move: str
    state: str
    fence: int
    attempts: int
    unknown_count: int
    leased_by: str | None
    handed_over_at: Seconds | None
    available_at: Seconds | None = None
    written_fence: int | None = None


class SinkEvent(NamedTuple):
    """A line that a sink wrote and synced before it answered.

    smtp: `key` is the Message-ID, `recipient` the envelope's, `sha` of the content without its trailing line ends.
    http: `key` is the Idempotency-Key, `recipient` the path, `sha` of the body.
    Phases: begin (DATA, or the request's head, arrived), kept (all bytes arrived and are on disk; what is kept counts as
    done), replied (the answer has left), cut (the connection ended before that).
    """

    at: Seconds
    sink: Literal["smtp", "http"]
    phase: Literal["begin", "kept", "replied", "cut"]
    key: str
    recipient: str
    sha: str
    tenant: str | None = None


class Start(NamedTuple):
    """A handler's own word that it began, written outside Postgres: which run under which attempt, by which process."""

    at: Seconds
    run: str
    slot: Millis
    schedule: str
    attempt: int
    pid: int


class Fault(NamedTuple):
    """Something that the nemesis did and what it did it to; a fault of an instant has `ended` = `began`."""

    began: Seconds
    ended: Seconds
    name: str
    target: str


@dataclass(slots=True)
class History:
    """All that is known of one time on one database; the lists in their order of `seq` or `at`.

    `until` is when work was last looked at: what was due shortly before may still be open. `seed` repeats the faults.
    `grace_seconds` is how long before `until` a slot must have been due to have come to an end.
    """

    versions: Sequence[Version] = ()
    schedule_moves: Sequence[ScheduleMove] = ()
    runs: Sequence[Run] = ()
    run_moves: Sequence[RunMove] = ()
    deliveries: Sequence[Delivery] = ()
    delivery_moves: Sequence[DeliveryMove] = ()
    sink: Sequence[SinkEvent] = ()
    starts: Sequence[Start] = ()
    faults: Sequence[Fault] = ()
    until: Seconds = 0.0
    grace_seconds: Seconds = 30.0
    seed: int = 0
    counters: Mapping[str, float] = field(default_factory=dict)


class Violation(NamedTuple):
    """One counter-example: which invariant, what is wrong in one line, of what, and where in the history to look."""

    invariant: str
    text: str
    subject: str
    first_seq: int | None = None
    last_seq: int | None = None
