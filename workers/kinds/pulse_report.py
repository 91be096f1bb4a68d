"""`pulse.report`: writes a report by a prompt on the tenant's graphs, and mails it to those whom the pulse names.

Each run asks the graphs that the pulse may look at, has the report written once, and returns one message. What was
said, the figures and what became of it stay in the record. A graph without an answer is named in the report; a report
without any figure is none, so that nobody is mailed.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from workers.alerting.words import rfc3339
from workers.formats.report import MissingExtra, Report
from workers.graphs import Graph, last_periods
from workers.kind import Cancelled, Context, InnerJournal, Kind
from workers.kinds import posts, pulse_mail, pulse_writing
from workers.kinds.posts import Channels
from workers.kinds.pulse_mail import Sheet, Told
from workers.kinds.pulse_writing import Known, NotWritten, Written
from workers.kinds.report_asking import Trouble, ask_one
from workers.kinds.wording import Wording
from workers.outcome import Done, Later, Message, Outcome, Rejected
from workers.pulses.changes import Notable, is_notable
from workers.pulses.evidence import Evidence, gather, read
from workers.pulses.page import make
from workers.recipients import Found, Recipient, find, in_words
from workers.reporting import Part

PERIODS = 30
MOST_SECONDS = 60.0
"""How long one graph may take; all of them have a third of the run's time, so that the report is written in the rest."""
MOST_GRAPHS = 20
"""How many graphs are asked before the model is; of a longer list it asks the others itself."""


class Params(BaseModel):
    """What is asked, and who gets the report; made by Tocsin out of the pulse."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    prompt: Annotated[str, Field(min_length=1, max_length=20_000)]
    description: Annotated[str, Field(max_length=2000)] = ""
    recipients: Annotated[list[Recipient], Field(max_length=1000)] | None = None
    channels: Channels = Field(default_factory=list)
    template_id: UUID | None = None
    graph_ids: list[UUID] | None = None
    on_model_failure: Literal["fallback", "error"] = "fallback"
    skip_if_nothing_notable: bool = False
    attachment: Literal["none", "pdf"] = "none"
    test_mode: bool = False


def ask(ctx: Context[Params], graph: Graph, until: float) -> Part | Trouble:
    """Return a graph's figures of the last periods before the slot, or what is the matter with it."""
    left = min(MOST_SECONDS, until - time.monotonic())
    if left < 1:
        return Trouble(graph, f"the graph {graph.name!r}: the graphs before it took all the time", is_passing=True)
    return ask_one(ctx, graph, last_periods(graph, ctx.slot_at, ctx.timezone, PERIODS), left)


def run(ctx: Context[Params]) -> Outcome:
    """Ask the graphs, have the report written, and return it as a message, unless there is nothing to say."""
    journal = cast("InnerJournal", ctx.journal)
    graphs = journal.graphs(ctx.params.graph_ids)
    if not graphs:
        return Rejected("there is no graph that it may look at")
    until = time.monotonic() + ctx.seconds_left() / 3
    asked = [ask(ctx, graph, until) for graph in graphs[:MOST_GRAPHS]]
    parts = [each for each in asked if isinstance(each, Part)]
    troubles = [each for each in asked if isinstance(each, Trouble)]
    if any(each.is_passing for each in troubles) and not ctx.is_last_attempt:
        return Later(None, "; ".join(each.why for each in troubles))
    if not parts:
        return Rejected("; ".join(each.why for each in troubles))
    known = Known(graphs, parts, before_of(journal.last_sent()))
    if ctx.params.skip_if_nothing_notable and not is_notable(known.before, gather(ctx.slot_local, parts), Notable()):
        return Done(
            record(ctx, "not_notable", "not sent: nothing notable has changed since the last one", known, troubles)
        )
    return _written(ctx, known, troubles)


