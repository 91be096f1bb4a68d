"""What an alert finds now, would have found, and why it told or did not: nothing here is stored and nobody is told.

What is read of the database is read first, so no connection is held while a source is asked.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api import kpi_alert_rows, kpi_alerts, kpi_thresholds, timings
from api.asked_sources import Means, asked, row_of
from api.definitions import Time
from api.kpi_alert_bodies import of_timing
from api.kpi_alert_rows import KpiAlert
from api.kpi_thresholds import Threshold
from api.refusals import refuse
from config.zones import zone
from db.jsonb import rfc3339
from db.pool import Connection
from db.query import Query
from scheduler import deliveries, slots
from scheduler.slots import BadRecurrence
from workers.alert_book import GET_GRAPH, LIST_STATES, facts_of, remembered
from workers.alerting.backtest import NoSuggestion, backtest, suggest_threshold, summary
from workers.alerting.lookback import window
from workers.alerting.machine import StateRow
from workers.alerting.notify import Facts
from workers.alerting.plot import plot
from workers.alerting.policy import Policy
from workers.alerting.record import record
from workers.alerting.series import Reading
from workers.graphs import Graph
from workers.journal import SourceRow
from workers.kinds.threshold_alert import MOST_ROWS, decide, reading_of
from workers.sources import RowCap, SourceRefused, SourceUnavailable

MOST_CHECKS = 30_000
MOST_JUDGED = 150_000
# A suggestion tries some fifteen thresholds.
MOST_SUGGESTED = 10_000
PLOTS = 6
LISTED = "named in recipients"
BACKTEST_DAYS = 90
_SECONDS = 30.0


class Check(NamedTuple):
    """A run of an alert's schedule, with what it decided."""

    id: UUID
    slot_at: datetime
    state: str
    reason: str | None
    error: str | None
    outcome: dict[str, Any] | None
    finished_at: datetime | None


FIND_CHECK = Query("find_check", Check)


class BacktestIn(BaseModel):
    """A threshold on a graph, and the span of the past that it is tried on; the last 90 days if none is given."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    graph_id: UUID
    threshold: Threshold
    first: Annotated[Time | None, Field(alias="from")] = None
    last: Annotated[Time | None, Field(alias="to")] = None
    wanted_messages: Annotated[int, Field(strict=True, ge=0, le=1000)] | None = Field(
        None, description="suggests the threshold that would have made no more messages than this"
    )


class Asking(NamedTuple):
    """A policy on a tenant's graph, in a zone, with the source that is asked."""

    tenant_id: UUID
    policy: Policy
    graph: Graph
    source: SourceRow
    timezone: str


class Trial(NamedTuple):
    """A check that is tried: what is asked, what the alert remembers, and what holds it back."""

    asking: Asking
    known: Mapping[str, StateRow]
    facts: Facts


def asking_of(conn: Connection, tenant_id: UUID, policy: Policy, graph_id: UUID | None, timezone: str) -> Asking:
    """What a policy asks of the tenant's graph. Raises BadDefinition."""
    if graph_id is None:
        raise refuse("graphId", "takes an alert of a graph")
    graph = GET_GRAPH.one(conn, tenant_id=tenant_id, id=graph_id)
    if graph is None:
        raise refuse("graphId", f"there is no graph {graph_id}")
    return Asking(tenant_id, policy, graph, row_of(conn, tenant_id, graph.source_id), timezone)


def ask(what: Asking, means: Means, slot_at: datetime, earliest: datetime, most_rows: int) -> Reading:
    """What the graph gives for the slots from `earliest` to `slot_at`. Raises RowCap, SourceRefused, SourceUnavailable."""
    graph, timezone = what.graph, what.timezone
    looked_at = window(what.policy, graph.meaning(timezone), slot_at, earliest)
    with asked(what.source, what.tenant_id, means) as source:
        question = graph.question(slot_at, timezone, looked_at)
        table = source.query(question, timeout_seconds=_SECONDS, row_cap=most_rows)
    return reading_of(table, graph, timezone)


