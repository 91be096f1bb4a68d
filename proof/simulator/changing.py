"""What the statements behind the API and the command do to the model: each function mirrors the file of its name."""
# ruff: noqa: ARG001  every statement is asked alike

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from proof.simulator.planning import Answer, Params
from proof.simulator.rows import INFINITY, PLANNED, Asked, Change, NotModelled, RunRow, ScheduleRow
from proof.simulator.store import Store
from scheduler.definition import NewSchedule, Schedule
from scheduler.runs import Run

_COLUMNS: Final = tuple(column.name for column in fields(NewSchedule))
_JSON: Final = ("params", "backoff", "metadata")


def read_now(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """Postgres's clock."""
    return [(now,)]


def insert_schedule(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The schedule's row with its version and, where it needs one, its gate."""
    row = ScheduleRow(p["id"], str(p["name"]), _definition(db, p), p["next_fire_at"], now)
    row.has_gate = row.overlap != "allow"
    db.insert_schedule(row)
    _note(db, row, now, "created", None)
    return [(row.id,)]


def get_schedule(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The schedule's row, its next fire that of a run made ahead while there is one."""
    row = db.schedules.get(p["id"])
    if row is None:
        return []
    made = [run.released_at or run.available_at for run in db.open.values() if _is_made_ahead(run, row, now)]
    known: dict[str, Any] = {
        **row.definition,
        "id": row.id,
        "next_fire_at": min(made, default=row.next_fire_at),
        "last_slot_at": row.last_slot_at,
        "plan_from": row.plan_from,
        "status": row.status,
        "run_count": row.run_count,
        "version": row.version,
        "last_error": row.last_error,
        "made_ahead": len(made),
    }
    return [tuple(known.get(name) for name in Schedule._fields)]


def lock_schedule(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The schedule locked for the owner's transaction."""
    if p["id"] not in db.schedules:
        return []
    db.locks[p["id"]] = owner
    return [(p["id"],)]


def update_schedule(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The schedule as an edit left it, its version raised and its gate made if it needs one."""
    row = db.schedules[p["id"]]
    before = _planned_to(row)
    db.touch(row)
    row.definition, row.version = _definition(db, p), row.version + 1
    row.plan_from, row.next_fire_at = p["plan_from"], p["next_fire_at"]
    row.has_gate = row.has_gate or row.overlap != "allow"
    _note(db, row, now, "edited", before)
    return [()]


def replan_schedules(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The schedules planned from now on by the days that their calendar has by now, their versions raised."""
    for id_, next_fire_at in zip(p["ids"], p["next_fire_at"], strict=True):
        row = db.schedules[id_]
        before = _planned_to(row)
        db.touch(row)
        closed = _closed_days(db, row.definition["calendar_id"])
        row.definition, row.version = {**row.definition, "closed_days": closed}, row.version + 1
        row.plan_from, row.next_fire_at = now, next_fire_at
        _note(db, row, now, "edited", before)
    return [()]


def keep_earlier_runs(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The gate shut until the runs are over that were open when overlap was no longer allowed."""
    row = db.schedules[p["schedule_id"]]
    db.touch(row)
    row.earlier = tuple(run for run in db.open.values() if run.schedule is row and not run.waits_at_gate)
    return [()]


def rewind_schedule(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The runs made ahead taken back, as if they had not been planned yet."""
    row = db.schedules[p["id"]]
    unmade = [run for run in db.open.values() if _is_made_ahead(run, row, now) and run.attempt == 0]
    if unmade and "no_rewind" not in db.plants:
        first = min(run.slot_at for run in unmade)
        fire_at = min(run.released_at or run.available_at for run in unmade)
        for run in unmade:
            db.delete(run)
        kept = (run.skipped_until or run.slot_at for run in db.runs_of(row) if _stands_before(run, first))
        last = max(kept, default=None)
        db.advance(row, next_fire_at=fire_at, run_count=row.run_count - len(unmade), last_slot_at=last)
    return [()]


def stop_schedule(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The schedule paused or cancelled."""
    row = db.schedules[p["id"]]
    before = _planned_to(row)
    db.touch(row)
    row.status = p["status"]
    row.next_fire_at = row.next_fire_at if "deaf_pause" in db.plants else None
    if "deaf_pause" in db.plants and p["status"] == "paused":
        row.status = "active"
    _note(db, row, now, p["status"], before, p["status"])
    return [()]


def resume_schedule(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The schedule active from now on."""
    row = db.schedules[p["id"]]
    before = _planned_to(row)
    db.touch(row)
    row.status, row.next_fire_at, row.plan_from, row.last_error = "active", p["next_fire_at"], now, None
    row.version += 1
    _note(db, row, now, "resumed", before)
    return [()]


def list_open_runs(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The schedule's open runs."""
    found = [run for run in db.open.values() if run.schedule.id == p["schedule_id"]]
    return [(run.id, run.slot_at) for run in sorted(found, key=lambda run: run.id)]


def make_partitions(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """No table made: the model has no partitions."""
    return [(0,)]


def notify_tickers(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """Nothing: whoever asked wakes the tickers himself."""
    return [(True,)]


def insert_asked_runs(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The runs that somebody asked for, pending, but for slots that have a row already."""
    row = db.schedules[p["schedule_id"]]
    made = []
    for id_, slot_at in zip(p["ids"], p["slots"], strict=True):
        run = RunRow(
            id_,
            slot_at,
            row,
            row.version,
            p["origin"],
            "pending",
            str(row.definition["queue"]),
            now if row.overlap == "allow" else INFINITY,
            now,
            max_attempts=int(row.definition["max_attempts"]),
        )
        run.limited_by = db.limits_of(row)
        if db.insert(run):
            made.append((id_, slot_at))
    if p["origin"] == "backfill":
        # A schedule that is over was not planned anew when its calendar changed, and is asked by the days of today.
        definition = {**row.definition, "closed_days": _closed_days(db, row.definition["calendar_id"])}
        asked = Asked(row, definition, p["slots"][0], p["slots"][-1], now)
        db.when_committed.append(lambda: db.journal.asked.append(asked))
    return made


def get_run(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The run by its id."""
    run = db.runs.get(p["id"])
    if run is None:
        return []
    known = {"tenant_id": p["tenant_id"], "schedule_id": run.schedule.id}
    return [tuple(known.get(name, getattr(run, name, None)) for name in Run._fields)]


def reopen_run(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The dead run open again; a one-time schedule that failed by it is active until it is over."""
    run = db.runs[p["id"]]
    if run.state != "dead" or run.fence != p["fence"]:
        return []
    row = run.schedule
    db.move(
        run,
        state="pending",
        fence=run.fence + 1,
        reason="replayed",
        finished_at=None,
        cancel_requested_at=None,
        max_attempts=run.attempt + int(row.definition["max_attempts"]),
        queue=str(row.definition["queue"]),
        available_at=now if row.overlap == "allow" else INFINITY,
    )
    if row.status == "failed" and row.definition["scheduled_at"] and not row.next_fire_at and run.origin in PLANNED:
        db.touch(row)
        row.status = "active"
    return [(run.id, run.slot_at)]


def _is_made_ahead(run: RunRow, row: ScheduleRow, now: datetime) -> bool:
    return (
        run.schedule is row
        and run.origin == "schedule"
        and run.attempt == 0
        and run.slot_at > now - timedelta(days=1)
        and (
            (run.state == "queued" and run.released_at is not None and run.released_at > now)
            or (
                run.state == "pending"
                and run.fence == 0
                and run.limited_by is not None
                and now < run.available_at < INFINITY
            )
        )
    )


def _stands_before(run: RunRow, first: datetime) -> bool:
    return run.origin in PLANNED and run.slot_at < first


def _planned_to(row: ScheduleRow) -> datetime:
    return row.plan_from if row.last_slot_at is None else max(row.last_slot_at, row.plan_from)


def _definition(db: Store, p: Params) -> Mapping[str, Any]:
    if p["recurrence"] is not None:
        raise NotModelled("proof/simulator has no model of recurrences")
    columns = {name: p[name].obj if name in _JSON else p[name] for name in _COLUMNS}
    return {**columns, "closed_days": _closed_days(db, p["calendar_id"])}


def _closed_days(db: Store, calendar: UUID | None) -> frozenset[str]:
    return frozenset() if calendar is None else db.calendars[calendar].dates


def _note(
    db: Store, row: ScheduleRow, now: datetime, what: str, planned_to: datetime | None, status: str | None = None
) -> None:
    # A plant changes what happens, never what was asked for.
    change = Change(now, db.world.now, what, status or row.status, row.version, row.definition, planned_to)
    db.when_committed.append(partial(db.journal.changes.setdefault(row.id, []).append, change))
    db.tell(row, f"{what} {row.definition['cron'] or row.definition['interval_seconds']} {row.overlap}")


STATEMENTS: Final = (
    read_now,
    insert_schedule,
    get_schedule,
    lock_schedule,
    update_schedule,
    replan_schedules,
    keep_earlier_runs,
    rewind_schedule,
    stop_schedule,
    resume_schedule,
    list_open_runs,
    make_partitions,
    notify_tickers,
    insert_asked_runs,
    get_run,
    reopen_run,
)
