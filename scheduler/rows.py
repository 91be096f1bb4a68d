"""From a schedule's row to its plan: what the ticker, `schedules.py` and the previews share. Pure."""

import json
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from scheduler.days import Closed, Days
from scheduler.policy import Misfire, Plan, Policy, grace, plan
from scheduler.recurrence import pattern_of, skips
from scheduler.slots import Cron, Interval, Once, Recurrence


class DueSchedule(NamedTuple):
    """A schedule that the ticker claimed; the order is that of claim_due_schedules.sql, with what tells it from its like first."""

    id: UUID
    tenant_id: UUID
    kind: str
    queue: str
    cron: str | None
    interval_seconds: int | None
    interval_anchor: datetime | None
    scheduled_at: datetime | None
    # As JSON text, which is equal and hashed as one value over a herd.
    recurrence: str | None
    timezone: str
    dst_gap: str
    dst_fold: str
    starts_at: datetime | None
    ends_at: datetime | None
    next_fire_at: datetime
    last_slot_at: datetime | None
    plan_from: datetime
    misfire_policy: Misfire
    misfire_grace_seconds: int
    misfire_limit: int
    overlap_policy: str
    jitter_seconds: int
    max_runs: int | None
    run_count: int
    calendar_id: UUID | None
    claimed_at: datetime

    @property
    def hash_id(self) -> str:
        """The id as text where the expression may ask for it, "" elsewhere: a herd has no time to write ids."""
        return str(self.id) if self.cron is not None and "H" in self.cron.upper() else ""


def recurrence_of(row: DueSchedule, days: Days | None = None) -> Recurrence:
    """How the schedule recurs; `days` are those of its calendar, around which a pattern may count and move."""
    if row.cron is not None:
        return Cron(row.cron, row.timezone, row.dst_gap, row.dst_fold, row.hash_id)
    if row.interval_seconds is not None and row.interval_anchor is not None:
        return Interval(row.interval_seconds, row.interval_anchor)
    if row.scheduled_at is not None:
        return Once(row.scheduled_at)
    if row.recurrence is not None:
        return pattern_of(row.recurrence, row.timezone, row.dst_gap, row.dst_fold, days)
    raise ValueError("the schedule has neither a cron expression, an interval, a time nor a recurrence")


def plan_of(row: DueSchedule, ahead_seconds: float = 0, days: Days | None = None) -> Plan:
    """What becomes of the slots that passed until the row was claimed, and when it is due next.

    Runs that may overlap are planned `ahead_seconds` further, so that at their instant only ringing is left; not so where
    a calendar is kept. `days` are those of the row's calendar, None where it has none.
    """
    is_ahead = row.overlap_policy == "allow" and row.calendar_id is None
    until = row.claimed_at + timedelta(seconds=ahead_seconds if is_ahead else 0)
    return plan(
        recurrence_of(row, days),
        planned_until(row),
        row.claimed_at,
        policy_of(row),
        until=until,
        closed=closed_of(row, days),
    )


def closed_of(row: DueSchedule, days: Days | None) -> Closed | None:
    """The days whose slots the schedule skips, by its own clock; a recurrence may move them to others instead."""
    is_kept = row.recurrence is None or skips(json.loads(row.recurrence))
    return Closed(days, row.timezone) if days is not None and is_kept else None


def without_jitter(row: DueSchedule) -> DueSchedule:
    """The row as if its slots fired at their nominal instants; none is late that would not have been with its jitter."""
    return row._replace(jitter_seconds=0, misfire_grace_seconds=round(grace(policy_of(row)).total_seconds()))


def planned_until(row: DueSchedule) -> datetime:
    """The instant up to which slots are decided; a one-time schedule fires even when its time passed before."""
    if row.scheduled_at is not None and row.last_slot_at is None:
        return row.scheduled_at - timedelta(microseconds=1)
    return row.plan_from if row.last_slot_at is None else max(row.last_slot_at, row.plan_from)


def policy_of(row: DueSchedule) -> Policy:
    """The schedule's rules for slots that are late, bounded or jittered."""
    return Policy(
        misfire=row.misfire_policy,
        grace_seconds=row.misfire_grace_seconds,
        limit=row.misfire_limit,
        max_runs=row.max_runs,
        run_count=row.run_count,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        jitter_seconds=row.jitter_seconds,
        seed=str(row.id) if row.jitter_seconds > 0 else "",
    )
