"""The steps of a ticker process, and the little that they remember between two passes."""

import time
from collections import defaultdict
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from config.environ import QUEUES
from config.faults import faultpoint
from db import processes
from db.pool import Connection, DatabaseError
from db.query import Query
from db.runs import Ring, pass_gates
from scheduler import reaper, watches
from scheduler.frontier import FIRST_ID, LONG_AGO, Frontier
from scheduler.limits import Door
from scheduler.loop import Step
from scheduler.made import Made, ServerClock
from scheduler.relay import Relay
from scheduler.rows import DueSchedule
from scheduler.settings import Settings
from scheduler.ticker import PUSH_AHEAD, Batch, tick
from telemetry import metrics, traces
from telemetry.log import Events

events = Events("ticker")

_LARGEST_BATCH = 1000
_LARGEST_RING = 4000
_BEHIND_SECONDS = 0.005
_LONGEST_BEHIND_SECONDS = 0.5
_SHORTEST_LEASE = 5.0
_HOUSE_SECONDS = 3600.0
_MINUTE = 60.0
_WATCH_SECONDS = 1.0
_CREWS_SECONDS = 0.5
_PUT_OFF_SECONDS = 60.0
_BUSY_SECONDS = 3.0
_LATE = timedelta(seconds=2)
_BLOCKED_SECONDS = 0.02
_HELD_BACK_SECONDS = 1.0


class NextDue(NamedTuple):
    """Seconds until the next schedule is due and until the next pending run may be released, None for never; and now.

    Both lie ahead: of those that were due already, `late_schedule_at` and `late_run_at` are the newest instants.
    """

    schedule_seconds: float | None
    run_seconds: float | None
    late_schedule_at: datetime | None
    late_run_at: datetime | None
    now: datetime


class MadeRun(NamedTuple):
    """A run made ahead, and the instant at which to ring it."""

    id: UUID
    slot_at: datetime
    fence: int
    queue: str
    kind: str
    tenant_id: UUID
    fire_at: datetime


class EndedTickers(NamedTuple):
    """How many tickers ended since, and Postgres's clock."""

    now: datetime
    ended: int


class WaitingSchedule(NamedTuple):
    """A schedule with a run at its gate."""

    schedule_id: UUID


NEXT_DUE = Query("next_due_seconds", NextDue)
FIND_MADE = Query("find_made_runs", MadeRun)
FIND_ENDED_TICKERS = Query("find_ended_tickers", EndedTickers)
RELEASE_DUE = Query("release_due_runs", Ring)
FIND_WAITING = Query("find_waiting_schedules", WaitingSchedule)