def _written(ctx: Context[Params], known: Known, troubles: Sequence[Trouble]) -> Outcome:
    """What becomes of a report for which there are figures."""
    journal = cast("InnerJournal", ctx.journal)
    whom = find(ctx, ctx.params.recipients or ())
    if whom.away is not None and not ctx.is_last_attempt:
        return Later(None, whom.away)
    if whom.problems:
        title = f"{ctx.schedule_name}: not all of its recipients"
        journal.alerts().tell("recipients", title, "\n".join(whom.problems))
    if ctx.params.recipients and not whom.addresses and not ctx.params.channels and not ctx.params.test_mode:
        return Done(record(ctx, "no_recipients", f"not sent: {whom.problems[-1]}", known, troubles) | whom.kept)
    written = pulse_writing.write(ctx, journal.model(), known, ctx.params.prompt, ctx.params.on_model_failure)
    if ctx.is_cancelled():
        raise Cancelled
    if isinstance(written, NotWritten):
        is_later = written.is_passing and not ctx.is_last_attempt
        return Later(written.retry_after, written.why) if is_later else Rejected(written.why)
    outcome = _sent(ctx, known, troubles, written, whom)
    # What is drawn takes its time too.
    if ctx.is_cancelled():
        raise Cancelled
    return outcome


def before_of(last: Mapping[str, Any] | None) -> Evidence | None:
    """Return what the last report that was sent was written from; None for the first, and where it can't be read."""
    try:
        found = read(json.dumps(last["evidence"])) if last is not None else None
        # What the model asked besides, it may ask otherwise each time.
        return found and replace(found, answers=found.answers[: last.get("answersOfItsOwn")] if last else ())
    except (KeyError, ValueError):
        return None


def _sent(ctx: Context[Params], known: Known, troubles: Sequence[Trouble], written: Written, whom: Found) -> Outcome:
    params, journal = ctx.params, cast("InnerJournal", ctx.journal)
    # Where a source is and what it said of itself is for the record.
    why = {True: "its source gave no answer", False: "it could not be read"}
    notes = tuple(f"Without figures: {each.graph.name}: {why[each.is_passing]}." for each in troubles)
    brand = ctx.branding()
    sheet = Sheet(
        make(written.markdown, written.evidence, journal.model_rules().link_origins, brand),
        tuple(part.section for part in known.parts),
        notes,
        written.failure,
    )
    told = Told(ctx.schedule_name, ctx.slot_local, ctx.timezone, str(ctx.run_id))
    wording = Wording(ctx, params.template_id, ctx.schedule_name)
    try:
        file = pulse_mail.pdf_of(ctx, sheet) if params.attachment == "pdf" else None
        message = wording.message(pulse_mail.render(sheet, whom.addresses, brand, told, file))
    except MissingExtra as error:
        return Rejected(str(error))
    kept = {**pulse_writing.as_record(written), "notes": list(sheet.page.notes), **whom.kept, **wording.record()}
    if params.test_mode:
        shown = {"page": _page(message), **kept}
        return Done(record(ctx, "tested", "sent to nobody: it is a test", known, troubles) | shown)
    if not whom.addresses and not params.channels:
        return Done(record(ctx, "sent", "written for nobody: it names no recipients", known, troubles) | kept)
    report = Report(told.title, told.slot, sheet.figures, notes=notes, brand=brand)
    posted = posts.of_pulse(report, ctx.timezone, params.channels, sheet.page.text, file.link if file else "")
    said = f"sent to {in_words(len(whom.addresses), len(params.channels))}"
    return Done(
        record(ctx, "sent", said, known, troubles) | kept,
        (message,) if whom.addresses else (),
        posts=(posted,) if params.channels else (),
    )


def _page(message: Message) -> dict[str, Any]:
    return {
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "attachments": [file.filename for file in message.attachments if not file.content_id],
    }


def record(
    ctx: Context[Params], outcome: str, sentence: str, known: Known, troubles: Sequence[Trouble]
) -> dict[str, Any]:
    """Return what the run keeps of what it found and did."""
    return {
        "slot": rfc3339(ctx.slot_at),
        "outcome": outcome,
        "notified": outcome == "sent" and bool(ctx.params.recipients or ctx.params.channels),
        "sentence": sentence,
        "prompt": ctx.params.prompt,
        "graphs": [
            {
                "graphId": str(part.graph.id),
                "graphVersion": part.graph.version,
                "name": part.graph.name,
                "value": None if part.figures.value is None else str(part.figures.value),
                "before": None if part.figures.before is None else str(part.figures.before),
                "rows": part.figures.rows,
            }
            for part in known.parts
        ],
        "troubles": [each.why for each in troubles],
        "leftOut": max(0, len(known.graphs) - MOST_GRAPHS),
    }


KIND = Kind(
    name="pulse.report",
    Params=Params,
    run=run,
    summary="writes a report by a prompt on the tenant's graphs, and mails it",
    queue="ai",
    timeout_seconds=600,
    is_gated_only=True,
    made_at="/api/pulse",
)
