"""What a kind of work is, and what its run() is given."""

import inspect
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar
from uuid import UUID

from pydantic import BaseModel

from config.environ import QUEUES
from workers.artifacts import Artifact, Content, New
from workers.branding import Branding
from workers.outcome import ChannelMessage, Done, Message, Outcome

if TYPE_CHECKING:
    from workers.aio import Aio
    from workers.alert_book import AlertBook
    from workers.chat.budget import ModelRules
    from workers.chat.model import Model
    from workers.crew.book import CrewBook
    from workers.crew.caller import Caller
    from workers.graphs import Graph
    from workers.http import Client
    from workers.reports.book import ReportBook
    from workers.sources import Source

Params = TypeVar("Params", bound=BaseModel)
Value = TypeVar("Value")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of work: its name, what it takes, and the function that does it and returns an outcome.

    `run` is plain (a thread of its own while it runs) or async (shares one event loop, reaches its run by `ctx.aio`). `is_gated_only`: its runs
    keep state from one to the next, so they may not overlap. `uses`: what a run with these params uses, by the names that
    limits have, such as `host:api.example.com`. `made_at`: the endpoint that alone makes its schedules. Raises ValueError when a part makes no sense.
    """

    name: str
    Params: type[BaseModel]
    run: Callable[["Context[Any]"], Outcome | Awaitable[Outcome]]
    summary: str
    queue: str = "default"
    timeout_seconds: int = 300
    is_gated_only: bool = False
    made_at: str = ""
    secret_fields: tuple[str, ...] = ()
    uses: Callable[[Any], Sequence[str]] = lambda _: ()
    is_async: bool = field(init=False)

    def __post_init__(self) -> None:
        if self.queue not in QUEUES:
            raise ValueError(f"kind {self.name}: queue takes one of {', '.join(QUEUES)}, got {self.queue!r}")
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"a kind is named in letters, digits and _.:-, at most 100 of them, got {self.name!r}")
        if unknown := set(self.secret_fields) - self.Params.model_fields.keys():
            raise ValueError(
                f"kind {self.name}: its Params have no {', '.join(sorted(unknown))}, which should be secret"
            )
        object.__setattr__(self, "is_async", inspect.iscoroutinefunction(self.run))


class Journal(Protocol):
    """Where a run writes while it runs; every write is refused once the run belongs to somebody else."""

    def step(self, name: str, work: Callable[[], Any]) -> Any:
        """The stored result of the step, doing the work only when there is none yet."""
        ...

    def find_step(self, name: str) -> "tuple[Any] | None":
        """The stored result of the step, alone in a tuple; None while there is none."""
        ...

    def keep_step(self, name: str, result: Any) -> Any:
        """The stored result of the step: this one, unless another was quicker."""
        ...

    def log(self, message: str, fields: dict[str, Any]) -> None:
        """Keeps a line of the run's log."""
        ...

    def progress(self, fraction: float, note: str) -> None:
        """Shows how far the run is."""
        ...

    def keep(self, new: New, content: Content) -> Artifact:
        """The file of that name that the run has kept, keeping this one only when there is none yet."""
        ...

    def read_kept(self, name: str) -> bytes:
        """The bytes of a file that the run has kept."""
        ...

    def source(self, name: str) -> "Source":
        """The tenant's source of that name or id."""
        ...

    def unseal(self, sealed: str) -> str:
        """The secret that was sealed at save."""
        ...

    def branding(self) -> Branding:
        """How the tenant's mail looks now."""
        ...


@dataclass(frozen=True, slots=True)
class Webhook:
    """A tenant's webhook, opened: whom to call, and the one or two secrets that sign, with a space between."""

    name: str
    is_active: bool
    url: str = field(repr=False)
    secret: str = field(repr=False)


class Owner(NamedTuple):
    """Whom a notice is for; `left_by` is who made the schedule, where that is no active member.

    `barred`: the address of who made it, where that may not be mailed.
    """

    email: str
    left_by: str | None
    barred: str | None = None


class FailedDelivery(NamedTuple):
    """A recipient who could not be reached, and why."""

    recipient: str
    state: str
    error: str | None


class InnerJournal(Journal, Protocol):
    """What Tocsin's own kinds also reach."""

    def alerts(self) -> "AlertBook":
        """What a run of an alert knows and reports."""
        ...

    def graphs(self, ids: Sequence[UUID] | None = None) -> "list[Graph]":
        """The tenant's graphs, at most a few hundred; of these ids, those that are there."""
        ...

    def last_sent(self) -> Mapping[str, Any] | None:
        """The record of the schedule's last run before this slot that sent a report; None for the first."""
        ...

    def model(self) -> "Model | None":
        """The model that writes; None where CHATBOT_URL is not set."""
        ...

    def model_rules(self) -> "ModelRules":
        """What the tenant's runs may take of models, what they took today, and where their texts may lead."""
        ...

    def spend_on_model(self, tokens: int, dollars: Decimal | None) -> None:
        """Counts a turn of the model among what the tenant took today."""
        ...

    def reports(self) -> "ReportBook":
        """What a run of an exported report reads."""
        ...

    def webhook(self, webhook_id: UUID) -> Webhook | None:
        """The tenant's webhook of that id."""
        ...

    def disable_webhook(self, webhook_id: UUID, reason: str, *, subject: str, text: str) -> None:
        """Disables it once, with an audit entry and a mail to the tenant's admins."""
        ...

    def crew(self) -> "CrewBook":
        """What a run that fans out over users reads and writes."""
        ...

    def crew_caller(self) -> "Caller":
        """What a call about a user is made with."""
        ...

    def owners(
        self, schedule_id: UUID | None, source_id: UUID | None = None, graph_id: UUID | None = None
    ) -> list[Owner]:
        """Who is told of a schedule, or without one of the tenant's affairs."""
        ...

    def failed_deliveries(self, run_id: UUID, slot_at: datetime) -> list[FailedDelivery]:
        """The deliveries of another run that failed for good or came back."""
        ...


