"""Claim due schedules, plan their slots, insert the runs, advance the schedules: one transaction a batch."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from config.faults import faultpoint
from db.ids import ids_at
from db.jsonb import dumps
from db.pool import Connection, transaction
from db.query import Query
from db.runs import Ring
from scheduler.days import Days
from scheduler.frontier import FIRST_ID
from scheduler.policy import Fire, Plan, Skip
from scheduler.rows import DueSchedule, plan_of, recurrence_of, without_jitter
from scheduler.slots import Recurrence, count_and_newest

CLAIM = Query("claim_due_schedules", DueSchedule)
CLAIM_THESE = Query("claim_schedules", DueSchedule)


class Counts(NamedTuple):
    """How many runs were inserted and how many schedules advanced; and the runs that are under limits, None for none."""

    fired: int
    advanced: int
    limited: list[UUID] | None


class CalendarDays(NamedTuple):
    """What the days of a calendar follow from."""

    id: UUID
    country: str | None
    subdivision: str | None
    own_days: list[dict[str, Any]]


LIST_DAYS = Query("list_days", CalendarDays)
PLAN_SLOTS = Query("plan_slots", Counts)
INSERT_SKIPPED = Query("insert_skipped_runs")
PUSH_AHEAD = Query("push_schedule_ahead")


class MadeTables(NamedTuple):
    """How many tables were made."""

    made: int


MAKE_PARTITIONS = Query("make_partitions", MadeTables)

RETENTION_DAYS = 90
# What these skip is judged by their next run, which knows no recurrence: the skip names its newest slots.
MADE_UP_FOR = frozenset({"kpi.threshold"})
MOST_MADE_UP_FOR = 100


class AnotherHand(RuntimeError):
    """A schedule locked by this ticker was changed all the same: something writes without locking."""


@dataclass(slots=True)
class Batch:
    """What one batch did: the runs it made, what to ring now and what at its instant, whose gates to pass, and what was counted.

    `limited_at`: the first instant of a run under limits.
    """

    claimed: list[DueSchedule] = field(default_factory=list)
    fired: list[UUID] = field(default_factory=list)
    rings: list[Ring] = field(default_factory=list)
    made: dict[tuple[datetime, UUID], list[Ring]] = field(default_factory=dict)
    gated: list[UUID] = field(default_factory=list)
    limited_at: datetime | None = None
    misfires: dict[str, int] = field(default_factory=dict)
    failed: list[tuple[DueSchedule, str]] = field(default_factory=list)
    days: Mapping[UUID, Days] = field(default_factory=dict)


def tick(
    conn: Connection,
    low: datetime,
    limit: int,
    claimed: Callable[[list[DueSchedule]], None],
    retention_days: int = RETENTION_DAYS,
    ahead_seconds: float = 0,
    *,
    low_id: UUID = FIRST_ID,
) -> Batch:
    """Claims up to `limit` schedules that are due after (`low`, `low_id`) and returns what was committed for them.

    `claimed` is told the rows before they are planned, so that a caller knows the culprits of an error. Slots older
    than `retention_days` are passed over: their weeks have no tables any more. Where runs may overlap, those of the next
    `ahead_seconds` are made already.
    Raises what the database raises; then nothing was committed.
    """
    batch = Batch()
    with transaction(conn):
        batch.claimed = CLAIM.all(
            conn, low=low, low_id=low_id, batch=limit, retention_days=retention_days, ahead=ahead_seconds
        )
        claimed(batch.claimed)
        if batch.claimed:
            faultpoint("after_claim")
            _write(conn, batch, _plan(conn, batch, ahead_seconds))
            faultpoint("before_commit")
    return batch


def plan_due(conn: Connection, tenant_id: UUID, schedule_ids: Sequence[UUID], *, has_no_jitter: bool = False) -> None:
    """Plans what is due of schedules that the caller's transaction has locked, and is about to change.

    What no ticker has come to yet was due all the same, and `has_no_jitter` so is a slot that waits within its jitter;
    the caller then sets next_fire_at anew. Nothing is rung: the tickers and workers find it.
    """
    left = list(schedule_ids)
    while left:
        batch = Batch(claimed_of(conn, tenant_id, left, has_no_jitter=has_no_jitter))
        if has_no_jitter:
            batch.claimed = [without_jitter(row) for row in batch.claimed]
        planned = [(row, plan) for row, plan in _plan(conn, batch, 0) if plan.decisions]
        # A row that cannot be planned is to be mended by this very change, or is its next ticker's.
        batch.failed.clear()
        left = [row.id for row, _ in planned]
        if planned:
            slots = [decision.slot_at for _, plan in planned for decision in plan.decisions]
            MAKE_PARTITIONS.one(conn, first_at=min(slots), last_at=max(slots))
            _write(conn, batch, planned)


def claimed_of(
    conn: Connection, tenant_id: UUID, schedule_ids: Sequence[UUID], *, has_no_jitter: bool
) -> list[DueSchedule]:
    """Those of the schedules that may have something due, as a ticker would claim them. The caller holds them."""
    return CLAIM_THESE.all(
        conn,
        tenant_id=tenant_id,
        ids=list(schedule_ids),
        retention_days=RETENTION_DAYS,
        has_no_jitter=has_no_jitter,
    )


def days_of(conn: Connection, calendars: Iterable[tuple[UUID, UUID | None]]) -> Mapping[UUID, Days]:
    """The days of these calendars, each a tenant's id and its own; where there are none, nothing is asked."""
    wanted = sorted({(tenant, calendar) for tenant, calendar in calendars if calendar is not None})
    if not wanted:
        return {}
    found = LIST_DAYS.all(conn, tenant_ids=[tenant for tenant, _ in wanted], ids=[calendar for _, calendar in wanted])
    return {
        row.id: Days(row.country, row.subdivision, frozenset(date.fromisoformat(each["date"]) for each in row.own_days))
        for row in found
    }


