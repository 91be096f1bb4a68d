"""What an alert finds now, would have found, and why it told or did not: nothing here is stored and nobody is told."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from api import kpi_alerts
from api.asked_sources import asked, row_of
from api.kpi_alerts import KpiAlert
from api.kpi_thresholds import Threshold
from api.refusals import refuse
from api.request import Asked
from config.zones import zone
from db.jsonb import rfc3339
from db.pool import Connection
from db.query import Query
from scheduler import deliveries, slots
from scheduler.slots import Cron
from workers.alert_book import GET_GRAPH, LIST_STATES, facts_of, remembered
from workers.alerting.backtest import NoSuggestion, backtest, suggest_threshold, summary
from workers.alerting.lookback import window
from workers.alerting.plot import plot
from workers.alerting.policy import Policy
from workers.alerting.record import record
from workers.alerting.series import Reading
from workers.graphs import Graph
from workers.kinds.threshold_alert import MOST_ROWS, decide, reading_of
from workers.sources import RowCap, SourceRefused, SourceUnavailable

MOST_CHECKS = 30_000
MOST_JUDGED = 150_000
# A suggestion tries some fifteen thresholds.
MOST_SUGGESTED = 10_000
PLOTS = 6
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


class Asking(NamedTuple):
    """A threshold on a graph, in a zone."""

    policy: Policy
    graph: Graph
    timezone: str


def graph_of(conn: Connection, tenant_id: UUID, graph_id: UUID) -> Graph:
    """The tenant's graph. Raises BadDefinition."""
    found = GET_GRAPH.one(conn, tenant_id=tenant_id, id=graph_id)
    if found is None:
        raise refuse("graphId", f"there is no graph {graph_id}")
    return found


def ask(asking: Asked, what: Asking, slot_at: datetime, earliest: datetime) -> Reading:
    """What the graph gives for the slots from `earliest` to `slot_at`. Raises SourceRefused, SourceUnavailable."""
    graph, policy, timezone = what.graph, what.policy, what.timezone
    looked_at = window(policy, graph.meaning(timezone), slot_at, earliest)
    with asked(asking, row_of(asking, graph.source_id)) as source:
        question = graph.question(slot_at, timezone, looked_at)
        table = source.query(question, timeout_seconds=_SECONDS, row_cap=10 * MOST_ROWS)
    return reading_of(table, graph, timezone)


def try_alert(asking: Asked, row: KpiAlert, now: datetime) -> dict[str, Any]:
    """The decision record of a check at this moment, by what the alert remembers."""
    with asking.reading() as conn:
        if row.graph_id is None:
            raise refuse("graphId", "takes an alert of a graph")
        graph = graph_of(conn, asking.tenant, row.graph_id)
        known = LIST_STATES.all(conn, tenant_id=asking.tenant, alert_id=row.id)
        facts = facts_of(conn, asking.tenant, row.id, now)
    policy = kpi_alerts.policy_of(row)
    reading: Reading | str
    try:
        reading = ask(asking, Asking(policy, graph, row.timezone), now, now)
    except (SourceRefused, SourceUnavailable) as error:
        reading = str(error)
    checked = decide(policy, reading, {each.segment: remembered(each) for each in known}, facts, [now])
    notes = () if isinstance(reading, str) else reading.notes
    return record(policy, graph.version, checked.decisions, now, notes)


def run_backtest(
    asking: Asked, what: Asking, threshold: Threshold, first: datetime, last: datetime, wanted: int | None
) -> dict[str, Any]:
    """What the policy would have told from `first` to `last`, with plots of the busiest segments.

    Raises BadDefinition, SourceUnavailable.
    """
    if what.graph.time_dimension is None:
        raise refuse("graphId", "takes a graph with a timeDimension: only that has a past")
    checks = _checks(threshold.check_cron, what.timezone, first, last)
    try:
        reading = ask(asking, what, checks[-1], checks[0])
    except RowCap:
        raise refuse("from", f"takes a span of at most {10 * MOST_ROWS} rows") from None
    except SourceRefused as error:
        raise refuse("graphId", str(error)) from None
    if reading.problem:
        raise refuse("graphId", reading.problem)
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
            {"segment": name, "svg": plot(done, zone(what.timezone), name, name or what.graph.name, what.graph.unit)}
            for name in busiest
        ],
        "suggestion": None if wanted is None else _suggestion(what.policy, reading, checks, wanted),
    }


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
            {"recipient": each.recipient, "state": each.state, "error": each.error, "sentAt": each.sent_at}
            for each in sent
        ],
    }


def _sentence(check: Check, sent: int, recipient: str | None, row: KpiAlert) -> str:
    if check.state != "succeeded" or not check.outcome:
        said = f"the check of {rfc3339(check.slot_at)} is {check.state}"
        return said + (f": {check.error or check.reason}" if check.error or check.reason else "")
    decided = str(check.outcome.get("sentence", check.outcome.get("reason", "")))
    if recipient is not None and recipient not in row.recipients:
        decided += f"; {recipient} is none of its recipients"
    elif recipient is not None and check.outcome.get("notified") and not sent:
        decided += f"; {recipient} was none of its recipients then"
    return decided


def _instant(at: datetime | None) -> str:
    return "no time: it is not active" if at is None else rfc3339(at)


def _checks(cron: str, timezone: str, first: datetime, last: datetime) -> list[datetime]:
    """The slots of the check schedule from `first` to `last`. Raises BadDefinition when there are none or too many."""
    if first >= last:
        raise refuse("to", "takes an instant after from")
    recurrence = Cron(cron, timezone)
    slots.check(recurrence)
    found, has_more = slots.slots_between(recurrence, first - timedelta(microseconds=1), last, MOST_CHECKS)
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