def trial_of(conn: Connection, tenant_id: UUID, row: KpiAlert, now: datetime) -> Trial:
    """The check of an alert at this moment, up to asking its source. Raises BadDefinition."""
    if row.alert_type != "threshold":
        raise refuse("alertType", "takes threshold: an alert of the type schedule has no check to test")
    asking = asking_of(conn, tenant_id, kpi_alert_rows.policy_of(row), row.graph_id, row.timezone)
    known = LIST_STATES.all(conn, tenant_id=tenant_id, alert_id=row.id)
    facts = facts_of(conn, tenant_id, row.id, now)
    return Trial(asking, {each.segment: remembered(each) for each in known}, facts)


class Tried(NamedTuple):
    """The decision record of a check that nobody is told of, and whether the source answered it."""

    record: dict[str, Any]
    is_checked: bool


def try_alert(trial: Trial, means: Means, now: datetime) -> Tried:
    """A check at this moment, by what the alert remembers."""
    what = trial.asking
    reading: Reading | str
    try:
        reading = ask(what, means, now, now, MOST_ROWS)
    except RowCap:
        reading = f"the graph has more than {MOST_ROWS:,} rows in the window that is looked at"
    except (SourceRefused, SourceUnavailable) as error:
        reading = str(error)
    checked = decide(what.policy, reading, trial.known, trial.facts, [now])
    notes = () if isinstance(reading, str) else reading.notes
    told = record(what.policy, what.graph.version, checked.decisions, now, notes)
    return Tried(told, not isinstance(reading, str))


def backtest_of(conn: Connection, tenant_id: UUID, body: BacktestIn) -> Asking:
    """What a backtest asks. Raises BadDefinition."""
    timezone = kpi_alerts.zone_of(conn, tenant_id, body.threshold.timezone)
    return asking_of(conn, tenant_id, body.threshold, body.graph_id, timezone)


def run_backtest(what: Asking, means: Means, body: BacktestIn, now: datetime) -> dict[str, Any]:
    """What the policy would have told in the span that is asked, with plots of the busiest segments.

    Raises BadDefinition, SourceUnavailable.
    """
    last = body.last or now
    first = body.first or last - timedelta(days=BACKTEST_DAYS)
    wanted = body.wanted_messages
    checks = checks_of(body.threshold, what.timezone, first, last)
    reading = read_past(what, means, checks[-1], checks[0])
    if len(reading.series) * len(checks) > MOST_JUDGED:
        most = MOST_JUDGED // len(reading.series)
        raise refuse("from", f"takes a span of at most {most} checks for {len(reading.series)} segments")
    if wanted is not None and len(reading.series) * len(checks) > MOST_SUGGESTED:
        raise refuse("wantedMessages", f"takes a span of at most {MOST_SUGGESTED} checks, counted for each segment")
    done = backtest(what.policy, reading, checks)
    busiest = sorted(done.points, key=lambda name: -sum(each.segment == name for each in done.notices))[:PLOTS]
    return {
        **summary(done),
        "plots": [
            {"segment": name, "svg": plot(done, zone(what.timezone), name, name or what.graph.name, what.graph.style)}
            for name in busiest
        ],
        "suggestion": None if wanted is None else _suggestion(what.policy, reading, checks, wanted),
    }


def read_past(what: Asking, means: Means, last: datetime, first: datetime) -> Reading:
    """What the graph gives for every slot of a span. Raises BadDefinition, SourceUnavailable."""
    if what.graph.time_dimension is None:
        raise refuse("graphId", "takes a graph with a timeDimension: only that has a past")
    try:
        reading = ask(what, means, last, first, 10 * MOST_ROWS)
    except RowCap:
        raise refuse("from", f"takes a span of at most {10 * MOST_ROWS} rows") from None
    except SourceRefused as error:
        raise refuse("graphId", str(error)) from None
    if reading.problem:
        raise refuse("graphId", reading.problem)
    return reading


