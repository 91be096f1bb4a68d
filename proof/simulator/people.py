"""People: what the API and the command let somebody do with schedules and runs, at random instants."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from api import calendars
from db.ids import to_milliseconds
from proof.simulator.made_up import new_change, new_days, new_schedule
from proof.simulator.planning import TENANT
from proof.simulator.rows import ScheduleRow
from proof.simulator.seams import engine
from proof.simulator.store import Busy
from proof.simulator.system import DAY, System
from scheduler import asked, runs, schedules
from scheduler.refusals import BadSpan, NotFound, WrongState
from scheduler.slots import BadRecurrence

_RETENTION_DAYS = 90
# The calendar that there is where there are any; two of three schedules keep it.
CALENDAR: Final = UUID(int=2)
# How often a year somebody does this to one schedule.
_HABITS: Final = {
    "edit": 6,
    "pause": 4,
    "resume": 10,
    "cancel": 0.15,
    "run_now": 4,
    "backfill": 3,
    "replay": 6,
    "cancel_run": 3,
}


_HABITS_WITH_CALENDARS: Final = {**_HABITS, "take_or_leave_calendar": 3, "edit_calendar": 2}


class People:
    """Somebody for `count` schedules; makes a new one in place of each that ended."""

    def __init__(self, system: System, count: int) -> None:
        self._system = system
        self._world = system.world
        self._count = count
        self._made = 0
        self._habits = _HABITS_WITH_CALENDARS if CALENDAR in system.store.calendars else _HABITS
        self._rate = sum(self._habits.values()) * count / (365 * DAY)
        self._connection = system.connect(self)
        self.conn = engine(self._connection)
        self.did: dict[str, int] = {}
        self.refused: dict[str, int] = {}

    def begin(self) -> None:
        """The schedules made over the first days, then changed now and then."""
        for _ in range(self._count):
            self._world.after(self._world.rng.uniform(0, 5 * DAY), self._create)
        self._world.after(self._world.rng.expovariate(self._rate), self._act)
        self._world.after(10 * DAY, self._replace)

    def create(self, schedule_id: UUID, **columns: object) -> None:
        """A schedule made as if by the API."""
        new = new_schedule(self._world, self._made)
        for name, value in columns.items():
            object.__setattr__(new, name, value)
        if self._made % 2:
            object.__setattr__(new, "uses", ("host:api.example.com",))
        if self._made % 3 and CALENDAR in self._system.store.calendars and new.scheduled_at is None:
            object.__setattr__(new, "calendar_id", CALENDAR)
        self._made += 1
        schedules.create(self.conn, TENANT, schedule_id, new, retention_days=_RETENTION_DAYS)
        self._system.notify()

    def pause_all(self) -> None:
        """Every active schedule paused, so that open runs can come to their end."""
        for row in self._system.store.schedules.values():
            if row.status == "active":
                self._try("pause", row)

    def _create(self) -> None:
        if self._system.is_stormy:
            try:
                self.create(UUID(int=self._world.rng.getrandbits(128), version=4))
            except BadRecurrence:
                self._world.after(1, self._create)

    def _replace(self) -> None:
        living = sum(1 for row in self._system.store.schedules.values() if row.status in ("active", "paused"))
        for _ in range(self._count - living):
            self._create()
        if self._system.is_stormy:
            self._world.after(10 * DAY, self._replace)

    def _act(self) -> None:
        if not self._system.is_stormy:
            return
        self._world.after(self._world.rng.expovariate(self._rate), self._act)
        name = self._world.rng.choices(list(self._habits), list(self._habits.values()))[0]
        rows = list(self._system.store.schedules.values())
        if rows:
            row = self._world.rng.choice(rows)
            self._world.at(self._moment(row), lambda: self._try(name, row))

    def _moment(self, row: ScheduleRow) -> datetime:
        """Now, or beside the schedule's next slot: while it is made ahead, due, jittered, or just running."""
        if row.next_fire_at is None or self._world.chance(0.4):
            return self._world.now
        beside = self._world.rng.choice((-600, -15, -0.05, 0.0005, 0.5, 60, 1800))
        return row.next_fire_at + timedelta(seconds=beside * self._world.rng.random())

    def _try(self, name: str, row: ScheduleRow) -> None:
        if not self._system.is_stormy and name != "pause":
            return
        if self._connection.began is not None:
            # Somebody's transaction is open, and people do one thing after the other.
            self._world.after(0.05, lambda: self._try(name, row))
            return
        try:
            self._do(name, row)
        except Busy:
            self._world.after(0.05, lambda: self._try(name, row))
        except (WrongState, BadRecurrence, BadSpan, NotFound):
            self.refused[name] = self.refused.get(name, 0) + 1
        else:
            self.did[name] = self.did.get(name, 0) + 1
            self._system.notify()

    def _do(self, name: str, row: ScheduleRow) -> None:
        if name == "edit_calendar":
            calendars.edit(self.conn, TENANT, CALENDAR, {"own_days": new_days(self._world)})
        else:
            getattr(self, f"_{name}")(row)

    def _edit(self, row: ScheduleRow) -> None:
        schedules.edit(self.conn, TENANT, row.id, new_change(self._world))

    def _take_or_leave_calendar(self, row: ScheduleRow) -> None:
        calendar = None if row.definition["calendar_id"] else CALENDAR
        schedules.edit(self.conn, TENANT, row.id, {"calendar_id": calendar})

    def _pause(self, row: ScheduleRow) -> None:
        schedules.pause(self.conn, TENANT, row.id)

    def _resume(self, row: ScheduleRow) -> None:
        schedules.resume(self.conn, TENANT, row.id)

    def _cancel(self, row: ScheduleRow) -> None:
        schedules.cancel(self.conn, TENANT, row.id)

    def _run_now(self, row: ScheduleRow) -> None:
        asked.run_now(self.conn, TENANT, row.id)

    def _backfill(self, row: ScheduleRow) -> None:
        last = self._world.now - timedelta(days=self._world.rng.choice((0, 0, 1, 10)))
        first = last - timedelta(days=self._world.rng.choice((1, 3, 20)))
        asked.backfill(
            self.conn,
            TENANT,
            row.id,
            to_milliseconds(first),
            to_milliseconds(last),
            retention_days=_RETENTION_DAYS,
        )

    def _replay(self, row: ScheduleRow) -> None:
        for run in reversed(self._system.store.runs_of(row)):
            if run.state == "dead":
                runs.retry(self.conn, TENANT, run.id)
                return
        raise NotFound("nothing died")

    def _cancel_run(self, row: ScheduleRow) -> None:
        for run in self._system.store.open.values():
            if run.schedule is row:
                runs.cancel(self.conn, TENANT, run.id)
                return
        raise NotFound("nothing is open")
