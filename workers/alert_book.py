"""What an alert's run reads of its graph and of what is known, and whom it tells when a source gives no answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from db.pool import Connection, Pool
from db.query import Query
from workers.alerting.chart import Point
from workers.alerting.machine import StateRow, from_json
from workers.alerting.notify import Facts, Silence
from workers.graphs import Graph
from workers.owners import tell_once
from workers.rows import Leased, Value
from workers.templating.template import Template


class KnownState(NamedTuple):
    """What a segment remembers from its last check."""

    segment: str
    state: str
    value: Decimal | None
    since: datetime
    slot_at: datetime
    memory: dict[str, Any]


class SilenceRow(NamedTuple):
    """A silence that holds."""

    segment: str
    starts_at: datetime
    ends_at: datetime
    name: str


class ActionRow(NamedTuple):
    """What a recipient did by a link in a mail; the segment is empty for all that the mail told of."""

    action: str
    segment: str
    until: datetime | None
    created_at: datetime


class SlotRow(NamedTuple):
    """A slot whose run could not check."""

    slot_at: datetime


class CheckRow(NamedTuple):
    """What an earlier check recorded of one segment."""

    slot_at: datetime
    window_start: datetime | None
    measured: Decimal | None
    low: Decimal | None
    high: Decimal | None
    state: str


class Address(NamedTuple):
    """A person's address."""

    email: str


# A firing that somebody acknowledged longer ago is told of again.
REMEMBERED = timedelta(days=90)
GET_VERSION = Query("get_rule_version", Value)
GET_GRAPH = Query("get_graph", Graph)
LIST_GRAPHS = Query("list_graphs_of_alert", Graph)
LIST_STATES = Query("list_alert_states", KnownState)
LIST_SILENCES = Query("list_silences_of_alert", SilenceRow)
LIST_ACTIONS = Query("list_actions_of_alert", ActionRow)
LIST_UNCHECKED = Query("list_unchecked_slots", SlotRow)
LIST_CHECKS = Query("list_recent_checks", CheckRow)
REPORT_TROUBLE = Query("report_trouble", Value)
TELL_OWNER = Query("tell_owner", Value)
LIST_MEMBERS = Query("list_members_of_role", Address)
SETTLE_TROUBLE = Query("settle_trouble", Value)
GET_TEMPLATE = Query("get_template", Template)


class AlertBook(Protocol):
    """What a run of an alert knows and reports."""

    def graph(self, graph_id: UUID) -> Graph | None:
        """The tenant's graph; None once it was deleted."""
        ...

    def rule_version(self) -> int:
        """The version of the alert's schedule that the run was planned from."""
        ...

    def graphs(self, graph_id: UUID | None, dashboard_id: UUID | None) -> list[Graph]:
        """The graph, or those of the dashboard in their order; none once it was deleted."""
        ...

    def states(self, alert_id: UUID) -> Mapping[str, StateRow]:
        """What each segment remembers."""
        ...

    def memory(self, alert_id: UUID) -> Mapping[str, Any]:
        """What an alert without segments keeps from run to run."""
        ...

    def facts(self, alert_id: UUID, at: datetime) -> Facts:
        """What was decided outside the policy, as it stands at an instant."""
        ...

    def unchecked(self, since: datetime) -> list[datetime]:
        """The schedule's slots after `since` that no run could check, oldest first, at most a hundred."""
        ...

    def checks(self, segment: str) -> list[Point]:
        """What the checks before this one recorded of a segment, oldest first, at most sixty of them."""
        ...

    def trouble(self, graph: Graph, why: str, *, is_away: bool) -> None:
        """Tells the tenant's admins that a source is away, or refuses a graph, once until there is an answer again."""
        ...

    def settled(self, graph: Graph) -> None:
        """Tells them that there is, if they know otherwise."""
        ...

    def tell(self, key: str, subject: str, text: str) -> None:
        """Tells the owner of this run's schedule something of it, once for each key."""
        ...

    def tell_once(self, which: UUID, version: int, subject: str, text: str) -> None:
        """Tells the owner of this run's schedule that a template fails, once for each version of it."""
        ...

    def members_of(self, role: str) -> list[str]:
        """The addresses of the tenant's members of a role who are not disabled, at most a thousand."""
        ...

    def template(self, template_id: UUID) -> Template | None:
        """The tenant's template; None once it was deleted."""
        ...


