"""A ticker turned by hand on a database whose clock the test sets."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from scheduler.steps import Ticker
from tests.scheduler.ticking import Hand

# Found before Postgres's own where the path says so: the product's statements say `now()` and nothing else of the time.
CLOCK = """
    create schema clock;
    create function clock.now() returns timestamptz language sql stable
        return current_setting('clock.now')::timestamptz;
"""


class TimedHand(Hand):
    """A hand whose `now()` stands still at the instant that the test set last."""

    def __init__(self, url: str, at: datetime) -> None:
        super().__init__(url)
        self.conn.execute(CLOCK)
        self.conn.execute("set search_path to clock, public, pg_catalog")
        self.conn.execute("update processes set leased_until = 'infinity'")
        self.set_clock(at)

    def set_clock(self, at: datetime) -> None:
        """Sets Postgres's clock."""
        self.now = at
        self.conn.execute("select set_config('clock.now', %s, false)", (at.isoformat(),))

    def tick(self, ticker: Ticker | None = None) -> int:
        """Ticks until nothing is due, as a ticker's loop does; returns how many schedules it claimed."""
        claimed = 0
        while found := (ticker or self.ticker).tick(self.conn):
            claimed += found
        return claimed

    def walk(self, until: datetime, step: timedelta) -> None:
        """Ticks at every step of the clock up to an instant."""
        while self.now < until:
            self.set_clock(min(until, self.now + step))
            self.tick()

    def cron(self, expression: str, timezone: str = "UTC", **row: Any) -> UUID:
        """A cron schedule made now."""
        return self.schedule(cron=expression, timezone=timezone, plan_from=self.now, **row)

    def slots(self, schedule_id: UUID, state: str = "queued") -> list[datetime]:
        """The slots of the schedule's runs in that state, oldest first."""
        rows = self.conn.execute(
            "select slot_at from runs where schedule_id = %s and state = %s order by slot_at", (schedule_id, state)
        ).fetchall()
        return [slot for (slot,) in rows]
