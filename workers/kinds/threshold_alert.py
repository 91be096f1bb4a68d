"""`kpi.threshold`: tells the recipients when a graph's figure crosses its threshold, becomes worse, lasts, or is back.

Each run is one check: it asks the graph's source, judges each segment by the alert's policy, and keeps the record of what
it found, what it decided and why. Slots that no run could check are judged first, so nothing is missed after an outage.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Annotated, Any, NamedTuple, Self, cast
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from config.zones import zone
from workers.alerting import machine
from workers.alerting.chart import Picture, is_worth_it, points_of
from workers.alerting.check import Decision, check, living
from workers.alerting.lookback import window
from workers.alerting.machine import StateRow, Transition
from workers.alerting.notify import Facts
from workers.alerting.policy import Policy
from workers.alerting.record import record
from workers.alerting.series import Reading, read
from workers.formats.numbers import Style
from workers.graphs import Graph
from workers.kind import Context, InnerJournal, Kind
from workers.kinds import posts
from workers.kinds.posts import Channels
from workers.kinds.threshold_mail import Told, render
from workers.kinds.wording import Wording
from workers.outcome import AlertMove, AlertState, Done, Later, Outcome, Rejected
from workers.recipients import Recipient, find
from workers.sources import RowCap, SourceRefused, SourceUnavailable, Table

MOST_ROWS = 20_000
MOST_SECONDS, SPARE_SECONDS = 120.0, 15.0
CATCHING_UP = "its slot is made up for, and the slot after it tells"


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("takes one line of printable characters")
    return text.strip()


def _each_once(entries: list[Any]) -> list[Any]:
    return list(dict.fromkeys(entries))


class Params(Policy):
    """What is watched, by which policy, and who is told; made by Tocsin out of the alert."""

    alert_id: UUID
    alert_name: Annotated[str, AfterValidator(_printable)] = Field(min_length=1, max_length=200)
    recipients: Annotated[list[Recipient], Field(max_length=1000), AfterValidator(_each_once)]
    channels: Channels = Field(default_factory=list)
    graph_id: UUID
    template_id: UUID | None = None

    @model_validator(mode="after")
    def _tells_somebody(self) -> Self:
        if not self.recipients and not self.channels:
            raise ValueError("takes a recipient or a channel")
        return self

    @property
    def policy(self) -> Policy:
        """The policy alone."""
        return Policy.model_construct(**{name: getattr(self, name) for name in Policy.model_fields})


class Checked(NamedTuple):
    """What a run's checks came to: the last decision of each segment, and every move of its state on the way there."""

    decisions: Mapping[str, Decision]
    moves: Mapping[str, Sequence[Transition]]
    caught_up: int = 0


class Unread(NamedTuple):
    """Why a graph can't be read; `is_away`: its source is, and may be there again soon."""

    why: str
    is_away: bool = False


def ask(ctx: Context[Params], graph: Graph, slots: list[datetime]) -> Reading | Unread:
    """Return the graph's series for these slots, or why they can't be read."""
    meaning = graph.meaning(ctx.timezone)
    asked = graph.question(ctx.slot_at, ctx.timezone, window(ctx.params, meaning, ctx.slot_at, min(slots)))
    try:
        source = ctx.source(str(graph.source_id))
        table = source.query(asked, timeout_seconds=patience(ctx), row_cap=MOST_ROWS)
    except RowCap:
        return Unread(f"the graph has more than {MOST_ROWS:,} rows in the window that is looked at")
    except SourceRefused as error:
        return Unread(str(error))
    except SourceUnavailable as error:
        return Unread(str(error), is_away=True)
    return reading_of(table, graph, ctx.timezone)


def patience(ctx: Context[Any]) -> float:
    """How many seconds a source has, so that there is time left to say that it gave no answer."""
    return max(1.0, min(MOST_SECONDS, ctx.seconds_left() - SPARE_SECONDS))


def reading_of(table: Table, graph: Graph, timezone: str) -> Reading:
    """Return a table as series by segment."""
    found = read([column.name for column in table.columns], table.rows, graph.meaning(timezone), table.data_as_of)
    return found._replace(notes=(*found.notes, *table.notes))


def decide(
    policy: Policy, reading: Reading | str, rows: Mapping[str, StateRow], facts: Facts, slots: list[datetime]
) -> Checked:
    """Return what the policy decides at the last of `slots`, after those before it, of which nobody is told by itself."""
    known = dict(rows)
    decisions: dict[str, Decision] = {}
    moves: dict[str, list[Transition]] = {}
    silent = replace(facts, gated=CATCHING_UP)
    for slot in slots:
        decisions = check(policy, reading, known, facts if slot == slots[-1] else silent, slot)
        known |= {segment: each.row for segment, each in decisions.items()}
        for segment, each in decisions.items():
            moves.setdefault(segment, []).extend([each.transition] if each.transition else [])
    return Checked(decisions, moves, len(slots) - 1)


