"""Redis is away for a whole minute: one server is stopped, another hangs with its connections open. Work goes on."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import NamedTuple
from uuid import uuid4

import pytest
from redis import Redis as Client
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Refused
from redis.exceptions import TimeoutError as Unanswered
from redis.retry import Retry

from db.migrate import register
from local.postgres import Postgres
from local.redis import Redis
from scheduler import schedules
from tests import make
from tests.attempts import BAD
from tests.races.traces import each_once
from tests.system import Process, System, until

pytestmark = pytest.mark.race

AWAY_SECONDS = 60.0
# A lost ring is looked for about once a second, when it is two seconds old.
LONGEST_LAG = 8.0
RUNG_LAG = 1.0
# A ring that gets no answer may cost a tick a second.
LONGEST_TICK_LAG = 3.0
LAGS = """
    select extract(epoch from created_at - slot_at)::float, extract(epoch from started_at - slot_at)::float
    from runs where slot_at >= %s and started_at is not null order by slot_at
"""
MISSING = """
    select slot from schedules as s, generate_series(s.interval_anchor, s.last_slot_at, interval '1 second') as slot
    where not exists (select from runs as r where r.schedule_id = s.id and r.slot_at = slot)
"""


class Lag(NamedTuple):
    """Seconds after its slot that a run was made, and that it started."""

    made: float
    started: float


class Side:
    """A ticker and a worker on a Redis of their own, at work on a schedule that is due every second."""

    def __init__(self, system: System, redis: Redis) -> None:
        self.system = system
        self.redis = redis
        self._trace = system.folder / "trace"
        self._processes: tuple[Process, ...] = (system.ticker(), system.worker())
        self._schedule = system.schedule(kind="test.record", params={"file": str(self._trace)}, interval_seconds=1)

    def lags(self, since: datetime) -> list[Lag]:
        """The lags of the runs since then that have started, in the order of their slots."""
        return [Lag(*row) for row in self.system.conn.execute(LAGS, (since,)).fetchall()]

    def succeeded(self) -> int:
        """How many runs have ended well."""
        return int(self.system.value("select count(*) from runs where state = 'succeeded'"))

    def until_one_more_succeeds(self) -> None:
        """Waits for the next run to end well, no longer than a lost ring may take."""
        before = self.succeeded()
        until(lambda: self.succeeded() > before, LONGEST_LAG, self.system.logs)

    def until_rung(self, since: datetime) -> None:
        """Waits until five runs in a row started sooner than a look would have found them."""
        until(lambda: [lag.started < RUNG_LAG for lag in self.lags(since)][-5:] == [True] * 5, 30, self.system.logs)

    def are_running(self) -> bool:
        """Whether ticker and worker are the ones that were started first."""
        return all(process.is_running() for process in self._processes)

    def end(self) -> None:
        """Pauses the schedule, waits for what is open, and checks that each slot had one run, which ran once."""
        schedules.pause(self.system.conn, self.system.tenant, self._schedule)
        is_open = "select exists (select from runs where state in ('pending', 'queued', 'running'))"
        until(lambda: not self.system.value(is_open), why=self.system.logs)
        count = self.system.value("select run_count from schedules")
        assert self.system.states() == {"succeeded": count}
        assert self.system.conn.execute(MISSING).fetchall() == []
        assert self.system.value(BAD) == 0
        assert each_once(self._trace, count)

    def tell(self, word: str, lags: list[Lag]) -> None:
        """Prints the lags of a phase, which pytest shows when the test fails or when it is asked to."""
        made, started = [lag.made for lag in lags], [lag.started for lag in lags]
        sys.stdout.write(
            f"{self.system.folder.name} {word}: {len(lags)} runs, made after p50 {median(made):.3f} max {max(made):.3f},"
            f" started after p50 {median(started):.3f} max {max(started):.3f} s\n"
        )


@pytest.fixture
def make_side(
    make_redis: Callable[..., Redis], postgres: Postgres, template: str, tmp_path: Path
) -> Iterator[Callable[[str], Side]]:
    """Makes sides, each with a database and a folder of its own."""
    with ExitStack() as stack:

        def make_one(name: str) -> Side:
            database = f"test_{name}_{uuid4().hex}"
            url = postgres.create_database(database, template=template)
            stack.callback(postgres.drop_database, database)
            with make.connect(url) as conn:
                register(conn)
            redis = make_redis()
            (tmp_path / name).mkdir()
            return Side(stack.enter_context(System(url, redis.url, tmp_path / name)), redis)

        yield make_one


@pytest.mark.long
@pytest.mark.timeout(240)
def test_a_minute_without_redis_stops_no_work_and_doubles_none(make_side: Callable[[str], Side]) -> None:
    # The two faults share the minute; ten were measured by `proof.scenarios resume --only outage`.
    stopped, hung = sides = make_side("stopped"), make_side("hung")
    for side in sides:
        side.until_rung(make.now(side.system.conn))

    stopped.redis.stop()
    hung.redis.pause()
    away_at = make.now(stopped.system.conn)
    over = time.monotonic() + AWAY_SECONDS
    while time.monotonic() < over:
        for side in sides:
            side.until_one_more_succeeds()

    for side, error in ((stopped, Refused), (hung, Unanswered)):
        with pytest.raises(error):
            ask(side.redis)
        lags = side.lags(away_at)
        side.tell("away", lags)
        assert len(lags) > AWAY_SECONDS - LONGEST_LAG
        assert max(lag.made for lag in lags) < LONGEST_TICK_LAG
        assert max(lag.started for lag in lags) < LONGEST_LAG

    stopped.redis.start()
    hung.redis.resume()
    back_at = make.now(stopped.system.conn)
    for side in sides:
        side.until_rung(back_at)
        side.tell("back", side.lags(back_at))
        assert side.are_running()
        side.end()


def ask(redis: Redis) -> None:
    """PINGs once; raises when there is no answer."""
    with Client.from_url(redis.url, socket_timeout=0.5, retry=Retry(NoBackoff(), 0)) as client:
        client.ping()
