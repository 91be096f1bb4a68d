"""What the ticker's own statements do to the model: each function mirrors the file of its name in sql/queries."""
# ruff: noqa: ARG001  every statement is asked alike

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import Any, Final
from uuid import UUID

from proof.simulator.rows import INFINITY, PLANNED, RunRow, ScheduleRow, Tick
from proof.simulator.store import Store
from scheduler.rows import DueSchedule, planned_until

Params = Mapping[str, Any]
Answer = list[tuple[Any, ...]]

# The model has one tenant.
TENANT: Final = UUID(int=1)
_DEFINED: Final = frozenset(DueSchedule._fields) - {
    "id",
    "tenant_id",
    "next_fire_at",
    "last_slot_at",
    "plan_from",
    "run_count",
    "claimed_at",
}


def claim_due_schedules(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The due schedules that nobody holds, locked for the owner."""
    ahead = now + timedelta(seconds=p["ahead"])
    due = [
        row
        for row in db.active()
        if row.next_fire_at is not None
        and (p["low"], p["low_id"]) < (row.next_fire_at, row.id)
        and row.next_fire_at <= ahead
        and (row.next_fire_at <= now or (row.overlap == "allow" and row.definition["calendar_id"] is None))
        and (row.id not in db.locks or "no_lock" in db.plants)
    ]
    due.sort(key=lambda row: (row.next_fire_at, row.id))
    due = due[: p["batch"]]
    oldest = now - timedelta(days=p["retention_days"])
    for row in due:
        db.locks[row.id] = owner
    return [due_row(row, now)._replace(plan_from=max(row.plan_from, oldest)) for row in due]


def claim_schedules(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """Those of the schedules, which the owner has locked, that are due or may be."""
    found: Answer = []
    oldest = now - timedelta(days=p["retention_days"])
    for row in (db.schedules[id_] for id_ in p["ids"]):
        may_be = p["has_no_jitter"] or row.definition["calendar_id"] is not None
        if row.status == "active" and row.next_fire_at is not None and (row.next_fire_at <= now or may_be):
            found.append(due_row(row, now)._replace(plan_from=max(row.plan_from, oldest)))
    return found


def list_days(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """What the days of the calendars follow from: in the model, their own days."""
    return [(id_, None, None, db.calendars[id_].own_days) for id_ in p["ids"]]


def pointer(run: RunRow) -> tuple[UUID, datetime, int, str, str, UUID]:
    """What is rung of a run."""
    return run.id, run.slot_at, run.fence, run.queue, run.kind, TENANT


def due_row(row: ScheduleRow, now: datetime) -> DueSchedule:
    """The schedule as the ticker claims it."""
    return _template(row.id, row.version, _Definition(row.definition))._replace(
        next_fire_at=row.next_fire_at or now,
        last_slot_at=row.last_slot_at,
        plan_from=row.plan_from,
        run_count=row.run_count,
        claimed_at=now,
    )


def plan_slots(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The runs of the slots that fire, and the schedules advanced by compare-and-set; how many of each."""
    fired = 0
    limited: list[UUID] = []
    befores = {id_: due_row(db.schedules[id_], now) for id_ in p["ids"]}
    for run_id, slot_at, schedule_id, fire_at in zip(
        p["run_ids"], p["run_slots"], p["run_schedules"], p["run_fire_ats"], strict=True
    ):
        run = _new_run(db, db.schedules[schedule_id], run_id, slot_at, fire_at, now)
        is_new = db.insert(run)
        fired += is_new
        if is_new and run.limited_by:
            limited.append(run.id)
    advanced = 0
    rows = zip(p["ids"], p["was_fire_at"], p["last_slot_at"], p["next_fire_at"], p["fired"], strict=True)
    for id_, was_fire_at, last_slot_at, next_fire_at, count in rows:
        row = db.schedules[id_]
        if "no_compare_and_set" in db.plants or (row.status == "active" and row.next_fire_at == was_fire_at):
            last = last_slot_at or row.last_slot_at
            db.advance(
                row, last_slot_at=last, next_fire_at=next_fire_at, run_count=row.run_count + count, last_error=None
            )
            advanced += 1
    _note_ticks(db, now, p, befores)
    return [(fired, advanced, limited or None)]


def insert_skipped_runs(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """A skipped run for each range of slots."""
    for id_, slot_at, schedule_id, until, count, reason in zip(
        p["ids"], p["slots"], p["schedules"], p["untils"], p["counts"], p["reasons"], strict=True
    ):
        row = db.schedules[schedule_id]
        run = RunRow(id_, slot_at, row, row.version, "schedule", "skipped", str(row.definition["queue"]), now, now)
        run.reason, run.skipped_until, run.skipped_count, run.finished_at = reason, until, count, now
        db.insert(run)
        db.when_committed.append(partial(_note_skip, db, row, (slot_at, until, count, reason)))
    return []


def push_schedule_ahead(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The schedule failed, or tried again after a minute."""
    row = db.schedules[p["id"]]
    if row.status == "active":
        db.touch(row)
        row.last_error = p["error"]
        row.status = "failed" if p["is_final"] else row.status
        row.next_fire_at = None if p["is_final"] else now + timedelta(minutes=1)
        db.tell(row, f"pushed ahead: {p['error']}")
    return []


def next_due_seconds(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """Seconds until the next schedule is due and until the next pending run may be released, what is late, and the clock."""
    due = [row.next_fire_at for row in db.active() if row.next_fire_at]
    pending = (run.available_at for run in db.open.values() if run.state == "pending" and not run.limited_by)
    both = (due, [at for at in pending if at < INFINITY])
    ahead = [min((at for at in each if at > now), default=None) for each in both]
    late = [max((at for at in each if at <= now), default=None) for each in both]
    return [(*(None if at is None else (at - now).total_seconds() for at in ahead), *late, now)]


def complete_schedules(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The schedules that are over, ended."""
    over = [row for row in db.active() if row.next_fire_at is None]
    ended = 0
    for row in over:
        if row.id in db.locks or any(run.schedule is row and run.origin in PLANNED for run in db.open.values()):
            continue
        is_dead = row.definition["scheduled_at"] is not None and any(
            run.state == "dead" and run.origin in PLANNED for run in db.runs_of(row)
        )
        db.touch(row)
        row.status = "failed" if is_dead else "completed"
        db.tell(row, row.status)
        ended += 1
    return [(None, ended)]


def find_made_runs(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The runs made ahead whose instant has not come."""
    return [
        (*pointer(run), run.released_at)
        for run in db.open.values()
        if run.state == "queued" and run.queue in p["queues"] and run.released_at and run.released_at > now
    ]


def make_partitions_ahead(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """No table made: the model has no partitions."""
    return [(0,)]


def drop_old_partitions(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """No week dropped: the checker wants them all."""
    return [([],)]


class _Definition:
    """A definition as a key of its identity, so that a template is made once for each."""

    __slots__ = ("columns",)

    def __init__(self, columns: Mapping[str, Any]) -> None:
        self.columns = columns

    def __hash__(self) -> int:
        return id(self.columns)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Definition) and other.columns is self.columns


@lru_cache(maxsize=4096)
def _template(schedule_id: UUID, version: int, definition: _Definition) -> DueSchedule:
    columns = {name: definition.columns[name] for name in _DEFINED}
    empty = {"next_fire_at": None, "last_slot_at": None, "plan_from": None, "run_count": 0, "claimed_at": None}
    return DueSchedule(**{"id": schedule_id, "tenant_id": TENANT, **columns, **empty})


def _new_run(db: Store, row: ScheduleRow, run_id: UUID, slot_at: datetime, fire_at: datetime, now: datetime) -> RunRow:
    limited_by = db.limits_of(row)
    is_free = row.overlap == "allow" and limited_by is None
    due = max(now, fire_at)
    run = RunRow(
        run_id,
        slot_at,
        row,
        row.version,
        "schedule",
        "queued" if is_free else "pending",
        str(row.definition["queue"]),
        due if row.overlap == "allow" else INFINITY,
        now,
        max_attempts=int(row.definition["max_attempts"]),
    )
    run.limited_by = limited_by
    if is_free:
        run.fence, run.released_at = 1, due
    return run


def _note_ticks(db: Store, now: datetime, p: Params, befores: Mapping[UUID, DueSchedule]) -> None:
    fires: dict[UUID, list[datetime]] = {}
    for schedule_id, slot_at in zip(p["run_schedules"], p["run_slots"], strict=True):
        fires.setdefault(schedule_id, []).append(slot_at)
    for id_ in p["ids"]:
        row, before = db.schedules[id_], befores[id_]
        room = None if before.max_runs is None else before.max_runs - before.run_count
        tick = Tick(row, row.definition, now, planned_until(before), room, tuple(fires.get(id_, ())), ())
        db.when_committed.append(partial(db.journal.ticks.append, tick))


def _note_skip(db: Store, row: ScheduleRow, skip: tuple[datetime, datetime, int, str]) -> None:
    """Adds the skip to the tick of the schedule that was just noted."""
    ticks = db.journal.ticks
    for place in range(len(ticks) - 1, -1, -1):
        tick = ticks[place]
        if tick.schedule is row:
            ticks[place] = Tick(row, tick.definition, tick.at, tick.after, tick.room, tick.fires, (*tick.skips, skip))
            return


STATEMENTS: Final = (
    claim_due_schedules,
    claim_schedules,
    list_days,
    plan_slots,
    insert_skipped_runs,
    push_schedule_ahead,
    next_due_seconds,
    complete_schedules,
    find_made_runs,
    make_partitions_ahead,
    drop_old_partitions,
)
