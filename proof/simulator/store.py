"""A model of Postgres: rows, one transaction at a time with its undo, row locks, the unique slot, the triggers."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg

from proof.simulator.rows import (
    PLANNED,
    CalendarRow,
    Journal,
    LimitRow,
    Move,
    ProcessRow,
    Row,
    RunRow,
    ScheduleRow,
)
from proof.simulator.world import World

OPEN: Final = ("pending", "queued", "running")
_MOVES: Final = {
    "pending": ("queued", "cancelled", "skipped"),
    "queued": ("running", "cancelled", "skipped"),
    "running": ("succeeded", "pending", "dead", "cancelled", "skipped"),
    "dead": ("pending",),
}


class Refused(psycopg.DatabaseError):
    """A trigger or a constraint refused a write."""


class Busy(RuntimeError):
    """The schedule is locked by another transaction: whoever asked waits and begins again."""


class Store:
    """The tables, and the one transaction that is open; `now` is Postgres's now()."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.schedules: dict[UUID, ScheduleRow] = {}
        self.runs: dict[UUID, RunRow] = {}
        self.open: dict[UUID, RunRow] = {}
        self.slots: dict[tuple[UUID, datetime], RunRow] = {}
        self.of_schedule: dict[UUID, dict[UUID, RunRow]] = {}
        self.processes: dict[UUID, ProcessRow] = {}
        self.forgotten: list[ProcessRow] = []
        self.locks: dict[UUID, object] = {}
        self.limits: dict[str, LimitRow] = {}
        self.calendars: dict[UUID, CalendarRow] = {}
        self.exceeded: list[str] = []
        self.journal = Journal()
        self.plants: frozenset[str] = frozenset()
        self._active: list[ScheduleRow] | None = None
        self._undo: list[tuple[Row, list[Any]]] | None = None
        self._made: list[RunRow | ScheduleRow] = []
        self._unmade: list[RunRow] = []
        self._told: list[tuple[str, str]] = []
        self.when_committed: list[Callable[[], None]] = []
        self.when_cancel_asked: Callable[[RunRow], None] = lambda _: None
        self.when_queued: Callable[[RunRow], None] = lambda _: None

    def begin(self) -> None:
        """From now on all is written or nothing, until `commit` or `roll_back`."""
        if self._undo is not None:
            raise RuntimeError("another transaction is writing: nobody may breathe while one writes")
        self._undo, self._made, self._unmade, self._told, self.when_committed = [], [], [], [], []

    def commit(self) -> None:
        """Keeps what was written since `begin`, and tells of it."""
        self._undo = None
        if self._told:
            for subject, text in self._told:
                self.world.tell(subject, text)
            self._told = []
        if self.when_committed:
            done, self.when_committed = self.when_committed, []
            for action in done:
                action()

    def touch(self, row: Row) -> None:
        """Lets the row be as it is now should the transaction fail."""
        if isinstance(row, ScheduleRow):
            self._active = None
        if self._undo is not None:
            self._undo.append((row, [getattr(row, name) for name in row.__slots__]))

    def tell(self, schedule: ScheduleRow, text: str) -> None:
        """Adds a line to the schedule's trace once it is committed."""
        self._told.append((schedule.name, text))

    def insert(self, run: RunRow) -> bool:
        """True when the run was inserted, False when its slot has one already."""
        key = (run.schedule.id, run.slot_at)
        if run.origin in PLANNED:
            there = self.slots.get(key)
            if there is not None and there.is_skip == run.is_skip and "no_unique_slot" not in self.plants:
                return False
            if there is None or there.is_skip:
                self.slots[key] = run
        if run.state not in ("pending", "queued", "skipped") or run.attempt:
            raise Refused(f"TC001 run {run.id} begins {run.state}")
        self.runs[run.id] = run
        self.of_schedule[run.schedule.id][run.id] = run
        self._made.append(run)
        self._index(run)
        self._note(run)
        return True

    def move(self, run: RunRow, **columns: Any) -> None:
        """The run with these columns, as far as the guard lets it; a fence is always among them or unchanged."""
        state, fence = columns.get("state", run.state), columns.get("fence", run.fence)
        if fence < run.fence:
            raise Refused(f"TC002 run {run.id}: the fence falls")
        if state != run.state and state not in _MOVES.get(run.state, ()):
            raise Refused(f"TC001 run {run.id}: no move from {run.state} to {state}")
        if fence == run.fence and state != run.state and columns.get("written_fence") != run.fence:
            raise Refused(f"TC003 run {run.id}: written under fence {columns.get('written_fence')}, not {run.fence}")
        self.touch(run)
        for name, value in columns.items():
            setattr(run, name, value)
        if state == "running":
            run.written_fence = None
        elif state == "pending":
            run.released_at = None
        self._index(run)
        self._note(run)

    def delete(self, run: RunRow) -> None:
        """The run gone."""
        self._unmade.append(run)
        self._forget(run)
        self._told.append((run.schedule.name, f"taken back {run.slot_at:%Y-%m-%dT%H:%M:%S}"))

    def advance(self, row: ScheduleRow, **columns: Any) -> None:
        """The schedule with these columns, as far as schedules_monotone_slot lets it."""
        last, count = columns.get("last_slot_at", row.last_slot_at), columns.get("run_count", row.run_count)
        was = row.last_slot_at
        jitter = timedelta(seconds=row.definition["jitter_seconds"])
        is_back = was is not None and was + jitter <= self.world.now and (last is None or last < was)
        is_idle = count > row.run_count and last == was
        if (is_back or is_idle) and "no_guard" not in self.plants:
            raise Refused(f"TC004 schedule {row.name}: from slot {was} to {last}, from {row.run_count} runs to {count}")
        self.touch(row)
        for name, value in columns.items():
            setattr(row, name, value)

    def active(self) -> list[ScheduleRow]:
        """The active schedules in the order in which they were made: most of those that there ever were are over."""
        if self._active is None:
            self._active = [row for row in self.schedules.values() if row.status == "active"]
        return self._active

    def insert_schedule(self, row: ScheduleRow) -> None:
        """The schedule's row."""
        self.schedules[row.id] = row
        self._active = None
        self.of_schedule[row.id] = {}
        self._made.append(row)

    def runs_of(self, schedule: ScheduleRow) -> list[RunRow]:
        """The runs of a schedule in the order in which they were made."""
        return list(self.of_schedule[schedule.id].values())

    def limits_of(self, schedule: ScheduleRow) -> tuple[str, ...] | None:
        """The limits that a new run of the schedule is released under."""
        names = {"tenant", *schedule.definition.get("uses", ())}
        return tuple(sorted(names & self.limits.keys())) or None

    def free_gate(self, run: RunRow) -> ScheduleRow | None:
        """The schedule whose gate the run held, now free."""
        schedule = run.schedule
        if schedule.gate is not run:
            return None
        self.touch(schedule)
        schedule.gate = None
        return schedule

    def _note(self, run: RunRow) -> None:
        move = Move(self.world.now, run.state, run.fence, run.leased_by, run.reason, run.schedule.overlap)
        self.journal.moves.setdefault(run.id, []).append(move)
        if run.state == "queued":
            self.when_committed.append(lambda: self.when_queued(run))
        self._told.append(
            (run.schedule.name, f"{run.origin} {run.slot_at:%Y-%m-%dT%H:%M:%S} {run.state} {run.fence} {run.reason}")
        )

    def _index(self, run: RunRow) -> None:
        if run.state in OPEN:
            self.open[run.id] = run
        else:
            self.open.pop(run.id, None)

    def _forget(self, run: RunRow) -> None:
        del self.runs[run.id], self.of_schedule[run.schedule.id][run.id]
        self.open.pop(run.id, None)
        self.slots.pop((run.schedule.id, run.slot_at), None)

    def roll_back(self) -> None:
        """Everything as it was at `begin`."""
        undo, self._undo, self._active = self._undo or [], None, None
        for row, values in reversed(undo):
            for name, value in zip(row.__slots__, values, strict=True):
                setattr(row, name, value)
            if isinstance(row, RunRow):
                self._index(row)
                self.journal.moves[row.id].pop()
        for made in reversed(self._made):
            if isinstance(made, RunRow):
                self._forget(made)
            else:
                del self.schedules[made.id], self.of_schedule[made.id]
        for run in self._unmade:
            self.runs[run.id] = self.of_schedule[run.schedule.id][run.id] = run
            self.slots[run.schedule.id, run.slot_at] = run
            self._index(run)