@dataclass(frozen=True, slots=True)
class RunAlertBook:
    """The book of one leased run."""

    pool: Pool
    leased: Leased

    def graph(self, graph_id: UUID) -> Graph | None:
        """The tenant's graph; None once it was deleted."""
        with self.pool.connection() as conn:
            return GET_GRAPH.one(conn, tenant_id=self.leased.tenant_id, id=graph_id)

    def rule_version(self) -> int:
        """The version of the alert's schedule that the run was planned from."""
        leased = self.leased
        with self.pool.connection() as conn:
            found = GET_VERSION.one(conn, tenant_id=leased.tenant_id, id=leased.id, slot_at=leased.slot_at)
        return int(found.value or 0) if found else 0

    def graphs(self, graph_id: UUID | None, dashboard_id: UUID | None) -> list[Graph]:
        """The graph, or those of the dashboard in their order; none once it was deleted."""
        with self.pool.connection() as conn:
            return LIST_GRAPHS.all(conn, tenant_id=self.leased.tenant_id, graph_id=graph_id, dashboard_id=dashboard_id)

    def memory(self, alert_id: UUID) -> Mapping[str, Any]:
        """What an alert without segments keeps from run to run."""
        with self.pool.connection() as conn:
            rows = LIST_STATES.all(conn, tenant_id=self.leased.tenant_id, alert_id=alert_id)
        return next((row.memory for row in rows if not row.segment), {})

    def states(self, alert_id: UUID) -> Mapping[str, StateRow]:
        """What each segment remembers."""
        with self.pool.connection() as conn:
            rows = LIST_STATES.all(conn, tenant_id=self.leased.tenant_id, alert_id=alert_id)
        return {row.segment: remembered(row) for row in rows}

    def facts(self, alert_id: UUID, at: datetime) -> Facts:
        """What was decided outside the policy, as it stands at an instant."""
        with self.pool.connection() as conn:
            return facts_of(conn, self.leased.tenant_id, alert_id, at)

    def unchecked(self, since: datetime) -> list[datetime]:
        """The schedule's slots after `since` that no run could check, oldest first, at most a hundred."""
        leased = self.leased
        if leased.schedule_id is None:
            return []
        with self.pool.connection() as conn:
            rows = LIST_UNCHECKED.all(
                conn,
                tenant_id=leased.tenant_id,
                schedule_id=leased.schedule_id,
                since=since,
                slot_at=leased.slot_at,
            )
        return [row.slot_at for row in rows]

    def checks(self, segment: str) -> list[Point]:
        """What the checks before this one recorded of a segment, oldest first, at most sixty of them."""
        leased = self.leased
        if leased.schedule_id is None:
            return []
        place = {"tenant_id": leased.tenant_id, "schedule_id": leased.schedule_id, "slot_at": leased.slot_at}
        with self.pool.connection() as conn:
            rows = LIST_CHECKS.all(conn, segment=segment, **place)
        return [
            Point(row.window_start or row.slot_at, row.measured, row.low, row.high, row.state) for row in rows[::-1]
        ]

    def trouble(self, graph: Graph, why: str, *, is_away: bool) -> None:
        """Tells the tenant's admins that a source is away, or refuses a graph, once until there is an answer again."""
        source_id, graph_id = (graph.source_id, None) if is_away else (None, graph.id)
        with self.pool.connection() as conn:
            REPORT_TROUBLE.one(conn, source_id=source_id, graph_id=graph_id, why=why, **self._run())

    def settled(self, graph: Graph) -> None:
        """Tells them that there is, if they know otherwise."""
        if graph.is_failing:
            with self.pool.connection() as conn:
                SETTLE_TROUBLE.one(conn, source_id=graph.source_id, graph_id=graph.id, **self._run())

    def tell(self, key: str, subject: str, text: str) -> None:
        """Tells the owner of this run's schedule something of it, once for each key."""
        with self.pool.connection() as conn:
            TELL_OWNER.one(conn, key=key, subject=subject, text=text, **self._run())

    def tell_once(self, which: UUID, version: int, subject: str, text: str) -> None:
        """Tells the owner of this run's schedule that a template fails, once for each version of it."""
        tell_once(self.pool, self.leased, "template", f"{which} {version}", subject, text)

    def members_of(self, role: str) -> list[str]:
        """The addresses of the tenant's members of a role who are not disabled, at most a thousand."""
        with self.pool.connection() as conn:
            return [row.email for row in LIST_MEMBERS.all(conn, tenant_id=self.leased.tenant_id, role=role)]

    def template(self, template_id: UUID) -> Template | None:
        """The tenant's template; None once it was deleted."""
        with self.pool.connection() as conn:
            return GET_TEMPLATE.one(conn, tenant_id=self.leased.tenant_id, id=template_id)

    def _run(self) -> dict[str, Any]:
        leased = self.leased
        return {"run_id": leased.id, "slot_at": leased.slot_at, "fence": leased.fence}


def facts_of(conn: Connection, tenant_id: UUID, alert_id: UUID, at: datetime) -> Facts:
    """The silences, snoozes and acknowledgements of an alert, as they stand at an instant."""
    silences = LIST_SILENCES.all(conn, tenant_id=tenant_id, alert_id=alert_id, at=at)
    actions = LIST_ACTIONS.all(conn, tenant_id=tenant_id, alert_id=alert_id, since=at - REMEMBERED)
    snoozes = [row.until for row in actions if row.action == "snooze" and row.until is not None and row.until > at]
    return Facts(
        alert_id=str(alert_id),
        silences=[Silence(row.starts_at, row.ends_at, segment=row.segment, note=row.name) for row in silences],
        snoozed_until=max(snoozes, default=None),
        acknowledged=tuple((row.segment or "*", row.created_at) for row in actions if row.action == "acknowledge"),
    )


def remembered(row: KnownState) -> StateRow:
    """The row that a check starts from; one of a release that kept no memory is made of what it kept."""
    if row.memory:
        return from_json(row.memory)
    is_firing = row.state == "firing"
    return StateRow(
        "firing" if is_firing else "ok",
        row.since,
        slot=row.slot_at,
        alarm="firing" if is_firing else "ok",
        value=row.value,
        firing_since=row.since if is_firing else None,
        is_told=is_firing,
    )
