"""What a kind returns: Done, Later or Rejected. An outcome is a value, never an exception; what is raised is a bug."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple
from uuid import UUID

Action = Literal["acknowledge", "snooze", "unsubscribe", "not_useful"]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that travels with a message; the channel keeps only the base name of `filename`.

    One with a `content_id` is shown within the page, which names it as `cid:ID`, and needs `html`.
    """

    filename: str
    content_type: str
    content: bytes
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What a kind wants told, to whom. It becomes one delivery for each of to, cc and bcc.

    `thread` is the same for messages that belong together, such as an alert's from its first firing to its resolution.
    `why` says in a sentence why the recipient gets this. `actions` are what one click does without a login; each gets a
    link of the recipient's own: where text or html say `tocsin-action:NAME`, or below them.
    """

    channel: str = "email"
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    subject: str = ""
    text: str = ""
    html: str = ""
    attachments: tuple[Attachment, ...] = ()
    actions: tuple[Action, ...] = ()
    thread: str = ""
    why: str = ""


class AlertMove(NamedTuple):
    """One move of a segment's state at a slot, kept as an event."""

    slot_at: datetime
    moved_from: str
    state: str
    value: Decimal | None
    reason: str


@dataclass(frozen=True, slots=True)
class ChannelRef:
    """A tenant's channel by its id, with its type, which never changes."""

    id: UUID
    type: str


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is told, such as a segment of an alert or a graph of a report; `name` is empty for the whole.

    `is_open`: it is not well yet. `since` is when it began, `until` when it was over.
    """

    name: str
    headline: str
    text: str = ""
    value: str = ""
    is_open: bool = True
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChannelMessage:
    """What a kind wants told in chat, to a pager or by a webhook. It becomes one delivery for each channel.

    All of it is plain text: each channel writes it in its own markup and cuts it to its own limits. `subject` is what it
    is about, such as an alert's name. `thread` is the same for what belongs together: a pager closes by it what it opened
    by it, once the state is `resolved`. `left_out` is how many items were too many to be told.
    """

    to: tuple[ChannelRef, ...]
    title: str
    subject: str
    items: tuple[Item, ...] = ()
    state: Literal["firing", "resolved", "note"] = "note"
    severity: Literal["critical", "warning", "info"] = "info"
    thread: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    link: str = ""
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class AlertState:
    """What an alert has known of a segment since its last check; written in the transaction of the outcome that carries it.

    `memory` is what the next check starts from, as JSON. `moves` are all that the run found, those at slots that it made
    up for too.
    """

    alert_id: UUID
    segment: str
    state: str
    value: Decimal | None
    since: datetime
    memory: Mapping[str, Any] = field(default_factory=dict)
    moves: tuple[AlertMove, ...] = ()


@dataclass(frozen=True, slots=True, weakref_slot=True)
class CrewAnswer:
    """What a call about a user brought, kept with the end of its run.

    `response` and `matched` are JSON. `error` says why there is no response, and `excerpt` how the answer began.
    `rule_error` says why the schedule's rule could not judge it.
    """

    user_uid: str
    context: str | None
    goal: str | None
    endpoint_id: UUID
    latency_ms: int
    response: str | None = None
    matched: str | None = None
    error: str | None = None
    excerpt: str | None = None
    rule_error: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The work is done: `result` is kept as JSON, the messages and the posts become deliveries, all in one transaction."""

    result: Mapping[str, Any] = field(default_factory=dict)
    messages: tuple[Message, ...] = ()
    alert_states: tuple[AlertState, ...] = ()
    posts: tuple[ChannelMessage, ...] = ()
    answer: CrewAnswer | None = None


@dataclass(frozen=True, slots=True)
class Later:
    """A passing obstacle: try again after `delay_seconds`; None takes the schedule's back-off.

    One that is not counted is no attempt: the run waits for something else than itself. The answer is kept until a later
    one of the run takes its place.
    """

    delay_seconds: float | None
    why: str
    is_counted: bool = True
    answer: CrewAnswer | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A lasting obstacle: a further attempt can't help, so the run is dead at once."""

    why: str
    answer: CrewAnswer | None = None


Outcome = Done | Later | Rejected


def no_outcome(kind: str, found: object) -> TypeError:
    """What is wrong with a kind that returned something else."""
    return TypeError(f"the kind {kind} returned {type(found).__name__}; it takes Done, Later or Rejected")
