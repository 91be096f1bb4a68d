"""`kpi.schedule`: sends a graph or a dashboard as a report when its time has come, if it is fresh and its gate lets it.

Each run asks its graphs once for each security context that differs, judges freshness and gate by the first context,
renders one report a context, and returns a message for the recipients who share it. The record says what became of it.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from typing import Annotated, Any, NamedTuple, cast
from uuid import UUID

from pydantic import Field

from workers.alerting.words import rfc3339, span
from workers.artifacts import NoStore
from workers.formats.report import Artifact, MissingExtra, Report
from workers.gating import Gate, Undecided, passes
from workers.graphs import Graph
from workers.kind import Context, InnerJournal, Kind
from workers.kinds import posts
from workers.kinds.report_asking import Trouble, ask, ask_each
from workers.kinds.report_mail import Sheet, render
from workers.kinds.report_options import AttachmentType, Freshness, Options
from workers.kinds.wording import Wording
from workers.outcome import AlertState, ChannelMessage, Done, Later, Message, Outcome, Rejected
from workers.recipients import Found, Recipient, find, in_words
from workers.reporting import Part, digest_of

MOST_BYTES = 200_000_000
WHOLE = ""


class Params(Options):
    """What is sent, to whom and under which conditions; made by Tocsin out of the alert."""

    alert_id: UUID
    alert_name: Annotated[str, Field(min_length=1, max_length=200)]
    recipients: Annotated[list[Recipient], Field(max_length=1000)]
    channels: posts.Channels = Field(default_factory=list)
    graph_id: UUID | None = None
    dashboard_id: UUID | None = None
    template_id: UUID | None = None
    gating_condition: Gate | None = None
    attachment_type: AttachmentType = "none"


class Group(NamedTuple):
    """Recipients whose reports are the same, since their contexts are; of the empty one there may be channels alone."""

    context: Mapping[str, str]
    recipients: tuple[str, ...]


def groups_of(params: Params, addresses: Sequence[str]) -> list[Group]:
    """Return the recipients by context, in the order in which the contexts first come; who has none has the empty one."""
    contexts: dict[str, Mapping[str, str]] = {}
    for audience in params.audiences:
        contexts |= dict.fromkeys(audience.recipients, audience.context)
    found: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for recipient in dict.fromkeys([*addresses, *contexts]):
        key = tuple(sorted(contexts.get(recipient, {}).items()))
        found.setdefault(key, []).append(recipient)
    if params.channels or not found:
        found.setdefault((), [])
    return [Group(dict(key), tuple(recipients)) for key, recipients in found.items()]


def run(ctx: Context[Params]) -> Outcome:
    """Ask the graphs, wait for fresh figures, ask the gate, and return one message for each context."""
    params = ctx.params
    book = cast("InnerJournal", ctx.journal).alerts()
    graphs = book.graphs(params.graph_id, params.dashboard_id)
    if not graphs:
        return Rejected("its graph or its dashboard was deleted")
    in_audiences = [each for audience in params.audiences for each in audience.recipients]
    whom = find(ctx, params.recipients, in_audiences)
    if whom.away is not None and not ctx.is_last_attempt:
        return Later(None, whom.away)
    if whom.problems:
        title = f"{params.alert_name}: not all of its recipients"
        book.tell("recipients", title, "\n".join(whom.problems))
    groups = groups_of(params, whom.addresses)
    if not groups:
        return Done(record(ctx, "no_recipients", f"not sent: {whom.problems[-1]}", []) | whom.kept)
    parts = ask(ctx, graphs, groups[0].context, params.periods)
    if isinstance(parts, Trouble):
        return _unread(ctx, parts)
    late = lateness(params.freshness, parts, ctx.slot_at)
    held = _waits(ctx, parts, late) or _gated(ctx, parts, book.memory(params.alert_id).get("digest"))
    return held or _sent(ctx, graphs, groups, parts, late, whom)


def _unread(ctx: Context[Params], trouble: Trouble) -> Outcome:
    """What becomes of a report with a graph that gave no answer: its owner is told, its recipients are not.

    A query that is refused is refused again: its run is a dead letter, to be replayed once the graph is mended.
    """
    if trouble.is_passing and not ctx.is_last_attempt:
        return Later(None, trouble.why)
    cast("InnerJournal", ctx.journal).alerts().trouble(trouble.graph, trouble.why, is_away=trouble.is_passing)
    said = f"not sent: {trouble.why}"
    return Done(record(ctx, "could_not_check", said, [])) if trouble.is_passing else Rejected(said)


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
    ctx: Context[Params],
    graphs: Sequence[Graph],
    groups: Sequence[Group],
    parts: list[Part],
    late: str | None,
    whom: Found,
) -> Outcome:
    """One message for each context; its figures are asked for with that context."""
    wording = Wording(ctx, ctx.params.template_id, ctx.params.alert_name)
    told = _told(ctx, graphs, groups, parts, late, wording)
    if not isinstance(told, Told):
        return told
    for graph in graphs:
        cast("InnerJournal", ctx.journal).alerts().settled(graph)
    channels = len(ctx.params.channels)
    said = f"sent to {in_words(sum(len(group.recipients) for group in groups), channels)}"
    said += f"; {late}" if late else ""
    kept = record(ctx, "sent", said, parts) | whom.kept
    kept |= {
        "contexts": [{"context": dict(group.context), "recipients": len(group.recipients)} for group in groups],
        **wording.record(),
        "attachments": [[file.filename for file in mail.attachments if not file.content_id] for mail in told.mails],
        "tooLarge": told.too_large,
    }
    memory = {"digest": digest_of(parts), "sentAt": rfc3339(ctx.slot_at)}
    state = AlertState(ctx.params.alert_id, WHOLE, "ok", parts[0].figures.value, ctx.slot_at, memory)
    return Done(kept, tuple(told.mails), (state,), tuple(told.posts))


def _kept(ctx: Context[Params], number: int, told: "Told", file: Artifact) -> str:
    """A link to a file that is too large for a mail; empty where no file can be kept or no link made, which is noted.

    Each context has a file of its own, so the name says which; one attempt's figures stay those of the next.
    """
    name = f"{number + 1}-{file.filename}" if number else file.filename
    ending = file.filename.removesuffix(".zip").rpartition(".")[2]
    try:
        link = ctx.keep(name, file.path, file.content_type, ending, file.rows).link
    except NoStore:
        told.too_large.append({"file": name, "became": "left out: ARTIFACT_URL is not set"})
        return ""
    became = "linked" if link else "kept, without a link: TOCSIN_URL or TOCSIN_SECRET_KEYS is not set"
    told.too_large.append({"file": name, "became": became})
    return link


class Told(NamedTuple):
    """What goes out: a mail for each context that has readers, and what the channels are told, which have none.

    `too_large`: the files that no mail carries, and what became of each.
    """

    mails: list[Message]
    posts: list[ChannelMessage]
    too_large: list[dict[str, str]]


def _told(
    ctx: Context[Params],
    graphs: Sequence[Graph],
    groups: Sequence[Group],
    parts: list[Part],
    late: str | None,
    wording: Wording,
) -> Told | Outcome:
    """What goes out to each group, or what becomes of a run that can't have it all."""
    told = Told([], [], [])
    size = 0
    with closing(ask_each(ctx, graphs, [group.context for group in groups[1:]], ctx.params.periods)) as others:
        for number, (group, found) in enumerate(zip(groups, chain([parts], others), strict=True)):
            if isinstance(found, Trouble):
                return _unread(ctx, found)
            sheet = _sheet(ctx, group, found, late)
            if ctx.params.channels and not group.context:
                told.posts.append(posts.of_report(sheet.report, ctx.timezone, ctx.params.channels))
            if not group.recipients:
                continue
            try:
                made = render(sheet, group.recipients, ctx.branding(), partial(_kept, ctx, number, told))
            except MissingExtra as error:
                return Rejected(str(error))
            told.mails.append(wording.message(made))
            size += sum(len(file.content) for file in told.mails[-1].attachments)
            if size > MOST_BYTES:
                return Rejected(
                    f"its files come to more than {MOST_BYTES // 1_000_000} MB; give it fewer contexts or no file"
                )
    return told


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
