"""What an alert's page shows of its past: the course of one segment, who got what, and what holds it back now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any, NamedTuple
from uuid import UUID

from markupsafe import Markup

from api.charts import alert_course
from api.charts.alert_course import Course, Mark, Place, Span
from api.kpi_alert_rows import LIST_MOVES, Move
from api.kpi_alerts import KPI_ALERTS
from api.pages.page import Page
from config.zones import zone
from db.query import Query
from scheduler.schedules import read_now
from workers.alert_book import GET_GRAPH, LIST_ACTIONS, LIST_STATES, REMEMBERED, ActionRow, KnownState
from workers.formats.numbers import PLAIN, Style

MOST_CHECKS = 2_000
MOST_MOVES = 200
MOST_TOLD = 60
MOST_SILENCES = 200
_WEIGHTS = ("firing", "recovering", "error", "no_data", "pending", "ok")


class Check(NamedTuple):
    """A check as its run recorded it of one segment."""

    id: UUID
    slot_at: datetime
    run_state: str
    measured: Decimal | None
    low: Decimal | None
    high: Decimal | None
    state: str | None
    outcome: str | None
    is_told: bool
    sentence: str | None


class Sent(NamedTuple):
    """A message of a check."""

    id: UUID
    run_id: UUID
    slot_at: datetime
    channel: str
    recipient: str
    recipient_type: str
    state: str
    error: str | None
    created_at: datetime
    sent_at: datetime | None
    recipient_name: str | None


class Worth(NamedTuple):
    """What the list shows of an alert: its weightiest segment, and when somebody was last told."""

    id: UUID
    segments: int
    firing: int
    segment: str
    value: Decimal | None
    since: datetime
    told_at: datetime | None


class Unchecked(NamedTuple):
    """An alert whose newest check could not check."""

    id: UUID


class Silenced(NamedTuple):
    """A silence of the alert, or of all."""

    name: str
    segment: str
    starts_at: datetime
    ends_at: datetime


LIST_CHECKS = Query("list_alert_checks", Check)
LIST_SENT = Query("list_deliveries_of_runs", Sent)
LIST_VALUES = Query("list_alert_values", Worth)
LIST_UNCHECKED = Query("list_unchecked_alerts", Unchecked)
LIST_SILENCED = Query("list_silences_over", Silenced)


@dataclass(frozen=True, slots=True)
class Past:
    """What is shown of one alert. `told` are its newest checks that told somebody, each with its messages."""

    now: datetime
    states: Sequence[KnownState]
    segment: str
    chart: Markup
    moves: Sequence[Move]
    told: Sequence[tuple[Check, Sequence[Sent]]]
    actions: Sequence[ActionRow]
    style: Style

    def is_of_now(self, action: ActionRow) -> bool:
        """True when what was done is about a firing that lasts; of one that is over it means nothing more."""
        return any(
            each.state in ("firing", "recovering")
            and action.segment in ("", each.segment)
            and action.created_at >= each.since
            for each in self.states
        )


def worths(page: Page, alerts: Sequence[Mapping[str, Any]]) -> dict[str, Worth]:
    """What the list shows of each of these alerts that was checked."""
    with page.reading() as conn:
        rows = LIST_VALUES.all(conn, tenant_id=page.tenant, ids=[UUID(each["id"]) for each in alerts])
    return {str(row.id): row for row in rows}


def unchecked(page: Page, alerts: Sequence[Mapping[str, Any]]) -> set[str]:
    """The ids of those whose newest check could not check, whatever state they are in since an earlier one."""
    with page.reading() as conn:
        rows = LIST_UNCHECKED.all(conn, tenant_id=page.tenant, ids=[UUID(each["id"]) for each in alerts])
    return {str(row.id) for row in rows}


def past_of(page: Page, alert_id: UUID, segment: str | None, days: int) -> Past:
    """The past of an alert; of its weightiest segment unless one is named."""
    with page.reading() as conn:
        now = read_now(conn)
        row = KPI_ALERTS.get(conn, page.tenant, alert_id)
        known = {"tenant_id": page.tenant, "alert_id": alert_id}
        states = sorted(LIST_STATES.all(conn, **known), key=lambda each: (_WEIGHTS.index(each.state), each.segment))
        shown = segment if segment is not None else states[0].segment if states else ""
        since = now - timedelta(days=days)
        checks = LIST_CHECKS.all(
            conn, tenant_id=page.tenant, schedule_id=row.schedule_id, segment=shown, since=since, room=MOST_CHECKS
        )
        moves = LIST_MOVES.all(conn, **known, segment=shown, before_at=None, before_id=None, room=MOST_MOVES)
        silences = LIST_SILENCED.all(conn, **known, since=since, until=now, room=MOST_SILENCES)
        told = [each for each in checks if each.is_told][:MOST_TOLD]
        sent = LIST_SENT.all(
            conn,
            tenant_id=page.tenant,
            run_ids=[each.id for each in told],
            slots=[each.slot_at for each in told],
            room=500,
        )
        graph = None if row.graph_id is None else GET_GRAPH.one(conn, tenant_id=page.tenant, id=row.graph_id)
        actions = LIST_ACTIONS.all(conn, **known, since=now - REMEMBERED)
    messages = [(check, [each for each in sent if each.run_id == check.id]) for check in told]
    style = PLAIN if graph is None else graph.style
    measure = (row.policy or {}).get("measure", "value")
    shape = {"percentChange": Style("%"), "freshness": Style(form="duration")}.get(measure, style)
    first = checks[-1].slot_at if checks else since
    course = Course(
        min(first, now),
        now,
        [Place(each.slot_at, each.measured, each.low, each.high) for each in reversed(checks)],
        spans_of(moves, next((each.state for each in states if each.segment == shown), None), first, now),
        [
            Span(max(each.starts_at, first), min(each.ends_at, now), each.name)
            for each in silences
            if fnmatchcase(shown, each.segment)
        ],
        [Mark(check.slot_at, check.outcome or "", _whom(check, sent)) for check, sent in reversed(messages)],
        is_band=row.condition in ("BETWEEN", "OUTSIDE"),
    )
    chart = alert_course.draw(course, zone(row.timezone), shape)
    return Past(now, states, shown, chart, moves, messages, actions, style)


def spans_of(moves: Sequence[Move], state: str | None, first: datetime, last: datetime) -> list[Span]:
    """In which state a segment was when; the moves are the newest first, and `state` is what it is in now."""
    found: list[Span] = []
    end, is_in = last, moves[0].state if moves else state
    for move in moves:
        if is_in is not None and end > first:
            found.append(Span(max(move.slot_at, first), end, is_in))
        end, is_in = move.slot_at, move.previous_state
    if is_in is not None and end > first:
        found.append(Span(first, end, is_in))
    return found[::-1]


def _whom(check: Check, sent: Sequence[Sent]) -> str:
    named = [f"{each.recipient_name or each.recipient} ({each.state})" for each in sent]
    more = f" and {len(named) - 5} more" if len(named) > 5 else ""
    return f"{check.outcome}: {check.sentence or ''}; to {', '.join(named[:5]) or 'nobody'}{more}"
