"""Overlap policies under a long random walk: what is open side by side, what is skipped, and in which order runs go."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tests import make
from tests.museum.timed import TimedHand
from workers.rows import Leased

MINUTE = timedelta(minutes=1)
MONDAY = datetime(2027, 1, 11, tzinfo=UTC)
OPEN = "select count(*) from runs where schedule_id = %s and state in ('queued', 'running')"
SKIPPED = "select count(*) from runs where state = 'skipped' and reason = 'overlap'"
STARTED = "select slot_at from runs where schedule_id = %s and started_at is not null order by started_at, slot_at"


class Walk:
    """One schedule of every minute, two tickers, and workers that end well, badly or by dying."""

    def __init__(self, timed: TimedHand, policy: str, seed: int) -> None:
        self.timed = timed
        self.chance = random.Random(seed)
        self.tickers = [timed.ticker, timed.another()]
        self.schedule: UUID = timed.cron("* * * * *", overlap_policy=policy, max_attempts=1)
        self.leased: Leased | None = None
        self.most = 0

    def step(self) -> None:
        """One thing that happens, with everything checked after it."""
        before, skipped = self.open(), self.timed.value(SKIPPED)
        self.chance.choice(self.acts())()
        self.timed.turn(self.chance.choice(self.tickers))
        self.most = max(self.most, self.open())
        assert self.timed.value(SKIPPED) == skipped or before + self.open() > 0, "skipped beside nobody"

    def acts(self) -> list[Callable[[], None]]:
        """What can happen now."""
        if self.leased is not None:
            return [self.pass_time, self.pass_time, self.end, self.end, self.die]
        return [self.pass_time, self.start] if self.timed.ids(self.schedule, "queued") else [self.pass_time]

    def open(self) -> int:
        """How many runs of the schedule are released or running."""
        return int(self.timed.value(OPEN, self.schedule))

    def pass_time(self) -> None:
        """Nought to three slots come due, one by one or at once."""
        self.timed.set_clock(self.timed.now + self.chance.randrange(4) * MINUTE + timedelta(seconds=1))

    def start(self) -> None:
        """A worker leases what is queued."""
        process = make.process(self.timed.conn, leased_until="infinity")
        self.leased = self.timed.start(self.schedule, process)

    def end(self) -> None:
        """The worker ends its run; a bad end is a retry."""
        assert self.leased is not None
        end = self.chance.choice(["succeeded", "succeeded", "pending", "dead"])
        self.timed.end(self.leased, end, **({"reason": "retry", "delay": 0.0} if end == "pending" else {}))
        self.leased = None

    def die(self) -> None:
        """The worker's process is lost."""
        self.timed.conn.execute("update processes set lost_at = now() where id <> %s", (self.timed.process,))
        self.leased = None

    def settle(self) -> None:
        """No slot comes any more, and everything ends well."""
        self.timed.conn.execute("update schedules set status = 'paused' where id = %s", (self.schedule,))
        for _ in range(200):
            if self.leased is None and self.timed.ids(self.schedule, "queued"):
                self.start()
            if self.leased is not None:
                self.timed.end(self.leased)
                self.leased = None
            self.timed.set_clock(self.timed.now + MINUTE)
            self.timed.turn()
            if not self.timed.value("select count(*) from runs where finished_at is null and state <> 'skipped'"):
                return
        raise AssertionError(f"never settles: {self.timed.runs(self.schedule)}")


@pytest.mark.parametrize("policy", ["skip", "queue", "cancel_running"])
def test_whatever_happens_one_run_of_a_schedule_is_open_and_none_waits_for_ever(
    make_timed: Callable[..., TimedHand], policy: str
) -> None:
    """temporal#11530: a policy that buffers one start began two."""
    walk = Walk(make_timed(MONDAY), policy, seed=11530)
    for _ in range(60):
        walk.step()
    walk.settle()

    assert walk.most == 1
    ended = dict(walk.timed.conn.execute("select state, count(*) from runs group by 1").fetchall())
    assert set(ended) <= {"succeeded", "dead", "skipped", "cancelled"}
    if policy == "queue":
        assert not {"cancelled"} & set(ended)
        assert walk.timed.value("select count(*) from runs where reason = 'overlap'") == 0
    started = [slot for (slot,) in walk.timed.conn.execute(STARTED, (walk.schedule,)).fetchall()]
    assert len(started) > 5, "a walk on which little happens shows little"
    assert started == sorted(started), "they go in the order of their slots"
    assert walk.timed.value("select run_id from schedule_gates where schedule_id = %s", walk.schedule) is None