def states(alert_id: UUID, policy: Policy, checked: Checked) -> tuple[AlertState, ...]:
    """Return what the alert remembers from now on, and the moves of its states.

    Where the policy keeps the state over an error, nothing is remembered of it: the slot stays unchecked, and is judged
    once there is an answer.
    """
    found = []
    for segment, each in checked.decisions.items():
        if each.finding.answer == "could_not_check" and policy.guards.on_error == "keep":
            continue
        found.append(
            AlertState(
                alert_id,
                segment,
                each.row.state,
                each.row.value,
                each.row.since,
                machine.as_json(each.row),
                tuple(
                    AlertMove(move.at, move.before, move.after, move.value, move.sentence)
                    for move in checked.moves[segment]
                ),
            )
        )
    return tuple(found)


def run(ctx: Context[Params]) -> Outcome:
    """Read the figures, judge them, and return the record with the message when there is something to tell."""
    params, policy = ctx.params, ctx.params.policy
    book = cast("InnerJournal", ctx.journal).alerts()
    graph = book.graph(params.graph_id)
    if graph is None:
        return Rejected("its graph was deleted")
    rows = book.states(params.alert_id)
    slots = [*_missed(ctx, rows), ctx.slot_at]
    missed = len(slots) - 1
    found = ask(ctx, graph, slots)
    if isinstance(found, Unread) and missed:
        # What was missed may be too much to ask for at once; this slot alone is not.
        slots = slots[-1:]
        found = ask(ctx, graph, slots)
    if isinstance(found, Unread):
        if found.is_away and not ctx.is_last_attempt:
            return Later(None, found.why)
        book.trouble(graph, found.why, is_away=found.is_away)
    else:
        book.settled(graph)
    reading = found.why if isinstance(found, Unread) else found
    checked = decide(policy, reading, rows, book.facts(params.alert_id, ctx.slot_at), slots)
    notes = () if isinstance(found, Unread) else found.notes
    kept = record(policy, book.rule_version(), checked.decisions, ctx.slot_at, notes)
    kept |= {"graphId": str(graph.id), "graphVersion": graph.version, "slotsMadeUpFor": checked.caught_up}
    kept |= {"slotsGivenUp": missed - checked.caught_up if not isinstance(found, Unread) else 0}
    told = [each for each in checked.decisions.values() if each.notice.is_told]
    if not told:
        return Done(kept, (), states(params.alert_id, policy, checked))
    whom = find(ctx, params.recipients)
    if whom.away is not None and not ctx.is_last_attempt:
        return Later(None, whom.away)
    kept |= whom.kept
    if whom.problems:
        book.tell("recipients", f"{params.alert_name}: not all of its recipients", "\n".join(whom.problems))
    if not whom.addresses and not params.channels:
        kept |= {"notified": False, "sentence": f"{kept['sentence']}; {whom.problems[-1]}"}
        return Done(kept, (), states(params.alert_id, policy, checked))
    facts = Told(
        params.alert_id,
        params.alert_name,
        graph,
        checked.decisions,
        ctx.slot_local,
        ctx.timezone,
        ctx.run_id,
        partial(_picture, ctx, graph, found),
    )
    wording = Wording(ctx, params.template_id, params.alert_name)
    mails = [wording.message(render(facts, whom.addresses, ctx.branding()))] if whom.addresses else []
    return Done(
        {**kept, **wording.record()},
        tuple(mails),
        states(params.alert_id, policy, checked),
        (posts.of_alert(facts, params.channels),) if params.channels else (),
    )


def _picture(ctx: Context[Params], graph: Graph, found: Reading | Unread, decision: Decision) -> Picture | None:
    """The course of one segment, out of what was asked and recorded already; None where there is none to be seen."""
    policy, finding = ctx.params.policy, decision.finding
    if policy.measure in ("noData", "freshness"):
        return None
    earlier = cast("InnerJournal", ctx.journal).alerts().checks(finding.segment)
    series = None if isinstance(found, Unread) else found.series.get(finding.segment)
    points = points_of(policy, finding, decision.row.state, ctx.slot_at, earlier, series)
    style = Style("%") if policy.measure == "percentChange" else graph.style
    is_by_day = graph.grain in ("day", "week", "month", "quarter", "year")
    picture = Picture(points, style, zone(ctx.timezone), policy.condition, is_by_day)
    return picture if is_worth_it(points) else None


def _missed(ctx: Context[Params], rows: Mapping[str, StateRow]) -> list[datetime]:
    """The slots since the last check that no run could check; none for an alert that never could."""
    # Who is over is judged no more: its last slot would have the same ones made up for again and again.
    known = [rows[segment].slot for segment in living(rows)]
    seen = [slot for slot in known if slot is not None]
    return cast("InnerJournal", ctx.journal).alerts().unchecked(min(seen)) if seen else []


KIND = Kind(
    name="kpi.threshold",
    Params=Params,
    run=run,
    summary="tells when a figure crosses its threshold, becomes worse, lasts, or is back",
    queue="alerts",
    is_gated_only=True,
    made_at="/api/kpi-alerts",
)