class Cancelled(Exception):
    """Raised by a kind that stops because its run was cancelled."""


class Flag:
    """Set once, by any thread. Nobody waits for it, so it is no Event, whose locks would cost each run 3 us."""

    __slots__ = ("_is_set",)

    def __init__(self) -> None:
        self._is_set = False

    def set(self) -> None:
        """Sets it, for good."""
        self._is_set = True

    def is_set(self) -> bool:
        """True once it was set."""
        return self._is_set


@dataclass(slots=True)
class Context(Generic[Params]):
    """One attempt of one run, as its kind sees it. Instants are aware and UTC, save slot_local, which is in the schedule's zone.

    `deadline` is a monotonic time; `mode` is live or dry.
    """

    tenant_id: UUID
    run_id: UUID
    slot_at: datetime
    slot_local: datetime
    schedule_id: UUID | None
    schedule_name: str
    timezone: str
    attempt: int
    started_at: datetime
    params: Params
    mode: str
    deadline: float
    http: "Client"
    journal: Journal
    cancelled: Flag = field(default_factory=Flag)
    is_last_attempt: bool = False
    is_held: Callable[[], bool] = lambda: True
    told: list[Message | ChannelMessage] = field(default_factory=list)

    @property
    def aio(self) -> "Aio":
        """The same run for an async kind: each call is awaited, and leaves the event loop to others meanwhile."""
        from workers.aio import Aio

        return Aio(self)

    def seconds_left(self) -> float:
        """Seconds until the attempt is cut; at least 0."""
        return max(0.0, self.deadline - time.monotonic())

    def is_cancelled(self) -> bool:
        """True once somebody asked to cancel the run, its time is up, or its worker must let it go."""
        return self.cancelled.is_set() or time.monotonic() > self.deadline or not self.is_held()

    def step(self, name: str, work: Callable[[], Value]) -> Value:
        """The result of `work`, done once for the run however often it is attempted; the result must be JSON.

        A crash after the work and before its row repeats the work: pass on `run_id:name` as an idempotency key.
        """
        value: Value = self.journal.step(name, work)
        return value

    def keep(
        self,
        name: str,
        content: Content,
        content_type: str,
        format: str,
        record_count: int | None = None,
    ) -> Artifact:
        """The file of that name, kept once for the run however often it is attempted: a retry gets what is stored.

        The content is a path, bytes, or a function that makes either and is called only when nothing is kept yet. The
        run lists the file, and `link` of the answer opens it for 30 days. Raises NoStore where ARTIFACT_URL is not set,
        and ValueError for a name with a / in it. A store that does not answer puts the run off.
        """
        return self.journal.keep(New(name, content_type, format, record_count), content)

    def read_kept(self, name: str) -> bytes:
        """The bytes of a file that this run has kept, as they were stored. Raises LookupError without one of that name."""
        return self.journal.read_kept(name)

    def deliver(self, message: Message | ChannelMessage) -> None:
        """Tells one message more, with those of Done: all become deliveries in the transaction of the outcome.

        A run that is put off, rejected or raises tells nothing, so the next attempt may say it again.
        """
        self.told.append(message)

    def log(self, message: str, **fields: Any) -> None:
        """Keeps a line in the run's log."""
        self.journal.log(message, fields)

    def progress(self, fraction: float, note: str = "") -> None:
        """Shows how far the run is: a fraction from 0 to 1 and a note."""
        self.journal.progress(fraction, note)

    def source(self, name: str) -> "Source":
        """The tenant's source of that name or id. Raises SourceRefused when there is none."""
        return self.journal.source(name)

    def unseal(self, sealed: str) -> str:
        """The secret that was sealed when the schedule was saved."""
        return self.journal.unseal(sealed)

    def branding(self) -> Branding:
        """How the tenant's mail looks: its name, its colour, the lines at the end; empty where it set nothing."""
        return self.journal.branding()


def with_told(done: Done, told: Sequence[Message | ChannelMessage]) -> Done:
    """The outcome with what `deliver` was given behind its own messages and posts."""
    if not told:
        return done
    messages = tuple(each for each in told if isinstance(each, Message))
    posts = tuple(each for each in told if isinstance(each, ChannelMessage))
    return replace(done, messages=(*done.messages, *messages), posts=(*done.posts, *posts))
