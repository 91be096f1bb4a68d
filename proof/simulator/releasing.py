"""What the statements at the gates, of the workers and of the reaper do to the model: each mirrors the file of its name."""
# ruff: noqa: ARG001  every statement is asked alike

from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from proof.simulator.planning import Answer, Params, pointer
from proof.simulator.rows import ProcessRow, RunRow, ScheduleRow
from proof.simulator.store import Store

_LATE = timedelta(seconds=5)


def release_due_runs(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The pending runs under no limit whose time has come, released."""
    due = [r for r in db.open.values() if r.state == "pending" and r.available_at <= now and not r.limited_by]
    due.sort(key=lambda run: (run.available_at, run.id))
    for run in due[: p["batch"]]:
        db.move(run, state="queued", fence=run.fence + 1, released_at=now, reason=None)
    return [pointer(run) for run in due[: p["batch"]]]


def find_waiting_schedules(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The schedules with a run at their gate for which there is something to do."""
    found = {run.schedule.id: run.schedule for run in db.open.values() if run.waits_at_gate}
    return [(row.id,) for row in found.values() if row.has_gate and _has_work(db, row)]


def release_gated_runs(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The oldest waiting run of each free gate, released with the gate in its hands."""
    rings = []
    for row in _gates(db, p):
        waiting = [run for run in db.open.values() if run.schedule is row and run.waits_at_gate]
        if row.gate is None and waiting and all(run.finished_at is not None for run in row.earlier):
            run = min(waiting, key=lambda run: (run.slot_at, run.id))
            state, released_at = ("pending", None) if run.limited_by else ("queued", now)
            db.move(run, state=state, fence=run.fence + 1, available_at=now, released_at=released_at, reason=None)
            db.touch(row)
            row.gate, row.earlier = run, ()
            if released_at is not None:
                rings.append(pointer(run))
    return rings


def skip_overlapping_runs(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The new runs whose gate an earlier one holds, skipped where the policy is skip."""
    for row in _gates(db, p):
        for run in [run for run in db.open.values() if _is_overlapping(run, row)]:
            db.move(
                run,
                state="skipped",
                reason="overlap",
                fence=run.fence + 1,
                skipped_until=run.slot_at,
                skipped_count=1,
                finished_at=now,
            )
    return []


def find_overlapped_runs(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The holders of gates to be cancelled because a newer run waits."""
    return [
        (row.gate.id, row.gate.slot_at)
        for row in _gates(db, p)
        if row.overlap == "cancel_running"
        and row.gate is not None
        and row.gate.cancel_requested_at is None
        and any(run.schedule is row and run.waits_at_gate for run in db.open.values())
    ]


def cancel_runs(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The open runs cancelled, or their workers asked to."""
    touched = sorted((run for id_ in p["ids"] if (run := db.open.get(id_)) is not None), key=lambda run: run.id)
    for run in touched:
        asked = run.cancel_requested_at or now
        if run.state == "running":
            db.touch(run)
            run.cancel_requested_at = asked
            db.when_committed.append(partial(db.when_cancel_asked, run))
        else:
            db.move(
                run,
                state="cancelled",
                fence=run.fence + 1,
                reason=p["reason"],
                finished_at=now,
                cancel_requested_at=asked,
            )
            db.free_gate(run)
    return [(run.id, run.kind, run.state) for run in touched]


def start_runs(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The queued runs leased for the process; each as its row."""
    process = db.processes[p["process_id"]]
    started: list[RunRow] = []
    if process.lost_at is not None:
        return []
    for id_, fence in sorted(zip(p["ids"], p["fences"], strict=True)):
        run = db.open.get(id_)
        if run is None or run.fence != fence or run.state != "queued" or run in started:
            continue
        if run.released_at is None or run.released_at > now + timedelta(seconds=p["lead"]):
            continue
        begins = max(now, run.released_at)
        db.move(
            run,
            state="running",
            fence=run.fence + 1,
            written_fence=run.fence,
            attempt=run.attempt + 1,
            leased_by=process.id,
            started_at=begins,
            deadline_at=begins + timedelta(seconds=_version(run)["timeout_seconds"]),
        )
        started.append(run)
    return [(run,) for run in started]


def finish_runs(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The attempt ended if its fence still holds, or was ended by this very finish; whether a run waits at its gate."""
    run: RunRow = p["run"]
    if run.state == "running" and (run.fence == p["fence"] or "no_fence" in db.plants):
        is_cancelled = p["state"] == "pending" and run.cancel_requested_at is not None
        state = "cancelled" if is_cancelled else p["state"]
        available = run.available_at
        if p["state"] == "pending":
            delay = _backoff(db, run) if p["delay"] is None else timedelta(seconds=p["delay"])
            available = now + delay
        db.move(
            run,
            state=state,
            written_fence=run.fence,
            reason=p["reason"],
            deadline_at=None,
            leased_by=run.leased_by if state == "succeeded" else None,
            finished_at=None if state == "pending" else now,
            available_at=available,
        )
        freed = db.free_gate(run) if state != "pending" else None
        waits = freed is not None and any(other.schedule is freed and other.waits_at_gate for other in db.open.values())
        return [(run.id, waits or run.limited_by is not None, run.state)]
    is_written = run.written_fence == run.fence == p["fence"]
    has_come = run.state == p["state"] or (p["state"] == "pending" and run.state == "cancelled")
    return [(run.id, False, run.state)] if is_written and has_come else []


def release_runs(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The leased runs given back, their attempt not counted; those to be cancelled are."""
    released = []
    for run, fence in p["runs"]:
        if run.fence == fence and run.state == "running":
            is_cancelled = run.cancel_requested_at is not None
            db.move(
                run,
                state="cancelled" if is_cancelled else "pending",
                finished_at=now if is_cancelled else None,
                fence=run.fence + 1,
                attempt=run.attempt - 1,
                leased_by=None,
                deadline_at=None,
                reason=p["reason"],
                available_at=max(now + timedelta(seconds=p["delay"]), run.released_at or now),
            )
            if is_cancelled:
                db.free_gate(run)
            released.append((run.id, run.kind, run.state))
    return released


def find_stale_runs(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The runs released more than so many seconds ago and not leased."""
    since = now - timedelta(seconds=p["age"])
    stale = [
        run
        for run in db.open.values()
        if run.state == "queued" and run.queue in p["queues"] and run.released_at and run.released_at < since
    ]
    stale.sort(key=lambda run: (run.released_at, run.id))
    return [(run.id, run.slot_at, run.fence) for run in stale[: p["room"]]]


def lose_processes(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The processes whose lease ran out, declared lost."""
    lost = [each for each in db.processes.values() if each.leased_until < now and not each.is_over]
    if "hasty_reaper" in db.plants and db.world.chance(0.01):
        lost += [each for each in db.processes.values() if each.role == "worker" and not each.is_over]
    for process in lost:
        db.touch(process)
        process.lost_at = now
    return [(process.id, process.role, "", 0) for process in lost]


def reap_runs(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The runs taken back whose process was lost or stopped, and those past their deadline."""
    orphans = [run for run in db.open.values() if run.state == "running" and _is_orphan(db, run, now)]
    orphans.sort(key=lambda run: run.id)
    reaped = []
    for run in orphans[:500]:
        process = _process(db, run)
        lives = process is not None and not process.is_over
        is_guilty = run.queue == "suspect" or lives
        is_dead = is_guilty and run.attempt >= run.max_attempts
        state = "cancelled" if run.cancel_requested_at is not None else "dead" if is_dead else "pending"
        delay = _backoff(db, run) if is_guilty else timedelta(0)
        db.move(
            run,
            state=state,
            fence=run.fence + 1,
            attempt=run.attempt if is_guilty else run.attempt - 1,
            queue=run.queue if lives else "suspect",
            available_at=now + delay,
            reason="expired" if is_guilty else "suspect",
            deadline_at=None,
            leased_by=None,
            finished_at=None if state == "pending" else now,
        )
        if state != "pending" and "gate_kept" not in db.plants:
            db.free_gate(run)
        reaped.append((run.id, run.kind, state))
    return reaped


def reap_deliveries(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """Nothing: the model delivers nothing."""
    return []


def record_last_runs(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """Nothing written: nothing is decided by the last success."""
    return [(None, 0)]


def fail_reports(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """Nothing stopped: the model makes no reports."""
    return [(None, 0)]


def register_process(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """A process's row; its lease is extended as long as its actor lives."""
    db.processes[p["id"]] = ProcessRow(p["id"], p["role"])
    return []


def extend_lease(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """One row unless the process was declared lost."""
    return [()] if db.processes[p["id"]].lost_at is None else []


def stop_process(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The process's lease ended."""
    process = db.processes[p["id"]]
    process.stopped_at = process.leased_until = now
    return []


def forget_processes(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The processes forgotten that ended a week ago and hold nothing."""
    held = {run.leased_by for run in db.open.values()}
    for process in list(db.processes.values()):
        ended = process.stopped_at or process.lost_at
        if ended is not None and ended < now - timedelta(days=7) and process.id not in held:
            db.forgotten.append(db.processes.pop(process.id))
    return []


def forget_answers(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """Nothing: nobody asks over HTTP here."""
    return []


def forget_segments(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """Nothing: no alert is judged here."""
    return []


def forget_silences(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """Nothing: nobody silences an alert here."""
    return []


def forget_troubles(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """Nothing: no owner is told here."""
    return []


def forget_source_answers(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """Nothing: no source is asked here."""
    return []


def look_at_watches(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """Nothing: no schedule is watched here, and what is found late moves no run and no schedule."""
    return []


def cancel_crew_runs(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """Nothing: no crew is here whose calls could be left over."""
    return [(0, 0, 0)]


def forget_crew_responses(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """Nothing: no crew answers here."""
    return []


def find_ended_tickers(db: Store, now: datetime, p: Params, owner: object) -> Answer:
    """The clock, and how many tickers ended since."""
    ended = sum(
        1
        for each in db.processes.values()
        if each.role == "ticker" and any(at is not None and at > p["since"] for at in (each.stopped_at, each.lost_at))
    )
    return [(now, ended)]


def _gates(db: Store, p: Params) -> list[ScheduleRow]:
    ids: list[UUID] = sorted(p["schedule_ids"])
    return [row for id_ in ids if (row := db.schedules[id_]).has_gate]


def _is_overlapping(run: RunRow, row: ScheduleRow) -> bool:
    is_new = run.origin == "schedule" and run.attempt == 0
    return run.schedule is row and run.waits_at_gate and is_new and row.overlap == "skip" and row.gate is not None


def _has_work(db: Store, row: ScheduleRow) -> bool:
    if row.gate is None:
        return True
    if row.overlap == "skip":
        return any(_is_overlapping(run, row) for run in db.open.values())
    return row.overlap == "cancel_running" and row.gate.cancel_requested_at is None


def _process(db: Store, run: RunRow) -> ProcessRow | None:
    return None if run.leased_by is None else db.processes.get(run.leased_by)


def _is_orphan(db: Store, run: RunRow, now: datetime) -> bool:
    if run.released_at is None or run.released_at > now:
        return False
    process = _process(db, run)
    return process is None or process.is_over or (run.deadline_at is not None and run.deadline_at < now - _LATE)


def _version(run: RunRow) -> Params:
    """The definition that counts for the run; the model keeps the newest, which differs in no column that is asked."""
    return run.schedule.definition


def _backoff(db: Store, run: RunRow) -> timedelta:
    """Full jitter below base * 2 ^ (attempt - 1), at most max: backoff_delay of the schema."""
    backoff = _version(run)["backoff"]
    most = min(backoff["maxSeconds"], backoff["baseSeconds"] * 2 ** min(run.attempt - 1, 30))
    return timedelta(seconds=db.world.rng.random() * most)


STATEMENTS: Final = (
    release_due_runs,
    find_waiting_schedules,
    release_gated_runs,
    skip_overlapping_runs,
    find_overlapped_runs,
    cancel_runs,
    start_runs,
    finish_runs,
    release_runs,
    find_stale_runs,
    lose_processes,
    reap_runs,
    reap_deliveries,
    record_last_runs,
    fail_reports,
    register_process,
    extend_lease,
    stop_process,
    forget_processes,
    forget_answers,
    forget_segments,
    forget_silences,
    forget_source_answers,
    forget_troubles,
    cancel_crew_runs,
    forget_crew_responses,
    look_at_watches,
    find_ended_tickers,
)