def why(conn: Connection, tenant_id: UUID, row: KpiAlert, at: datetime, recipient: str | None) -> dict[str, Any]:
    """The check of an alert that was the last by an instant: what it decided, and what became of each message."""
    check = FIND_CHECK.one(conn, tenant_id=tenant_id, schedule_id=row.schedule_id, at=at)
    if check is None:
        said = f"it had not been checked by {rfc3339(at)}; its next check is at {_instant(row.next_fire_at)}"
        return {"runId": None, "slotAt": None, "sentence": said, "record": None, "deliveries": []}
    wanted = deliveries.DeliveryFilter(run_id=check.id, recipient=recipient)
    sent = deliveries.list_all(conn, tenant_id, wanted)
    return {
        "runId": check.id,
        "slotAt": check.slot_at,
        "sentence": _sentence(check, len(sent), recipient, row),
        "record": check.outcome,
        "deliveries": [
            {
                "recipient": each.recipient,
                "by": _how(check, each.recipient),
                "state": each.state,
                "error": each.error,
                "sentAt": each.sent_at,
            }
            for each in sent
        ],
    }


def _how(check: Check, recipient: str) -> str:
    """How a recipient got on the list: by which of the alert's rules, or by name."""
    found = (check.outcome or {}).get("recipients", {}).get("foundBy", {})
    asked = recipient.lower()
    rules = (rule for rule, addresses in found.items() if asked in map(str.lower, addresses))
    return next(rules, LISTED)


def _sentence(check: Check, sent: int, recipient: str | None, row: KpiAlert) -> str:
    if check.state != "succeeded" or not check.outcome:
        said = f"the check of {rfc3339(check.slot_at)} is {check.state}"
        is_left = check.state in ("cancelled", "skipped")
        why = (check.reason or check.error) if is_left else (check.error or check.reason)
        return said + (f": {why}" if why else "")
    decided = str(check.outcome.get("sentence", check.outcome.get("reason", "")))
    is_found = recipient is not None and _how(check, recipient) != LISTED
    everybody = {each.lower() for each in kpi_alert_rows.recipients_of(row)}
    if recipient is not None and not is_found and recipient.lower() not in everybody:
        decided += f"; {recipient} is none of its recipients"
    elif recipient is not None and check.outcome.get("notified") and not sent:
        decided += f"; {recipient} was none of its recipients then"
    return decided


def _instant(at: datetime | None) -> str:
    return "no time: it is not active" if at is None else rfc3339(at)


def checks_of(threshold: Threshold, timezone: str, first: datetime, last: datetime) -> list[datetime]:
    """The slots of the check schedule from `first` to `last`. Raises BadDefinition when there are none or too many."""
    if first >= last:
        raise refuse("to", "takes an instant after from")
    timing = kpi_thresholds.timing_of(threshold)
    try:
        recurrence = timings.recurrence_of(timing, timezone, first)
        slots.check(recurrence)
        found, has_more = slots.slots_between(recurrence, first - timedelta(microseconds=1), last, MOST_CHECKS)
    except BadRecurrence as error:
        raise of_timing(error, "threshold") from None
    if not found:
        raise refuse("to", "takes a span in which there is a check")
    if has_more:
        raise refuse("from", f"takes a span of at most {MOST_CHECKS} checks, this has more")
    return found


def _suggestion(policy: Policy, reading: Reading, checks: Sequence[datetime], wanted: int) -> dict[str, Any]:
    try:
        found = suggest_threshold(policy, reading, checks, wanted)
    except NoSuggestion as error:
        return {"thresholdValue": None, "messages": None, "sentence": str(error)}
    said = f"{found.threshold} would have made {found.messages} messages, of at most {wanted} wanted"
    return {"thresholdValue": str(found.threshold), "messages": found.messages, "sentence": said}