def _plan(conn: Connection, batch: Batch, ahead_seconds: float) -> list[tuple[DueSchedule, Plan]]:
    """The plan of each claimed schedule; equal rows are planned once. A row that cannot be planned stops nobody."""
    days = batch.days = days_of(conn, ((row.tenant_id, row.calendar_id) for row in batch.claimed))
    memo: dict[tuple[object, ...], Plan] = {}
    planned = []
    for row in batch.claimed:
        key = row if row.jitter_seconds or row.hash_id else row[2:]
        plan = memo.get(key)
        if plan is None:
            try:
                own = None if row.calendar_id is None else days[row.calendar_id]
                plan = memo[key] = plan_of(row, ahead_seconds, own)
            except Exception as error:  # noqa: BLE001  whatever it is, it is this row's fault alone and is recorded on it
                batch.failed.append((row, f"{type(error).__name__}: {error}"))
                continue
        planned.append((row, plan))
    return planned


def _write(conn: Connection, batch: Batch, planned: list[tuple[DueSchedule, Plan]]) -> None:
    fires = [(row, fire) for row, plan in planned for fire in plan.decisions if isinstance(fire, Fire)]
    skips = [(row, skip) for row, plan in planned for skip in plan.decisions if isinstance(skip, Skip)]
    run_ids = batch.fired = _ids([fire.slot_at for _, fire in fires])
    limited: set[UUID] = set()
    if planned:
        counts = PLAN_SLOTS.one(
            conn,
            run_ids=run_ids,
            run_slots=[fire.slot_at for _, fire in fires],
            run_schedules=[row.id for row, _ in fires],
            run_fire_ats=[fire.fire_at for _, fire in fires],
            ids=[row.id for row, _ in planned],
            was_fire_at=[row.next_fire_at for row, _ in planned],
            last_slot_at=[plan.last_slot_at for _, plan in planned],
            next_fire_at=[None if plan.is_finished else plan.next_fire_at for _, plan in planned],
            fired=[sum(isinstance(decision, Fire) for decision in plan.decisions) for _, plan in planned],
        )
        if counts is None or counts.advanced != len(planned):
            raise AnotherHand(f"{len(planned)} schedules were planned, {counts} written")
        limited.update(counts.limited or ())
    if skips:
        INSERT_SKIPPED.run(
            conn,
            ids=_ids([skip.slot_at for _, skip in skips]),
            slots=[skip.slot_at for _, skip in skips],
            schedules=[row.id for row, _ in skips],
            untils=[skip.until for _, skip in skips],
            counts=[skip.count for _, skip in skips],
            reasons=[skip.reason for _, skip in skips],
            outcomes=_named(batch, skips),
        )
    for row, error in batch.failed:
        PUSH_AHEAD.run(conn, id=row.id, error=error, is_final=True)
    for row, skip in skips:
        if skip.reason == "holiday":
            continue
        batch.misfires[row.misfire_policy] = batch.misfires.get(row.misfire_policy, 0) + skip.count
    for (row, fire), run_id in zip(fires, run_ids, strict=True):
        if run_id in limited:
            batch.limited_at = min(batch.limited_at or fire.fire_at, fire.fire_at)
        elif row.overlap_policy == "allow":
            is_due = fire.fire_at <= row.claimed_at
            rings = batch.rings if is_due else batch.made.setdefault((fire.fire_at, row.tenant_id), [])
            rings.append(Ring(run_id, fire.slot_at, 1, row.queue, row.kind, row.tenant_id))
    batch.gated = list(dict.fromkeys(row.id for row, _ in fires if row.overlap_policy != "allow"))


def _named(batch: Batch, skips: list[tuple[DueSchedule, Skip]]) -> list[str | None]:
    """The outcome of each skipped run: its newest slots, for those that are made up for."""
    memo: dict[tuple[Recurrence, Skip], str] = {}
    found: list[str | None] = []
    for row, skip in skips:
        if row.kind not in MADE_UP_FOR or skip.reason == "holiday":
            found.append(None)
            continue
        recurrence = recurrence_of(row, None if row.calendar_id is None else batch.days[row.calendar_id])
        if (recurrence, skip) not in memo:
            before = skip.slot_at - timedelta(microseconds=1)
            *_, newest = count_and_newest(recurrence, before, skip.until, MOST_MADE_UP_FOR)
            memo[recurrence, skip] = dumps({"slots": newest})
        found.append(memo[recurrence, skip])
    return found


def _ids(slots: list[datetime]) -> list[UUID]:
    """A new id for each slot, in order; a herd's ids are made together."""
    made = {slot: iter(ids_at(slot, count)) for slot, count in Counter(slots).items()}
    return [next(made[slot]) for slot in slots]
