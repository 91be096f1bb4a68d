"""`kpi.schedule`: sends a graph or a dashboard as a report when its time has come, if it is fresh and its gate lets it.

Each run asks its graphs once for each security context that differs, judges freshness and gate by the first context,
renders one report a context, and returns a message for the recipients who share it. The record says what became of it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, NamedTuple, cast
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from workers.alerting.words import rfc3339, span
from workers.channels.email import mailbox
from workers.formats.report import MissingExtra, Report
from workers.gating import Gate, Undecided, passes
from workers.graphs import Graph, last_periods
from workers.kind import Context, InnerJournal, Kind
from workers.kinds.report_mail import Sheet, render
from workers.kinds.threshold_alert import patience
from workers.outcome import AlertState, Done, Later, Message, Outcome, Rejected
from workers.reporting import Part, digest_of, part_of
from workers.sources import SourceRefused, SourceUnavailable

MOST_ROWS = 50_000
MOST_BYTES = 200_000_000
WHOLE = ""

Shift = Literal["skip", "none", "before", "after"]
AttachmentType = Literal["pdf", "excel", "csv", "json", "html", "png", "none"]


class _Shape(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class Freshness(_Shape):
    """Waits for figures that are not older than this at the slot; then sends as it is and says so, or skips."""

    max_age_seconds: Annotated[int, Field(ge=0, le=31_536_000)]
    wait_seconds: Annotated[int, Field(ge=0, le=86_400)] = 0
    otherwise: Literal["send", "skip"] = "send"

    @property
    def pause_seconds(self) -> int:
        """How long it waits between two looks, so that a run's hundred attempts suffice."""
        return max(60, self.wait_seconds // 80)


class Audience(_Shape):
    """Recipients with a security context of their own, such as `{"region": "north"}`."""

    recipients: Annotated[list[Annotated[str, AfterValidator(mailbox)]], Field(min_length=1, max_length=1000)]
    context: Annotated[
        dict[Annotated[str, Field(min_length=1, max_length=100)], Annotated[str, Field(max_length=1000)]],
        Field(max_length=50),
    ]


class Options(_Shape):
    """What a scheduled alert says beside its timing, its gate and its attachment."""

    freshness: Freshness | None = None
    audiences: Annotated[list[Audience], Field(max_length=200)] = Field(
        default_factory=list, description="contexts of some recipients; the others have none"
    )
    periods: Annotated[int, Field(ge=1, le=1000)] = Field(30, description="how many complete periods are shown")
    subtitle: Annotated[str, Field(max_length=200)] = ""
    every: Annotated[int, Field(ge=1, le=366)] = Field(1, description="each so many days, weeks, months")
    shift: Shift = Field("skip", description="what becomes of a day of the calendar")


class Params(Options):
    """What is sent, to whom and under which conditions; made by Tocsin out of the alert."""

    alert_id: UUID
    alert_name: Annotated[str, Field(min_length=1, max_length=200)]
    recipients: Annotated[list[Annotated[str, AfterValidator(mailbox)]], Field(min_length=1, max_length=1000)]
    graph_id: UUID | None = None
    dashboard_id: UUID | None = None
    gating_condition: Gate | None = None
    attachment_type: AttachmentType = "none"


class Group(NamedTuple):
    """Recipients whose reports are the same, since their contexts are."""

    context: Mapping[str, str]
    recipients: tuple[str, ...]


def groups_of(params: Params) -> list[Group]:
    """Return the recipients by context, in the order in which the contexts first come; who has none has the empty one."""
    contexts: dict[str, Mapping[str, str]] = {}
    for audience in params.audiences:
        contexts |= dict.fromkeys(audience.recipients, audience.context)
    found: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for recipient in dict.fromkeys([*params.recipients, *contexts]):
        key = tuple(sorted(contexts.get(recipient, {}).items()))
        found.setdefault(key, []).append(recipient)
    return [Group(dict(key), tuple(recipients)) for key, recipients in found.items()]


class Trouble(NamedTuple):
    """Why a graph could not be read, and whether asking again may help."""

    graph: Graph
    why: str
    is_passing: bool


def ask(ctx: Context[Params], graphs: Sequence[Graph], context: Mapping[str, str]) -> list[Part] | Trouble:
    """Return the graphs as parts of one reader's report, or what is the matter with one of them."""
    parts = []
    for graph in graphs:
        looked_at = last_periods(graph, ctx.slot_at, ctx.timezone, ctx.params.periods)
        try:
            question = graph.question(ctx.slot_at, ctx.timezone, looked_at, context)
            source = ctx.source(str(graph.source_id))
            table = source.query(question, timeout_seconds=patience(ctx), row_cap=MOST_ROWS)
        except (SourceRefused, SourceUnavailable) as error:
            return Trouble(graph, f"the graph {graph.name!r}: {error}", isinstance(error, SourceUnavailable))
        part = part_of(graph, table, ctx.timezone)
        if isinstance(part, str):
            return Trouble(graph, f"the graph {graph.name!r}: {part}", is_passing=False)
        parts.append(part)
    return parts


def run(ctx: Context[Params]) -> Outcome:
    """Ask the graphs, wait for fresh figures, ask the gate, and return one message for each context."""
    params = ctx.params
    book = cast("InnerJournal", ctx.journal).alerts()
    graphs = book.graphs(params.graph_id, params.dashboard_id)
    if not graphs:
        return Rejected("its graph or its dashboard was deleted")
    groups = groups_of(params)
    parts = ask(ctx, graphs, groups[0].context)
    if isinstance(parts, Trouble):
        return _unread(ctx, parts)
    late = lateness(params.freshness, parts, ctx.slot_at)
    held = _waits(ctx, parts, late) or _gated(ctx, parts, book.memory(params.alert_id).get("digest"))
    return held or _sent(ctx, graphs, groups, parts, late)


def _unread(ctx: Context[Params], trouble: Trouble) -> Outcome:
    """What becomes of a report with a graph that gave no answer: its owner is told, its recipients are not."""
    if trouble.is_passing and not ctx.is_last_attempt:
        return Later(None, trouble.why)
    cast("InnerJournal", ctx.journal).alerts().trouble(trouble.graph, trouble.why, is_away=trouble.is_passing)
    return Done(record(ctx, "could_not_check", f"not sent: {trouble.why}", []))


def _waits(ctx: Context[Params], parts: Sequence[Part], late: str | None) -> Outcome | None:
    """What becomes of a report whose figures are late; None where they are not, or it goes out all the same."""
    freshness = ctx.params.freshness
    if late is None or freshness is None:
        return None
    waited = ctx.started_at - ctx.slot_at
    if waited < timedelta(seconds=freshness.wait_seconds) and not ctx.is_last_attempt:
        return Later(freshness.pause_seconds, late)
    return _held(ctx, "stale", f"not sent: {late}", parts, is_told=True) if freshness.otherwise == "skip" else None


def _gated(ctx: Context[Params], parts: Sequence[Part], last_digest: str | None) -> Outcome | None:
    """What becomes of a report whose gate is shut or can't be decided; None where it is open."""
    gate = ctx.params.gating_condition
    if gate is None:
        return None
    try:
        is_open, said = passes(gate, [part.figures for part in parts], has_changed=last_digest != digest_of(parts))
    except Undecided as error:
        return _held(ctx, "could_not_check", f"not sent: its gate can't be decided: {error}", parts, is_told=True)
    return None if is_open else _held(ctx, "gated", f"not sent: {said}", parts)


def _sent(
    ctx: Context[Params], graphs: Sequence[Graph], groups: Sequence[Group], parts: list[Part], late: str | None
) -> Outcome:
    """One message for each context; its figures are asked for with that context."""
    messages: list[Message] = []
    size = 0
    for number, group in enumerate(groups):
        found = ask(ctx, graphs, group.context) if number else parts
        if isinstance(found, Trouble):
            return _unread(ctx, found)
        try:
            messages.append(render(_sheet(ctx, group, found, late), group.recipients, ctx.branding()))
        except MissingExtra as error:
            return Rejected(str(error))
        size += sum(len(file.content) for file in messages[-1].attachments)
        if size > MOST_BYTES:
            return Rejected(
                f"its files come to more than {MOST_BYTES // 1_000_000} MB; give it fewer contexts or no file"
            )
    for graph in graphs:
        cast("InnerJournal", ctx.journal).alerts().settled(graph)
    said = f"sent to {sum(len(group.recipients) for group in groups)} recipients" + (f"; {late}" if late else "")
    kept = record(ctx, "sent", said, parts) | {
        "contexts": [{"context": dict(group.context), "recipients": len(group.recipients)} for group in groups],
        "attachments": [[file.filename for file in message.attachments if not file.content_id] for message in messages],
    }
    memory = {"digest": digest_of(parts), "sentAt": rfc3339(ctx.slot_at)}
    state = AlertState(ctx.params.alert_id, WHOLE, "ok", parts[0].figures.value, ctx.slot_at, memory)
    return Done(kept, tuple(messages), (state,))


def lateness(freshness: Freshness | None, parts: Sequence[Part], slot: datetime) -> str | None:
    """Return that the oldest figures are too old at a slot, in words; None where they are fresh or need not be."""
    if freshness is None:
        return None
    known = [part.newest for part in parts if part.newest is not None]
    if len(known) < len(parts):
        silent = next(part.graph.name for part in parts if part.newest is None)
        return f"nothing says how old the figures of {silent} are"
    age = slot - min(known)
    if age <= timedelta(seconds=freshness.max_age_seconds):
        return None
    return f"its figures are {span(age)} old, and {span(timedelta(seconds=freshness.max_age_seconds))} is allowed"


def record(ctx: Context[Params], outcome: str, sentence: str, parts: Sequence[Part]) -> dict[str, Any]:
    """Return the decision record that the run keeps."""
    known = [part.newest for part in parts if part.newest is not None]
    return {
        "slot": rfc3339(ctx.slot_at),
        "outcome": outcome,
        "notified": outcome == "sent",
        "sentence": sentence,
        "dataAsOf": rfc3339(min(known)) if known else None,
        "graphs": [
            {
                "graphId": str(part.graph.id),
                "graphVersion": part.graph.version,
                "name": part.graph.name,
                "value": None if part.figures.value is None else str(part.figures.value),
                "before": None if part.figures.before is None else str(part.figures.before),
                "rows": part.figures.rows,
            }
            for part in parts
        ],
    }


def _held(ctx: Context[Params], outcome: str, said: str, parts: Sequence[Part], *, is_told: bool = False) -> Done:
    """Nothing is sent, and the record says why; so does a message to the tenant's admins, where that is no intention."""
    if is_told:
        name = ctx.params.alert_name
        cast("InnerJournal", ctx.journal).alerts().tell(
            "held", f"{name} was not sent", f"The report {name} of {rfc3339(ctx.slot_at)} was {said}."
        )
    return Done(record(ctx, outcome, said, parts))


def _sheet(ctx: Context[Params], group: Group, parts: Sequence[Part], late: str | None) -> Sheet:
    params = ctx.params
    known = [part.newest for part in parts if part.newest is not None]
    filters = ", ".join(f"{name} = {value}" for name, value in sorted(group.context.items()))
    notes = [f"Filtered by: {filters}." if filters else "", f"Late data: {late}." if late else ""]
    report = Report(
        title=params.alert_name,
        slot=ctx.slot_local,
        sections=tuple(part.section for part in parts),
        subtitle=params.subtitle,
        data_as_of=min(known) if known else None,
        notes=tuple(filter(None, notes)),
        brand=ctx.branding(),
    )
    return Sheet(report, params.attachment_type, ctx.run_id, ctx.timezone)


KIND = Kind(
    name="kpi.schedule",
    Params=Params,
    run=run,
    summary="sends a graph or a dashboard as a report when its time has come",
    queue="reports",
    timeout_seconds=600,
    is_gated_only=True,
    made_at="/api/kpi-alerts",
)