class Ticker:
    """The steps of one ticker process and the little that they remember between two passes."""

    def __init__(self, settings: Settings, relay: Relay, *, is_held: bool) -> None:
        self._settings = settings
        self._is_held = is_held
        self._relay = relay
        self._frontier = Frontier()
        self._limit = _LARGEST_BATCH
        self._claimed: list[DueSchedule] = []
        self._settled = LONG_AGO
        self._judged = LONG_AGO
        self._rang_at = float("-inf")
        self._ending = FIRST_ID
        self._last_pass: dict[str, float] = {}
        self._lease: processes.Lease | None = None
        self._clock = ServerClock()
        self._made = Made(self._clock)
        self._tickers_seen_at = LONG_AGO
        self._door = Door()
        self._door_opens_at = 0.0
        self._held_back_until = float("inf")
        self._behind_seconds = _BEHIND_SECONDS
        self._late: tuple[datetime | None, datetime | None] = (None, None)
        metrics.begin_taking_back()

    def steps(self) -> list[Step]:
        """The steps of a pass, in order; a held ticker only shows that it lives."""
        if self._is_held:
            return [self.heartbeat]
        # What is made goes first. Then the house: after a long standstill the weeks of the slots to be planned
        # have no tables yet.
        return [
            self.ring_made,
            self.keep_house,
            self.tick,
            self.pass_gates,
            self.release,
            self.pass_limits,
            self.reap,
            self.take_over,
            self.settle,
            self.end_crews,
            self.watch,
            self.heartbeat,
        ]

    def next_due(self, conn: Connection) -> float:
        """Seconds until the next schedule is due, a run made ahead is to be rung, or a pending or limited one released."""
        found = None if self._is_held else NEXT_DUE.one(conn)
        if found is None:
            return 3600.0
        self._clock.set(found.now)
        known = [each for each in (found.schedule_seconds, found.run_seconds) if each is not None]
        late = (found.late_schedule_at, found.late_run_at)
        if late != (None, None):
            # Due and yet not claimed: another ticker holds it, or it lies below what was looked at. Whoever holds the
            # same ones for long is asked less and less; what becomes due meanwhile is waited for by itself.
            self._frontier.forget()
            self._behind_seconds = min(_LONGEST_BEHIND_SECONDS, 2 * self._behind_seconds)
            if late != self._late:
                self._behind_seconds = _BEHIND_SECONDS
            known.append(self._behind_seconds)
        self._late = late
        seconds = min(known, default=3600.0)
        return max(0.0005, min(seconds, self._made.seconds(), self._held_back_until - time.monotonic()))

    def ring_made(self, conn: Connection) -> int:  # noqa: ARG002  the steps are alike; this one needs no database
        """Rings the runs made ahead whose instant is about to come."""
        rings = self._made.due(_LARGEST_RING)
        if rings:
            self._rang_at = time.monotonic()
            self._relay.ring(rings)
        return len(rings)

    def tick(self, conn: Connection) -> int:
        """Plans one batch of due schedules; an error halves the batch down to the culprit, which is pushed ahead."""
        now = time.monotonic()
        self._frontier.open()
        try:
            self._claimed = []
            batch = tick(
                conn,
                self._frontier.at,
                self._limit,
                self._remember,
                self._settings.retention_days,
                self._settings.ahead_seconds,
                low_id=self._frontier.id,
            )
        except DatabaseError as error:
            # A batch that takes longer than the server waits for us must be a smaller one next time.
            self._limit = max(1, self._limit // 2)
            if conn.broken or not self._claimed:
                raise
            self._blame(conn, error)
            return 1
        metrics.last_tick.set_to_current_time()
        self._frontier.close((batch.claimed[-1].next_fire_at, batch.claimed[-1].id) if batch.claimed else None)
        if not batch.claimed:
            return 0
        self._rang_at = now
        faultpoint("after_commit")
        metrics.claim_seconds.observe(time.monotonic() - now)
        traces.each_took("plan", batch.fired, now)
        self._limit = min(_LARGEST_BATCH, self._limit * 2)
        self._tell(batch)
        rings = batch.rings + (pass_gates(conn, batch.gated) if batch.gated else [])
        self._relay.ring(rings)
        self._made.add(batch.made)
        if batch.limited_at is not None:
            self._look_at_limits(self._clock.seconds_until(batch.limited_at))
        return len(batch.claimed)

    def pass_gates(self, conn: Connection) -> int:
        """Lets waiting runs through gates that became free."""
        waiting = [row.schedule_id for row in FIND_WAITING.all(conn)]
        rings = pass_gates(conn, waiting) if waiting else []
        self._relay.ring(rings)
        if waiting:
            self._look_at_limits(0.0)
        return len(rings)

    def release(self, conn: Connection) -> int:
        """Releases and rings the pending runs whose time has come."""
        rings = RELEASE_DUE.all(conn, batch=_LARGEST_BATCH)
        self._relay.ring(rings)
        return len(rings)

    def pass_limits(self, conn: Connection) -> int:
        """Releases and rings runs under limits, as far as those leave room."""
        now = time.monotonic()
        if now < min(self._door_opens_at, self._held_back_until):
            return 0
        released = self._door.pass_through(conn)
        self._relay.ring(released.rings)
        # Who ends a run under limits wakes us; a ticker with much else to do may not hear it.
        self._door_opens_at = now + (_BLOCKED_SECONDS if released.is_blocked else _HELD_BACK_SECONDS)
        self._held_back_until = now if released.rings else now + released.seconds
        return len(released.rings)

    def _look_at_limits(self, seconds: float) -> None:
        self._held_back_until = min(self._held_back_until, time.monotonic() + seconds)

    def reap(self, conn: Connection) -> int:
        """Takes back what lost processes held: at once what this ticker finds lost, and seldom what others left."""
        if not self._is_time("lose", min(1.0, self._settings.lease_seconds / 4)):
            return 0
        if reaper.lose_processes(conn) or self._is_time("reap", min(5.0, self._settings.lease_seconds)):
            return reaper.reap(conn)
        return 0

    def take_over(self, conn: Connection) -> int:
        """Keeps the rings of runs made ahead by tickers that ended: their memory is gone. At boot that is all of them."""
        if self._is_time("take over", 1.0):
            # A row that ended may be seen a moment later than it says.
            found = FIND_ENDED_TICKERS.one(conn, since=self._tickers_seen_at - _LATE)
            if found is not None:
                self._clock.set(found.now)
                if found.ended or self._tickers_seen_at == LONG_AGO:
                    made = defaultdict[tuple[datetime, UUID], list[Ring]](list)
                    for run in FIND_MADE.all(conn, queues=list(QUEUES)):
                        made[run.fire_at, run.tenant_id].append(Ring(*run[:-1]))
                    self._made.replace(made)
                self._tickers_seen_at = found.now
        return 0

    def settle(self, conn: Connection) -> int:
        """Ends schedules that are over, stops reports that fail, and writes their last success; seldom while runs are being rung."""
        if self._is_time("settle", 10.0 if time.monotonic() - self._rang_at < _BUSY_SECONDS else 1.0):
            self._settled = reaper.record_last_runs(conn, self._settled)
            self._ending = reaper.end_schedules(conn, self._ending)
            self._judged = reaper.fail_reports(conn, self._judged)
        if self._is_time("source answers", _MINUTE):
            reaper.forget_source_answers(conn)
        return 0

    def end_crews(self, conn: Connection) -> int:
        """Ends the calls of crews that were cancelled."""
        return reaper.end_crews(conn) if self._is_time("crews", _CREWS_SECONDS) else 0

    def watch(self, conn: Connection) -> int:
        """Judges the dead-man's switches, as web processes do."""
        return watches.look(conn) if self._is_time("watch", _WATCH_SECONDS) else 0

    def keep_house(self, conn: Connection) -> int:
        """Keeps the partitions; puts it off while somebody holds their lock."""
        if self._is_time("house", _HOUSE_SECONDS):
            try:
                reaper.keep_house(conn, self._settings.retention_days)
            except DatabaseError as error:
                if conn.broken:
                    raise
                self._last_pass["house"] += _PUT_OFF_SECONDS - _HOUSE_SECONDS
                events.warning("house.put_off", error=str(error).strip())
        return 0

    def heartbeat(self, conn: Connection) -> int:
        """Keeps this process's row; a ticker's lease guards nothing, it only shows that the ticker lives."""
        if self._lease is None or self._lease.is_lost:
            # Longer than the loop sleeps, however short the workers' leases are.
            self._lease = processes.register(conn, "ticker", max(_SHORTEST_LEASE, self._settings.lease_seconds))
        elif self._is_time("heartbeat", self._lease.seconds / 4):
            self._lease.extend(conn)
        return 0

    def stop(self, conn: Connection) -> None:
        """Ends this process's row."""
        if self._lease is not None:
            processes.stop(conn, self._lease)

    def woken(self) -> None:
        """A schedule was changed: look at everything again."""
        self._frontier.forget()
        self._look_at_limits(0.0)

    def _remember(self, claimed: list[DueSchedule]) -> None:
        self._claimed = claimed

    def _blame(self, conn: Connection, error: Exception) -> None:
        if len(self._claimed) > 1:
            self._limit = max(1, len(self._claimed) // 2)
            return
        culprit = self._claimed[0]
        events.error("schedule.not_planned", schedule_id=culprit.id, error=str(error).strip())
        PUSH_AHEAD.run(conn, id=culprit.id, error=f"{type(error).__name__}: {error}".strip(), is_final=False)

    def _tell(self, batch: Batch) -> None:
        metrics.claimed.inc(len(batch.claimed))
        for policy, count in batch.misfires.items():
            metrics.misfires.labels(policy).inc(count)
        for row, error in batch.failed:
            events.error("schedule.failed", schedule_id=row.id, error=error)

    def _is_time(self, name: str, seconds: float) -> bool:
        now = time.monotonic()
        if now - self._last_pass.get(name, -1e9) < seconds:
            return False
        self._last_pass[name] = now
        return True
